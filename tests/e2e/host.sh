#!/usr/bin/env bash
# The private host itself: without apikey it is a plain Debian server, or no other suite means anything.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

# planted WHAT WHERE: with a token there, the last case of all suites fails and says where.
planted() {
	local rc=0 secret=A23456789_0123456789012345678901234567890123456789012345678
	secret=apikey_A$secret
	case $1 in
	file) printf 'x %s y\n' "$secret" >/tmp/planted ;;
	old) printf 'x %s y\n' "$secret" >/var/tmp/planted; touch -d 2001-01-01 /var/tmp/planted ;;
	log) printf '%s\n' "$secret" >>"$GUEST/sshd.log" ;;
	environment) SECRET=$secret tail -f /dev/null & ;;
	argument) tail -f /dev/null "/dev/null/$secret" 2>/dev/null & ;;
	descriptor)
		printf '%s\n' "$secret" >/tmp/unlinked
		tail -f /dev/null 3</tmp/unlinked &
		rm /tmp/unlinked
		;;
	esac
	wait_until 5 canary_tells "$2" || rc=1
	case $1 in
	file | old) rm -f /tmp/planted /var/tmp/planted ;;
	log) : >"$GUEST/sshd.log" ;;
	*) kill $!; wait $! 2>/dev/null || : ;;
	esac
	wait_until 5 canary_silent || rc=2
	return "$rc"
}
canary_tells() { { canary_silent || :; } | grep -Eqx "$1"; }

# by_cron USER: does a crontab of USER run?
by_cron() {
	rm -f "/tmp/cron-$1"
	cron_reboot "$1" "id -un > /tmp/cron-$1"
	wait_until 20 grep -qx "$1" "/tmp/cron-$1" && cron_stop
}

syslog_start
sshd_start
admits 'bob logs in with his password' password bob bob-pw
refuses 'bob is refused with another password' password bob alice-pw
refuses 'keyboard-interactive is off, as Debian has it' kbd bob bob-pw
refuses 'root has no password login, as Debian has it' password root root-pw
public_key root
public_key bob
admits 'root logs in with a public key' pubkey root "$GUEST/id_root"
admits 'bob logs in with a public key' pubkey bob "$GUEST/id_bob"
refuses "a stranger's public key opens nothing" pubkey alice "$GUEST/id_bob"

sshd_with 'KbdInteractiveAuthentication yes' 'PermitRootLogin yes'
admits 'bob logs in by keyboard-interactive where it is on' kbd bob bob-pw
refuses 'and is refused there with another password' kbd bob alice-pw
admits 'root logs in with a password where that is on' kbd root root-pw

equals 'alice may use sudo' root sudo_as alice alice-pw id -un
shows 'bob may not' 1 'bob is not in the sudoers file' sudo_as bob bob-pw id -un
shows 'sudo refuses another password' 1 'incorrect password attempt' sudo_as alice bob-pw id -un
equals 'root may become bob' bob su -s /bin/sh -c 'id -un' bob
holds "a crontab of bob's runs" by_cron bob

log_mark
logger -p authpriv.info -t probe 'a line for the log'
holds 'the log is kept, with facility and level' log_has 'authpriv\.info probe: a line for the log'

client_net
equals 'a client on another network gets in' '10.77.0.2 10.77.0.1' \
	login_from_client password bob bob-pw "echo \${SSH_CONNECTION% *} | cut -d' ' -f1,3"

# What every suite ends with can fail.
holds 'a token in a file is found' planted file /tmp/planted
holds 'in one that says it is old too' planted old /var/tmp/planted
holds 'in a log' planted log "$GUEST/sshd.log"
holds "in a process's environment" planted environment '/proc/[0-9]+/environ'
holds 'among its arguments' planted argument '/proc/[0-9]+/cmdline'
holds 'in a file that it alone still has' planted descriptor '/proc/[0-9]+/fd/3'

touch "$TOP/written-inside"
exits 'what is not private is read-only' 1 bash -c ': >/written-inside'
exits 'the checkout below is read-only' 1 bash -c ': >/run/host/checkout/written-inside'
exits 'what is written to the checkout stays inside' 1 test -e /run/host/checkout/written-inside
tap_done
