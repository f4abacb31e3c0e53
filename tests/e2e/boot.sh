#!/usr/bin/env bash
# A host that boots by systemd while its directory can't be reached: nothing waits, keys log in, and the unit holds the daemon tight.
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

install_directory
booted_services ssh.service apikeyd.service
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
holds 'stopped in order' in_boot systemctl stop apikeyd
equals 'by itself, not by force' success property Result
equals 'without it a local key logs in' ci login password ci "$(token ci)" id -un
in_boot rm -rf /run/apikey
holds 'as on a host that was not booted since the installation: it starts' in_boot systemctl start apikeyd
holds 'stopped, it leaves the records of sessions where they are' in_boot sh -c 'touch /run/apikey/kept && systemctl stop apikeyd && test -e /run/apikey/kept'
tap_done
