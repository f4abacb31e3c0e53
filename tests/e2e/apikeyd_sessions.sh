#!/usr/bin/env bash
# Live sessions and apikeyd: what LDAP, the clock and an edited policy take away ends them; by real sshd, slapd and the daemon.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"

AUDIT=/var/log/apikey/audit.log

# policy [LINE…]: the suite's; the LINEs are its rules.
policy() {
	policy_write 'roles:' \
		'  viewer: {services: [sshd]}' \
		'  reader: {services: [sshd]}' \
		'  editor: {services: [sshd, sudo], unix_groups: [key-editors]}' \
		'groups:' \
		'  team: [{role: editor}]' \
		'  viewers: [{role: viewer}]' \
		'  readers: [{role: reader}]' "$@"
}

# enter NAME KEY [COMMAND]: a login that stays, with its shell's process of this host in $GUEST/session.NAME.shell.
enter() {
	local name=$1 key=$2 command=${3:-} how=() out=$GUEST/session.$1.out
	login_how password "$(token "$key")"
	: >"$out"
	timeout -k 5 300 ssh "${SSH_OPTIONS[@]}" "${how[@]}" "$key@127.0.0.1" "$command echo \$\$; exec tail -f /dev/null" \
		</dev/null >"$out" 2>&1 &
	printf '%d\n' $! >"$GUEST/session.$name.pid"
	wait_until 20 grep -qx '[0-9]*' "$out" || { cat "$out"; return 1; }
	grep -x '[0-9]*' "$out" >"$GUEST/session.$name.shell"
}

# lives NAME, ended NAME: its shell, or both it and the connection.
lives() { ! gone "$(cat "$GUEST/session.$1.shell")"; }
ended() { gone "$(cat "$GUEST/session.$1.shell")" && gone "$(cat "$GUEST/session.$1.pid")"; }
all_live() { local name; for name in "$@"; do lives "$name" || { echo "$name has ended"; return 1; }; done; }
all_ended() { local name; for name in "$@"; do ended "$name" || { echo "$name lives"; return 1; }; done; }

# leave NAME…: their clients go, and so do they.
leave() {
	local name
	for name in "$@"; do kill "$(cat "$GUEST/session.$name.pid")" 2>/dev/null || :; done
	wait_until 20 all_ended "$@"
}

# audit_mark, audited REGEX: is there a line of the audit log since then?
audit_mark() { audit_from=$(($(wc -l <"$AUDIT" 2>/dev/null || echo 0) + 1)); }
audit_new() { tail -n "+$audit_from" "$AUDIT" 2>/dev/null || :; }
audited() { wait_until 5 audit_matches "$1" || { audit_new; return 1; }; }
audit_matches() { audit_new | grep -Eq -- "$1"; }
# endings: how many sessions ended since then.
endings() { audit_new | grep -c 'event=session-ended' || :; }
endings_are() { [ "$(endings)" = "$1" ]; }

# held_back N: does the daemon say that so many wait?
held_back() { [ "$(status_of .directory.held_back)" = "$1" ]; }

# key_ldif NAME UID LINE…: as in directory.sh, a key's entry; its token is kept as that of NAME.
key_ldif() {
	local name=$1 uid=$2 id verifier
	shift 2
	mkdir -p "$GUEST/tokens"
	apikey token new >"$GUEST/new"
	awk '$1 == "token" { print $2 }' "$GUEST/new" >"$GUEST/tokens/$name"
	verifier=$(awk '$1 == "verifier" { print $2 }' "$GUEST/new")
	id=$(key_id "$name")
	printf 'dn: apikeyName=%s,ou=keys,%s\nobjectClass: apikeyKey\napikeyName: %s\napikeyId: %s\napikeyUidNumber: %s\n' \
		"$name" "$SUFFIX" "$name" "$id" "$uid"
	printf 'apikeyState: active\napikeyVerifier: 1 20260101000000Z never %s\n' "$verifier"
	printf '%s\n' "$@" ''
}

# state_of NAME STATE: of a key that lives in LDAP, changed there by somebody else.
state_of() {
	printf 'dn: apikeyName=%s,ou=keys,%s\nchangetype: modify\nreplace: apikeyState\napikeyState: %s\n' "$1" "$SUFFIX" "$2" |
		ldap_change one
}

