# shellcheck shell=bash
# What benches have in common: programs, keys, memory, LDIF. Sourced after e2e.sh and rows.sh, so inside a private host.

export FIRST_UID=1879048192

# bench_build PROGRAM…: makes programs of tests/bench; they lie in $BENCH.
export BENCH=$TOP/build/plain/tests/bench
bench_build() { make -s -C "$TOP/build/plain" "${@/#/tests/bench/}" >&2; }

# exactly CMD…: CMD with a malloc that says exactly what is in use: without its threads' lists of freed pieces.
exactly() { env GLIBC_TUNABLES=glibc.malloc.tcache_count=0 "$@"; }

# in_memory DIR…: these folders become plain ones in memory. A private host's lie under an overlay, whose own cost at
# each open would be added to that of every module.
in_memory() {
	local dir copy
	for dir in "$@"; do
		copy=/run/bench$dir
		mkdir -p "$copy"
		cp -a "$dir/." "$copy"
		chmod --reference="$dir" "$copy"
		mount --bind "$copy" "$dir"
	done
}

# names_by WORD…: who answers behind files from now on.
names_by() { printf '%s: files %s\n' passwd "$*" group "$*" shadow '' >/etc/nsswitch.conf; }

# ours_make KEYS [RULES [WHOSE]]: this host has so many keys, of bench_store, and a policy of so many rules (bench_policy), by
# `apikey publish`.
ours_make() {
	local keys=$1 rules=${2:-10} whose=${3:-nobody}
	printf 'version: 1\nuid_range: %d-%d\ncreate_home: false\n' "$FIRST_UID" $((FIRST_UID + 99999999)) >"$SETTINGS"
	bench_policy "$rules" "$whose" >"$POLICY"
	rm -f "$STATE"/{local,users}.idx*
	"$BENCH/bench_store" "$STATE" "$keys" 50
	wait_until 10 ours_settled
	apikey publish >&2
}

# ours_settled: the files of the policy are so old that what is compiled from them holds: an edit in place may follow a
# build within two seconds. Until then each login compiles them anew.
ours_settled() {
	local file now
	printf -v now '%(%s)T' -1
	for file in "$SETTINGS" "$POLICY" /etc/group; do
		[ $((now - $(stat -c %Z "$file"))) -ge 3 ] || return 1
	done
}

# bench_policy RULES WHOSE: fifty roles, each with a group of its own and one of all, and so many rules, none of which gives a
# role. Of nobody: each begins with a login that is no key's, by which it is passed over unread. Of all: none names a login, so
# that each is asked of each; a key of the group crew is let go by its last condition, the address, and by no other before.
bench_policy() {
	awk -v rules="$1" -v whose="$2" 'BEGIN {
		print "version: 1\nroles:"
		for (i = 0; i < 50; i++) printf "  role-%d: {services: [\"*\"], unix_groups: [team-%d, viewers]}\n", i, i
		print "grant:"
		for (i = 0; i < rules; i++)
			if (whose == "nobody")
				printf "- {role: role-%d, login: \"build-%05d-*\", from: 10.0.0.0/8}\n", i % 50, i
			else
				printf "- {role: role-%d, group: [squad-%05d, crew], time: {hours: \"00:00-24:00\"}, from: 10.%d.%d.0/24}\n",
					i % 50, i, i / 256, i % 256
	}'
}

# directory_entries KEYS GROUPS: LDIF of both; five keys in each group, and the group crew, of which one member comes and
# goes.
directory_entries() {
	awk -v keys="$1" -v groups="$2" -v suffix="$SUFFIX" -v first=$((FIRST_UID + 1)) 'BEGIN {
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
