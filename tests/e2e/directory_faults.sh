#!/usr/bin/env bash
# LDAP servers that fail in every way, the traps of RFC 4533, staleness, and processes killed at random.
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

# a_fault SENTENCE SCENARIO REGEX: a refresh that fails changes nothing; what is wrong is said; the next whole one counts.
a_fault() {
	holds "$1: before it, the groups are known" known_good
	news
	faulty "$2"
	holds "$1: status says what is wrong" has_problem "$3"
	holds "$1: nothing changed" unchanged
	holds "$1: a whole answer counts again" recovers
}

# an_oddity SENTENCE SCENARIO [COMMAND…]: an answer that is odd and right. COMMAND changes what the server has.
an_oddity() {
	holds "$1: before it, the groups are known" known_good
	news
	"${@:3}"
	faulty "$2"
	holds "$1: what it says counts" wait_until 60 may other
	holds "$1: also of who is out" wait_until 60 may_not ci
}

# a_hundred_thousand_groups: beside those that it has.
a_hundred_thousand_groups() { seq -f 'many-%.0f x' 1 100000 >>"$LDAP/groups"; }

syslog_start
install_directory
make -s -C "$TOP/build/plain" tests/lib/faulty_ldap >/dev/null
policy_write 'roles:' '  viewer: {services: [sshd]}' '  editor: {services: [sshd, sudo], unix_groups: [key-editors]}' \
	'groups:' '  viewers: [{role: viewer}]' '  team: [{role: editor}]' '  crowded: [{role: viewer}]' '  last: [{role: viewer}]' \
	'deny:' '- {id: banned, reason: is banned, group: banned}'
for name in ci other never crowd-1498 crowd-3999; do new_key "$name"; done
new_key direct --role viewer
new_key outcast --role viewer
printf '%%key-editors ALL=(ALL) NOPASSWD: ALL\nci ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
sshd_start
groups 'viewers ci'
faulty whole
directory_settings "uris=['$FAULTY_URI']" timeout=1s
daemon_start

# --- a server that fails ------------------------------------------------------------------------

a_fault 'abuse 083: no answer to the bind' silent 'time|answer'
a_fault 'abuse 083: no answer to the search' mute 'time|answer'
a_fault 'abuse 084: a byte a second' slow 'time|answer'
a_fault 'abuse 085: a reset in the middle' reset 'contact|closed|connection|server'
a_fault 'abuse 088: a referral for an answer' referral 'referral'
a_fault 'abuse 092: a size limit (trap 7)' cut 'size'
a_fault 'abuse 093: an error' busy 'busy'
a_fault 'abuse 100: garbage' garbage '.'
a_fault 'abuse 100: an enormous message' enormous '.'

holds 'no server at all: before it' known_good
news
faulty_stop
holds 'no server at all: status says so (abuse 081)' has_problem 'contact|refused|server'
holds 'no server at all: nothing changed' unchanged
faulty_serve whole
holds 'and when it is back it counts, found by the daemon itself' wait_until 60 may other
holds 'with all that it says' may_not ci

an_oddity 'abuse 088: references beside the answer' references
an_oddity 'abuse 095: a value of 1 MiB' huge-value
an_oddity 'abuse 095: a value with NUL' nul-value
an_oddity 'abuse 089: a group of 100,000' crowd
an_oddity 'abuse 089: 100,000 groups' whole a_hundred_thousand_groups
an_oddity 'no RFC 4533' plain
an_oddity 'Active Directory' ranged
groups 'crowded a b'
holds 'ranged: a member of a later range is one' soon_may crowd-3999
groups 'viewers ci' "$(seq -f 'g%g' 1 1200)" 'last never'
faulty ranged
holds 'ranged: more than 1000 groups come, in pages' soon_may never
groups 'crowded never ci'
faulty shifting
holds 'Active Directory: a member that goes while the ranges are read is none any more' soon_may_not never
holds 'and hides no other one' may crowd-1498
holds 'as who stayed is' may ci
a_fault 'Active Directory, endless' endless 'changes while it is read'
a_fault 'Active Directory, dripping' dripping 'parts of a list take too long'
a_fault 'Active Directory, partial' partial 'isSynchronized'
groups 'crowded a b'
faulty ranged
holds 'ranged: once more' soon_may crowd-3999
faulty plain
holds 'a poll sees who is out' soon_may_not crowd-3999
groups 'viewers ci'
holds 'and who is in' soon_may ci
an_oddity 'abuse 099: a cookie ahead of the server is dropped (trap 5)' ahead
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
holds 'a black hole: status says so (abuse 082)' has_problem 'time|contact|answer|reach'
holds 'a black hole: nothing changed' unchanged
admits 'and a login waits for nothing' password ci "$(token ci)"

# --- fail-over ----------------------------------------------------------------------------------

slapd_start one
{ principal_ldif ci; group_ldif posixGroup viewers ci; } | ldap_change one
groups 'viewers other'
faulty_serve reset
daemon_again "uris=['$FAULTY_URI', '$(ldapi_uri one)']" ca_file= bind_dn= password_file= sasl=external
holds 'fail-over in the middle of a refresh: the second server is followed (abuse 097)' soon_may ci
exits 'and nothing of the half is left' 1 may other
faulty_stop

daemon_stop
tap_done
