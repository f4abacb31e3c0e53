#!/usr/bin/env bash
# The first process of a private host: makes its file systems, then runs one command in it.
#
# usage: host-init.sh TOP LAYER CMD…    in fresh mount, network, pid, ipc and uts namespaces.
# TOP is the checkout, LAYER a tar of what the host has beyond the machine ("" for none).
# Nothing that runs here can write to the machine or to the checkout: every directory that programs
# write to is an overlay or a tmpfs. Exit 3: the machine refused a call, which is named.
set -euo pipefail

top=$1 layer=$2
shift 2

# refuses CALL: the end, when the machine lacks what a private host needs.
refuses() {
	printf '%s\n' "$1" >&2
	exit 3
}

# overlay_on DIR LOWER NAME: DIR becomes LOWER plus what the layer has under NAME; writes stay in memory.
overlay_on() {
	local upper=/run/host/upper/$3 work=/run/host/work/$3
	mkdir -p "$upper" "$work"
	mount -t overlay -o "lowerdir=$2,upperdir=$upper,workdir=$work" overlay "$1" ||
		refuses "an overlay over $1 (mount -t overlay)"
}

# own_dev: a /dev with the harmless nodes, own terminals, and room for a log socket.
own_dev() {
	local node dev=/run/host/dev
	mkdir -p "$dev"
	mount -t tmpfs -o mode=755 dev "$dev"
	for node in null zero full random urandom tty; do
		: >"$dev/$node"
		mount --bind "/dev/$node" "$dev/$node" || refuses "a bind mount of /dev/$node (mount --bind)"
	done
	mkdir "$dev/pts" "$dev/shm"
	mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$dev/pts" ||
		refuses 'terminals of its own (mount -t devpts)'
	mount -t tmpfs -o mode=1777 shm "$dev/shm"
	ln -s pts/ptmx "$dev/ptmx"
	ln -s /proc/self/fd "$dev/fd"
	ln -s /proc/self/fd/0 "$dev/stdin"
	ln -s /proc/self/fd/1 "$dev/stdout"
	ln -s /proc/self/fd/2 "$dev/stderr"
	mount --move "$dev" /dev || refuses 'a /dev of its own (mount --move)'
}

# read_only_machine: what is not covered below can't be written either.
read_only_machine() {
	local at
	while read -r at; do
		case $at in
		/proc* | /sys* | /dev*) ;;
		*) mount -o remount,bind,ro "$at" 2>/dev/null || : ;;
		esac
	done < <(findmnt -rn -o TARGET)
}

# own_files: the whole tree, machine below, layer above.
own_files() {
	local dir
	mount --make-rprivate / || refuses 'private mounts (mount --make-rprivate /)'
	read_only_machine
	cd "$top"
	mount -t tmpfs -o mode=755 run /run || refuses 'a tmpfs on /run (mount -t tmpfs)'
	mkdir -p /run/host/checkout /run/host/upper /run/lock
	mount --no-canonicalize --bind . /run/host/checkout || refuses 'a bind mount of the checkout (mount --bind)'
	[ -z "$layer" ] || tar -x --warning=no-timestamp --xattrs --xattrs-include='*' -p -C /run/host/upper <"/run/host/checkout/$layer"
	for dir in etc usr var; do
		overlay_on "/$dir" "/$dir" "$dir"
	done
	for dir in home root; do
		mkdir -p "/run/host/upper/$dir"
		mount --bind "/run/host/upper/$dir" "/$dir"
	done
	chmod 700 /root
	mount -t tmpfs -o mode=1777 tmp /tmp
	mkdir -p "$top"
	overlay_on "$top" /run/host/checkout checkout
	own_dev
	cd "$top"
}

# own_names: a network of its own and a host name that resolves in it.
own_names() {
	ip link set lo up || refuses 'a loopback of its own (ip link set lo up)'
	hostname bastion || refuses 'a host name of its own (sethostname)'
	printf 'bastion\n' >/etc/hostname
	printf '127.0.0.1\tlocalhost\n127.0.1.1\tbastion\n::1\tlocalhost\n' >/etc/hosts
}

[ $$ -eq 1 ] || refuses 'to be called outside a pid namespace of its own'
trap 'exit 143' TERM INT HUP
own_files
own_names
readlink /proc/self/ns/mnt >/run/private-host
# No namespace holds these: the clock, the kernel and the disks are the machine's.
setpriv --bounding-set=-sys_time,-sys_module,-sys_boot,-sys_rawio,-mac_admin -- "$@" <&0 &
wait $! && status=0 || status=$?
exit "$status"
