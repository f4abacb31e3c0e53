#!/usr/bin/env bash
# Builds the Debian packages from a clean copy of this checkout's files, tracked and new ones, without what is ignored.
#
# usage: packages.sh build OUT      *.deb, the source package, .changes and build.log into OUT, which is emptied first
#        packages.sh current OUT    does OUT hold what these files build to?
#        packages.sh shipped OUT    the same, but for tests: no package has any
set -euo pipefail
shopt -s inherit_errexit nullglob
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# sources: the names of our files, NUL-separated and sorted. The checkout may be somebody else's.
sources() {
	local name
	while read -rd '' name; do
		[ ! -e "$TOP/$name" ] && [ ! -L "$TOP/$name" ] || printf '%s\0' "$name"
	done < <(git -c safe.directory="$TOP" -C "$TOP" ls-files -co --exclude-standard -z | sort -zu)
}

# fingerprint [PATTERN]: of all files but those whose names match: names, modes, contents.
fingerprint() {
	(
		cd "$TOP"
		sources | grep -zEv -- "${1:-^$}" | xargs -0 -r stat -c '%A %n'
		sources | grep -zEv -- "${1:-^$}" | xargs -0 -r sha256sum
	) | sha256sum | cut -d' ' -f1
}
NOT_SHIPPED='^(tests/[a-z0-9]+/|debian/tests/|\.ci/)'

# build OUT: the packages.
build() {
	local out=$1 work all shipped
	all=$(fingerprint)
	shipped=$(fingerprint "$NOT_SHIPPED")
	work=$(mktemp -d)
	# shellcheck disable=SC2064
	trap "rm -rf '$work'" EXIT
	clean_copy "$work"
	(cd "$work/source" && DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$(nproc)" DEB_BUILD_PROFILES=nocheck \
		dpkg-buildpackage --no-sign) 2>&1 | tee "$work/build.log"
	rm -rf "$out"
	mkdir -p "$out"
	mv "$work"/*.* "$out"
	printf '%s %s\n' "$all" "$shipped" >"$out/.built-from"
}

# clean_copy WORK: the files in WORK/source, and beside it upstream's tar: all of them but debian/, as `git archive`
# has them. What autoreconf makes is no source: the build makes it, as `make dist` does in a suite of its own.
clean_copy() {
	local work=$1 version stamp
	mkdir "$work/source"
	sources | tar -c -C "$TOP" --null -T - | tar -x -C "$work/source"
	chmod -R u=rwX,go=rX "$work/source"
	version=$(dpkg-parsechangelog -l "$work/source/debian/changelog" -S Version)
	stamp=$(dpkg-parsechangelog -l "$work/source/debian/changelog" -S Timestamp)
	tar -c -C "$work/source" --exclude=./debian --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$stamp" \
		--format=gnu --transform="s,^\.,apikey-${version%-*}," . | xz -T1 >"$work/apikey_${version%-*}.orig.tar.xz"
}

# built_from OUT WHICH: what OUT was built from.
built_from() { [ -e "$1/.built-from" ] && cut -d' ' -f"$2" "$1/.built-from"; }

case ${1:-}:$# in
build:2) build "$2" ;;
current:2) [ "$(built_from "$2" 1)" = "$(fingerprint)" ] ;;
shipped:2) [ "$(built_from "$2" 2)" = "$(fingerprint "$NOT_SHIPPED")" ] ;;
*)
	sed -n '3,7s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
