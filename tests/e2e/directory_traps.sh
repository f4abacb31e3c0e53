#!/usr/bin/env bash
# The traps of RFC 4533 with a real slapd, a directory that is not heard, and processes killed at random.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"

# has_problem REGEX: status says what is wrong with the directory, within 20 s.
has_problem() { wait_until 20 problem_matches "$1" || { apikey status; return 1; }; }
problem_matches() { status_of .directory.problem | grep -Eiq -- "$1"; }

# entries: the keys, and groups without them.
entries() {
	local group
	principal_ldif ci other never late direct outcast
	for group in viewers team banned decoy; do group_ldif groupOfNames "$group"; done
}

syslog_start
install_directory
policy_write 'roles:' '  viewer: {services: [sshd]}' '  editor: {services: [sshd, sudo], unix_groups: [key-editors]}' \
	'groups:' '  viewers: [{role: viewer}]' '  team: [{role: editor}]' \
	'deny:' '- {id: banned, reason: is banned, group: banned}'
for name in ci other never; do new_key "$name"; done
new_key direct --role viewer
new_key outcast --role viewer
printf '%%key-editors ALL=(ALL) NOPASSWD: ALL\nci ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
sshd_start
slapd_start zero
entries | ldap_change zero
group_change zero add viewers ci
slapd_start one
entries | ldap_change one
directory_settings "uris=['$(ldapi_uri zero)']"
daemon_start
holds 'a member' soon_may ci

# --- the traps ----------------------------------------------------------------------------------

daemon_again "uris=['$(ldapi_uri one)']"
slapd_stop zero
holds 'another server, whose cookies are not these: what it lacks goes (trap 6)' soon_may_not ci
group_change one add viewers ci
soon_may ci

new_key late
group_change one add viewers late
holds 'trap 3: a key made while the daemon follows is found' soon_may late
group_change one delete viewers late
holds 'trap 3: and changes are heard after that' soon_may_not late

burst() {
	for _ in {1..150}; do
		printf 'dn: %s\nchangetype: modify\nadd: member\nmember: %s\n\n' "$(dn_of_group viewers)" "$(dn_of other)"
		printf 'dn: %s\nchangetype: modify\ndelete: member\nmember: %s\n\n' "$(dn_of_group viewers)" "$(dn_of other)"
	done
	printf 'dn: %s\nchangetype: modify\nadd: member\nmember: %s\n\n' "$(dn_of_group viewers)" "$(dn_of other)"
}
burst | ldap_change one
holds 'trap 4: the last of 301 changes in one breath is heard' soon_may other
group_change one delete viewers other
soon_may_not other

slapd_stop one
cp -a "$LDAP/one/db" "$GUEST/backup"
slapd_run one
group_change one add viewers other
soon_may other
slapd_stop one KILL
rm -rf "$LDAP/one/db"
cp -a "$GUEST/backup" "$LDAP/one/db"
slapd_run one
holds 'trap 5: a server put back from a backup is followed, back' wait_until 30 may_not other
holds 'trap 5: with what it still says' may ci
group_change one add viewers other
holds 'trap 5: and on' soon_may other
group_change one delete viewers other
soon_may_not other

daemon_again reconcile=2s
acl() { printf 'dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\n%s\n' "$1" >"$GUEST/acl"; ldapmodify -Q -Y EXTERNAL -H "$(ldapi_uri one)" -f "$GUEST/acl" >/dev/null; }
acl "add: olcAccess
olcAccess: {0}to dn.exact=\"$(dn_of_group viewers)\" by * none"
holds 'trap 8: what a right no more lets us see goes, at the next comparison' soon_may_not ci
acl 'delete: olcAccess
olcAccess: {0}'
holds 'trap 8: and comes back' soon_may ci
daemon_again reconcile=1h
acl "add: olcAccess
olcAccess: {0}to dn.exact=\"$(dn_of_group viewers)\" by * none"
holds 'apikey sync compares at once' change sync
holds 'and when it returns it holds' may_not ci
acl 'delete: olcAccess
olcAccess: {0}'
holds 'apikey sync again' change sync
holds 'and it is back' may ci

for how in damaged missing; do
	daemon_stop
	case $how in
	damaged) printf 'XXXXXXXX' | dd of="$STATE/directory-groups.idx" bs=1 seek=100 conv=notrunc status=none ;;
	missing) rm "$STATE/directory-groups.idx" ;;
	esac
	daemon_start
	follows
	holds "trap 11: a $how file of groups is fetched anew, without its cookie" soon_may ci
done

printf 'dn: %s\nchangetype: modrdn\nnewrdn: cn=visitors\ndeleteoldrdn: 1\n' "$(dn_of_group viewers)" | ldap_change one
holds 'trap 12: a renamed group is the same entry: its old name gives nothing' soon_may_not ci
printf 'dn: %s\nchangetype: modrdn\nnewrdn: cn=viewers\ndeleteoldrdn: 1\n' "$(dn_of_group visitors)" | ldap_change one
holds 'trap 12: and back' soon_may ci

daemon_ends() { kill "$daemon_pid" && wait "$daemon_pid"; }
holds 'trap 10: the daemon ends in order while it follows' daemon_ends

