#!/usr/bin/env bash
# From an LDAP server's answer to the next login's decision, on one host and on three; what a decision takes. Root; in a private host.
#
# usage: bash tests/bench/bench_directory.sh
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"
# shellcheck source=tests/lib/fleet.sh
. "$TOP/tests/lib/fleet.sh"

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

# measure KEYS GROUPS PACE-MS: a row of the table. The pace exceeds ten times a write, which the daemon waits between two.
measure() {
	local began
	slapd_make one < <(entries "$1" "$2")
	slapd_run one
	forget
	began=${EPOCHREALTIME/./}
	daemon_start
	follows
	wait_until 60 getent passwd "$KEY" >/dev/null
	printf '%8d %8d %12d ms ' "$1" "$2" $(((${EPOCHREALTIME/./} - began) / 1000))
	"$BENCH" turns "$(ldapi_uri one)" "$(dn_of_group crew)" "$KEY_DN" "$KEY" 100 "$3"
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

# fleet_measure CHANGES PACE-MS: a row for each host, all of which look at the same changes.
fleet_measure() {
	local n watchers=()
	for n in "${HOSTS[@]}"; do
		wait_until 60 on "$n" getent passwd "$KEY"
		on "$n" "$BENCH" flips "$KEY" "$1" </dev/null >"$GUEST/flips$n" &
		watchers+=($!)
		wait_until 10 test -s "$GUEST/flips$n"
	done
	"$BENCH" changes "$(ldapi_uri one)" "$(dn_of_group crew)" "$KEY_DN" "$1" "$2" >"$GUEST/answers"
	for n in "${watchers[@]}"; do
		wait "$n"
	done
	for n in "${HOSTS[@]}"; do
		printf '%8s %15s ' "host$n" "$(status_on "$n" .directory.server)"
		paste "$GUEST/answers" <(tail -n +2 "$GUEST/flips$n") | awk '{ print $2 - $1 }' | sort -g |
			awk '{ took[NR] = $1 } END { printf "%8.1f %8.1f\n", took[int(NR / 2) + 1], took[NR] }'
	done
}

# calls_measure CALLS: a row for a directory that is there, and one for a directory that is gone.
calls_measure() {
	group_change one add crew "$KEY_DN"
	wait_until 20 may_on 1 "$KEY" cron
	printf '%24s ' 'directory up'
	on 1 "$BENCH" calls "$KEY" "$1"
	slapd_stop one KILL
	slapd_stop two KILL
	wait_until 20 lost_on 1
	printf '%24s ' 'every server gone'
	on 1 "$BENCH" calls "$KEY" "$1"
}
lost_on() { [[ $(status_on "$1" .directory.phase) = @(waiting|connecting) ]]; }

syslog_start
install_directory
make -s -C "$TOP/build/plain" tests/bench/bench_directory >/dev/null
policy_write 'roles:' "  runner: {services: ['*']}" 'groups:' '  crew: [{role: runner}]'
directory_settings 'may_grant=[runner]' principal=
printf '%8s %8s %15s %8s %8s\n' keys groups 'first refresh' 'median' 'max ms'
measure 1000 10000 400
measure 100000 10000 2000

fleet_start 1000 10000
printf '\nthree hosts, 1000 keys, 10000 groups; 1 ms between two looks of a host\n'
printf '%8s %15s %8s %8s\n' host server median 'max ms'
fleet_measure 100 400
printf '\na decision, of 2000 in one process on host1\n'
printf '%24s %8s %8s\n' '' median 'p99 us'
calls_measure 2000
