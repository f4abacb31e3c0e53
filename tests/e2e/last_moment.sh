#!/usr/bin/env bash
# A key that is revoked between the account phase and open_session: no session, and no connection that is left behind.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

# revoking NAME|'': whose key is disabled when sshd is about to open a session; '': nobody's.
revoking() { printf '%s\n' "$1" >"$GUEST/revoking"; }

# The line between the account phase and ours, and what it runs.
install_revoker() {
	cat >/usr/local/sbin/revoke <<-END
		#!/bin/sh
		key=\$(cat $GUEST/revoking)
		[ "\$PAM_TYPE" = open_session ] && [ -n "\$key" ] || exit 0
		exec $(command -v apikey) disable "\$key"
	END
	chmod 755 /usr/local/sbin/revoke
	sed -i '0,/^session\|^@include common-session/s||session required pam_exec.so quiet /usr/local/sbin/revoke\n&|' /etc/pam.d/sshd
}

# forwards METHOD USER SECRET: a connection without a shell, that forwards a port: 124 while it stays, 255 when it is closed.
forwards() {
	local how=()
	login_how "$1" "$3"
	timeout -k 5 5 ssh "${SSH_OPTIONS[@]}" "${how[@]}" -o ExitOnForwardFailure=yes -N -L 127.0.0.1:2200:127.0.0.1:22 "$2@127.0.0.1"
}

# connections: sshd's processes but the listener.
connections() { pgrep -c -P "$sshd_pid" || :; }
no_connection() { [ "$(connections)" = 0 ]; }

# states: of each session's record, as apikey-formats(5) numbers them.
states() {
	local record
	for record in /run/apikey/sessions/*; do
		[ ! -f "$record" ] || od -An -t u1 -j 1 -N 1 "$record" | tr -d ' '
	done
}

# closes_at_once SENTENCE METHOD KEY ACCOUNT SECRET: the key is revoked as the session opens.
closes_at_once() {
	revoking "$3"
	log_mark
	shows "$1: the connection is closed" 255 'Connection (closed|reset)|client_loop: send disconnect|Broken pipe' forwards "$2" "$4" "$5"
	holds "$1: nothing of it runs" wait_until 2 no_connection
	holds "$1: the log says why" log_has "event=open_session decision=deny key=$3 .*session=[0-9a-f]{16} .*reason=disabled"
	equals "$1: so does the record" 2 states
	holds "$1: and the audit log" grep -q "event=open_session decision=deny key=$3 " /var/log/apikey/audit.log
	revoking ''
	change enable "$3"
	rm -f /run/apikey/sessions/*
}

syslog_start
install_apikey
install -d -m 2750 -g adm /var/log/apikey
useradd -m -s /bin/bash deploy
cat >"$POLICY" <<-END
	version: 1
	roles:
	  viewer: {services: [sshd], accounts: [deploy]}
END
printf 'version: 1\npublic_key_logins: allow\n' >"$SETTINGS"
change publish
new_key ci --role viewer
public_key ci
install_revoker
revoking ''
sshd_start
sshd_with 'KbdInteractiveAuthentication yes'

for method in password kbd pubkey; do
	secret=$(token ci)
	[ "$method" != pubkey ] || secret=$GUEST/id_ci
	exits "$method: a connection without a shell stays while the key is good" 124 forwards $method ci "$secret"
	holds "$method: and is let go" wait_until 5 no_connection
	rm -f /run/apikey/sessions/*
	closes_at_once "abuse 141: $method" $method ci ci "$secret"
	admits "$method: and with the key good again it logs in" $method ci "$secret"
	rm -f /run/apikey/sessions/*
done
for method in password kbd; do
	closes_at_once "abuse 141: $method, on a shared account" $method ci deploy "$(token ci)"
done

# Who is no key's is not touched by any of it.
revoking ci
admits "bob logs in" password bob bob-pw
revoking ''

# --- audit: required ----------------------------------------------------------------------------

printf 'version: 1\naudit: required\n' >"$SETTINGS"
change enable ci
admits 'audit: required, and the log can be written' password ci "$(token ci)"
mount -t tmpfs -o size=4k,mode=2750 none /var/log/apikey
head -c 4096 /dev/zero >/var/log/apikey/audit.log
refuses 'abuse 132: with a full disk no key logs in' password ci "$(token ci)"
admits 'abuse 132: but bob does' password bob bob-pw
printf 'version: 1\n' >"$SETTINGS"
admits 'abuse 132: best-effort lets the key in' password ci "$(token ci)"
umount /var/log/apikey
rm -f /var/log/apikey/audit.log
admits 'without the file a key logs in' password ci "$(token ci)"
equals 'and it is made anew, for the group of its folder to read' '640 root adm' stat -c '%a %U %G' /var/log/apikey/audit.log

tap_done
