# shellcheck shell=bash
# A whole host that boots by systemd, inside a private host and on its files. Sourced after guest.sh.

BOOTED=$GUEST/booted
UNITS=/etc/systemd/system

# booted_services UNIT…: what this machine would start is not started; these are.
booted_services() {
	local unit
	rm -rf "${UNITS:?}"/* /etc/rc?.d/*
	mkdir -p "$UNITS/multi-user.target.wants"
	ln -s /lib/systemd/system/multi-user.target "$UNITS/default.target"
	for unit in systemd-udevd.service systemd-udev-trigger.service systemd-networkd.service systemd-resolved.service \
		systemd-timesyncd.service systemd-logind.service systemd-modules-load.service systemd-sysctl.service \
		systemd-remount-fs.service systemd-binfmt.service systemd-hwdb-update.service getty.target \
		proc-sys-fs-binfmt_misc.automount dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount \
		busybox-syslogd.service slapd.service cron.service atd.service dbus.service dbus.socket; do
		[[ " $* " == *" $unit "* ]] || ln -s /dev/null "$UNITS/$unit"
	done
	for unit in "$@"; do
		ln -s "/lib/systemd/system/$unit" "$UNITS/multi-user.target.wants/$unit"
	done
	: >/etc/fstab
	systemd-machine-id-setup >/dev/null 2>&1
}

# own_cgroup: a control group for the booted host alone; it goes with the suite. systemd finds nothing but cgroup2(7)
# there, so it makes no groups in the controllers of this machine.
own_cgroup() {
	mkdir -p "$GUEST/cgroup"
	mountpoint -q "$GUEST/cgroup" || mount -t cgroup2 cgroup "$GUEST/cgroup" || return
	boot_cgroup=$(mktemp -d "$GUEST/cgroup/apikey-boot.XXXXXX")
	chmod 755 "$boot_cgroup"
	trap boot_end EXIT
}
cgroup_removed() { find "$1" -depth -type d -exec rmdir {} + && [ ! -e "$1" ]; }

# boot [LINE…]: systemd, on this host's files and in a network of its own; the LINEs are run before it. $boot_pid is its
# process 1. It has its own /run and /tmp.
boot() {
	boot_on "
		mkdir etc usr var home root
		for dir in etc usr var home root; do mount --rbind /\$dir \$dir; done
		for dir in bin sbin lib lib32 lib64 libx32; do [ ! -L /\$dir ] || cp -a /\$dir .; done" "$@"
}

# boot_on FILES [LINE…]: the same on other files, which the lines FILES put into the folder that they are run in. `login`
# enters it from now on.
boot_on() {
	own_cgroup || return
	mkdir -p "$BOOTED"
	cat >"$GUEST/boot.sh" <<-BOOT
		set -e
		mount --make-rprivate /
		mount -t tmpfs -o mode=755 root $BOOTED
		cd $BOOTED
		$1
		mkdir -p proc sys run tmp dev old
		mount --rbind /dev dev
		mount -t proc proc proc
		# No namespace holds these: what the host sets at its boot would be set on this machine.
		mount --bind proc/sys proc/sys
		mount -o remount,bind,ro proc/sys
		[ ! -e proc/sys/kernel/ns_last_pid ] || mount --bind {/,}proc/sys/kernel/ns_last_pid
		mount -t sysfs -o ro sysfs sys
		mount -t tmpfs -o mode=755 run run
		mount -t tmpfs -o mode=1777 tmp tmp
		mkdir -p ./$TOP
		mount --rbind $TOP ./$TOP
		mount -t cgroup2 cgroup sys/fs/cgroup
		ip link set lo up
		$(printf '%s\n' "${@:2}")
		readlink /proc/self/ns/mnt >run/private-host
		pivot_root . old
		umount -l /old
		exec env -i container=private /lib/systemd/systemd --log-target=console --show-status=yes
	BOOT
	(
		printf '%d\n' "$BASHPID" >"$boot_cgroup/cgroup.procs"
		exec unshare --mount --net --pid --uts --ipc --cgroup --fork --kill-child -- bash "$GUEST/boot.sh"
	) </dev/null >"$GUEST/console" 2>&1 &
	boot_pid=$(wait_until 10 pgrep -P $! >/dev/null && pgrep -P $! -o)
	LOGIN_IN=(nsenter --target "$boot_pid" --net --)
	wait_until 60 in_boot systemctl is-system-running --wait || wait_until 60 booted || { cat "$GUEST/console" >&2; return 1; }
}

# boot_end: ends the booted host, with all that it wrote.
boot_end() {
	[ -z "${boot_pid:-}" ] || kill -KILL "$boot_pid" || :
	wait_until 10 cgroup_removed "$boot_cgroup" || { printf '# %s stays\n' "$boot_cgroup"; return 1; }
	boot_pid='' boot_cgroup=''
	# shellcheck disable=SC2034 # it is of guest.sh
	LOGIN_IN=()
	trap - EXIT
}

# in_boot CMD…: CMD in it.
in_boot() { bounded nsenter --target "$boot_pid" --all -- "$@"; }

# booted: has the boot come to an end, one way or the other?
booted() { in_boot systemctl is-system-running | grep -Eqx 'running|degraded'; }

# boot_inside: is this process in a host that systemd booted? boot_run CMD…: CMD there, as a service.
boot_inside() { [ -d /run/systemd/system ]; }
boot_run() {
	nsenter --target "$boot_pid" --all -- systemd-run --quiet --wait --collect --pipe -p TasksMax=infinity \
		--working-directory="$TOP" -E TOP="$TOP" -E LC_ALL=C.UTF-8 -E HOME=/root -- "$@"
}
