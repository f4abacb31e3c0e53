#!/usr/bin/env bash
# Runs the benches: each script of this folder makes rows, of which report.awk makes tables. `./dev bench` calls it. Root.
#
# usage: bash tests/bench/run.sh [NAME…]     all benches, or those named
#        bash tests/bench/run.sh --smoke     TAP: does each run, with the smallest numbers and without peers, and say figures?
#                                            However long anything takes.
# What a login's time goes to is no bench: `bash tests/bench/profile.sh six` and its like; arguments/pam-*.md have their shares from
# there. The rows are left in build/bench/rows.tsv. After a run of all, in which none failed, doc/benchmarks.md and its pictures
# are what it found.
set -euo pipefail
shopt -s inherit_errexit nullglob
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
OUT=$TOP/build/bench

# benches: their names. profile.sh is none; nor is a script whose name begins with bench_, which is another's part.
benches() {
	local script
	for script in "$HERE"/*.sh; do
		script=$(basename "$script" .sh)
		case $script in
		run | profile | bench_*) ;;
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

# rows_are_rows FILE [LOG]: six fields each, with figures where figures stand; and at least one. Else LOG's end is shown.
rows_are_rows() {
	awk -F'\t' '
		NF != 6 || $4 !~ /^-?[0-9]+(\.[0-9]+)?$/ || $5 !~ /^(-|-?[0-9]+(\.[0-9]+)?)$/ { print "not a row: " $0 >"/dev/stderr"; bad = 1 }
		END { exit bad || !NR }' "$1" || { [ -z "${2:-}" ] || tail -n 20 "$2"; return 1; }
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
	awk -v missing=fail -v date="$(date -u +%Y-%m-%d)" -v machine="$(machine)" -v arguments="$HERE/arguments" -f "$HERE/report.awk" \
		"$HERE/bars.txt" "$OUT/rows.tsv" "$HERE/benchmarks.md" >"$new/benchmarks.md"
	while read -r name; do
		awk -v name="$name" -f "$HERE/plot.awk" "$HERE/plots.txt" "$OUT/rows.tsv" >"$new/bench-$name.svg"
	done < <(awk '/^= / { print $2 }' "$HERE/plots.txt")
	rm -f "$TOP"/doc/bench-*.svg
	cp "$new"/* "$TOP/doc"
	printf 'bench: doc/benchmarks.md is made\n' >&2
}

# --- the smoke test -----------------------------------------------------------------------------

# measured FILE…: the measures that a list of rows names.
measured() { awk -F'\t' '/^[^#=@]/ && NF >= 3 && ($2 == "apikey") { print $1 }' "$@" | sort -u; }

# unmeasured FILE…: what the lists name of ours and no row of the smoke test is.
unmeasured() { comm -23 <(measured "$@") <(measured "$work"/*.rows); }

# verdict FIGURE KEYS [LINE]: what report.awk makes of @bars or LINE of a row with this figure, whose bar is 3; its status.
verdict() {
	printf '= the-bar a bar\na-measure\tapikey\tkeys=1\tmedian<=3\na-measure\tapikey\tkeys=1\t2×peer\n' >"$work/bars"
	printf 'a-measure\tapikey\tkeys=%s\t%s\t-\tus\na-measure\tpeer\tkeys=1\t4\t-\tus\n' "$2" "$1" >"$work/row"
	printf '@bars\n' | awk -v missing=fail -f "$HERE/report.awk" "$work/bars" "$work/row" - | awk -F' *[|] *' 'NR == 3 { print $3, $4 }'
}

# argued FIGURE: what report.awk says to a bar of 3, whose argument names a peer's row and one that is not there.
argued() {
	verdict "$1" 1 >"$work/verdict"
	printf 'A peer takes @(a-measure peer keys=1), another @(a-measure other keys=1).\n' >"$work/the-bar.md"
	printf '@bars\n@arguments\n' | awk -v arguments="$work" -f "$HERE/report.awk" "$work/bars" "$work/row" - | sed '1,3d'
}

# strangers: what arguments are for, and no bar is.
strangers() {
	comm -13 <(awk '/^= / { print $2 }' "$HERE/bars.txt" | sort) <(basename -s .md "$HERE"/arguments/*.md | sort)
}

# unmeasured_figures: the measures that arguments and the text name and no row of the smoke test has; but for peers.
unmeasured_figures() {
	comm -23 <(grep -oh '@([^ )]* [^ )]* [^)]*)' "$HERE"/arguments/*.md "$HERE/benchmarks.md" | tr -d '@(' | cut -d' ' -f1 | sort -u) \
		<(cut -f1 "$work"/*.rows | sort -u)
}

# parts: into which parts profile.awk puts three samples of two logins, beside one of pam_permit's; 1000 samples are a second.
parts() {
	printf 'pam_call \n\t 1 main (/x/pam_call)\n\n' >"$work/permit"
	{
		printf 'pam_call \n\t 1 send (/x/libc.so.6)\n\t 2 report_decision (/x/pam_apikey.so)\n\t 3 main (/x/pam_call)\n\n%.0s' 1 2
		printf 'pam_call \n\t 1 [unknown] (/x/libgcrypt.so.20)\n\t 2 token_verify (/x/pam_apikey.so)\n\n'
	} >"$work/apikey"
	awk -v rate=1000 -v n_permit=1 -v n_apikey=2 -f "$HERE/profile.awk" "$work/permit" "$work/apikey" | sed '1d; s/  */ /g'
}

