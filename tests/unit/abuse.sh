#!/usr/bin/env bash
# Every row of tests/abuse.txt has cases that stand where it says, and every case that names a row's number stands there.
# shellcheck disable=SC2016 # the sentences of the scripts that it reads are in single quotes
set -euo pipefail
top=$(cd "${top_srcdir:-$(dirname "$0")/../..}" && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"

# The numbers that there are, and the last row, which has none.
NUMBERS=$(echo {001..039} {041..059} {061..075} {081..106} {111..118} {121..136} {141..158} {161..166} {171..175} canary)

# c_cases FILE…: "FILE TAB CASE" for each test that stands in a list of tests, and for each text (a row of a table is named so).
# What stands in a comment is none.
c_cases() {
	awk '
	FNR == 1 { comment = 0; code = "" }
	{
		for (line = $0; line != ""; ) {
			if (comment) {
				at = index(line, "*/")
				line = at ? substr(line, at + 2) : ""
				comment = !at
				continue
			}
			if (!match(line, /\/\*|\/\/|"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047/)) {
				code = code line
				break
			}
			code = code substr(line, 1, RSTART - 1)
			word = substr(line, RSTART, RLENGTH)
			line = substr(line, RSTART + RLENGTH)
			if (word == "//") break
			if (word == "/*") comment = 1
			else if (word ~ /^"./) print FILENAME "\t" substr(word, 2, length(word) - 2)
		}
		while (match(code, /(^|[^A-Za-z_])(T|TEST|cmocka_unit_test[a-z_]*)\([ \t]*[a-z][a-z0-9_]*/)) {
			word = substr(code, RSTART, RLENGTH)
			sub(/.*[( \t]/, "", word)
			print FILENAME "\t" word
			code = substr(code, RSTART + RLENGTH)
		}
		code = code ~ /(^|[^A-Za-z_])(T|TEST|cmocka_unit_test[a-z_]*)\([ \t]*$/ ? code : ""
	}' "$@"
}

# sh_cases FILE…: the same for the sentences that these commands say, and for the faults of fault_case. A line that is a comment
# has none.
sh_cases() {
	awk '
	BEGIN {
		says = "holds|exits|equals|shows|admits|refuses|shut_out|ends|stays|went|live_all_gone|tap_ok|a_fault|an_oddity|" \
			"blames|refuses_sudo|refused_sudo|closes_at_once|damaged|steady"
		says = "(^|[ \t;&|)])(" says ") (\"([^\"\\\\]|\\\\.)*\"|\047[^\047]*\047)"
	}
	/^[ \t]*#/ { next }
	sub(/^[ \t]*fault_case /, "fault_case ") { print FILENAME "\t" $0; next }
	{
		for (line = $0; match(line, says); line = substr(line, RSTART + RLENGTH)) {
			word = substr(line, RSTART, RLENGTH)
			sub(/^[^"\047]*["\047]/, "", word)
			print FILENAME "\t" substr(word, 1, length(word) - 1)
		}
	}' "$@"
}

# complaints FOLDER: what is wrong with FOLDER/abuse.txt and the cases below FOLDER, a line each.
complaints() (
	cd "$1"
	shopt -s nullglob
	{ c_cases unit/*.c integration/*.c; sh_cases unit/*.sh e2e/*.sh lib/*.sh; } | awk -F'\t' -v numbers="$NUMBERS" '
	NR == FNR {
		there[$0]
		text = $2
		if (text ~ /abuse[ _][0-9][0-9][0-9](_to_|–|-)[0-9]/) print $1 ": \"" text "\" names a range"
		if (!match(text, /abuse[ _][0-9][0-9][0-9]((_|, |_and_)[0-9][0-9][0-9])*/)) next
		for (text = substr(text, RSTART, RLENGTH); match(text, /[0-9][0-9][0-9]/); text = substr(text, RSTART + RLENGTH))
			named[substr(text, RSTART, RLENGTH) "\t" $1]
		next
	}
	/^#/ { next }
	/^[^\t]/ {
		row = $0
		sub(/ .*/, "", row)
		if (row in cases) print row " stands there twice"
		if (row == $0) print row " is not said in words"
		cases[row] += 0
		next
	}
	{
		cases[row]++
		file = text = $2
		sub(/: .*/, "", file)
		sub(/^[^:]*: /, "", text)
		if (!(file "\t" text in there)) print row ": no case \"" text "\" in " file
		has[row "\t" file]
	}
	END {
		n = split(numbers, number, " ")
		for (i = 1; i <= n; i++) {
			known[number[i]]
			if (!(number[i] in cases)) print number[i] " has no row"
		}
		for (row in cases) {
			if (!(row in known)) print row " is nobody\047s number"
			if (!cases[row]) print row " has no case"
		}
		for (pair in named)
			if (!(pair in has)) {
				split(pair, part, "\t")
				print part[1] ": " part[2] " has a case that names it, and the row none of there"
			}
	}' - abuse.txt | sort
)

equals 'each row has its cases, each number its row, and each case that names a number stands in its row' '' complaints "$top/tests"

# --- can it fail? -------------------------------------------------------------------------------

fixture=$(mktemp -d)
trap 'rm -rf "$fixture"' EXIT

# small: a folder of tests with three rows, in order.
small() {
	rm -rf "$fixture/tests"
	mkdir -p "$fixture"/tests/{unit,e2e}
	cat >"$fixture/tests/unit/test_x.c" <<'C'
/* abuse 003: a comment that says "nothing"; T(abuse_003_nothing) */
static void abuse_001_one(void **state) {}
static const char *rows[] = {"a row of 002", "an \"odd\" one"}; // "a comment too"
const struct CMUnitTest tests[] = {
    T(abuse_001_one),
    cmocka_unit_test_setup(
        one_on_a_line_of_its_own, set_up),
};
C
	cat >"$fixture/tests/e2e/x.sh" <<'SH'
# holds 'nothing (abuse 002)' true
	refuses "$1: two words (abuse 001)" bob
SH
	cat >"$fixture/tests/abuse.txt" <<'LIST'
# the rows
001 one
	unit/test_x.c: abuse_001_one
	e2e/x.sh: $1: two words (abuse 001)
002 two
	unit/test_x.c: a row of 002
	unit/test_x.c: an \"odd\" one
003 three
	unit/test_x.c: one_on_a_line_of_its_own
LIST
}
# after FILE SED: what is complained of when that is done to FILE.
after() {
	small
	sed -i "$2" "$fixture/tests/$1"
	NUMBERS='001 002 003' complaints "$fixture/tests"
}
# complains SENTENCE WANT FILE SED
complains() { equals "$1" "$2" after "$3" "$4"; }

complains 'a list in order is complained of by nobody' '' abuse.txt ''
complains 'a row that is gone is missed' '003 has no row' abuse.txt '/^003/,$d'
complains 'so is the last case of a row' '002 has no case' abuse.txt '/002$/d; /odd/d'
complains 'a row is there once' '001 stands there twice' abuse.txt '$a001 again'
complains 'a row has a number that there is' $'004 has no case\n004 is nobody\'s number' abuse.txt '$a004 four'
complains 'a row has words' '003 is not said in words' abuse.txt 's/^003.*/003/'
complains 'a test that is renamed is missed' '001: no case "abuse_001_one" in unit/test_x.c' unit/test_x.c 's/abuse_001_one/abuse_001_two/'
complains 'a test that is not in the list of tests is missed' '001: no case "abuse_001_one" in unit/test_x.c' unit/test_x.c '/T(abuse_001/d'
complains 'so is one whose line is a comment' '003: no case "one_on_a_line_of_its_own" in unit/test_x.c' unit/test_x.c 's,cmocka_unit.*,/* &,'
complains 'a row of a table that is gone is missed' '002: no case "a row of 002" in unit/test_x.c' unit/test_x.c 's/"a row of 002", //'
complains "a sentence of a shell's that is gone is missed" '001: no case "$1: two words (abuse 001)" in e2e/x.sh' e2e/x.sh 's/two words/three words/'
complains 'one that is a comment is missed' '001: no case "$1: two words (abuse 001)" in e2e/x.sh' e2e/x.sh 's/refuses/# &/'
complains 'a case that names a number stands in its row' \
	'002: e2e/x.sh has a case that names it, and the row none of there' e2e/x.sh '$aholds "more (abuse 002)" true'
complains 'and in each whose number it names' \
	$'002: e2e/x.sh has a case that names it, and the row none of there\n003: e2e/x.sh has a case that names it, and the row none of there' \
	e2e/x.sh '$aholds "more (abuse 002, 003)" true'
complains 'a test names numbers, and no range of them' 'e2e/x.sh: "all (abuse 001-003)" names a range' e2e/x.sh '$aholds "all (abuse 001-003)" true'
tap_done