slapd_stop one
slapd_start two limit=3
{ principal_ldif ci; for i in {1..5}; do group_ldif groupOfNames "g$i"; done; } | ldap_change two
directory_settings "uris=['$(ldapi_uri two)']"
daemon_start
holds "trap 7: slapd's size limit is an error (abuse 092)" has_problem 'size'
holds 'trap 7: and changes nothing' may ci
slapd_stop two

slapd_run one
daemon_again "uris=['$(ldapi_uri one)']"

# --- staleness ----------------------------------------------------------------------------------

new_key cloud --in directory --role viewer
group_change one add team ci
group_change one add banned outcast
daemon_again "uris=['$(ldapi_uri one)']" max_age=4s keys_max_age=8s
holds 'fresh: a role through a group' soon_may ci sudo
holds 'fresh: its Unix group' wait_until 10 in_group ci key-editors
holds 'fresh: a key that lives in LDAP' soon_may cloud
holds 'fresh: one that a group bans' soon_may_not outcast
slapd_signal one STOP
holds 'trap 9: a server that hangs is noticed: roles through its groups end' wait_until 30 may_not ci
shows 'the denial says so' 1 'directory|LDAP' apikey explain ci
log_mark
refuses 'by ssh too' password ci "$(token ci)"
holds 'and in the log' log_has 'key=ci.*(directory|LDAP)'
shows 'no sudo' 1 'sudo: ' run_as ci sudo -n id -un
exits "its Unix group is gone from the name service" 1 in_group ci key-editors
holds 'a local key keeps its own roles' may direct
admits 'and logs in' password direct "$(token direct)"
holds 'a ban through a group still bites' may_not outcast
holds 'later, keys that live in LDAP are refused' wait_until 30 may_not cloud
log_mark
refuses 'by ssh' password cloud "$(token cloud)"
holds 'and the log says why' log_has 'key=cloud.*reason=directory'
holds 'but are users still' bounded getent passwd cloud
slapd_signal one CONT
holds 'thawed: the role is back' wait_until 30 may ci sudo
holds 'and the group' wait_until 10 in_group ci key-editors
holds 'and the keys' soon_may cloud
daemon_kill
holds 'the daemon dead: stale all the same' wait_until 30 may_not ci
exits 'in the name service too' 1 in_group ci key-editors
daemon_start
holds 'and fresh with the next one' soon_may ci sudo
slapd_stop one
holds 'no server: stale' wait_until 30 may_not ci
daemon_stop
daemon_start
holds 'a daemon that finds no server knows what was' may direct
holds 'and makes nothing fresh' may_not ci
holds 'nor a ban forgotten' may_not outcast
slapd_run one
holds 'the server back: fresh' wait_until 30 may ci

# --- killed at random ---------------------------------------------------------------------------

daemon_again max_age=15m keys_max_age=24h
engine=$(engine_pid)
kill -KILL "$engine"
group_change one delete team ci
holds 'the engine killed: another one follows (abuse 100)' wait_until 30 may_not ci sudo
kill -STOP "$(engine_pid)"
group_change one add team ci
holds 'the engine stopped: another one follows' wait_until 60 may ci sudo

# granted_never: whoever LDAP never gave a role, asked all the time.
granted_never() {
	while [ ! -e "$GUEST/enough" ]; do
		! may_quietly never || echo never >>"$GUEST/granted"
		! may_quietly other sudo || echo other >>"$GUEST/granted"
	done
}
may_quietly() { bounded apikey explain "$1" --service "${2:-sshd}" >/dev/null 2>&1; }

group_change one add decoy never
group_change one add viewers other
: >"$GUEST/granted"
granted_never &
watcher=$!
RANDOM=4533
toggle() { # GROUP KEY: in or out, by chance
	group_change one "$([ $((RANDOM % 2)) -eq 0 ] && echo add || echo delete)" "$1" "$2" 2>/dev/null || :
}
for _ in {1..12}; do
	for ((i = RANDOM % 6; i >= 0; i--)); do
		toggle viewers ci
		toggle viewers late
		toggle team ci
	done
	case $((RANDOM % 3)) in
	0) kill -KILL "$(engine_pid)" 2>/dev/null || : ;;
	1) daemon_kill; daemon_start ;;
	2) slapd_stop one KILL; slapd_run one ;;
	esac
done
: >"$GUEST/enough"
wait "$watcher"
equals 'killed at random, nobody was granted what LDAP never gave' '' cat "$GUEST/granted"

# agrees KEY SERVICE GROUP…: a role by one of these groups in LDAP, and only then.
agrees() {
	local key=$1 service=$2 group in=no
	shift 2
	for group in "$@"; do
		! ldap_search one -b "$(dn_of_group "$group")" -s base "(member=$(dn_of "$key"))" 1.1 | grep -q ^dn || in=yes
	done
	if [ "$in" = yes ]; then may "$key" "$service"; else may_not "$key" "$service"; fi
}
follows
for key in ci late other; do
	holds "and in the end $key's logins are as LDAP says" wait_until 30 agrees "$key" sshd viewers team
	holds "and $key's sudo" wait_until 30 agrees "$key" sudo team
done
daemon_stop
tap_done
