#!/usr/bin/env bash
# Every row of tests/abuse.txt has its tests, and every test that names a row stands there.
set -euo pipefail
top=$(cd "${top_srcdir:-$(dirname "$0")/../..}" && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"
cd "$top/tests"

# named: "NUMBER FILE" for each number that a case or a section of a test's file names; a range is each row in it.
named() {
	grep -rEo 'abuse[ _][0-9]{3}((_to_|_and_|_|, |–|-)[0-9]{3})*' --include='*.c' --include='*.sh' . | awk -F: '
		NR == FNR { if (/^[0-9]/) row[substr($0, 1, 3) + 0]; next }
		{
			file = substr($1, 3)
			text = $2
			gsub(/_to_|–|-/, ">", text)
			last = 0
			for (range = 0; match(text, /[0-9][0-9][0-9]|>/); text = substr(text, RSTART + RLENGTH)) {
				word = substr(text, RSTART, RLENGTH)
				if (word == ">") { range = 1; continue }
				for (n = range ? last + 1 : word + 0; n <= word + 0; n++)
					if (n in row || n == word + 0) printf "%03d %s\n", n, file
				last = word + 0
				range = 0
			}
		}' abuse.txt - | sort -u
}
# listed: the same from the list.
listed() { awk '/^[0-9]/ { n = $1; next } /^\t/ { for (i = 1; i <= NF; i++) print n, $i }' abuse.txt | sort -u; }
rows() { awk '/^[0-9]/ { print $1 }' abuse.txt; }
without_tests() { comm -23 <(rows | sort) <(named | cut -d' ' -f1 | sort -u); }

equals 'each row has a test that names it' '' without_tests
equals 'each number stands there once' '' sh -c "awk '/^[0-9]/ { print \$1 }' abuse.txt | sort | uniq -d"
equals 'the list names every test that does, and no other' "$(named)" listed
holds 'there are rows' test "$(rows | grep -c .)" -gt 100
tap_done
