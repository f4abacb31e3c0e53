#!/usr/bin/env bash
# A host that boots by systemd while its directory can't be reached: nothing waits, keys log in, and the unit holds the daemon tight.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"

ROOT=$GUEST/root
UNITS=/etc/systemd/system
cgroups=()

# services: what this machine would start is not started; ssh and apikeyd are.
services() {
	local unit
	rm -rf "${UNITS:?}"/* /etc/rc?.d/*
	mkdir -p "$UNITS/multi-user.target.wants"
	ln -s /lib/systemd/system/multi-user.target "$UNITS/default.target"
	for unit in systemd-udevd.service systemd-udev-trigger.service systemd-networkd.service systemd-resolved.service \
		systemd-timesyncd.service systemd-logind.service systemd-modules-load.service systemd-sysctl.service \
		systemd-remount-fs.service systemd-binfmt.service systemd-hwdb-update.service getty.target \
		proc-sys-fs-binfmt_misc.automount dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount \
		busybox-syslogd.service slapd.service cron.service dbus.service dbus.socket; do
		ln -s /dev/null "$UNITS/$unit"
	done
	ln -s /lib/systemd/system/ssh.service "$UNITS/multi-user.target.wants/ssh.service"
	ln -s /lib/systemd/system/apikeyd.service "$UNITS/multi-user.target.wants/apikeyd.service"
	: >/etc/fstab
	systemd-machine-id-setup >/dev/null 2>&1
}

# own_cgroups: control groups for the booted host alone, of both kinds that systemd may use; they go with the suite.
own_cgroups() {
	local kind
	trap forget_cgroups EXIT
	for kind in 'cgroup -o none,name=systemd' cgroup2; do
		mkdir -p "$GUEST/cgroup/${kind%% *}"
		# shellcheck disable=SC2086
		mount -t $kind cgroup "$GUEST/cgroup/${kind%% *}" || return
		cgroups+=("$(mktemp -d "$GUEST/cgroup/${kind%% *}/apikey-boot.XXXXXX")")
	done
}
forget_cgroups() {
	local dir
	[ -z "${boot_pid:-}" ] || kill -KILL "$boot_pid" || :
	for dir in "${cgroups[@]}"; do
		wait_until 10 cgroup_removed "$dir" || printf '# %s stays\n' "$dir"
	done
}
cgroup_removed() { find "$1" -depth -type d -exec rmdir {} + && [ ! -e "$1" ]; }

# boot: systemd, on this host's files, with a network that has a black hole in it. $boot_pid is its process 1.
boot() {
	local dir
	mkdir "$ROOT"
	cat >"$GUEST/boot.sh" <<-BOOT
		set -e
		mount --make-rprivate /
		mount -t tmpfs -o mode=755 root $ROOT
		cd $ROOT
		mkdir etc usr var home root proc sys run tmp dev old
		for dir in etc usr var home root dev; do mount --rbind /\$dir \$dir; done
		for dir in bin sbin lib lib32 lib64 libx32; do [ ! -L /\$dir ] || cp -a /\$dir .; done
		mount -t proc proc proc
		mount -t sysfs sysfs sys
		for dir in run tmp sys/fs/cgroup; do mount -t tmpfs tmpfs \$dir; done
		mkdir sys/fs/cgroup/systemd
		mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
		ip link set lo up
		$(declare -f black_hole)
		black_hole
		pivot_root . old
		umount -l /old
		exec env -i container=private /lib/systemd/systemd --log-target=console --show-status=yes
	BOOT
	(
		for dir in "${cgroups[@]}"; do printf '%d\n' "$BASHPID" >"$dir/cgroup.procs"; done
		exec unshare --mount --net --pid --uts --ipc --cgroup --fork --kill-child -- bash "$GUEST/boot.sh"
	) </dev/null >"$GUEST/console" 2>&1 &
	boot_pid=$(wait_until 10 pgrep -P $! >/dev/null && pgrep -P $! -o)
	wait_until 60 in_boot systemctl is-system-running --wait || wait_until 60 booted || { cat "$GUEST/console" >&2; return 1; }
}
in_boot() { bounded nsenter --target "$boot_pid" --all -- "$@"; }
# booted: has it come to an end, one way or the other?
booted() { in_boot systemctl is-system-running | grep -Eqx 'running|degraded'; }

# login_boot USER SECRET CMD…: by ssh, from within its network.
login_boot() {
	local user=$1 how=()
	login_how password "$2"
	shift 2
	bounded nsenter --target "$boot_pid" --net -- ssh "${SSH_OPTIONS[@]}" "${how[@]}" "$user@127.0.0.1" "$@"
}

# property NAME: of the unit.
property() { in_boot systemctl show apikeyd.service -p "$1" --value; }
# ours_failed: units of ours that did.
ours_failed() {
	local failed
	failed=$(in_boot systemctl list-units --failed --plain --no-legend) || return
	grep -i apikey <<<"$failed" || :
}
# started_within SECONDS: from the unit's start to its being ready.
started_within() {
	local from to
	from=$(property InactiveExitTimestampMonotonic)
	to=$(property ActiveEnterTimestampMonotonic)
	printf 'ready after %d us\n' $((to - from))
	[ "$to" -gt 0 ] && [ $((to - from)) -lt $(($1 * 1000000)) ]
}
is() { [ "$(property "$1")" = "$2" ]; }
other_pid() { [ "$(property MainPID)" != "$1" ] && is ActiveState active; }
boot_may() { in_boot apikey explain "$@" >/dev/null 2>&1; }

install_directory
services
policy_write 'roles:' '  viewer: {services: [sshd], unix_groups: [key-viewers]}' 'groups:' '  viewers: [{role: viewer}]'
new_key ci --role viewer
new_key other
directory_settings "uris=['ldap://10.99.0.2']" "ca_file=/etc/ssl/test-ca.pem" sasl= timeout=60s \
	"bind_dn='cn=reader,$SUFFIX'" password_file=/etc/apikey/password
printf 'reader-pw\n' >/etc/apikey/password
chmod 600 /etc/apikey/password
certificates
cp "$LDAP/tls/ca.pem" /etc/ssl/test-ca.pem
sed 's/^/127.0.0.1 /' /etc/ssh/ssh_host_*_key.pub >"$GUEST/known_hosts"

shows 'the unit is in order' 0 '^$' sh -c 'systemd-analyze verify /lib/systemd/system/apikeyd.service 2>&1 | grep -i apikeyd; echo'
shows 'its exposure is 2.5 at most, by systemd-analyze security' 0 'Overall exposure level' \
	systemd-analyze security --offline=true --threshold=25 /lib/systemd/system/apikeyd.service

own_cgroups
holds 'the host boots, its directory a black hole' boot
booted || { tap_done; exit 1; }
equals 'nothing of ours failed' '' ours_failed
holds 'apikeyd is active' is ActiveState active
holds 'and did not wait for the directory' started_within 30
holds 'it says what it waits for' wait_until 20 sh -c "nsenter --target $boot_pid --all -- apikey status | grep -q 10.99.0.2"
equals 'a local key logs in' ci login_boot ci "$(token ci)" id -un
equals 'so does bob' bob login_boot bob bob-pw id -un

main=$(property MainPID)
in_boot kill -KILL "$main"
holds 'killed, it is started again' wait_until 20 other_pid "$main"
sed -i 's/key-viewers/key-others/' "$POLICY"
holds 'confined as it is, it follows the policy' wait_until 20 sh -c "nsenter --target $boot_pid --all -- id -Gn ci | grep -q key-others"

SLAPD_IN=(nsenter --target "$boot_pid" --net --)
slapd_start one listen=ldaps://127.0.0.1:636
{ principal_ldif other; group_ldif groupOfNames viewers other; } | ldap_change one
directory_settings "uris=['ldaps://127.0.0.1']"
holds 'the directory can be reached now: told by a reload' in_boot systemctl reload apikeyd
holds 'confined as it is, it follows it' wait_until 30 boot_may other
group_change one delete viewers other
boot_may_not() { ! boot_may "$@"; }
holds 'there and back' wait_until 30 boot_may_not other
holds 'stopped in order' in_boot systemctl stop apikeyd
equals 'by itself, not by force' success property Result
equals 'without it a local key logs in' ci login_boot ci "$(token ci)" id -un
in_boot rm -rf /run/apikey
holds 'as on a host that was not booted since the installation: it starts' in_boot systemctl start apikeyd
holds 'stopped, it leaves the records of sessions where they are' in_boot sh -c 'touch /run/apikey/kept && systemctl stop apikeyd && test -e /run/apikey/kept'
tap_done
