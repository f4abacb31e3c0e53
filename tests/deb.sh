#!/usr/bin/env bash
# The Debian packages, without installing them: are they the same whoever builds them, what does lintian say, what is where?
set -euo pipefail
shopt -s inherit_errexit nullglob
TOP=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$TOP/tests/lib/tap.sh"
# shellcheck source=tests/lib/compiled.sh
. "$TOP/tests/lib/compiled.sh"
DEB=$TOP/build/deb
AGAIN=$TOP/build/deb-again
ALL=(apikey apikey-askpass libnss-apikey libpam-apikey)

# deb PACKAGE: its file.
deb() { printf '%s\n' "$DEB/$1"_[0-9]*.deb; }

# again: as another user of another machine might build them. The clock is what it is: it was another at the first build.
again() {
	(
		umask 077
		env -i PATH="$PATH" HOME=/nonexistent TMPDIR=/var/tmp TZ=Pacific/Kiritimati LANG=C LC_ALL=C \
			bash "$TOP/tests/lib/packages.sh" build "$AGAIN"
	)
}
# same_bytes: .buildinfo tells of the machine, and .changes names its sum.
same_bytes() {
	local file
	for file in "$DEB"/*.deb "$DEB"/*.dsc "$DEB"/*.tar.xz; do
		cmp "$file" "$AGAIN/${file##*/}" || return 1
	done
}

# lint: overrides that nothing needs are as bad as what they override.
lint() { lintian --allow-root --fail-on error,warning --tag-display-limit 0 --info "$DEB"/*.changes; }
unused() { lintian --allow-root "$DEB"/*.changes | grep -E 'unused-override|mismatched-override'; }

# of_log CMD…: CMD with what the build said.
of_log() { "$@" <"$DEB/build.log"; }

# held PACKAGE: "MODE OWNER /PATH" of its files. folders PACKAGE: the same of its folders.
listed() { dpkg-deb -c "$(deb "$1")" | awk -v kind="$2" 'substr($1, 1, 1) != "d" == (kind == "file") { print $1, $2, substr($6, 2) }'; }
held() { listed "$1" file; }
folders() { listed "$1" folder; }
has() { held "$1" | grep -Eqx -- "$2" || { held "$1"; return 1; }; }
# paths PACKAGE: of its files.
paths() { held "$1" | cut -d' ' -f3; }

twice() { for name in "${ALL[@]}"; do paths "$name"; done | sort | uniq -d | grep .; }
# odd_modes: what is neither a plain file nor a program, of root, nor named.
odd_modes() {
	local name
	for name in "${ALL[@]}"; do
		held "$name" | grep -Ev '^-rw-r--r-- root/root |^-rwxr-xr-x root/root /usr/(s?bin|libexec)/|^-r--r----- root/root /etc/sudoers.d/apikey$' || :
		folders "$name" | grep -v '^drwxr-xr-x root/root ' || :
	done
}
# field PACKAGE NAME: of its control file. depends PACKAGE: names alone, a line each.
field() { dpkg-deb -f "$(deb "$1")" "$2"; }
depends() { field "$1" Depends | tr ',' '\n' | sed 's/^ *//; s/ .*//' | sort; }
conffiles() { dpkg-deb --ctrl-tarfile "$(deb "$1")" | tar -xO ./conffiles | sort; }
# same_everywhere PACKAGE: what another architecture ships too has no trace of this one.
same_everywhere() { ! paths "$1" | grep -Ev "^/usr/lib/$TRIPLET/|^/usr/share/(doc/$1|man|pam-configs|lintian)/"; }
# control_scripts: the maintainer scripts of PACKAGE have no word left for debhelper, and a shell reads them.
whole_scripts() {
	local dir name
	dir=$(mktemp -d)
	dpkg-deb -e "$(deb "$1")" "$dir"
	for name in "$dir"/{preinst,postinst,prerm,postrm}; do
		[ -e "$name" ] || continue
		sh -n "$name" || return 1
		! grep -E '^#[A-Z]+#$' "$name" || return 1
	done
	rm -r "$dir"
}

TRIPLET=$(dpkg-architecture -q DEB_HOST_MULTIARCH)
VERSION=$(dpkg-parsechangelog -l "$TOP/debian/changelog" -S Version)
equals 'four packages' "$(printf '%s\n' "${ALL[@]}")" sh -c "cd '$DEB' && ls ./*.deb | sed 's,^./,,; s/_.*//' | sort"
holds 'they are built again, elsewhere, by another umask, zone and locale' again
holds 'and are the same to the byte, the source package too' same_bytes
equals 'the log of the build tells of each of our files' "$(product_sources)" of_log compiled_sources
equals 'each is compiled with _FORTIFY_SOURCE=3, and with marks and checks of its stack and its calls' '' of_log unhardened
holds 'lintian finds no error and no warning' lint
exits 'and no override that is not needed' 1 unused
exits 'no file is in two packages' 1 twice
equals 'and none has a mode or an owner of its own' '' odd_modes

holds 'the PAM module is in its multiarch place' has libpam-apikey "-rw-r--r-- root/root /usr/lib/$TRIPLET/security/pam_apikey.so"
holds 'with its profile' has libpam-apikey '.* /usr/share/pam-configs/apikey'
holds 'the name service module is in its multiarch place' has libnss-apikey "-rw-r--r-- root/root /usr/lib/$TRIPLET/libnss_apikey.so.2"
for name in libpam-apikey libnss-apikey; do
	equals "$name is Multi-Arch: same" same field "$name" Multi-Arch
	holds "$name has nothing of this architecture elsewhere" same_everywhere "$name"
done
equals 'apikey-askpass is Multi-Arch: foreign' foreign field apikey-askpass Multi-Arch
equals 'apikey-askpass needs the C library alone' libc6 depends apikey-askpass
equals 'libnss-apikey needs the C library alone' libc6 depends libnss-apikey
equals 'libpam-apikey needs the name service module and what it is linked with' \
	"$(printf '%s\n' libc6 libgcrypt20 libnss-apikey libpam-runtime libpam0g libyaml-0-2)" depends libpam-apikey
for name in libpam-apikey libnss-apikey; do
	shows "apikey needs $name of its own version" 0 "(^|, )$name \\(= $VERSION\\)" field apikey Depends
done
equals 'conffiles are what an administrator edits, but for settings and policy' \
	"$(printf '%s\n' /etc/apparmor.d/abstractions/{authentication,nameservice}.d/apikey /etc/logrotate.d/apikey /etc/ssh/sshd_config.d/apikey.conf /etc/sudoers.d/apikey)" conffiles apikey
holds 'settings and policy are patterns' has apikey '.* /usr/share/apikey/policy.yaml'
exits 'which no upgrade asks about' 1 has apikey '.* /etc/apikey/.*'
holds 'sudoers has the mode that sudo wants' has apikey '-r--r----- root/root /etc/sudoers.d/apikey'
holds 'the unit is where debhelper finds it' has apikey '.* /(usr/)?lib/systemd/system/apikeyd.service'
for name in apikey libpam-apikey libnss-apikey; do
	holds "the scripts of $name are whole" whole_scripts "$name"
done
for page in "$TOP"/man/*.[1-8]; do
	page=${page##*/}
	equals "$page is in one package" 1 sh -c "for deb in '$DEB'/*.deb; do dpkg-deb -c \"\$deb\"; done | grep -c '/man${page##*.}/$page.gz$'"
done
tap_done
