#!/usr/bin/env bash
# From the sending of an LDAP change to the next login's decision, on one host and on three; what a decision takes. Root; in a private host.
#
# usage: bash tests/bench/directory.sh
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
for part in ldap follow fleet rows bench; do
	# shellcheck source=/dev/null
	. "$TOP/tests/lib/$part.sh"
done

ASK=$BENCH/bench_directory
KEY=key-000500 KEY_DN=apikeyName=key-000500,ou=keys,$SUFFIX
OTHER=key-000501 OTHER_DN=apikeyName=key-000501,ou=keys,$SUFFIX

# forget: the host has followed nothing yet, and knows no name.
forget() { rm -f "$STATE"/{directory-*,users}.idx "$STATE/freshness"; }

# measure KEYS GROUPS CHANGES PACE-MS: the rows of one host. After a write the daemon pauses for ten times what it cost, and
# half a second at most (daemon/pace.h, publisher.c): the changes of a turn come further apart than that, the second of two
# does not.
measure() {
	local began what=keys=$1,groups=$2
	note "one host, $what"
	slapd_make one < <(directory_entries "$1" "$2")
	slapd_run one
	forget
	began=${EPOCHREALTIME/./}
	daemon_start
	follows
	wait_until 60 getent passwd "$KEY"
	printf '%d\n' $(((${EPOCHREALTIME/./} - began) / 1000)) | row first-refresh apikey "$what" ms
	"$ASK" turns "$(ldapi_uri one)" "$(dn_of_group crew)" "$KEY_DN" "$KEY" "$3" "$4" | row change-to-decision apikey "$what" ms
	"$ASK" seconds "$(ldapi_uri one)" "$(dn_of_group crew)" "$KEY_DN" "$KEY" $((($3 + 1) / 2)) "$4" "$OTHER_DN" "$OTHER" |
		row change-to-decision apikey "$what,change=second" ms
	daemon_stop
	slapd_stop one
}

# fleet_start KEYS GROUPS: three hosts that follow.
fleet_start() {
	network
	providers < <(directory_entries "$1" "$2")
	fleet_settings
	forget
	hosts_up daemon_on
}

# fleet_measure PARAMETERS CHANGES PACE-MS: a row for each host, all of which look at the same changes; 1 ms between two looks.
fleet_measure() {
	local n watchers=()
	note "three hosts, $1"
	for n in "${HOSTS[@]}"; do
		wait_until 60 on "$n" getent passwd "$KEY"
		on "$n" "$ASK" flips "$KEY" "$2" </dev/null >"$GUEST/flips$n" &
		watchers+=($!)
		wait_until 10 test -s "$GUEST/flips$n"
	done
	"$ASK" changes "$(ldapi_uri one)" "$(dn_of_group crew)" "$KEY_DN" "$2" "$3" \
		"${HOSTS[@]/#/$GUEST/flips}" >"$GUEST/sent"
	for n in "${watchers[@]}"; do
		wait "$n"
	done
	for n in "${HOSTS[@]}"; do
		paste "$GUEST/sent" <(tail -n +2 "$GUEST/flips$n") | awk '{ print $2 - $1 }' |
			row change-to-decision apikey "$1,host=$n,server=$(server_of "$n")" ms
	done
}
server_of() { status_on "$1" .directory.server | sed 's,.*//,,'; }

# calls_measure CALLS: a row for a directory that is there, and one for a directory that is gone.
calls_measure() {
	note 'a decision, in one process'
	group_change one add crew "$KEY_DN"
	wait_until 20 may_on 1 "$KEY" cron
	on 1 "$ASK" calls "$KEY" "$1" | row decision apikey directory=up us 99
	slapd_stop one KILL
	slapd_stop two KILL
	wait_until 20 lost_on 1
	on 1 "$ASK" calls "$KEY" "$1" | row decision apikey directory=gone us 99
}
lost_on() { [[ $(status_on "$1" .directory.phase) = @(waiting|connecting) ]]; }

# model_measure KEYS GROUPS…: the daemon's own part of a change, by how many groups there are.
model_measure() {
	local keys=$1 groups folder=$GUEST/model
	shift
	for groups in "$@"; do
		note "apikeyd's part, $keys keys, $groups groups"
		rm -rf "$folder"
		mkdir "$folder"
		"$BENCH/bench_model" "$folder" "$keys" "$groups"
	done
	rm -rf "$folder"
}

syslog_start
install_directory
bench_build bench_directory bench_model
policy_write 'roles:' "  runner: {services: ['*']}" 'groups:' '  crew: [{role: runner}]'
directory_settings 'may_grant=[runner]' principal=
read -ra sizes <<<"$(full '10 100 1000 10000' 10)"
model_measure "$(full 100000 1000)" "${sizes[@]}"
few=$(full 1000 600) many=$(full 100000 1000) groups=$(full 10000 100) changes=$(full 100 4)
measure "$few" "$groups" "$changes" "$(full 400 50)"
measure "$many" "$groups" "$changes" "$(full 2000 50)"
fleet_start "$few" "$groups"
fleet_measure "keys=$few,groups=$groups,hosts=3" "$changes" "$(full 400 50)"
calls_measure "$(full 2000 20)"
