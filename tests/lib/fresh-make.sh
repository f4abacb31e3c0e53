#!/usr/bin/env bash
# Inside a private host: makes the files of a freshly installed Debian server out of packages alone, and writes them, as
# a tar, to descriptor 3. It asks no network.
#
# usage: fresh-make.sh DEBS MIRROR PACKAGE…   DEBS holds the packages, with all that they need and more. The server has
# those named, with what they need; its apt finds the rest in its folder MIRROR.
set -euo pipefail
debs=$1 mirror=$2
shift 2
packages=("$@")
root=/tmp/root all=/tmp/all

# index FOLDER: makes it a place that apt takes packages from.
index() {
	local deb
	for deb in "$1"/*.deb; do
		dpkg-deb -f "$deb"
		printf 'Filename: ./%s\nSize: %d\nSHA256: %s\n\n' "${deb##*/}" "$(stat -c %s "$deb")" \
			"$(sha256sum "$deb" | cut -d' ' -f1)"
	done >"$1/Packages"
}

# installed: the packages that the server has, as files.
installed() {
	dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${Package}_${Version}_${Architecture}.deb\n' | sed 's/:/%3a/'
}

# own_mirror: what the server has not is what its apt finds, without a network.
own_mirror() {
	installed | (cd "$all" && xargs rm -f)
	index "$all"
	mkdir -p "$root$mirror"
	cp "$all"/* "$root$mirror"
	rm -rf "$root"/etc/apt/sources.list{,.d/*} "$root"/etc/apt/apt.conf.d/*mmdebstrap "$root"/var/lib/apt/lists/*
	printf 'Types: deb\nURIs: file:%s\nSuites: ./\nTrusted: yes\n' "$mirror" >"$root/etc/apt/sources.list.d/debian.sources"
	chroot "$root" apt-get -q update
}

# own_names: a name, and an identity.
own_names() {
	printf 'fresh\n' >"$root/etc/hostname"
	printf '127.0.0.1\tlocalhost\n127.0.1.1\tfresh\n::1\tlocalhost\n' >"$root/etc/hosts"
	systemd-machine-id-setup --root="$root"
	bash "$(dirname "$0")/people.sh" "$root"
	rm -f "$root"/etc/{passwd,shadow,group,gshadow,subuid,subgid}-
}

mkdir "$all"
cp "$debs"/*.deb "$all"
index "$all"
mmdebstrap --mode=root --variant=required --include="$(IFS=, && printf '%s' "${packages[*]}")" '' "$root" \
	"deb [trusted=yes] copy:$all ./"
own_mirror
own_names
tar -c --xattrs --xattrs-include='*' -p --exclude='./dev/*' -C "$root" . >&3
