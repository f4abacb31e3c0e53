#!/usr/bin/env bash
# run.sh [FILE…]: deliberate defects in these files, or in all of files.txt; each must be caught by a test.
#
# A defect is a mutant: a comparison turned, && and || swapped, a condition negated, a denial that is success, a `!'
# taken away (schemata.awk). All of them are compiled into a copy of the source below
# build/mutate, and a switch says which one is at work; so one build serves them all. It has the sanitizers, as in
# ./dev check. A mutant is tried on those tests of its file (files.txt) that come past it. One that no test catches is a
# gap in the tests, unless equivalent.txt says why none can tell. A test that never ends has caught its mutant too:
# such are counted apart, and listed.
#
# A mutant may kill, delete or allocate anything: tests run where they see no process but their own, can
# write nothing but the copy and a /tmp of their own.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
OUT=${MUTATE_OUT:-$TOP/build/mutate}
SRC=$OUT/source
BUILT=$OUT/built
TABLE=$HERE/files.txt
EQUIVALENT=$HERE/equivalent.txt
# shellcheck source=tests/mutate/mutants.sh
. "$HERE/mutants.sh"

# run_test TEST: as automake would run it. The limit is of its own time: what waits for others gets ten times as much.
run_test() (
	cd "$BUILT" || return
	export TEST_SEED=1 # each time the same verdict
	export CMOCKA_MESSAGE_OUTPUT=TAP CMOCKA_TEST_ABORT=1 top_srcdir=$SRC top_builddir=$BUILT srcdir=$SRC localstatedir=/var
	export ASAN_OPTIONS=max_allocation_size_mb=1000
	ulimit -c 0 -t "$LIMIT"
	case $1 in
	*.sh) set -- bash "$SRC/$1" quick ;;
	*) set -- "./$1" ;;
	esac
	unshare --pid --fork --kill-child --mount-proc timeout -k 1 $((LIMIT * 10)) "$@" >/dev/null 2>&1 </dev/null
)
export BUILT SRC

# copy_source FILE…: all but these, which have mutants, is as it is here.
copy_source() {
	mkdir -p "$SRC"
	cd "$TOP"
	{ git ls-files -z 2>/dev/null || find . -path ./build -prune -o -type f -print0; } >"$OUT/names"
	tr '\0' '\n' <"$OUT/names" | grep -vxF -f <(printf '%s\n' "$@" common/err.c) >"$OUT/copied"
	tar -C "$TOP" -cf - -T "$OUT/copied" | tar -C "$SRC" -xf -
	# What has mutants no more is older than its object.
	if [ -f "$OUT/mutated" ]; then
		(cd "$SRC" && { grep -vxF -f <(printf '%s\n' "$@") "$OUT/mutated" || :; } | xargs -r touch)
	fi
	printf '%s\n' "$@" >"$OUT/mutated"
	{ cat "$TOP/common/err.c" "$HERE/mutant_switch.c"; } >"$OUT/err.c"
	cmp -s "$OUT/err.c" "$SRC/common/err.c" || cp "$OUT/err.c" "$SRC/common/err.c"
}

# built_for TEST…: what make is to build.
built_for() {
	local name
	for name in "$@"; do
		case $name in
		tests/integration/pam.sh) printf '%s\n' tests/integration/pam_driver pam_apikey.la ;;
		*) printf '%s\n' "$name" ;;
		esac
	done
}

build() {
	[ -e "$SRC/configure" ] || autoreconf -i "$SRC"
	mkdir -p "$BUILT"
	cd "$BUILT"
	[ -e config.status ] || "$SRC/configure" CC=gcc CFLAGS='-O1 -g0 -w' --enable-sanitizers --prefix=/usr --sysconfdir=/etc --localstatedir=/var
	make -s -j 2 "$@"
}

build_one() {
	touch "$SRC/$2"
	local targets
	mapfile -t targets < <(built_for "$3")
	make -s -C "$BUILT" CPPFLAGS="-DMUTANT_BUILT=$1" "${targets[@]}" >/dev/null 2>&1
}

# In the cage: try all. What is built one by one comes last, and is built back.
try_all() {
	local tests=()
	mapfile -t tests < <(table "$@" | awk '{ for (i = 2; i <= NF; i++) if (!seen[$i]++) print $i }')
	: >"$OUT/verdicts.tsv"
	try_unchanged "${tests[@]}"
	try_switched "$@"
	try_built "$@"
}

# caged CMD…: where only OUT and a new /tmp can be written.
caged() {
	local map=()
	[ "$EUID" -eq 0 ] || map=(--map-root-user)
	# shellcheck disable=SC2016
	unshare "${map[@]}" --mount bash -ec '
		mount --make-rprivate /
		mount --bind "$OUT" "$OUT"
		mount -o remount,bind,ro /
		mount -t tmpfs -o size=2g,mode=1777 none /tmp
		cd /tmp
		exec "$@"' bash "$@"
}

main() {
	local all files tests targets
	mkdir -p "$OUT"
	export OUT
	mapfile -t all < <(table | awk '{ print $1 }')
	mapfile -t files < <(table "$@" | awk '{ print $1 }')
	[ ${#files[@]} -gt 0 ] || exit 2
	mapfile -t tests < <(table "$@" | awk '{ for (i = 2; i <= NF; i++) print $i }' | sort -u)
	mapfile -t targets < <(built_for "${tests[@]}")
	copy_source "${all[@]}"
	make_mutants "$TOP" "$SRC" "${all[@]}"
	build "${targets[@]}" >"$OUT/build.log" 2>&1 || { tail -n 40 "$OUT/build.log" >&2; exit 1; }
	caged bash "$HERE/run.sh" --caged "$@"
	report "$@"
}

case ${1:-} in
--caged) try_all "${@:2}" ;;
*) main "$@" ;;
esac
exit
