#!/usr/bin/env bash
# Does the search for mutants find what was planted? A file with known gaps in its test, and entries that argue too much.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lib/tap.sh
. "$HERE/../lib/tap.sh"
# shellcheck source=tests/mutate/mutants.sh
. "$HERE/mutants.sh"

DIR=$(mktemp -d /tmp/apikey-mutate-XXXXXX)
trap 'rm -rf "$DIR" "$tap_out"' EXIT
OUT=$DIR/out
SLACK_S=60
TABLE=$DIR/files.txt
EQUIVALENT=$DIR/equivalent.txt
export DIR

run_test() { timeout -k 1 "$LIMIT" "$DIR/$1"; }

compile() {
	local name=$1
	shift
	"${CC:-cc}" -w "$@" -o "$DIR/$name" "$DIR/copy/planted.c" "$HERE/mutant_switch.c" "$DIR/$name.c"
}

build_one() { compile "$3" "-DMUTANT_BUILT=$1"; }

# search TEST: all mutants of planted.c, by this test.
search() {
	rm -rf "$OUT"
	mkdir -p "$OUT" "$DIR/copy"
	printf 'planted.c %s\n' "$1" >"$TABLE"
	make_mutants "$DIR" "$DIR/copy" planted.c
	compile "$1"
	: >"$OUT/verdicts.tsv"
	try_unchanged "$1"
	try_switched planted.c
	try_built planted.c
	report planted.c
}

# test_of NAME STATEMENT…: a test that asks these things.
test_of() {
	local name=$1
	shift
	{
		printf 'int planted_fits(int n, int cap);\nint planted_code(int n);\nint planted_sum(unsigned n);\nint main(void)\n{\n'
		printf '\tif (!(%s)) return 1;\n' "$@"
		printf '\treturn 0;\n}\n'
	} >"$DIR/$name.c"
}

cat >"$DIR/planted.c" <<'END'
/* Nothing in here is touched: a == b && !c */
#include <stddef.h>
#define AK_OK 0
#define AK_ERR_RANGE 7
#define PAM_SUCCESS 0
#define PAM_AUTH_ERR 9
#define UNTOUCHED(x) ((x) == 1)

static const int codes[] = {PAM_SUCCESS, PAM_AUTH_ERR};
const char *planted_text = "a == b /* && !c";

int
planted_fits(int n, int cap)
{
	if (n < 0 || /* or n == 0 */ cap <= 0)
		return AK_ERR_RANGE;
	return n <= cap ? AK_OK : AK_ERR_RANGE;
}

int
planted_code(int n)
{
	return codes[!n ? 0 : 1];
}
END

all=('planted_fits(2, 2) == 0' 'planted_fits(3, 2) == 7' 'planted_fits(1, 2) == 0' 'planted_fits(-1, 2) == 7'
	'planted_fits(0, 1) == 0' 'planted_fits(0, 0) == 7' 'planted_code(0) == 0' 'planted_code(1) == 9')
test_of complete "${all[@]}"
test_of no_edge "${all[@]:1}"
test_of one_half "${all[@]:0:6}"
: >"$EQUIVALENT"

shows 'a test that asks for everything leaves no survivor' 0 '^12 mutants, 12 caught, 0 hung, 0 equivalent, 0 survived$' search complete
shows 'a gap in a test is reported, with its place and what was turned' 1 \
	"^survived: planted.c:17: planted_fits: return n <= cap \? AK_OK : AK_ERR_RANGE;  \[\`<=' becomes \`<'\]$" search no_edge
shows 'so is a value of a table that no test asks for' 1 \
	"^survived: planted.c:9: -: static const .*  \[\`PAM_AUTH_ERR' becomes \`PAM_SUCCESS'\]$" search one_half
shows 'and what no test comes past' 1 'planted_code: .* no test comes past it$' search one_half

printf '%s\n\t%s\n\t%s\n' 'planted.c planted_fits: return n <= cap ? AK_OK : AK_ERR_RANGE;' "\`<=' becomes \`<'" \
	'because it was planted' >"$EQUIVALENT"
shows 'a survivor that is argued is none' 0 '^12 mutants, 11 caught, 0 hung, 1 equivalent, 0 survived$' search no_edge
shows 'an entry whose mutant is caught is reported' 1 \
	"^not needed any more in equivalent.txt: planted.c planted_fits: return n <= cap .*\[\`<=' becomes \`<'\]$" search complete
sed -i 's/n <= cap/m <= cap/' "$EQUIVALENT"
shows 'so is one whose line is no more' 1 '^not needed any more in equivalent.txt: planted.c planted_fits: return m <= cap' \
	search complete
: >"$EQUIVALENT"

cat >"$DIR/planted.c" <<'END'
int
planted_sum(unsigned n)
{
	int sum = 0;

	while (n != 0)
		sum += (int)n, n /= 2;
	return sum;
}
END
test_of endless 'planted_sum(0) == 0' 'planted_sum(3) == 4'
SLACK_S=1
shows 'a mutant that never ends is told apart' 0 '^1 mutants, 0 caught, 1 hung, 0 equivalent, 0 survived$' search endless
shows 'with its place' 0 "^hung: planted.c:6: planted_sum: while \(n != 0\)  \[\`!=' becomes \`=='\]$" search endless

# Asks for nothing, and does not end the first time that a mutant is at work.
cat >"$DIR/slow_once.c" <<'END'
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int planted_sum(unsigned n);

int
main(void)
{
	(void)planted_sum(1);
	if (atoi(getenv("MUTANT")) != 0 && open("slow_once.met", O_CREAT | O_EXCL, 0600) != -1)
		(void)pause();
	return 0;
}
END
cd "$DIR"
shows 'one whose test was only slow is no caught one' 1 '^survived: planted.c:6: planted_sum: while' search slow_once
tap_done
