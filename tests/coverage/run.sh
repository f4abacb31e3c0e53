#!/usr/bin/env bash
# run.sh: which lines the tests of `make check` and the fuzz corpora reach: a table by file; fails where common, pam or nss is below the bar,
# or a fuzz target fails over its corpus.
#
# All is built by gcc into build/coverage, with counters. What no test reached is listed, line by line, in
# build/coverage/unreached.txt; how the tests went, in check.log there: whether they pass is ./dev check's to say (the
# engine's sandbox forbids to write counters down, so its test fails here). What needs a booted host is reached by
# tests/e2e alone, and counts as unreached: usermanager, nscd, how ending empties a uid, most of what joins the daemon.
set -euo pipefail
shopt -s nullglob globstar

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
OUT=$TOP/build/coverage
BAR=90 # per cent of the lines of each folder in BARRED
BARRED='common pam nss'
FLAGS=(-O1 -g --coverage -fprofile-update=atomic -U_FORTIFY_SOURCE)
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*" >&2; }

# logged NAME CMD…: CMD with its output in NAME.log.
logged() {
	local log=$OUT/$1.log
	shift
	"$@" >"$log" 2>&1 </dev/null
}
built() { logged "$@" || { tail -n 40 "$OUT/$1.log" >&2; exit 1; }; }

configure_here() {
	[ -e "$TOP/configure" ] || built autoreconf autoreconf -i "$TOP"
	gcc "${FLAGS[@]}" -fPIC -c "$HERE/exit.c" -o "$OUT/exit.o"
	[ -e "$OUT/config.status" ] || (
		cd "$OUT"
		built configure "$TOP/configure" --prefix=/usr --libdir="/usr/lib/$(gcc -print-multiarch)" --sysconfdir=/etc \
			--localstatedir=/var --enable-silent-rules CC=gcc CFLAGS="${FLAGS[*]}" \
			LDFLAGS="--coverage -Wl,--wrap=_exit -Wl,$OUT/exit.o"
	)
}

run_tests() {
	local log='timeout -k 5 600'
	find "$OUT" -name '*.gcda' -delete
	built build make -C "$OUT" -j "$(nproc)"
	logged check make -C "$OUT" -j "$(nproc)" -k check VERBOSE=1 LOG_COMPILER="$log" SH_LOG_COMPILER="$log" || :
	grep -hE '^(FAIL|ERROR): ' "$OUT/check.log" >&2 || :
	grep -q '^# PASS:  *[1-9]' "$OUT/check.log" || { say "no test passed: see $OUT/check.log"; exit 1; }
}