syslog_start
install_directory
install -d -o root -g adm -m 2750 /var/log/apikey
policy
for key in ci other many more few; do new_key "$key"; done
new_key local --role viewer
directory_settings may_grant='[viewer, reader, editor]'
slapd_start one
{
	principal_ldif ci other many more few
	group_ldif groupOfNames team ci many
	group_ldif groupOfNames viewers ci other
	group_ldif groupOfNames readers few
	key_ldif cloud 1879048200 'apikeyBinding: viewer'
	key_ldif cloud2 1879048201 'apikeyBinding: viewer'
} | ldap_change one
sshd_start
daemon_start
holds 'the daemon follows' follows
holds 'the first key has its role' soon_may ci sudo
holds 'and the keys of LDAP' soon_may cloud2

# --- LDAP takes it ------------------------------------------------------------------------------

audit_mark
enter ci ci
enter other other
enter local local
group_change one delete team ci
holds 'a key that leaves a group of LDAP loses its Unix group: its session ends within a second' in_bar 1 ended ci
holds 'the audit log says why, and who' audited 'event=session-ended key=ci .*reason=group-lost .*gently=no .*by=apikeyd$'
holds 'and so does the log of the host' log_has 'auth(priv)?\.notice.*apikeyd.*event=session-ended key=ci '
holds 'nobody else was ended' wait_until 5 endings_are 1
holds 'they live' all_live other local
audit_mark
enter ci ci
enter ci2 ci
group_change one add readers ci
soon_may ci
holds 'a role more ends nothing' all_live ci ci2
group_change one delete viewers ci
holds 'nor does one of two that permit the same' wait_until 10 sh -c '! apikey explain ci | grep -qw viewer'
holds 'they live' all_live ci ci2 other local
group_change one delete readers ci
holds 'the last one does: each of its sessions' in_bar 1 all_ended ci ci2
holds 'told once for each' wait_until 5 endings_are 2

audit_mark
enter cloud cloud
enter cloud2 cloud2
state_of cloud disabled
holds 'a key that is disabled in LDAP: within a second' in_bar 1 ended cloud
holds 'for that reason' audited 'event=session-ended key=cloud .*reason=disabled'
ldap_delete one apikeyName=cloud2,ou=keys
holds 'a key that is deleted in LDAP: within a second' in_bar 1 ended cloud2
holds 'for that reason' audited 'event=session-ended key=cloud2 .*reason=deleted'
state_of cloud active
soon_may cloud

# --- too much at once ---------------------------------------------------------------------------

crowd=(many1 many2 many3 many4 many5 many6 many7 many8 many9 many10 many11)
for name in "${crowd[@]}"; do enter "$name" many; done
audit_mark
log_mark
group_change one delete team many
holds 'a directory that would end more than ten and more than half of the sessions is held back' wait_until 10 held_back 11
holds 'the log says so' log_has 'daemon\.warn.*event=sessions-held-back sessions=11 live=13'
holds 'the audit log too' audited 'event=session-held-back sessions=11 live=13 by=apikeyd'
shows 'apikey status as well' 3 'apikey sync --accept' apikey status
refuses 'a login obeys at once' password many "$(token many)"
holds 'and they live' all_live "${crowd[@]}" other local
group_change one add team many
holds 'they get their right back: nothing is held back any more' wait_until 10 held_back 0
holds 'and they live' all_live "${crowd[@]}"
shows 'nothing is there to be accepted' 0 '^nothing was held back$' apikey sync --accept
group_change one delete team many
holds 'taken again: held back again' wait_until 10 held_back 11
enter late other
holds 'a login meanwhile does not let them go' all_live "${crowd[@]}"
daemon_kill
daemon_start
holds 'nor does a new daemon' wait_until 10 held_back 11
holds 'they live' all_live "${crowd[@]}"
equals 'nobody has been ended' 0 endings
shows 'an administrator accepts it' 0 '^accepted: 11 sessions were ended$' apikey sync --accept
holds 'and they have ended before the command returns' all_ended "${crowd[@]}"
holds 'each told once' wait_until 5 endings_are 11
holds 'and whoever accepted it is' audited 'event=endings-accepted sessions=11 by=root'
holds 'nothing waits' held_back 0
holds 'the others live' all_live other local late
leave late

for key in many more; do
	group_change one add team "$key"
	soon_may "$key"
