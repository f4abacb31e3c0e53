#!/usr/bin/env bash
# What one change costs, by the command itself: a key made, deleted, many imported, a policy applied; peers that rebuild. Root; in a private host.
#
# usage: bash tests/bench/change.sh [PART…]    parts: one, peers, many, rules, groups; all of them when none is named
set -euo pipefail
shopt -s inherit_errexit
TOP=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/lib/host.sh
. "$TOP/tests/lib/host.sh"
host_extra maps tinycdb libnss-db
# shellcheck source=tests/lib/e2e.sh
. "$TOP/tests/lib/e2e.sh"
# shellcheck source=tests/lib/rows.sh
. "$TOP/tests/lib/rows.sh"
# shellcheck source=tests/lib/bench.sh
. "$TOP/tests/lib/bench.sh"

# policy_roles N: a policy of N roles, each with a group of its own.
policy_roles() {
	awk -v n="$1" 'BEGIN {
		print "version: 1\nroles:"
		for (i = 0; i < n; i++) printf "  role-%d: {services: [sshd], unix_groups: [team-%d]}\n", i, i
	}'
}

# policy_rules N: the same of one role, and N grants: by names, by beginnings of names, one in a hundred by group.
policy_rules() {
	policy_roles 1
	awk -v n="$1" 'BEGIN {
		print "  extra: {services: [sudo], unix_groups: [extra]}\ngrant:"
		for (i = 0; i < n; i++) {
			if (i % 100 == 0) printf "- {role: extra, group: team-%05d, from: 10.0.0.0/8}\n", i
			else if (i % 2) printf "- {role: extra, login: ci-deploy-%07d}\n", i * 7
			else printf "- {role: extra, login: \"ci-deploy-%05d*\", not: {group: staff}}\n", i
		}
	}'
}

# keys N [ROLES]: a host with so many, published.
keys() {
	find "$STATE" -mindepth 1 -delete
	"$BENCH/bench_store" "$STATE" "$1" "${2:-1}"
	apikey publish >/dev/null
}

# made_and_deleted PARAMETERS ROUNDS: rows of one key made and one deleted on the host that is there; and, behind each of
# them, of the disk alone with as many bytes.
made_and_deleted() {
	local i made=() deleted=() disk=()
	"$BENCH/bench_disk" "$STATE" >/dev/null
	for ((i = 0; i < $2; i++)); do
		made+=("$(timed apikey create --name "bench-$i" --role role-0 --duration 1d)")
		disk+=("$("$BENCH/bench_disk" "$STATE")")
		deleted+=("$(timed apikey delete "bench-$i")")
		disk+=("$("$BENCH/bench_disk" "$STATE")")
	done
	rm -f "$STATE"/copy.*
	printf '%s\n' "${made[@]}" | row create apikey "$1" ms
	printf '%s\n' "${deleted[@]}" | row delete apikey "$1" ms
	printf '%s\n' "${disk[@]}" | row write-fsync disk "$1" ms
}

part_one() {
	local n rounds
	for n in $(full '1000 10000 100000 1000000' 1000); do
		rounds=$(full $((n < 1000000 ? 31 : 11)) 2)
		note "one key among $n, $rounds times"
		policy_roles 1 >"$POLICY"
		keys "$n"
		made_and_deleted "keys=$n" "$rounds"
	done
}

# --- peers: a passwd map of as many users, by name and by number, rebuilt whole, not synced -----------

passwd_text() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "ci-deploy-%07d:x:%d:%d:API key:/home/ci-deploy-%07d:/bin/bash\n", i, 1879048192 + i, 1879048192 + i, i }'; }
cdb_text() { awk -F: '{ n = length($0); printf "+%d,%d:%s->%s\n+%d,%d:%s->%s\n", length($1), n, $1, $0, length($3), n, $3, $0 } END { print "" }'; }
db_text() { awk -F: '{ printf ".%s %s\n=%s %s\n", $1, $0, $3, $0 }'; }

