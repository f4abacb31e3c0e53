#!/usr/bin/env bash
# run.sh SECONDS FOLDER, run.sh --minutes N FOLDER, or run.sh --merge FOUND FOLDER: the fuzz targets of targets.txt,
# from their seeds.
#
# The first: each target for so long, as TAP, by the same dice from the same seeds in the same order each time: a change
# is judged by what it did, not by luck, and what failed fails again.
# The second: all of them in N minutes, by new dice, and a table of what that was worth. It begins with what was found the
# last time.
# The third: of what the second found in FOUND (such as FOLDER), what reaches code that no seed reaches becomes a seed: the
# smallest files for that go into corpus/TARGET. What differs in how often alone does not: every check reads all seeds.
# As many side by side as there are processors. Seeds: corpus/TARGET, which also keeps whatever failed once; the golden
# policies (as files, and compiled); this machine's time zones. What the second finds on the way stays in
# FOLDER/found-TARGET, what the first finds in FOLDER/again-TARGET until it runs again; what fails in FOLDER/failed-TARGET.
set -euo pipefail
shopt -s nullglob

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lib/tap.sh
. "$HERE/../lib/tap.sh"
MINUTES='' MERGE=''
case ${1:-} in
--minutes) MINUTES=${2:?how many minutes} && shift 2 ;;
--merge) MERGE=$(cd "${2:?where it was found}" && pwd) && shift 2 ;;
*) SECONDS_EACH=${1:?how many seconds for each target} && shift ;;
esac
OUT=${1:-$HERE/../../build/fuzz}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
JOBS=$(nproc)
SEED=1 FOUND=again
[ -z "$MINUTES$MERGE" ] || { SEED=0 && FOUND=found; } # 0: another one each time
mapfile -t TARGETS < <(awk 'NF && !/^#/ { print $1 }' "$HERE/targets.txt")

# Files that a target reads by their names lie where writing is quick, and are gone afterwards.
FILES=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" apikey-fuzz.XXXXXX)
trap 'rm -rf "$tap_out" "$FILES"' EXIT

# seeds TARGET: fills FOLDER/seeds-TARGET.
seeds() {
	local to=$OUT/seeds-$1 seed zone
	rm -rf "$to"
	[ -n "$MINUTES$MERGE" ] || rm -rf "$OUT/$FOUND-$1"
	mkdir -p "$to" "$OUT/$FOUND-$1" "$OUT/failed-$1" "$FILES/$1"
	for seed in "$HERE/corpus/$1"/*; do
		cp "$seed" "$to/"
	done
	case $1 in
	policy) cp "$HERE"/../golden/policy/*.yaml "$HERE/../../etc/policy.yaml" "$to/" ;;
	image) "$OUT/make_image" "$to" "$HERE"/../golden/policy/*.yaml "$HERE/../../etc/policy.yaml" ;;
	index | nss | keys | record | run | pinned | rollback) TMPDIR=$FILES "$OUT/make_seeds" "$1" "$to" ;;
	zone)
		for zone in UTC Etc/GMT+5 Europe/Berlin America/New_York Australia/Lord_Howe Pacific/Apia Africa/Casablanca; do
			[ ! -f "/usr/share/zoneinfo/$zone" ] || cp "/usr/share/zoneinfo/$zone" "$to/${zone//\//-}"
		done
		;;
	esac
	chmod u+w "$to"/*
	# by name: libFuzzer would take them as the file system has them
	printf '%s' "$(find "$to" -type f -size +0 | LC_ALL=C sort | paste -sd,)" >"$to.list"
}

# fuzz TARGET SECONDS: first the seeds, then what libFuzzer makes of them. Leaves FOLDER/TARGET.log, .status and .cpu (s).
# Addresses are the same each time where that may be asked for, and so are the names of a target's own files. What others
# write into the corpus is not looked at: when that happens is a matter of time.
fuzz() {
	local TIMEFORMAT='%U %S' status=0 fixed=()
	seeds "$1"
	! setarch --addr-no-randomize true 2>/dev/null || fixed=(setarch --addr-no-randomize)
	{
		time (cd "$FILES/$1" && TMPDIR=/proc/self/cwd exec "${fixed[@]}" "$OUT/fuzz_$1" -max_total_time="$2" -timeout=60 \
			-rss_limit_mb=2048 -max_len=20000 -seed="$SEED" -reload=0 -print_final_stats=1 \
			-artifact_prefix="$OUT/failed-$1/" -seed_inputs="@$OUT/seeds-$1.list" "$OUT/$FOUND-$1" >"$OUT/$1.log" 2>&1)
	} 2>"$OUT/$1.cpu" || status=$?
	printf '%s\n' "$status" >"$OUT/$1.status"
}

# each_target CMD WORD…: CMD TARGET WORD… for each target, JOBS at a time.
each_target() {
	local target running=0
	rm -f "$OUT"/*.status
	for target in "${TARGETS[@]}"; do
		[ "$running" -lt "$JOBS" ] || { wait -n || :; running=$((running - 1)); }
		"$1" "$target" "${@:2}" &
		running=$((running + 1))
	done
	wait
}

# merge TARGET: no file of more than 4 KiB. Leaves FOLDER/TARGET.log and .status, and in TARGET.merged how many came.
merge() {
	local status=0 some=$FILES/some-$1 all=$FILES/all-$1 file n=0
	seeds "$1"
	mkdir -p "$some"
	find "$MERGE/found-$1" -type f -size -4097c -exec cp -t "$some" {} +
	cp -r "$OUT/seeds-$1" "$all"
	(cd "$FILES/$1" && TMPDIR=/proc/self/cwd exec "$OUT/fuzz_$1" -merge=1 -use_counters=0 -timeout=60 -rss_limit_mb=2048 \
		-max_len=20000 -artifact_prefix="$OUT/failed-$1/" "$all" "$some" >"$OUT/$1.log" 2>&1) || status=$?
	for file in "$all"/*; do
		[ ! -e "$OUT/seeds-$1/${file##*/}" ] || continue
		cp "$file" "$HERE/corpus/$1/"
		n=$((n + 1))
	done
	printf '%s\n' "$n" >"$OUT/$1.merged"
	printf '%s\n' "$status" >"$OUT/$1.status"
}

