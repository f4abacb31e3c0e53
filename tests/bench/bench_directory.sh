#!/usr/bin/env bash
# From an LDAP server's answer to the next login's decision: median and maximum over 100 changes. Root; in a private host.
#
# usage: bash tests/bench/bench_directory.sh
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"

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

# measure KEYS GROUPS PACE-MS: a row of the table. The pace exceeds ten times a write, which the daemon waits between two.
measure() {
	local began
	slapd_make one < <(entries "$1" "$2")
	slapd_run one
	rm -f "$STATE"/directory-*.idx "$STATE/freshness"
	began=${EPOCHREALTIME/./}
	daemon_start
	follows
	wait_until 60 getent passwd key-000500 >/dev/null
	printf '%8d %8d %12d ms ' "$1" "$2" $(((${EPOCHREALTIME/./} - began) / 1000))
	"$TOP/build/plain/tests/bench/bench_directory" "$(ldapi_uri one)" "$(dn_of_group crew)" \
		"apikeyName=key-000500,ou=keys,$SUFFIX" key-000500 100 "$3"
	daemon_stop
	slapd_stop one
}

syslog_start
install_directory
make -s -C "$TOP/build/plain" tests/bench/bench_directory >/dev/null
policy_write 'roles:' "  runner: {services: ['*']}" 'groups:' '  crew: [{role: runner}]'
directory_settings 'may_grant=[runner]' principal=
printf '%8s %8s %15s %8s %8s\n' keys groups 'first refresh' 'median' 'max ms'
measure 1000 10000 400
measure 100000 10000 2000
