# shellcheck shell=bash
# What the scripts of tests/bench have in common. Sourced after e2e.sh, so inside a private host.
#
# Such a script prints rows, and nothing else, on stdout: six fields parted by tabs,
#     measure  who  parameters  median  p99-or-max-or-"-"  unit
# and what it is doing on stderr. APIKEY_BENCH=smoke: numbers so small that it ends in seconds, and no peers.

export FIRST_UID=1879048192

# bench_says TEXT: what is being done.
bench_says() { printf 'bench: %s\n' "$*" >&2; }

# sized USUAL SMOKE: the first, or the second where this is a smoke test.
sized() { if [ "${APIKEY_BENCH:-}" = smoke ]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi; }

# with_peers: shall peers be measured?
with_peers() { [ "${APIKEY_BENCH:-}" != smoke ]; }

# bench_build PROGRAM…: makes programs of tests/bench; they lie in $BENCH.
export BENCH=$TOP/build/plain/tests/bench
bench_build() { make -s -C "$TOP/build/plain" "${@/#/tests/bench/}" >&2; }

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

# ours_make KEYS [RULES]: this host has so many keys, of bench_keys, and a policy of so many rules, by `apikey publish`.
ours_make() {
	local keys=$1 rules=${2:-10}
	printf 'version: 1\nuid_range: %d-%d\ncreate_home: false\n' "$FIRST_UID" $((FIRST_UID + 99999999)) >"$SETTINGS"
	bench_policy "$rules" >"$POLICY"
	rm -f "$STATE"/{local,users}.idx*
	"$BENCH/bench_keys" "$keys" "$STATE/local.idx"
	apikey publish >&2
}

# bench_policy RULES: fifty roles and viewer, each with a group of its own, and so many rules that are no key's.
bench_policy() {
	printf 'version: 1\nroles:\n  viewer: {services: ["*"], unix_groups: [viewers]}\n'
	awk -v rules="$1" 'BEGIN {
		for (i = 0; i < 50; i++) printf "  role-%02d: {services: [\"*\"], unix_groups: [team-%02d]}\n", i, i
		print "grant:"
		for (i = 0; i < rules; i++)
			printf "- {role: role-%02d, login: \"build-%05d-*\", from: 10.0.0.0/8}\n", i % 50, i
	}'
}
