#!/usr/bin/env bash
# run.sh [LOGINS]: so many logins (100,000) by libpam, with their look-ups, while every file that they read is replaced again
# and again by the commands that do so. TAP, with what the long-lived process and apikeyd held on the way as a table.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"

LOGINS=${1:-100000}
ROUNDS=$((LOGINS < 1500 ? 3 : LOGINS / 500))
FACTS=$GUEST/facts
mkdir -p "$FACTS"

# soak: the logins; the table comes out on descriptor 3. malloc keeps nothing aside that it would count as given away.
soak() {
	GLIBC_TUNABLES=glibc.malloc.tcache_count=0 "$TOP/build/plain/tests/soak/soak" "$FACTS" "$LOGINS" "$ROUNDS" "$daemon_pid" "$engine" >&3
}

# changes_end: they come to their end in order.
changes_end() {
	: >"$FACTS/over"
	wait "$changes_pid" || { cat "$GUEST/changes.out"; return 1; }
}

make -s -C "$TOP/build/plain" tests/soak/soak >/dev/null
install_directory
install -d -m 2750 -g adm /var/log/apikey
for phase in auth account session; do
	printf '%s required pam_apikey.so\n' $phase
done >/etc/pam.d/soak
HOST_SETTINGS='host: bastion'
directory_settings 'may_grant=[user]' timeout=60s
slapd_start one
daemon_start
holds 'the daemon follows' follows
engine=$(engine_pid)
bash "$TOP/tests/soak/changes.sh" "$FACTS" </dev/null >"$GUEST/changes.out" 2>&1 &
changes_pid=$!
holds 'the keys are made' wait_until 120 test -e "$FACTS/ready"
exec 3>&1
holds "$LOGINS logins and more while all is replaced $ROUNDS times: every answer right, nothing grows" soak
holds 'every change did what it should' changes_end
holds 'no session is left on record' sh -c '! ls /run/apikey/sessions | grep .'
exits 'the daemon came to no harm' 1 gone "$daemon_pid"
equals 'nor did its engine, which is the one of the beginning' "$engine" engine_pid
tap_done
