#!/usr/bin/env bash
# What was revoked ends: live sessions of a bare host, by OpenSSH, sudo and su; an LDAP server; two hundred at once.
# usage: revoke.sh [CASE…]
# shellcheck disable=SC2016 # what the other side shall expand is in single quotes
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
for part in ldap follow shells revoke revoke_cases; do
	# shellcheck source=/dev/null
	. "$TOP/tests/lib/$part.sh"
done

daemon_up() { daemon_start; }
daemon_crash() { daemon_kill; }

# --- what LDAP ends -------------------------------------------------------------------------------

# ldap_up: a server whose group `platform` gives the role worker, with these members.
ldap_up() {
	slapd_make one </dev/null
	slapd_run one
	{ principal_ldif "$@"; group_ldif groupOfNames platform "$@"; } | ldap_change one
	daemon_again 'may_grant=[worker]'
}

case_ldap() {
	local key
	for key in member left-over; do new_key "$key"; done
	ldap_up member left-over
	new_key cloudy --in directory --role worker --duration 30d
	wait_until 15 may member
	wait_until 15 may cloudy
	live_begin member member "$(token member)" "${FULL[@]}"
	live_begin member.left member "$(token member)" "${LEFT[@]}"
	live_begin left-over left-over "$(token left-over)" "${FULL[@]}"
	live_begin cloudy cloudy "$(token cloudy)" "${FULL[@]}"
	live_ready member member.left left-over cloudy
	# apikeyd takes up to a second of pause after a write (apikeyd(8)), so that a storm of changes is no load.
	ends 'a key leaves its group in LDAP: its sessions end' 2000 member member.left -- group_change one delete platform member
	stays 'and nobody else' left-over cloudy "${BYSTANDERS[@]}"
	ends 'a key is deleted in LDAP: its sessions end' 2000 cloudy -- ldap_delete one apikeyName=cloudy,ou=keys
	slapd_stop one
	stays 'the server is gone: nobody is ended' left-over "${BYSTANDERS[@]}"
	printf 'version: 1\nroles: [\n' >"$POLICY"
	ends 'abuse 173: in an outage, and with a broken policy: a key that is disabled is ended' 1000 left-over -- change disable left-over
	stays 'and nobody else' "${BYSTANDERS[@]}"
	policy_edit
}

# case_ldap_mass: a directory that empties itself must not end a host's work (abuse 156).
case_ldap_mass() {
	local key keys=() i n
	n=$(apikey sessions -o json | grep -c '"id"')
	for ((i = 0; i < n + 3 || i < 12; i++)); do keys+=("mass$i"); done
	for key in "${keys[@]}"; do new_key "$key"; done
	ldap_up "${keys[@]}"
	wait_until 15 may mass1
	for key in "${keys[@]}"; do live_begin "$key" "$key" "$(token "$key")" job; done
	live_ready "${keys[@]}"
	ldap_delete one cn=platform,ou=groups
	holds 'abuse 156: the group of most keys is gone from LDAP' wait_until 15 may_not mass1
	holds 'abuse 156: that would end most sessions: they are held back' wait_until 10 sh -c 'apikey sessions | grep -q "held back"'
	stays 'abuse 156: and go on' "${keys[@]}"
	shut_out 'abuse 156: while nobody logs in by what was' password mass1 "$(token mass1)"
	ends 'abuse 156: until an administrator accepts' 1000 "${keys[@]}" -- change sync --accept
	stays 'and nobody else is ended' "${BYSTANDERS[@]}"
	slapd_stop one
	daemon_stop
	printf 'version: 1\n' >"$SETTINGS"
	daemon_start
}

# --- many -----------------------------------------------------------------------------------------

