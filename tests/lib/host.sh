#!/usr/bin/env bash
# Private hosts, from outside: a whole Debian server in namespaces, on top of this machine and
# without a trace on it. Sourced, where $TOP is the checkout, for `host_run CMD…`; or called:
#
# usage: host.sh CMD…    CMD in a fresh private host; 3 when this machine refuses to make one

# What a server has and a machine that builds may lack. The private host gets it, the machine does not.
HOST_PACKAGES=(openssh-server openssh-client openssh-sftp-server sudo cron busybox busybox-syslogd
	iproute2 logrotate procps passwd login at libpam-runtime libpam-modules slapd ldap-utils openssl systemd
	libpam-systemd dbus at pamtester bash-completion mmdebstrap)

TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}

# host_inside: is this process in a private host already?
host_inside() {
	[ -r /run/private-host ] && [ "$(readlink /proc/self/ns/mnt)" = "$(cat /run/private-host)" ]
}

# host_unshare CMD…: CMD in fresh namespaces; its child is their process 1 and dies with it.
host_unshare() {
	unshare --mount --net --pid --ipc --uts --fork --mount-proc --kill-child "$@"
}

# host_possible: can this machine make a private host? Otherwise says which call failed and what to do; 3.
host_possible() {
	local call refused
	for call in --mount --net --pid --ipc --uts; do
		refused=$(unshare --fork "$call" true 2>&1) ||
			{ host_advice "a namespace of its own (unshare $call): ${refused##*: }"; return 3; }
	done
	refused=$(host_unshare bash "$TOP/tests/lib/host-init.sh" "$TOP" '' true 2>&1 </dev/null) ||
		{ host_advice "$refused"; return 3; }
}

# host_advice CALL: what to do on a machine that refuses CALL.
host_advice() {
	cat >&2 <<-ADVICE
		No private host can be made here. What this machine refuses is
		    $1
		What to do: run this as root on a virtual machine or on hardware, or in a container that may
		(docker run --privileged). In a container that you are going to throw away, './dev demo --here'
		runs the demonstration in the container itself.
	ADVICE
}

# host_kept NAME KEY MAKER: prints the path below $TOP of what is kept as NAME under KEY, a hash of all that it is made
# of. Where there is none, or an old one, the function MAKER writes it to descriptor 3 first.
host_kept() {
	local file=build/host/$1-${2:0:16}.tar
	mkdir -p "$TOP/build/host"
	(
		flock 9
		[ -e "$TOP/$file" ] || host_keep "$1" "$file" "$3" >&2
	) 9>"$TOP/build/host/$1.lock" || return
	printf '%s\n' "$file"
}
host_keep() {
	local part=$TOP/build/host/$1.part log=$TOP/build/host/$1.log
	printf 'making build/host/%s (once for each set of packages)\n' "$1" >&2
	rm -f "$TOP/build/host/$1"-*.tar
	"$3" 3>"$part" >"$log" 2>&1 </dev/null || { cat "$log" >&2; return 1; }
	chmod 600 "$part"
	mv "$part" "$TOP/$2"
	chown -R --reference="$TOP" "$TOP/build/host"
}

# host_debs FOLDER CMD…: CMD, which fetches packages into build/host/FOLDER; an out-of-date list of packages is fetched anew.
host_debs() {
	local debs=$TOP/build/host/$1
	shift
	mkdir -p "$debs/partial"
	rm -f "$debs"/*.deb
	"$@" || { apt-get -q update && "$@"; }
}

# host_layer: what a private host has beyond the machine.
host_layer() {
	host_kept layer "$(cat "$TOP/tests/lib/"{host,host-init,layer-install,people}.sh /var/lib/dpkg/status | sha256sum)" \
		host_layer_make
}

# host_layer_make: fetches the packages and installs them in a private host, once.
host_layer_make() {
	host_debs debs host_fetch || return
	host_unshare bash "$TOP/tests/lib/host-init.sh" "$TOP" '' \
		bash "$TOP/tests/lib/layer-install.sh" --no-download "$TOP/build/host/debs" "${HOST_PACKAGES[@]}"
}

# host_fetch: downloads what the machine lacks of HOST_PACKAGES.
host_fetch() {
	bash "$TOP/tests/lib/layer-install.sh" --download-only "$TOP/build/host/debs" "${HOST_PACKAGES[@]}"
}

# host_run CMD…: CMD in a fresh private host, with its exit status. Root only.
host_run() {
	local layer
	layer=$(host_layer) || return
	host_unshare bash "$TOP/tests/lib/host-init.sh" "$TOP" "$layer" "$@"
}

# host_extra NAME PACKAGE…: what one suite needs beyond that, fetched on the machine, once, into build/host/debs-NAME.
# Called before e2e.sh is sourced; inside it has nothing to do, and host_extra_install NAME puts them in.
host_extra() {
	local debs=$TOP/build/host/debs-$1 key
	! host_inside || return 0
	shift
	mkdir -p "$debs"
	key=$(printf '%s\n' "$@" | cat - /var/lib/dpkg/status | sha256sum)
	(
		flock 9
		[ "$(cat "$debs/key" 2>/dev/null)" != "$key" ] || exit 0
		rm -f "$debs/key"
		host_debs "${debs##*/}" host_extra_fetch "$@" >"$debs/log" 2>&1 || { cat "$debs/log" >&2; exit 1; }
		printf '%s\n' "$key" >"$debs/key"
		chown -R --reference="$TOP" "$TOP/build/host"
	) 9>"$TOP/build/host/lock"
}
host_extra_fetch() { bash "$TOP/tests/lib/layer-install.sh" --download-only "$debs" "$@"; }

# host_extra_install NAME: inside a private host, without starting a service.
host_extra_install() {
	local policy=/usr/sbin/policy-rc.d
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	DEBIAN_FRONTEND=noninteractive dpkg --install --force-unsafe-io --force-confnew --skip-same-version \
		"$TOP/build/host/debs-$1"/*.deb >"$GUEST/extra.log" 2>&1 || { cat "$GUEST/extra.log" >&2; return 1; }
	rm "$policy"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -euo pipefail
	shopt -s inherit_errexit
	TOP=$(cd "$(dirname "$0")/../.." && pwd)
	host_possible
	host_run "$@"
fi
