#!/usr/bin/env bash
# A host that boots by systemd while its directory can't be reached: nothing waits, keys log in, and the units hold the daemon and the metrics tight.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"
# shellcheck source=tests/lib/booted.sh
. "$TOP/tests/lib/booted.sh"

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

# --- metrics ------------------------------------------------------------------------------------

PROM=/var/lib/prometheus/node-exporter
# prometheus_folder: as Debian's packages leave it: the folder is root's, and what it lies in is not.
prometheus_folder() {
	install -d -m 755 "$PROM"
	chown bob:bob "${PROM%/*}"
}
# metrics_written: by the unit, as its timer starts it.
metrics_written() { in_boot systemctl start apikey-metrics.service; }
# metrics_fail STATUS: the unit does, so; the next run is not kept from its turn.
metrics_fail() {
	! metrics_written || return
	[ "$(in_boot systemctl show apikey-metrics.service -p Result,ExecMainStatus --value | tr '\n' ' ')" = "exit-code $1 " ] || {
		in_boot systemctl status apikey-metrics.service
		return 1
	}
	in_boot systemctl reset-failed apikey-metrics.service
}
# metrics_said REGEX: the journal may be late.
metrics_said() { wait_until 20 metrics_logged "$1" || { in_boot journalctl -q -u apikey-metrics -o cat; return 1; }; }
metrics_logged() { in_boot journalctl -q -u apikey-metrics -o cat | grep -E "$1"; }
# metric NAME: its value in the file, all samples together.
# shellcheck disable=SC2016
metric() { in_boot awk -v name="$1" '{ n = $1; sub(/[{].*/, "", n) } n == name { sum += $2; seen = 1 } END { if (seen) print sum }' $PROM/apikey.prom; }
# metrics_of_root: the file says what root sees without any confinement.
metrics_of_root() { in_boot sh -c "apikey status --prometheus | diff - $PROM/apikey.prom"; }
# alerts: those of the manual that hold, a name each.
alerts() {
	local name left op right value
	awk '/^\.\\" alerts/ { on = 1 } on && /- alert:/ { name = $3 } on && /expr: [a-z_]+ [<>] [0-9]+$/ { print name, $2, $3, $4 }
		on && /^\.Ed/ { exit }' "$TOP/man/apikey.8" | while read -r name left op right; do
		value=$(metric "$left")
		case $op in
		'>') [ "$value" -le "$right" ] || printf '%s ' "$name" ;;
		'<') [ "$value" -ge "$right" ] || printf '%s ' "$name" ;;
		esac
	done
}
# in_place_of_apikey LINE…: a script.
in_place_of_apikey() {
	[ -e "$GUEST/apikey" ] || mv /usr/sbin/apikey "$GUEST/apikey"
	printf '#!/bin/sh\n%s\n' "$*" >/usr/sbin/apikey
	chmod 755 /usr/sbin/apikey
}
# timer_due: its next turn comes within two minutes.
timer_due() {
	local next
	next=$(in_boot systemctl show apikey-metrics.timer -p NextElapseUSecRealtime --value)
	next=$(date -d "$next" +%s)
	[ $((next - $(date +%s))) -le 120 ]
}

install_directory
prometheus_folder
booted_services ssh.service apikeyd.service apikey-metrics.timer
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
shows 'so is that of the metrics' 0 '^$' sh -c 'systemd-analyze verify /lib/systemd/system/apikey-metrics.timer 2>&1 | grep -i apikey; echo'
shows 'its exposure is 1.0 at most' 0 'Overall exposure level' \
	systemd-analyze security --offline=true --threshold=10 /lib/systemd/system/apikey-metrics.service

holds 'the host boots, its directory a black hole' boot "$(declare -f black_hole)" black_hole
booted || { tap_done; exit 1; }
equals 'nothing of ours failed' '' ours_failed
holds 'apikeyd is active' is ActiveState active
holds 'and did not wait for the directory' started_within 30
holds 'it says what it waits for' wait_until 20 sh -c "nsenter --target $boot_pid --all -- apikey status | grep -q 10.99.0.2"
equals 'a local key logs in' ci login password ci "$(token ci)" id -un
equals 'so does bob' bob login password bob bob-pw id -un

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

# Nothing needs attention now.
rm -f $PROM/apikey.prom
equals 'the timer of the metrics is active' active in_boot systemctl is-active apikey-metrics.timer
holds 'and due soon' timer_due
# Nor has it a turn between those that follow.
in_boot systemctl stop apikey-metrics.timer
holds 'what it starts writes the metrics' metrics_written
equals 'for anybody to read' '644 root root' in_boot stat -c '%a %U %G' $PROM/apikey.prom
holds 'confined as it is, it sees what root sees' metrics_of_root
equals 'all keys of this host' 2 metric apikey_keys
equals 'the daemon' 1 metric apikey_daemon_up
equals 'the directory' 0 metric apikey_directory_stale
equals 'no alert of the manual is due' '' alerts
new_key brief --role viewer --duration 7d
in_boot apikey lockdown on
holds 'a status that found something is no failure' metrics_written
equals 'lockdown is told' 1 metric apikey_lockdown
equals 'the alerts of the manual are due that are for this' 'ApikeyAttention ApikeyExpiring ' alerts
in_boot apikey lockdown off
in_boot apikey delete brief
metrics_written
cp $PROM/apikey.prom "$GUEST/prom"

# shellcheck disable=SC2016
in_place_of_apikey 'echo apikey_attention 0; kill -SEGV $$'
holds 'a status that crashes is a failure' metrics_fail 139
in_place_of_apikey 'echo apikey_daemon_up 0; exit 3'
holds 'and one that is cut short' metrics_fail 1
holds 'which says so' metrics_said 'status was cut short'
in_place_of_apikey 'exit 1'
holds 'and one that is refused' metrics_fail 1
holds 'the file is the one of before' cmp $PROM/apikey.prom "$GUEST/prom"
mv "$GUEST/apikey" /usr/sbin/apikey
cp /etc/hostname "$GUEST/hostname"
ln -sf /etc/hostname $PROM/apikey.prom.new
holds 'a link that lies in the way' metrics_written
holds 'is not written through' cmp /etc/hostname "$GUEST/hostname"
mv $PROM $PROM.away
ln -s /etc/cron.d $PROM
holds 'a link in the place of the folder is a failure' metrics_fail 1
holds 'which says why' metrics_said 'a link leads elsewhere'
exits 'and nothing is written there' 1 test -e /etc/cron.d/apikey.prom -o -e /etc/cron.d/apikey.prom.new
rm $PROM
holds 'where nobody collects nothing is done' metrics_written
exits 'and no folder made' 1 test -e $PROM
mv $PROM.away $PROM
rm -f $PROM/apikey.prom
in_boot systemctl start apikey-metrics.timer
holds 'the timer starts it by itself' wait_until 110 test -s $PROM/apikey.prom
equals 'nothing of ours failed since' '' ours_failed

holds 'stopped in order' in_boot systemctl stop apikeyd
equals 'by itself, not by force' success property Result
equals 'without it a local key logs in' ci login password ci "$(token ci)" id -un
in_boot rm -rf /run/apikey
holds 'as on a host that was not booted since the installation: it starts' in_boot systemctl start apikeyd
holds 'stopped, it leaves the records of sessions where they are' in_boot sh -c 'touch /run/apikey/kept && systemctl stop apikeyd && test -e /run/apikey/kept'
tap_done
