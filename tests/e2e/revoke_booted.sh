#!/usr/bin/env bash
# What was revoked ends: the same on a host that systemd booted, with logind, user managers, cron and at.
# usage: revoke_booted.sh [CASE…]
# shellcheck disable=SC2016 # what the other side shall expand is in single quotes
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
for part in ldap follow shells booted; do
	# shellcheck source=/dev/null
	. "$TOP/tests/lib/$part.sh"
done

# Outside of it: the boot, and this script again in there.
if ! boot_inside; then
	install_directory
	booted_services ssh.service apikeyd.service cron.service atd.service dbus.service dbus.socket systemd-logind.service
	printf 'version: 1\n' >"$SETTINGS"
	printf '%s\n' 'MaxStartups 500' 'MaxSessions 500' >/etc/ssh/sshd_config.d/00-test.conf
	boot
	boot_run bash "$0" "$@"
	exit
fi
for part in revoke revoke_cases; do
	# shellcheck source=/dev/null
	. "$TOP/tests/lib/$part.sh"
done
TIMED+=(window)

daemon_crash() { systemctl kill --signal=KILL apikeyd; }
daemon_up() { wait_until 20 daemon_answers; }

# failed_units [NAME]: none is meant to be.
failed_units() { systemctl list-units --failed --plain --no-legend "$@"; }

# case_usermanager: a key with all that systemd, cron and at keep for it.
case_usermanager() {
	local uid
	new_key kept --role worker
	uid=$(id -u kept)
	loginctl enable-linger kept
	live kept kept "$(token kept)" "${FULL[@]}" \
		'!systemd-run --user --quiet --unit=staying $LIVE/stay kept unit' \
		'!echo "@reboot true" | crontab -' \
		'!echo true | at -q z now + 1 hour 2>/dev/null' \
		'!until grep -q unit $LIVE/kept.pids; do pause; done'
	printf '%s manager\n' "$(systemctl show "user@$uid.service" -p MainPID --value)" >>"$LIVE/kept.pids"
	ends 'abuse 143: a key with a lingering user manager and systemd-run --user is deleted' 1000 kept -- change delete kept
	shows 'abuse 143: it says that a crontab is left' 0 'crontab' cat "$GUEST/change.out"
	shows 'abuse 143: and a job of at' 0 ' at ' cat "$GUEST/change.out"
	exits 'abuse 143: nothing lingers' 1 test -e /var/lib/systemd/linger/kept
	holds 'abuse 143: its user manager is stopped' wait_until 5 is_state "user@$uid.service" inactive
	equals 'abuse 143: in order, not as one that failed' '' failed_units "user*$uid*"
	stays 'abuse 143: nobody else is ended' "${BYSTANDERS[@]}"
}
is_state() { [ "$(systemctl show "$1" -p ActiveState --value)" = "$2" ]; }

# case_logind: no session of logind is left of keys that are gone.
case_logind() {
	local uid
	new_key logged --role worker
	uid=$(id -u logged)
	live logged logged "$(token logged)" "${FULL[@]}"
	holds 'a login of a key is a session of logind' sh -c 'loginctl list-sessions | grep -qw logged'
	ends 'its end' 1000 logged -- change disable logged
	holds 'is the end of that session' wait_until 10 sh -c '! loginctl list-sessions | grep -qw logged'
	holds 'and of its user manager' wait_until 10 is_state "user@$uid.service" inactive
	equals 'in order, not as one that failed' '' failed_units "user*$uid*"
}

sed 's/^/127.0.0.1,bastion,10.77.0.1 /' /etc/ssh/ssh_host_*_key.pub >"$GUEST/known_hosts"
[ $# -gt 0 ] || set -- "${CASES[@]}" case_usermanager case_logind "${LAST_CASES[@]}"
revoke_cases "$@"
equals 'no unit has failed' '' failed_units
tap_done