case_many() {
	local i n ended=() kept=() half keys=()
	for i in 0 1 2 3 4 5 6 7 8 9; do
		keys+=("many$i")
		new_key "many$i" --role worker
		new_key "more$i" --role worker
		for n in 0 1 2 3 4 5 6 7 8 9; do
			live_begin "many$i.$n" "many$i" "$(token "many$i")" job
			live_begin "more$i.$n" "more$i" "$(token "more$i")" job
			ended+=("many$i.$n:shell,job,sshd")
			kept+=("more$i.$n")
		done
		live_ready "many$i".{0..9} "more$i".{0..9}
	done
	ends 'of two hundred sessions one hundred end at once' 1000 "${ended[@]}" -- change disable "${keys[@]}"
	stays 'and the others do not' "${kept[@]}" "${BYSTANDERS[@]}"
	half=("${kept[@]:50}")
	ends 'nor do those of other keys when five are deleted' 1000 "${kept[@]:0:50}" -- change delete more0 more1 more2 more3 more4
	stays 'they live' "${half[@]}"
	live_end "${half[@]}"
}

# --- limits -----------------------------------------------------------------------------------------

# case_logins_at_once: half a thousand logins while the files under them are replaced (abuse 134).
case_logins_at_once() {
	new_key busy --role chief
	new_key changing --role viewer
	printf '%s\n' "$(token busy)" >"$GUEST/typed.busy"
	chmod 644 "$GUEST/typed.busy"
	equals 'abuse 134: 500 logins at once while the files are replaced 100 times: all are admitted' 500 logins_at_once
	holds 'abuse 134: and leave no record' wait_until 10 no_record_of busy
}
logins_at_once() {
	local i replacing
	replacing_files >"$GUEST/replacing" 2>&1 &
	replacing=$!
	for i in {1..500}; do
		run_as bob su busy -c 'echo in' <"$GUEST/typed.busy" 2>/dev/null &
	done | grep -c 'in$'
	: >"$GUEST/logins-over"
	wait "$replacing" || { cat "$GUEST/replacing" >&2; return 1; }
}
# replacing_files: 100 times, there and back, and on until the logins are over.
replacing_files() {
	local n=0
	until [ "$n" -ge 100 ] && [ -e "$GUEST/logins-over" ]; do
		apikey role add changing worker || return
		apikey role remove changing worker || return
		n=$((n + 1))
	done
}
no_record_of() { apikey sessions -o json >"$GUEST/sessions.json" && ! grep -q "\"key\": \"$1\"" "$GUEST/sessions.json"; }

# case_audit_full: no room for the audit log (abuse 132).
case_audit_full() {
	local log=/var/log/apikey
	new_key logger --role worker
	live logger logger "$(token logger)" "${FULL[@]}"
	mount -t tmpfs -o "size=4k,mode=2750,gid=$(getent group adm | cut -d: -f3)" full "$log"
	head -c 4096 /dev/zero >"$log/audit.log"
	admits 'abuse 132: no room for the audit log: a key logs in' password logger "$(token logger)"
	printf 'version: 1\naudit: required\n' >"$SETTINGS"
	shut_out 'abuse 132: not where its line is required' password logger "$(token logger)"
	shows 'abuse 132: nor has a live session sudo there' 1 'sudo: ' run_as logger sudo -n id -un
	admits 'abuse 132: people do' password bob bob-pw
	stays 'abuse 132: it ends nobody' logger "${BYSTANDERS[@]}"
	ends 'abuse 132: a key is ended all the same' 1000 logger -- change disable logger
	umount "$log"
	printf 'version: 1\n' >"$SETTINGS"
}

syslog_start
install_directory
printf 'version: 1\n' >"$SETTINGS"
sshd_start
sshd_with 'MaxStartups 500' 'MaxSessions 500' 'KbdInteractiveAuthentication yes'
daemon_start
[ $# -gt 0 ] || set -- "${CASES[@]}" case_ldap case_ldap_mass case_many case_logins_at_once case_audit_full \
	"${LAST_CASES[@]}"
revoke_cases "$@"
tap_done
