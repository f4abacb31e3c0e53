#!/usr/bin/env bash
# From the sending of an LDAP change to the next login's decision, on one host and on three; what a decision takes. Root; in a private host.
#
# usage: bash tests/bench/directory.sh
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"
# shellcheck source=tests/lib/fleet.sh
. "$TOP/tests/lib/fleet.sh"
# shellcheck source=tests/lib/rows.sh
. "$TOP/tests/lib/rows.sh"

BENCH=$TOP/build/plain/tests/bench/bench_directory
KEY=key-000500 KEY_DN=apikeyName=key-000500,ou=keys,$SUFFIX

# entries KEYS GROUPS: LDIF; five keys in each group, and one group that gives a role.
entries() {
	awk -v keys="$1" -v groups="$2" -v suffix="$SUFFIX" -v first=1879048193 'BEGIN {
		for (i = 0; i < keys; i++) {
			name = sprintf("key-%06d", i)
			printf "dn: apikeyName=%s,ou=keys,%s\nobjectClass: apikeyKey\napikeyName: %s\n", name, suffix, name
			printf "apikeyId: K%09d\napikeyUidNumber: %d\napikeyState: active\n\n", i, first + i
		}
		for (i = 0; i < groups; i++) {
			printf "dn: cn=group-%05d,ou=groups,%s\nobjectClass: groupOfNames\ncn: group-%05d\n", i, suffix, i
			for (j = 0; j < 5; j++)
				printf "member: apikeyName=key-%06d,ou=keys,%s\n", (i * 5 + j * 7919) % keys, suffix
			printf "\n"
		}
		printf "dn: cn=crew,ou=groups,%s\nobjectClass: groupOfNames\ncn: crew\nmember: cn=nobody,%s\n\n", suffix, suffix
	}'
}

# forget: the host has followed nothing yet, and knows no name.
forget() { rm -f "$STATE"/{directory-*,users}.idx "$STATE/freshness"; }

# measure KEYS GROUPS CHANGES PACE-MS: the rows of one host. The pace exceeds ten times a write, which the daemon waits
# between two.
measure() {
	local began what=keys=$1,groups=$2
	note "one host, $what"
	slapd_make one < <(entries "$1" "$2")
	slapd_run one
	forget
	began=${EPOCHREALTIME/./}
	daemon_start
	follows
	wait_until 60 getent passwd "$KEY"
	printf '%d\n' $(((${EPOCHREALTIME/./} - began) / 1000)) | row first-refresh apikey "$what" ms
	"$BENCH" turns "$(ldapi_uri one)" "$(dn_of_group crew)" "$KEY_DN" "$KEY" "$3" "$4" | row change-to-decision apikey "$what" ms
	daemon_stop
	slapd_stop one
}

# fleet_start KEYS GROUPS: three hosts that follow.
fleet_start() {
	network
	providers < <(entries "$1" "$2")
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
		on "$n" "$BENCH" flips "$KEY" "$2" </dev/null >"$GUEST/flips$n" &
		watchers+=($!)
		wait_until 10 test -s "$GUEST/flips$n"
	done
	"$BENCH" changes "$(ldapi_uri one)" "$(dn_of_group crew)" "$KEY_DN" "$2" "$3" \
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
	on 1 "$BENCH" calls "$KEY" "$1" | row decision apikey directory=up us 99
	slapd_stop one KILL
	slapd_stop two KILL
	wait_until 20 lost_on 1
	on 1 "$BENCH" calls "$KEY" "$1" | row decision apikey directory=gone us 99
}
lost_on() { [[ $(status_on "$1" .directory.phase) = @(waiting|connecting) ]]; }

syslog_start
install_directory
make -s -C "$TOP/build/plain" tests/bench/bench_directory >/dev/null
policy_write 'roles:' "  runner: {services: ['*']}" 'groups:' '  crew: [{role: runner}]'
directory_settings 'may_grant=[runner]' principal=
few=$(full 1000 600) many=$(full 100000 1000) groups=$(full 10000 100) changes=$(full 100 4)
measure "$few" "$groups" "$changes" "$(full 400 50)"
measure "$many" "$groups" "$changes" "$(full 2000 50)"
fleet_start "$few" "$groups"
fleet_measure "keys=$few,groups=$groups,hosts=3" "$changes" "$(full 400 50)"
calls_measure "$(full 2000 20)"
