#!/usr/bin/env bash
# run.sh SECONDS [FOLDER]: each fuzz target for so long, from its seeds. TAP.
#
# Seeds: corpus/TARGET, which also keeps whatever failed once; the golden policies (as files, and
# compiled); this machine's time zones. What is found on the way stays in FOLDER/found-TARGET.
set -euo pipefail
shopt -s nullglob

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lib/tap.sh
. "$HERE/../lib/tap.sh"
SECONDS_EACH=${1:?how many seconds for each target}
OUT=${2:-$HERE/../../build/fuzz}
trap 'rm -f "$tap_out"' EXIT

# seeds TARGET: fills FOLDER/seeds-TARGET.
seeds() {
	local to=$OUT/seeds-$1 zone
	rm -rf "$to"
	mkdir -p "$to" "$OUT/found-$1" "$OUT/failed-$1"
	for seed in "$HERE/corpus/$1"/*; do
		cp "$seed" "$to/"
	done
	case $1 in
	policy) cp "$HERE"/../golden/policy/*.yaml "$HERE/../../etc/policy.yaml" "$to/" ;;
	image) "$OUT/make_image" "$to" "$HERE"/../golden/policy/*.yaml "$HERE/../../etc/policy.yaml" ;;
	zone)
		for zone in UTC Etc/GMT+5 Europe/Berlin America/New_York Australia/Lord_Howe Pacific/Apia Africa/Casablanca; do
			[ ! -f "/usr/share/zoneinfo/$zone" ] || cp "/usr/share/zoneinfo/$zone" "$to/${zone//\//-}"
		done
		;;
	esac
}

# fuzz TARGET: first the seeds, then what libFuzzer makes of them.
fuzz() {
	"$OUT/fuzz_$1" -max_total_time="$SECONDS_EACH" -timeout=20 -rss_limit_mb=4096 -max_len=20000 \
		-print_final_stats=1 -artifact_prefix="$OUT/failed-$1/" "$OUT/found-$1" "$OUT/seeds-$1" >"$tap_out" 2>&1
}

if ! bash "$HERE/build.sh" "$OUT" >"$tap_out" 2>&1; then
	tap_not_ok 'the fuzz targets can be built'
	tap_done
	exit
fi
tap_ok 'the fuzz targets can be built'
for target in policy image zone ldapsync wire entry logfmt import; do
	seeds "$target"
	if fuzz "$target"; then
		runs=$(awk '/stat::number_of_executed_units/ { print $2 }' "$tap_out")
		tap_ok "fuzz_$target: nothing found in $SECONDS_EACH s"
		printf '# %s inputs\n' "${runs:-0}"
	else
		tap_not_ok "fuzz_$target: see $OUT/failed-$target"
	fi
done
tap_done
