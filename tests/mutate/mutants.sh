# shellcheck shell=bash
# Mutants of C files: made, tried, reported. Sourced by what says how to build and to run a test:
#
#   OUT         a folder for what is noted on the way
#   run_test T  runs the test T, quietly, with $MUTANT, $MUTANT_REACHED, and no longer than $LIMIT seconds: status 124,
#               137 or 152 (SIGXCPU) then; exported, by export -f
#   build_one N FILE TEST…  builds these tests anew with -DMUTANT_BUILT=N in FILE, or fails
#
# What is noted: OUT/list.tsv (see schemata.awk), OUT/tests.tsv (test, ms of work, limit in s), OUT/reached/TEST (numbers),
# OUT/verdicts.tsv (number, verdict, test).

MUTATE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MUTANTS_CAP=65536
# A test may work three times as long as without a mutant, and so many seconds; and so many times that, before it counts
# as hung: the first time, the machine may have been slow.
SLACK_S=5
LONGER=3

# table FILE…: the lines of files.txt for these files, or for all: FILE TEST…
table() {
	awk -v only=" $* " '
		/^#/ || !NF { next }
		only == "  " || index(only, " " $1 " ") { print; found[$1] = 1 }
		END {
			n = split(only, names, " ")
			for (i = 1; i <= n; i++)
				if (!(names[i] in found)) { print "mutate: " names[i] " is not in files.txt" >"/dev/stderr"; exit 2 }
		}' "$TABLE"
}

# make_mutants FROM TO FILE…: the copies with their mutants, and the list. A copy that is the same keeps its time.
make_mutants() {
	local from=$1 to=$2 file first=1
	shift 2
	: >"$OUT/list.tsv"
	for file in "$@"; do
		awk -v name="$file" -v first="$first" -v list="$OUT/one.tsv" -f "$MUTATE/schemata.awk" "$from/$file" >"$OUT/one.c"
		first=$(<"$OUT/one.tsv.next")
		[ ! -f "$OUT/one.tsv" ] || cat "$OUT/one.tsv" >>"$OUT/list.tsv"
		rm -f "$OUT"/one.tsv*
		cmp -s "$OUT/one.c" "$to/$file" || cp "$OUT/one.c" "$to/$file"
	done
}

# try_unchanged TEST…: each must hold as long as no mutant is at work. Notes its own time (a busy machine's would let
# each mutant that never ends go on for minutes), and the mutants that it comes past.
try_unchanged() {
	local name ms TIMEFORMAT='%U %S'
	mkdir -p "$OUT/reached"
	: >"$OUT/tests.tsv"
	for name in "$@"; do
		head -c "$MUTANTS_CAP" /dev/zero >"$OUT/shared"
		{ time MUTANT=0 MUTANT_REACHED=$OUT/shared LIMIT=300 run_test "$name"; } 2>"$OUT/time" ||
			{ printf 'mutate: %s fails without any mutant\n' "$name" >&2; return 1; }
		ms=$(tail -n 1 "$OUT/time" | awk '{ printf "%d", ($1 + $2) * 1000 }')
		od -An -v -tu1 -w1 "$OUT/shared" | awk '$1 { print NR - 1 }' >"$OUT/reached/${name//\//_}"
		printf '%s\t%d\t%d\n' "$name" "$ms" $((SLACK_S + ms * 3 / 1000)) >>"$OUT/tests.tsv"
	done
}

# jobs: for each mutant that a switch turns: its number and, with their limits, the tests that come past it, in the table's order.
jobs_of() {
	table "$@" | awk -F '\t' -v out="$OUT" '
		FILENAME == out "/tests.tsv" { limit[$1] = $3; next }
		FILENAME == out "/list.tsv" { if ($2 == "run") { file[$1] = $3; order[++n] = $1 }; next }
		{
			count = split($0, words, " ")
			for (i = 2; i <= count; i++) {
				tests[words[1], i - 1] = words[i]
				n_tests[words[1]] = count - 1
				if (words[i] in read) continue
				read[words[i]] = 1
				path = words[i]
				gsub(/\//, "_", path)
				while ((getline number <(out "/reached/" path)) > 0) past[words[i], number] = 1
			}
		}
		END {
			for (i = 1; i <= n; i++) {
				line = order[i]
				for (k = 1; k <= n_tests[file[order[i]]]; k++) {
					test = tests[file[order[i]], k]
					if ((test, order[i]) in past) line = line " " test " " limit[test]
				}
				if (n_tests[file[order[i]]]) print line
			}
		}' "$OUT/tests.tsv" "$OUT/list.tsv" -
}

# verdict_of NUMBER TEST LIMIT: what the test makes of a mutant: survived, caught, or hung, also when it is given more time.
verdict_of() {
	local given rc
	for given in "$3" $(($3 * LONGER)); do
		rc=0
		MUTANT=$1 LIMIT=$given run_test "$2" || rc=$?
		case $rc in
		0) echo survived ;;
		124 | 137 | 152) continue ;;
		*) echo caught ;;
		esac
		return
	done
	echo hung
}

# try_one NUMBER [TEST LIMIT]…: a line of verdicts.tsv.
try_one() {
	local number=$1 verdict=unreached by=-
	shift
	while [ $# -gt 0 ]; do
		verdict=$(verdict_of "$number" "$1" "$2")
		[ "$verdict" = survived ] || { by=$1; break; }
		shift 2
	done
	printf '%s\t%s\t%s\n' "$number" "$verdict" "$by"
}

# try_switched FILE…: all mutants that a switch turns, two at a time.
try_switched() {
	export -f try_one verdict_of run_test
	export OUT LONGER
	# shellcheck disable=SC2016
	jobs_of "$@" | xargs -r -d '\n' -n 1 -P 2 bash -c 'try_one $1' bash >>"$OUT/verdicts.tsv"
}

# try_built FILE…: those that are built one by one.
try_built() {
	local file number verdict name tests
	while read -r file tests; do
		while IFS= read -r number; do
			verdict=survived
			for name in $tests; do
				if ! build_one "$number" "$file" "$name"; then
					verdict=uncompiled
					break
				fi
				verdict=$(verdict_of 0 "$name" "$(awk -F '\t' -v t="$name" '$1 == t { print $3 }' "$OUT/tests.tsv")")
				[ "$verdict" = survived ] || break
			done
			printf '%s\t%s\t%s\n' "$number" "$verdict" "$name" >>"$OUT/verdicts.tsv"
		done < <(awk -F '\t' -v file="$file" '$2 == "built" && $3 == file { print $1 }' "$OUT/list.tsv")
	done < <(table "$@")
}

# report FILE…: survivors, entries of equivalent.txt that are not needed, totals. Fails when there is one of the first two.
report() {
	table "$@" >"$OUT/chosen.txt"
	awk -F '\t' -f "$MUTATE/report.awk" "$OUT/chosen.txt" "$EQUIVALENT" "$OUT/list.tsv" "$OUT/verdicts.tsv"
}
