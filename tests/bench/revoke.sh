#!/usr/bin/env bash
# From a revocation, here or in LDAP, to the end of the live sessions that rest on it, by real sshd and ssh, among up to 200. Root; in a private host.
#
# usage: bash tests/bench/revoke.sh
#
# A session's end is that of all that it runs: its shell, a child of that, sshd's processes. The time counts from the start
# of the command that revokes, `apikey disable` or `ldapmodify`.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
for part in ldap follow revoke rows bench; do
	# shellcheck source=/dev/null
	. "$TOP/tests/lib/$part.sh"
done

# After a write of what LDAP says the daemon pauses, for half a second at the most (daemon/pace.h, publisher.c): the changes that
# stand alone come further apart.
BETWEEN_S=1.5

# ended NAME… -- COMMAND…: the milliseconds from COMMAND's beginning, or from the microsecond that it puts into `from`, to the end
# of the last process of these sessions.
ended() {
	local pids=() from to watcher
	while [ "$1" != -- ]; do
		mapfile -t -O ${#pids[@]} pids < <(live_of "$1:shell,job,sshd" | cut -d' ' -f1)
		shift
	done
	shift
	"$BENCH/bench_gone" 60000 "${pids[@]}" >"$GUEST/gone" 2>&1 &
	watcher=$!
	wait_until 20 grep -q watching "$GUEST/gone" || { cat "$GUEST/gone" >&2; return 1; }
	from=${EPOCHREALTIME/./}
	# The command gives up waiting for the dead sooner than this bench does, and says so.
	"$@" >"$GUEST/revoke.out" 2>&1 || cat "$GUEST/revoke.out" >&2
	wait "$watcher" || { cat "$GUEST/gone" >&2; return 1; }
	to=$(tail -n 1 "$GUEST/gone")
	awk -v us=$((to - from)) 'BEGIN { printf "%.3f\n", us / 1000 }'
}

# open NAME KEY N: sessions NAME.0 to NAME.N-1 of KEY, ten at a time; those that are open already stay.
open() {
	local i names=()
	for ((i = ${opened[$1]:-0}; i < $3; i++)); do
		live_begin "$1.$i" "$2" "$(token "$2")" job
		names+=("$1.$i")
		[ $((${#names[@]} % 10)) -ne 0 ] || live_ready "${names[@]: -10}"
	done
	[ ${#names[@]} -eq 0 ] || live_ready "${names[@]}"
	opened[$1]=$3
}
declare -A opened

# one_of LIVE ROUNDS: one session ends, by either way, while others live on. More than ten ends a minute by the directory are
# held back until somebody accepts them: so there are fewer, of a daemon that has just begun.
one_of() {
	local i times=()
	open other other $(($1 - 1))
	for ((i = 0; i < $2; i++)); do
		live single single "$(token single)" job
		times+=("$(ended single -- apikey disable single)")
		apikey enable single >/dev/null
	done
	printf '%s\n' "${times[@]}" | row revoke apikey "by=command,live=$1,ends=1" ms
	times=()
	daemon_again
	wait_until 20 may member
	for ((i = 0; i < $2; i++)); do
		live member member "$(token member)" job
		pause "$BETWEEN_S"
		times+=("$(ended member -- group_change one delete platform member)")
		pause "$BETWEEN_S"
		group_change one add platform member
		wait_until 20 may member
	done
	printf '%s\n' "${times[@]}" | row revoke apikey "by=directory,live=$1,ends=1" ms
}

# all_of LIVE ROUNDS: so many sessions of one key end at once, while nothing else lives.
all_of() {
	local i n names=() times=()
	for ((n = 0; n < $1; n++)); do
		names+=("crowd.$n")
	done
	for ((i = 0; i < $2; i++)); do
		opened[crowd]=0
		open crowd crowd "$1"
		times+=("$(ended "${names[@]}" -- apikey disable crowd)")
		apikey enable crowd >/dev/null
	done
	printf '%s\n' "${times[@]}" | row revoke apikey "by=command,live=$1,ends=$1" ms
}

# follow_many KEYS GROUPS: the server has so many of both beside what it had, and the host follows it from nothing.
follow_many() {
	daemon_stop
	slapd_stop one
	slapd_make one < <(directory_entries "$@"; principal_ldif member; group_ldif groupOfNames platform member)
	slapd_run one
	rm -f "$STATE"/{directory-*,users}.idx "$STATE/freshness"
	apikey publish >/dev/null
	daemon_start
	follows
	wait_until 60 may member
}

# revoked ROUND: member leaves its group. second_revoked ROUND: the same, as soon as another key's coming or going is written;
# the time counts from there.
revoked() { group_change one delete platform member; }
second_revoked() {
	local i word=add
	[ $(($1 % 2)) -eq 0 ] || word=delete
	: >"$GUEST/before"
	group_change one "$word" crew "apikeyName=key-000001,ou=keys,$SUFFIX"
	for ((i = 0; i < 20000; i++)); do
		[ ! "$STATE/users.idx" -nt "$GUEST/before" ] || break
		pause 0.001
	done
	from=${EPOCHREALTIME/./}
	revoked
}

# behind KEYS GROUPS ROUNDS: one session ends by the directory, on a host that follows so much: by a change that stands alone,
# and by the second of two.
behind() {
	local i change times
	local -A by=([alone]=revoked [second]=second_revoked)
	follow_many "$1" "$2"
	for change in alone second; do
		daemon_again
		times=()
		for ((i = 0; i < $3; i++)); do
			wait_until 60 may member
			live member member "$(token member)" job
			pause "$BETWEEN_S"
			times+=("$(ended member -- "${by[$change]}" "$i")")
			pause "$BETWEEN_S"
			group_change one add platform member
		done
		printf '%s\n' "${times[@]}" | row revoke apikey "by=directory,keys=$1,change=$change" ms
	done
}

ulimit -n 8192
syslog_start
install_directory
bench_build bench_gone
sshd_start
sshd_with 'MaxStartups 500' 'MaxSessions 500'
policy_write 'roles:' '  worker: {services: [sshd]}' 'groups:' '  platform: [{role: worker}]'
for key in other single crowd; do
	new_key "$key" --role worker
done
new_key member
slapd_make one </dev/null
slapd_run one
{ principal_ldif member; group_ldif groupOfNames platform member; } | ldap_change one
directory_settings 'may_grant=[worker]'
daemon_start
follows
wait_until 20 may member
for n in $(full '10 100 200' 2); do
	note "$n sessions end at once"
	all_of "$n" "$(full $((n < 100 ? 7 : 3)) 1)"
done
for n in $(full '1 10 100 200' '1 2'); do
	note "one session of $n ends"
	one_of "$n" "$(full 9 2)"
done
for n in $(full '1000 100000' 100); do
	note "one session ends on a host that follows $n keys, alone and behind another change"
	behind "$n" "$(full 10000 10)" "$(full 9 2)"
done
