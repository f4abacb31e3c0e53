#!/usr/bin/env bash
# Keys by su and by cron: root's su needs no role, everybody else's does, and cron asks the role.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

# su_as USER SECRET TARGET: USER's su to TARGET, who prints its name; SECRET is typed at a terminal.
su_as() {
	local user=$1
	printf '%s\n' "$2" >"$GUEST/typed"
	chmod 644 "$GUEST/typed"
	run_as "$user" su -s /bin/sh -c 'id -un' "$3" <"$GUEST/typed"
}
# su reads from stdin when there is no terminal; what the asserts give it is /dev/null.
refused_su() { shows "$1" 1 'su: (Authentication failure|Permission denied|Account or password|.*denied)' su_as "$2" "$3" "$4"; }
admitted_su() {
	shows "$1" 0 "^(Password: )?$4\$" su_as "$2" "$3" "$4"
}

# by_cron USER: a crontab of USER's runs within 20 s; not_by_cron: cron logs its refusal, and nothing has run.
by_cron() {
	rm -f "/tmp/cron-$1"
	cron_reboot "$1" "id -un > /tmp/cron-$1"
	wait_until 20 grep -qx "$1" "/tmp/cron-$1"
	cron_stop
	grep -qx "$1" "/tmp/cron-$1"
}
not_by_cron() {
	local said=0
	rm -f "/tmp/cron-$1"
	log_mark
	cron_reboot "$1" "id -un > /tmp/cron-$1"
	wait_until 20 log_matches 'cron.*(PAM|FAILED|[Pp]ermission denied|Authentication failure)' || said=1
	cron_stop
	log_new
	[ "$said" -eq 0 ] && [ ! -e "/tmp/cron-$1" ]
}

syslog_start
install_apikey
new_key watcher --role viewer
new_key chief --role admin
new_key gone --role admin
new_key paused --role admin

admitted_su "root's su to a key needs no role" root '' watcher
admitted_su "root's su to a disabled key is root's affair" root '' paused
equals 'su - gives it a login shell and its home' /home/chief su - chief -c pwd
equals 'runuser too' watcher runuser -u watcher -- id -un
admitted_su 'bob may su to a key whose role permits su, with its token' bob "$(token chief)" chief
refused_su 'not with his own password' bob bob-pw chief
refused_su "not with another key's token" bob "$(token watcher)" chief
refused_su 'not where the role does not permit su' bob "$(token watcher)" watcher
admitted_su "a key may su to bob with bob's password" chief bob-pw bob
refused_su 'not with its own token' chief "$(token chief)" bob
refused_su 'not to root with its own token' chief "$(token chief)" root
admitted_su "to root with root's password: that is the administrator's to give" chief root-pw root
change disable paused
refused_su 'a disabled key opens to nobody but root' bob "$(token paused)" paused
change delete gone
shows 'a deleted key is no user' 1 'user gone does not exist' su_as bob "$(token gone)" gone

holds "a crontab runs where the key's role permits cron" by_cron chief
holds 'and is refused where it does not' not_by_cron watcher
change disable chief
holds "a disabled key's crontab does not run" not_by_cron chief
change enable chief
holds 'an enabled one runs again' by_cron chief
holds "bob's crontab runs" by_cron bob
holds "root's crontab runs" by_cron root
tap_done