# picture WHERE…: the curve of a row at each of these places, as plot.awk draws it.
picture() {
	local at
	for at in "$@"; do
		printf 'name-hit\tapikey\tkeys=%s\t%s\t-\tus\n' "$at" "$at"
	done >"$work/row"
	awk -v name=names -f "$HERE/plot.awk" "$HERE/plots.txt" "$work/row" | grep -c '<circle'
}

smoke() {
	local name
	# shellcheck source=tests/lib/tap.sh
	. "$TOP/tests/lib/tap.sh"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	export APIKEY_BENCH=smoke
	for name in "$@"; do
		TOP=$TOP bash "$HERE/$name.sh" >"$work/$name.rows" 2>"$work/$name.log" </dev/null || printf 'failed\n' >>"$work/$name.rows" &
	done
	wait
	for name in "$@"; do
		holds "$name runs, and says figures" rows_are_rows "$work/$name.rows" "$work/$name.log"
	done
	equals 'every bar of ours is measured' '' unmeasured "$HERE/bars.txt"
	equals 'every curve of ours is measured' '' unmeasured "$HERE/plots.txt"
	equals 'every table is of a measure' '' comm -23 <(awk '/^@table/ { print $2 }' "$HERE/benchmarks.md" | sort) \
		<(cut -f1 "$work"/*.rows "$HERE/plots.txt" | sort -u)
	equals 'a figure at its bar meets it' '2 µs, 2 times met' verdict 2 1
	equals 'a figure above its bar misses it' '3.01 µs, 1.33 times **missed**' verdict 3.01 1
	equals 'a figure that a peer comes too near misses its bar' '2.50 µs, 1.60 times **missed**' verdict 2.5 1
	equals 'a bar that is met needs no argument' 'Every bar is met.' argued 2
	equals 'a bar that is missed has its argument, with figures' $'### Missed\n\n**a bar**: 4 µs, 1 times.\nA peer takes 4 µs, another –.' argued 4
	equals 'every argument is for a bar' '' strangers
	equals 'every figure in an argument or the text is of a measure' '' unmeasured_figures
	exits 'a bar without its row is a failure' 1 verdict 2 2
	equals 'a picture has a point for each row' 3 picture 10 1000 100000
	exits 'a picture of one point is none' 1 picture 10
	equals "a profile's samples are each of one part" "$(printf '%s\n' 'libgcrypt 0.0 500.0 500.0 33%' 'lines to syslog 0.0 1000.0 1000.0 67%' \
		'libpam, and what calls it 1000.0 0.0 -1000.0 -' 'all 500.0')" parts
	tap_done
}

if [ "${1:-}" = --smoke ]; then
	readarray -t NAMES < <(benches)
	smoke "${NAMES[@]}"
	exit
fi
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
