#!/usr/bin/env bash
# LDAP servers that fail in every way (abuse 081-100), the traps of RFC 4533, staleness, and processes killed at random.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"

FAULTY_URI="ldapi://${LDAP//\//%2F}%2Ffaulty"

# faulty SCENARIO [WHERE]: the server that misbehaves so, in the place of the one before; its groups are in $LDAP/groups.
# The daemon is started again, with what it knows: it would wait longer and longer before it tries again.
faulty() {
	[ -z "${daemon_pid:-}" ] || daemon_stop
	faulty_serve "$@"
	[ -z "${daemon_pid:-}" ] || daemon_start
}
faulty_serve() {
	faulty_stop
	"$TOP/build/plain/tests/lib/faulty_ldap" "${2:-$LDAP/faulty}" "$1" "$LDAP/groups" </dev/null >"$LDAP/faulty.log" 2>&1 &
	faulty_pid=$!
	if [ -n "${2:-}" ]; then wait_until 10 tcp_open "$2"; else wait_until 10 test -S "$LDAP/faulty"; fi
}
faulty_stop() {
	[ -z "${faulty_pid:-}" ] || { kill "$faulty_pid"; wait "$faulty_pid" 2>/dev/null || :; }
	rm -f "$LDAP/faulty"
	faulty_pid=
}

# groups LINE…: what the server has.
groups() { printf '%s\n' "$@" >"$LDAP/groups"; }

# known_good: ci is a viewer, other is not, and the daemon follows.
known_good() {
	groups 'viewers ci' 'one x' 'two y' 'three z'
	faulty whole
	soon_may ci && soon_may_not other
}

# news: other is a viewer now, ci is not any more. What fails in the middle has told of other already.
news() { groups 'viewers other' 'one x' 'two y' 'three z'; }

# unchanged: as known_good had it.
unchanged() { may ci && may_not other; }
# recovers: a server that is whole again has its say.
recovers() {
	faulty whole
	wait_until 30 may other && may_not ci
}

# has_problem REGEX: status says what is wrong with the directory, within 20 s.
has_problem() { wait_until 20 problem_matches "$1" || { apikey status; return 1; }; }
problem_matches() { status_of .directory.problem | grep -Eiq -- "$1"; }

# a_fault ROW SCENARIO REGEX: a refresh that fails changes nothing; what is wrong is said; the next whole one counts.
a_fault() {
	holds "$2: before it, the groups are known" known_good
	news
	faulty "$2"
	holds "$2: status says what is wrong ($1)" has_problem "$3"
	holds "$2: nothing changed ($1)" unchanged
	holds "$2: a whole answer counts again" recovers
}

# an_oddity ROW SCENARIO: an answer that is odd and right.
an_oddity() {
	holds "$2: before it, the groups are known" known_good
	news
	faulty "$2"
	holds "$2: what it says counts ($1)" wait_until 30 may other
	holds "$2: also of who is out" wait_until 30 may_not ci
}

# stale, fresh: does status call the directory so?
stale() { [ "$(status_of .directory.stale)" = true ]; }

syslog_start
install_directory
make -s -C "$TOP/build/plain" tests/lib/faulty_ldap >/dev/null
policy_write 'roles:' '  viewer: {services: [sshd]}' '  editor: {services: [sshd, sudo], unix_groups: [key-editors]}' \
	'groups:' '  viewers: [{role: viewer}]' '  team: [{role: editor}]' '  crowded: [{role: viewer}]' \
	'deny:' '- {id: banned, reason: is banned, group: banned}'
for name in ci other never crowd-3999; do new_key "$name"; done
new_key direct --role viewer
new_key outcast --role viewer
printf '%%key-editors ALL=(ALL) NOPASSWD: ALL\nci ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
sshd_start
groups 'viewers ci'
faulty whole
directory_settings "uris=['$FAULTY_URI']" timeout=1s
daemon_start

# --- a server that fails ------------------------------------------------------------------------

a_fault 'abuse 083' silent 'time|answer'
a_fault 'abuse 083' mute 'time|answer'
a_fault 'abuse 084' slow 'time|answer'
a_fault 'abuse 085' reset 'contact|closed|connection|server'
a_fault 'abuse 088' referral 'referral'
a_fault 'abuse 092, trap 7' cut 'size'
a_fault 'abuse 093' busy 'busy'
a_fault 'abuse 100' garbage '.'
a_fault 'abuse 100' enormous '.'

holds 'no server at all: before it' known_good
news
faulty_stop
holds 'no server at all: status says so (abuse 081)' has_problem 'contact|refused|server'
holds 'no server at all: nothing changed' unchanged
faulty_serve whole
holds 'and when it is back it counts, found by the daemon itself' wait_until 60 may other
holds 'with all that it says' may_not ci