done
six=(many1 many2 many3 more1 more2 more3)
for name in "${six[@]}"; do enter "$name" "${name%[0-9]}"; done
for name in few1 few2 few3 few4 few5 few6; do enter "$name" few; done
for key in many more; do group_change one delete team "$key"; done
holds 'six of fourteen are no crowd' wait_until 5 all_ended "${six[@]}"
group_change one delete readers few
holds 'six more within a minute, of a third key, are' wait_until 10 held_back 6
holds 'they live' all_live few1 few2 few3 few4 few5 few6
change disable few
holds 'until their own key is disabled on this host' in_bar 1 all_ended few1 few2 few3 few4 few5 few6
holds 'then nothing waits' wait_until 10 held_back 0

# --- time ---------------------------------------------------------------------------------------

audit_mark
new_key soon --role viewer --duration 4s
enter soon soon
holds 'a key that expires: its session is told to end' wait_until 8 ended soon
holds 'gently, by its time' audited 'event=session-ended key=soon .*reason=expired .*gently=yes .*by=apikeyd$'
new_key deaf --role viewer --duration 4s
# Without a pipe to sshd: tail(1) ends by itself when nobody reads that any more.
enter deaf deaf "trap '' HUP; echo \$\$; exec >/dev/null;"
holds 'one that does not listen is told' wait_until 8 audited 'event=session-ended key=deaf '
holds 'lives' lives deaf
daemon_kill
daemon_start
holds 'and is killed by whichever daemon is there then' wait_until 10 ended deaf
equals 'told once, though there were two daemons' 1 sh -c "tail -n +$audit_from $AUDIT | grep -c 'session-ended key=deaf'"

# It is about noon in this zone, whatever the time: no window goes over midnight. And there are some seconds left.
hour=$(TZ=UTC0 date +%-H)
offset=$((12 - hour))
zone=$(printf 'Etc/GMT%+d' $((-offset)))
noon() { TZ=$zone date -d "@$1" +%H:%M; }
until=$(($(date +%s) / 60 * 60 + 60))
[ $((until - $(date +%s))) -gt 8 ] || until=$((until + 60))
policy 'deny:' "- {id: closed, reason: is closed, login: ci, not: {time: {hours: '00:00-$(noon "$until")', zone: $zone}}}"
group_change one add readers ci
holds 'a window is open' soon_may ci
audit_mark
enter ci ci
holds 'what it admitted lives' lives ci
holds 'until it is over' wait_until $((until - $(date +%s) + 1)) ended ci
holds 'not before' test "$(date +%s)" -ge "$until"
holds 'gently' audited 'event=session-ended key=ci .*gently=yes .*by=apikeyd$'
holds 'whom it does not concern lives' all_live other local
policy
soon_may ci

# --- files --------------------------------------------------------------------------------------

audit_mark
enter ci ci
cp "$POLICY" "$GUEST/policy.good"
printf 'roles: [\n' >>"$POLICY"
holds 'a policy with a mistake refuses logins' wait_until 10 may_not local
daemon_stop
daemon_start
holds 'and ends nothing' all_live ci other local
cp "$GUEST/policy.good" "$POLICY"
soon_may local
sed -i 's/^  readers: .*/  readers: []/' "$POLICY"
holds 'one that an editor saved ends what it takes, once it has stood for a moment' wait_until 10 ended ci
holds 'and nothing else' all_live other local
holds 'one' wait_until 5 endings_are 1
policy
soon_may ci

# --- the daemon ---------------------------------------------------------------------------------

enter ci ci
daemon_kill
group_change one delete readers ci
holds 'while no daemon runs LDAP ends nothing' lives ci
daemon_start
holds 'when it starts it does' wait_until 10 ended ci
group_change one add readers ci
soon_may ci
daemon_again max_age=1s
enter ci ci
slapd_stop one KILL
holds 'a directory that was not heard for too long gives no login' wait_until 20 may_not ci
enter late local
holds 'and ends nothing, whatever else is judged' all_live ci other local late
daemon_stop
daemon_start
enter late2 local
holds 'nor does a new daemon' all_live ci other local late late2
slapd_run one
holds 'when it is heard again' soon_may ci
holds 'nothing has changed' all_live ci other local

shows 'no session was told twice, whoever ended it' 0 '^$' sh -c "grep event=session-ended $AUDIT | grep -o ' session=[0-9a-f]*' | sort | uniq -d; echo"
daemon_stop
tap_done