part_peers() {
	local n rounds i cdb db dir=$STATE/peers
	host_extra_install maps
	for n in $(full '10000 100000 1000000' 1000); do
		rounds=$(full $((n < 1000000 ? 7 : 3)) 1)
		note "peers rebuild a map of $n, $rounds times"
		find "$STATE" -mindepth 1 -delete
		mkdir "$dir"
		passwd_text "$n" | cdb_text >"$dir/cdb.in"
		passwd_text "$n" | db_text >"$dir/db.in"
		cdb=() db=()
		for ((i = 0; i < rounds; i++)); do
			cdb+=("$(timed cdb -c -t "$dir/new" "$dir/passwd.cdb" "$dir/cdb.in")")
			db+=("$(timed makedb -o "$dir/passwd.db" "$dir/db.in")")
		done
		printf '%s\n' "${cdb[@]}" | row rebuild tinycdb "keys=$n" ms
		printf '%s\n' "${db[@]}" | row rebuild libnss-db "keys=$n" ms
	done
}

# --- many at once -------------------------------------------------------------------------------------

# import_row PARAMETERS KEYS-BEFORE ROUNDS: $GUEST/import comes to a host with so many keys.
import_row() {
	local i times=()
	for ((i = 0; i < $3; i++)); do
		find "$STATE" -mindepth 1 -delete
		if [ "$2" -eq 0 ]; then apikey publish >/dev/null; else keys "$2"; fi
		times+=("$(timed apikey import "$GUEST/import")")
	done
	printf '%s\n' "${times[@]}" | row import apikey "$1" ms
}

part_many() {
	local n rounds before
	n=$(full 10000 100) rounds=$(full 7 2) before=$(full 100000 1000)
	policy_roles 1 >"$POLICY"
	keys "$n"
	apikey export >"$GUEST/exported"
	# The same keys under other names, ids and numbers, for a host that has the first.
	sed -E 's/ci-deploy-/ci-import-/g; s/\<K0/L0/g; s/"uid": ?18/"uid":19/' "$GUEST/exported" >"$GUEST/import"
	note "$n keys imported, $rounds times"
	import_row "keys=$n,onto=0" 0 "$rounds"
	import_row "keys=$n,onto=$before" "$before" "$rounds"
}

# --- the policy ---------------------------------------------------------------------------------------

part_rules() {
	local n keys rounds i times
	keys=$(full 100000 1000)
	policy_roles 1 >"$POLICY"
	keys "$keys"
	for n in $(full '10 1000 10000' 100); do
		rounds=$(full 5 2) times=()
		note "a policy of $n rules applied to $keys keys, $rounds times"
		policy_rules "$n" >"$GUEST/policy.0"
		policy_rules $((n - 1)) >"$GUEST/policy.1"
		for ((i = 0; i < rounds; i++)); do
			times+=("$(timed apikey policy apply "$GUEST/policy.$((i % 2))")")
		done
		printf '%s\n' "${times[@]}" | row apply apikey "keys=$keys,rules=$n" ms
		made_and_deleted "keys=$keys,rules=$n" "$rounds"
	done
}

part_groups() {
	local n keys rounds
	keys=$(full 100000 1000) rounds=$(full 7 2)
	for n in $(full '1 100 1000' 10); do
		note "one key among $keys, with $n groups"
		policy_roles "$n" >"$POLICY"
		keys "$keys" "$n"
		made_and_deleted "keys=$keys,groups=$n" "$rounds"
	done
}

syslog_start
install_apikey
on_disk "$STATE"
# Room for a million keys. Homes are no part of this: here they would be made in memory.
printf '%s\n' 'version: 1' 'uid_range: 1879048192-1999999999' 'gid_range: 2000000000-2000099999' 'create_home: false' >"$SETTINGS"
bench_build bench_disk bench_store
[ $# -gt 0 ] || set -- one peers many rules groups
for part in "$@"; do
	"part_$part"
done
