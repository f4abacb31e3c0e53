# shellcheck shell=bash
# shellcheck disable=SC2154 # wait.sh has the pipe
# What a bench says: its sizes, its clock, rows of six fields parted by tabs. Sourced after e2e.sh.

# full FULL SMOKE: the one or the other; APIKEY_BENCH=smoke shows that a bench works, and measures nothing.
full() { if [ "${APIKEY_BENCH:-}" = smoke ]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi; }

# note TEXT: progress, for people who wait.
note() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }

# row MEASURE WHO PARAMETERS UNIT [PERCENTILE]: the median and the greatest of the numbers on stdin, or that percentile;
# `-` for the latter where there is one number.
row() {
	sort -g | awk -v head="$1"$'\t'"$2"$'\t'"$3" -v unit="$4" -v part="${5:-100}" '
		{ v[NR] = $1 }
		END {
			if (NR == 0) exit 1
			high = int(NR * part / 100)
			high = high < 1 ? 1 : high
			printf("%s\t%.2f\t%s\t%s\n", head, v[int((NR + 1) / 2)], (NR > 1 ? sprintf("%.2f", v[high]) : "-"), unit)
		}'
}

# timed CMD…: runs it, and prints the milliseconds that it took. What it says is shown when it fails.
timed() {
	local from=${EPOCHREALTIME/./} to
	"$@" >"$GUEST/timed" 2>&1 </dev/null || { tail -n 20 "$GUEST/timed" >&2; return 1; }
	to=${EPOCHREALTIME/./}
	awk -v us=$((to - from)) 'BEGIN { printf "%.3f\n", us / 1000 }'
}

# pause SECONDS: between two measurements.
pause() { read -rt "$1" -u "$wait_pipe" || :; }

# on_disk FOLDER: FOLDER, empty, lies on this machine's disk until the bench ends, below the checkout's build/. All else
# that a private host writes stays in memory, where an fsync costs nothing.
on_disk() {
	local checkout=/run/host/checkout place
	mount --bind "$checkout" "$checkout"
	mount -o remount,bind,rw "$checkout"
	mkdir -p "$checkout/build/bench" "$1"
	place=$(mktemp -d "$checkout/build/bench/disk.XXXXXX")
	chmod 755 "$place"
	mount --bind "$place" "$1"
	umount "$checkout"
	# shellcheck disable=SC2064
	trap "find '$1' -mindepth 1 -delete" EXIT
}
