#!/usr/bin/env bash
# Where the time of one key's change goes, for the arguments of the bars on it: on the processor, by perf; in calls that wait, by strace. Root; in a private host.
#
# usage: bash tests/bench/bench_profile.sh [KEYS [ROUNDS]]    perf and strace are the machine's; nothing is fetched
set -euo pipefail
shopt -s inherit_errexit
TOP=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/lib/e2e.sh
. "$TOP/tests/lib/e2e.sh"
# shellcheck source=tests/lib/rows.sh
. "$TOP/tests/lib/rows.sh"
# shellcheck source=tests/lib/bench.sh
. "$TOP/tests/lib/bench.sh"

KEYS=${1:-100000} ROUNDS=${2:-12}

# each_round VERB [CMD…]: one key after another is made or deleted, below CMD. The program is the built one: it has its symbols.
each_round() {
	local i verb=$1 apikey=$TOP/build/plain/apikey
	shift
	for ((i = 0; i < ROUNDS; i++)); do
		case $verb in
		create) "$@" "$apikey" create --name "profile-$i" --role role-0 --duration 1d ;;
		delete) "$@" "$apikey" delete "profile-$i" ;;
		esac >/dev/null
	done
}

# on_processor VERB: milliseconds of one command by what is done, of each sample's whole stack.
on_processor() {
	export -f each_round
	export ROUNDS TOP
	perf record -q -F 4999 -e cpu-clock -g -o "$GUEST/perf" -- bash -c "each_round $1" 2>"$GUEST/perf.log"
	perf script -i "$GUEST/perf" --comm apikey -F ip,sym,dso 2>/dev/null | awk -v rounds="$ROUNDS" '
		function kind() {
			if (all ~ /execve|exit_mmap|ld-linux/ || object !~ /apikey|libc\.so|kernel/) return "the program begins and ends"
			if (all ~ /fsync|sync_file_range/) return "the disk is asked"
			if (all ~ /pwrite/) return "bytes go to the page cache"
			if (all ~ /evict|rename|unlink|_close/) return "old files are freed"
			if (all ~ /page_fault/) return "memory is given and mapped"
			if (object ~ /kernel/) return "all else of the kernel"
			if (leaf ~ /hash_crc32|hash_fold|crc_words|block_crc/) return "checksums"
			if (leaf ~ /digest/) return "the digest of what is read twice"
			if (leaf ~ /hash_sip|place_key|hash_block/) return "keys get their slots"
			return "records are walked and copied"
		}
		function sample() { if (leaf != "") { n[kind()]++; all = leaf = "" } }
		!NF { sample(); next }
		{ all = all " " $2 " " $NF; if (leaf == "") { leaf = $2; object = $NF } }
		END { sample(); for (k in n) total += n[k]; for (k in n) printf "%6.1f ms %3.0f %%  %s\n", n[k] / rounds / 4.999, 100 * n[k] / total, k }' |
		sort -rg
}

# in_calls VERB: the median of what the calls took that may wait for the disk, or for time.
in_calls() {
	local name
	: >"$GUEST/calls"
	each_round "$1" strace -qq -f -T -e trace=fsync,rename,close,clock_nanosleep -o "|cat >>$GUEST/calls; echo >>$GUEST/calls"
	for name in fsync rename close clock_nanosleep; do
		awk -v name="$name" '
			!NF { print 1000 * sum; sum = 0 }
			index($2, name "(") == 1 { gsub(/[<>]/, "", $NF); sum += $NF }' "$GUEST/calls" |
			sort -g | awk -v name="$name" '{ v[NR] = $1 } END { printf "%6.1f ms        in %s\n", v[int((NR + 1) / 2)], name }'
	done
}

install_apikey
on_disk "$STATE"
bench_build bench_store
printf '%s\n' 'version: 1' 'uid_range: 1879048192-1999999999' 'create_home: false' >"$SETTINGS"
printf 'version: 1\nroles:\n  role-0: {services: [sshd], unix_groups: [team-0]}\n' >"$POLICY"
"$BENCH/bench_store" "$STATE" "$KEYS" 1
apikey publish >/dev/null
# Each verb twice, and the other between: what is made is there to be deleted.
for verb in create delete; do
	printf '%s, among %d keys\n' "$verb" "$KEYS"
	on_processor "$verb"
	if [ "$verb" = create ]; then each_round delete; else each_round create; fi
	in_calls "$verb"
done