an_oddity 'abuse 088' references
an_oddity 'abuse 095' huge-value
an_oddity 'abuse 095' nul-value
an_oddity 'abuse 089' crowd
an_oddity 'no RFC 4533' plain
an_oddity 'Active Directory' ranged
groups 'crowded a b'
holds 'ranged: a member of a later range is one' soon_may crowd-3999
faulty plain
holds 'a poll sees who is out' soon_may_not crowd-3999
groups 'viewers ci'
holds 'and who is in' soon_may ci
an_oddity 'abuse 099, trap 5: a cookie ahead of the server is dropped' ahead
an_oddity 'a cookie that is too old is dropped' refresh

# Traps 1 and 2: the end of a delete phase, of a present phase, and of a refresh without a cookie.
holds 'trap 1: before' known_good
groups '-three'
faulty deletes
wait_until 20 grep -q 'groups.* cookie' "$LDAP/faulty.log"
follows
holds 'trap 1: the end of a delete phase takes nothing that was not named' may ci
groups '-viewers'
faulty deletes
holds 'trap 1: and what was named goes' soon_may_not ci
holds 'trap 1: before' known_good
groups 'one x'
faulty presents
holds 'trap 1: the end of a present phase takes what was not named' soon_may_not ci
holds 'trap 1: before' known_good
groups 'viewers ci' 'one x'
faulty presents
wait_until 20 grep -q 'groups.* cookie' "$LDAP/faulty.log"
follows
holds 'trap 1: and what was named stays' may ci
groups 'one x'
faulty ahead
holds 'trap 2: a refresh without a cookie takes what was not named' soon_may_not ci
holds 'before it, the groups are known' known_good
: >"$LDAP/groups"
faulty whole
holds 'an empty answer is an answer: nobody is in a group (abuse 093)' soon_may_not ci

# --- TLS (abuse 086, 087) -----------------------------------------------------------------------

holds 'before TLS: the groups are known' known_good
news
printf 'reader-pw\n' >"$GUEST/password"
chmod 600 "$GUEST/password"
tls=("ca_file=$LDAP/tls/ca.pem" sasl= "bind_dn='cn=reader,$SUFFIX'" "password_file=$GUEST/password")
certificates
for scenario in no-starttls stripped; do
	daemon_stop
	faulty_serve "$scenario" 389
	directory_settings "uris=['ldap://localhost']" "${tls[@]}"
	daemon_start
	holds "StartTLS, $scenario: refused, in words (abuse 087)" has_problem 'tls'
	exits "StartTLS, $scenario: nothing was sent in the clear" 1 grep -q '^bind' "$LDAP/faulty.log"
	holds "StartTLS, $scenario: nothing changed" unchanged
done
faulty_stop
for cert in expired elsewhere strange; do
	{ principal_ldif other; group_ldif groupOfNames viewers other; } | slapd_make "$cert" cert="$cert" listen='ldap://127.0.0.1:389 ldaps://127.0.0.1:636'
	slapd_run "$cert"
	for uri in ldap://127.0.0.1 ldaps://127.0.0.1; do
		daemon_stop
		directory_settings "uris=['$uri']"
		LDAPTLS_REQCERT=never LDAPRC=$GUEST/rc LDAPCONF=$GUEST/rc daemon_start
		holds "$uri, certificate $cert: refused, in words (abuse 086)" has_problem 'certificate|tls'
		holds "$uri, certificate $cert: nothing changed, whatever LDAP's variables say (trap 13)" unchanged
	done
	slapd_stop "$cert"
done

# --- a black hole (abuse 082) -------------------------------------------------------------------

black_hole
daemon_stop
directory_settings "uris=['ldap://10.99.0.2']"
daemon_start
holds 'a black hole: status says so (abuse 082)' has_problem 'time|contact|answer'
holds 'a black hole: nothing changed' unchanged
admits 'and a login waits for nothing' password ci "$(token ci)"

# --- slapd --------------------------------------------------------------------------------------

local_settings=("uris=['$(ldapi_uri one)']" ca_file= bind_dn= password_file= sasl=external)
slapd_start one
{ principal_ldif ci other never direct outcast; for g in viewers team banned decoy; do group_ldif groupOfNames "$g"; done; } | ldap_change one
daemon_again "${local_settings[@]}"
holds 'another server, whose cookies are not these: what it lacks goes (trap 6)' soon_may_not ci
group_change one add viewers ci
soon_may ci

new_key late
principal_ldif late | ldap_change one
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
{ for i in {1..5}; do group_ldif groupOfNames "g$i"; done; } | ldap_change two
directory_settings "uris=['$(ldapi_uri two)']"
daemon_start
holds "trap 7: slapd's size limit is an error (abuse 092)" has_problem 'size'
holds 'trap 7: and changes nothing' may ci
slapd_stop two

groups 'viewers other'
faulty_serve reset
slapd_run one
daemon_again "uris=['$FAULTY_URI', '$(ldapi_uri one)']"
holds 'fail-over in the middle of a refresh: the second server is followed (abuse 097)' soon_may ci
exits 'and nothing of the half is left' 1 may other
faulty_stop

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
holds 'no log holds a token (canary)' no_token_in "$GUEST/log" "$GUEST/sshd.log" "$GUEST/apikeyd.out"
tap_done
