#!/usr/bin/env bash
# Runs the benches: each script of this folder makes rows, of which report.awk makes tables. `./dev bench` calls it. Root.
#
# usage: bash tests/bench/run.sh [NAME…]     all benches, or those named
# The rows are left in build/bench/rows.tsv. After a run of all, in which none failed, doc/benchmarks.md and its pictures
# are what it found.
set -euo pipefail
shopt -s inherit_errexit nullglob
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
OUT=$TOP/build/bench

# benches: their names. A script whose name begins with bench_ is another's part.
benches() {
	local script
	for script in "$HERE"/*.sh; do
		script=$(basename "$script" .sh)
		case $script in
		run | bench_*) ;;
		*) printf '%s\n' "$script" ;;
		esac
	done
}

# bench NAME: its rows into $OUT/NAME.tsv; 1 when it fails or has none.
bench() {
	local began=$SECONDS
	printf 'bench: %s\n' "$1" >&2
	rm -f "$OUT/$1.tsv"
	TOP=$TOP bash "$HERE/$1.sh" >"$OUT/$1.rows" 2>"$OUT/$1.log" </dev/null ||
		{ printf 'bench: %s failed; %s ends with\n' "$1" "$OUT/$1.log" >&2; tail -n 20 "$OUT/$1.log" >&2; return 1; }
	rows_are_rows "$OUT/$1.rows" || { printf 'bench: %s: not a row, or none\n' "$1" >&2; return 1; }
	mv "$OUT/$1.rows" "$OUT/$1.tsv"
	printf 'bench: %s: %d rows, %d s\n' "$1" "$(wc -l <"$OUT/$1.tsv")" $((SECONDS - began)) >&2
}

# rows_are_rows FILE: six fields each, with figures where figures stand; and at least one.
rows_are_rows() {
	awk -F'\t' '
		NF != 6 || $4 !~ /^-?[0-9]+(\.[0-9]+)?$/ || $5 !~ /^(-|-?[0-9]+(\.[0-9]+)?)$/ { print "not a row: " $0 >"/dev/stderr"; bad = 1 }
		END { exit bad || !NR }' "$1"
}

# machine: what this was measured on, as a sentence.
machine() {
	awk -F': *' -v kernel="$(uname -r)" -v cores="$(nproc)" -v debian="$(. /etc/os-release && printf '%s' "$PRETTY_NAME")" '
		/^model name/ && !model { model = $2 }
		END { printf "%s cores of %s, Linux %s, %s.", cores, model == "" ? "an unnamed processor" : model, kernel, debian }' /proc/cpuinfo
}

# document: doc/benchmarks.md and doc/bench-*.svg, all or none; a bar or a table without its figures is a failure.
document() {
	local new=$OUT/doc name
	rm -rf "$new"
	mkdir "$new"
	awk -v missing=fail -v date="$(date -u +%Y-%m-%d)" -v machine="$(machine)" -f "$HERE/report.awk" \
		"$HERE/bars.txt" "$OUT/rows.tsv" "$HERE/benchmarks.md" >"$new/benchmarks.md"
	while read -r name; do
		awk -v name="$name" -f "$HERE/plot.awk" "$HERE/plots.txt" "$OUT/rows.tsv" >"$new/bench-$name.svg"
	done < <(awk '/^= / { print $2 }' "$HERE/plots.txt")
	rm -f "$TOP"/doc/bench-*.svg
	cp "$new"/* "$TOP/doc"
	printf 'bench: doc/benchmarks.md is made\n' >&2
}

NAMES=("$@")
[ $# -gt 0 ] || readarray -t NAMES < <(benches)
for name in "${NAMES[@]}"; do
	[ -f "$HERE/$name.sh" ] || { printf 'there is no bench %s; there are: %s\n' "$name" "$(benches | tr '\n' ' ')" >&2; exit 2; }
done
mkdir -p "$OUT"
failed=()
for name in "${NAMES[@]}"; do
	bench "$name" || failed+=("$name")
done
for name in "${NAMES[@]}"; do
	[ ! -e "$OUT/$name.tsv" ] || cat "$OUT/$name.tsv"
done >"$OUT/rows.tsv"
printf '@bars\n\n@rest\n' | awk -f "$HERE/report.awk" "$HERE/bars.txt" "$OUT/rows.tsv" -
[ ${#failed[@]} -eq 0 ] || { printf 'bench: failed: %s\n' "${failed[*]}" >&2; exit 1; }
[ $# -gt 0 ] || document