# target_words NAME: what tests/fuzz/targets.txt says that it is linked with: helpers, objects with counters, flags.
target_words() {
	local word source words
	words=$(awk -v name="$1" '$1 == name { $1 = ""; print }' "$TOP/tests/fuzz/targets.txt")
	cd "$TOP"
	# the words are globs
	for word in $words; do
		case $word in
		-*) printf '%s\n' "$word" ;;
		tests/*) printf '%s\n' "$TOP/$word" ;;
		*)
			for source in "$OUT/${word%/*}/.libs/"{,*-}"$(basename "$word" .c)".o; do
				[ ! -e "$source" ] || printf '%s\n' "$source"
			done
			;;
		esac
	done
}

# run_corpus NAME: fuzz_NAME over its corpus and, where run.sh of tests/fuzz seeds it, over its seeds.
run_corpus() {
	local target=$1 words seeds=("$TOP/tests/fuzz/corpus/$1"/*)
	[ "$target" != policy ] || seeds+=("$TOP"/tests/golden/policy/*.yaml)
	[ ${#seeds[@]} -gt 0 ] || return 0
	mapfile -t words < <(target_words "$target")
	built "fuzz-$target" gcc -std=gnu11 -D_GNU_SOURCE -g -I"$TOP"/{common,ldap,daemon,nss,pam,cli,tests/lib,tests/fuzz} \
		'-DAK_SYSCONFDIR="/etc"' '-DAK_LOCALSTATEDIR="/var"' \
		-o "$OUT/fuzz_$target" --coverage "$HERE/once.c" "$TOP/tests/fuzz/fuzz_$target.c" "$TOP/tests/fuzz/fuzz_check.c" \
		"${words[@]}" -Wl,--start-group "$OUT"/.libs/lib{core,read,token,policy,store,enforce}.a -Wl,--end-group -lyaml -lgcrypt -lgcov
	logged "corpus-$target" timeout -k 5 600 "$OUT/fuzz_$target" "${seeds[@]}" ||
		{ say "fuzz_$target failed over its corpus: see $OUT/corpus-$target.log"; failed=1; }
}

# counts: every line of ours that holds code: FILE, its number, how often it ran, its text, parted by tabs. A line of
# which there are several objects ran as often as in the one where it ran most.
counts() {
	cd "$OUT"
	find . -name '*.gcno' ! -path './tests/*' ! -name '*conftest*' -print0 | xargs -0 -n 50 gcov -t 2>/dev/null | awk -v top="$TOP/" '
		{ count = $0; sub(/:.*/, "", count); gsub(/[ *]/, "", count)
		  rest = substr($0, index($0, ":") + 1); line = rest; sub(/:.*/, "", line); line += 0
		  text = substr(rest, index(rest, ":") + 1) }
		line == 0 && text ~ /^Source:/ { file = substr(text, 8); sub("^(\\.\\./)+", "", file); sub("^" top, "", file); next }
		line == 0 || count == "-" || file !~ /^(common|pam|nss|ldap|daemon|cli)\/[^\/]*\.[ch]$/ { next }
		{ ran = count + 0; at = file "\t" line
		  if (!(at in most)) { most[at] = ran; texts[at] = text } else if (ran > most[at]) most[at] = ran }
		END { for (at in most) print at "\t" most[at] "\t" texts[at] }' | sort -t '	' -k 1,1 -k 2,2n
}

# report: the table from what counts printed.
report() {
	awk -F '\t' -v bar="$BAR" -v barred="$BARRED" '
		{ folder = $1; sub(/\/.*/, "", folder); lines[$1]++; all[folder]++; if ($3 > 0) { ran[$1]++; hit[folder]++ }
		  if (!($1 in seen)) { seen[$1] = 1; order[++n] = $1 } }
		END {
			printf "%-34s %6s %9s %7s\n", "file", "lines", "unreached", "reached"
			for (i = 1; i <= n; i++) { f = order[i]
				printf "%-34s %6d %9d %6.1f%%\n", f, lines[f], lines[f] - ran[f], 100 * ran[f] / lines[f] }
			print ""
			split("common pam nss daemon ldap cli", folders, " ")
			for (i = 1; i <= 6; i++) { f = folders[i]; share = all[f] ? 100 * hit[f] / all[f] : 0
				low = index(" " barred " ", " " f " ") && share < bar; bad += low
				printf "%-34s %6d %9d %6.1f%%%s\n", f, all[f], all[f] - hit[f], share, low ? "  below " bar "%" : "" }
			exit bad > 0
		}'
}

mkdir -p "$OUT"
say 'building build/coverage, and running its tests'
configure_here
run_tests
failed=0
while read -r target; do
	run_corpus "$target"
done < <(awk 'NF && !/^#/ { print $1 }' "$TOP/tests/fuzz/targets.txt")
counts >"$OUT/counts.tsv"
awk -F '\t' '$3 == 0 { at = $1 ":" $2 ":"; sub(/^[^\t]*\t[^\t]*\t[^\t]*\t/, ""); print at $0 }' "$OUT/counts.tsv" >"$OUT/unreached.txt"
report <"$OUT/counts.tsv" | tee "$OUT/table.txt"
[ "$failed" -eq 0 ]