# passed TARGET: did its run end well?
passed() { [ "$(cat "$OUT/$1.status" 2>/dev/null)" = 0 ]; }

# told TARGET: what is worth reading of a run that failed, from the first word of the failure on.
told() {
	awk '/contradiction:|ERROR:|runtime error:/ { on = 1 } on' "$OUT/$1.log" | head -n 40
	tail -n 3 "$OUT/$1.log"
}

# figure TARGET NAME: one of libFuzzer's figures.
figure() { awk -v name="stat::$2:" '$1 == name { n = $2 } END { print n + 0 }' "$OUT/$1.log"; }

# row TARGET: a line of the table.
row() {
	local covered files
	covered=$(awk '{ for (i = 1; i < NF; i++) if ($i == "cov:") n = $(i + 1) } END { print n + 0 }' "$OUT/$1.log")
	files=("$OUT/$FOUND-$1"/*)
	printf '%-12s %8.1f %12d %9d %8d  %s\n' "$1" "$(awk '{ print $1 + $2; exit }' "$OUT/$1.cpu")" \
		"$(figure "$1" number_of_executed_units)" "$covered" "${#files[@]}" \
		"$(passed "$1" && echo nothing || echo "FAILED: $OUT/failed-$1")"
}

as_tap() {
	local target
	for target in "${TARGETS[@]}"; do
		if passed "$target"; then
			tap_ok "fuzz_$target: nothing found in $SECONDS_EACH s"
			printf '# %s inputs\n' "$(figure "$target" number_of_executed_units)"
		else
			told "$target" >"$tap_out"
			tap_not_ok "fuzz_$target: see $OUT/failed-$target"
		fi
	done
	tap_done
}

as_table() {
	local target bad=0
	for target in "${TARGETS[@]}"; do
		passed "$target" || { bad=1 && printf -- '--- fuzz_%s\n' "$target" && told "$target"; }
	done
	printf '%-12s %8s %12s %9s %8s  %s\n' target 'CPU s' executions coverage corpus found
	for target in "${TARGETS[@]}"; do
		row "$target"
	done
	return "$bad"
}

as_merged() {
	local target bad=0
	for target in "${TARGETS[@]}"; do
		passed "$target" || { bad=1 && printf -- '--- fuzz_%s\n' "$target" && told "$target"; }
		printf '%-12s %6d new %6d KiB in all\n' "$target" "$(cat "$OUT/$target.merged")" \
			"$(du -s --apparent-size "$HERE/corpus/$target" | cut -f1)"
	done
	return "$bad"
}

if ! bash "$HERE/build.sh" "$OUT" >"$tap_out" 2>&1; then
	tap_not_ok 'the fuzz targets can be built'
	tap_done
	exit
fi
if [ -n "$MERGE" ]; then
	each_target merge
	as_merged
elif [ -n "$MINUTES" ]; then
	each_target fuzz $(((MINUTES * 60 * JOBS + ${#TARGETS[@]} - 1) / ${#TARGETS[@]}))
	as_table
else
	tap_ok 'the fuzz targets can be built'
	each_target fuzz "$SECONDS_EACH"
	as_tap
fi
