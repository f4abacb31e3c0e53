#!/usr/bin/env bash
# Where from, when, and through which group: conditions as sshd, sudo and `id` see them on the very next call.
# shellcheck disable=SC2016 # what the other side shall expand is in single quotes
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/shells.sh
. "$TOP/tests/lib/shells.sh"

OFFICE=10.77.0.2 ELSEWHERE=10.77.0.3

# policy [LINE…]: conditions on the address; LINEs are further grants.
policy() {
	cat >"$POLICY" <<-END
		version: 1
		roles:
		  viewer: {services: [sshd]}
		  sudoer: {services: [sudo]}
		  runner: {services: [cron]}
		  deployer: {services: [sshd, sudo], accounts: [deploy]}
		  night: {services: [], unix_groups: [nightwatch]}
		  team: {services: [sudo], unix_groups: [apikey-team]}
		groups:
		  platform: [{role: team}]
		define:
		  office: {from: [$OFFICE/32]}
		deny:
		- {id: outside, reason: not from there, login: 'office-*', not: {is: office}}
		grant:
		- {role: deployer, login: shared-a, is: office}
		- {role: night, login: [grp-*, shared-a], is: office}
		- {role: sudoer, login: 'sudo-*', creator_from: [$OFFICE/32]}
		- {role: runner, login: 'sudo-*', is: office}
	END
	[ $# -eq 0 ] || printf -- '- %s\n' "$@" >>"$POLICY"
	change publish
}

# from ADDRESS: the next logins come from there.
from() { SSH_OPTIONS=("${SSH_BASE[@]}" -o "BindAddress=$1"); }
enters() { equals "$1" "$3" login_from_client "$2" "$3" "$(token "$3")" id -un; }
barred() { shows "$1" 255 'Permission denied \(|Connection closed by' login_from_client "$2" "$3" "$(token "$3")" echo got-in; }
groups_of() { login_from_client "$1" "$2" "$(token "${3:-$2}")" 'id -Gn | tr " " "\n" | grep -x nightwatch || echo none'; }
refuses_sudo() { shows "$1" 1 'sudo: (PAM account management error|account validation failure)' ask "$2" 'sudo -n id -un'; }

syslog_start
install_apikey
groupadd -g 1500 nightwatch
useradd -m -s /bin/bash deploy
printf 'ALL ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
policy
for key in office-a grp-a sudo-a shared-a team-a; do new_key "$key" --role viewer; done
sshd_start
sshd_with 'KbdInteractiveAuthentication yes' 'PermitRootLogin yes'
client_net
from_client ip addr add $ELSEWHERE/24 dev wire1
SSH_BASE=("${SSH_OPTIONS[@]}")

# --- logins -------------------------------------------------------------------------------------

for method in password kbd; do
	from $OFFICE
	enters "$method: from the office" $method office-a
	equals "$method: with the groups of there" nightwatch groups_of $method grp-a
	equals "$method: a shared account, opened there" deploy login_from_client $method deploy "$(token shared-a)" id -un
	equals "$method: with its groups too" nightwatch groups_of $method deploy shared-a
	from $ELSEWHERE
	barred "$method: not from elsewhere" $method office-a
	equals "$method: nor with the groups" none groups_of $method grp-a
	shows "$method: nor the shared account" 255 'Permission denied' login_from_client $method deploy "$(token shared-a)" echo got-in
	SSH_OPTIONS=("${SSH_BASE[@]}")
	shut_out "$method: nor from the host itself (abuse 152)" $method office-a "$(token office-a)"
done
exits 'the name service knows nothing of such groups' 1 sh -c 'id -Gn grp-a | grep -w nightwatch'

# A tunnel through the host: its own address is nobody's (abuse 152).
public_key bob
tunnel="ssh -F none -o UserKnownHostsFile=$GUEST/known_hosts -o BindAddress=$ELSEWHERE -o IdentitiesOnly=yes -i $GUEST/id_bob -W 10.77.0.1:22 bob@10.77.0.1"
SSH_OPTIONS=("${SSH_BASE[@]}" -o "ProxyCommand=$tunnel")
barred 'ssh -W through the host launders no address' password office-a
equals 'and gives no groups' none groups_of password grp-a
from $OFFICE

# --- sudo, by the recorded origin ---------------------------------------------------------------

shell_open office password sudo-a "$(token sudo-a)" from_client
equals 'sudo from the office' root ask office 'sudo -n id -un'
equals 'and outside of every session, while all come from there' root run_as sudo-a sudo -n id -un
from $ELSEWHERE
shell_open else kbd sudo-a "$(token sudo-a)" from_client
refuses_sudo 'none from elsewhere' else
equals 'beside which the first still has it' root ask office 'sudo -n id -un'
shows 'outside of every session the address is undefined now' 1 'sudo: ' run_as sudo-a sudo -n id -un
shows 'and what left its tree is still from elsewhere (abuse 142)' 0 '^sudo: ' ask else \
	'rm -f /tmp/left; (setsid sh -c "while kill -0 \$PPID 2>/dev/null; do :; done; sudo -n id -un >/tmp/left.new 2>&1; mv /tmp/left.new /tmp/left" &) ; until [ -e /tmp/left ]; do :; done; cat /tmp/left'
shell_close else
holds 'until that session is over' wait_until 10 run_as sudo-a sudo -n true
by_cron() {
	rm -f "/tmp/cron-$1"
	cron_reboot "$1" "id -un >/tmp/cron-$1; sudo -n id -un >>/tmp/cron-$1 2>&1; echo end >>/tmp/cron-$1"
	wait_until "$2" grep -qx end "/tmp/cron-$1" || :
	cron_stop
	paste -sd' ' "/tmp/cron-$1" 2>/dev/null
}
equals 'its crontab runs while it is there, and sudo in it' 'sudo-a root end' by_cron sudo-a 20
shell_close office
no_sudo() { ! run_as sudo-a sudo -n true; }
holds 'with nobody there, nothing' wait_until 10 no_sudo
log_mark
exits 'and not without anybody there' 1 by_cron sudo-a 2
holds 'which the log says' log_has 'key=sudo-a .*service=cron.* reason='

# --- what the user writes into the environment --------------------------------------------------

printf '%s here\n%s there\n' $OFFICE $ELSEWHERE >>/etc/hosts
printf 'SSH_CONNECTION DEFAULT="%s 1 10.77.0.1 22"\nAPIKEY_HANDLE DEFAULT="00000000000000000000000000000000"\n' $OFFICE >/home/grp-a/.pam_environment
chown grp-a:grp-a /home/grp-a/.pam_environment
sshd_with 'KbdInteractiveAuthentication yes' 'UseDNS yes'
for method in password kbd; do
	from $ELSEWHERE
	equals "UseDNS, $method: ~/.pam_environment makes no address" none groups_of $method grp-a
	barred "UseDNS, $method: not from elsewhere" $method office-a
	from $OFFICE
	equals "UseDNS, $method: an address behind a name is found" nightwatch groups_of $method grp-a
	enters "UseDNS, $method: from the office" $method office-a
done

# --- when ---------------------------------------------------------------------------------------

day() { date -u -d "$1" +%F; }
policy "{role: night, login: team-a, time: {dates: ['$(day yesterday)', '$(day '+2 days')']}}"
equals 'in its window a key has the group' nightwatch groups_of password team-a
equals 'by keyboard-interactive too' nightwatch groups_of kbd team-a
policy "{role: night, login: team-a, time: {dates: ['2020-01-01', '$(day yesterday)']}}"
equals 'after it, with the very next login, not' none groups_of password team-a

# --- roles and groups, on the very next call ----------------------------------------------------

shell_open team password team-a "$(token team-a)" from_client
sees() { # WHETHER: sshd's groups, the name service's, sudo
	equals "$2: id" "$1" sh -c 'id -Gn team-a | grep -wo apikey-team || echo none'
	equals "$2: a login" "$1" login_from_client kbd team-a "$(token team-a)" 'id -Gn | grep -wo apikey-team || echo none'
	if [ "$1" = none ]; then
		refuses_sudo "$2: sudo in the session that is open" team
	else
		equals "$2: sudo in the session that is open" root ask team 'sudo -n id -un'
	fi
}
sees none 'at first'
change role add team-a team
sees apikey-team 'a role added'
change role remove team-a team
sees none 'a role removed'
change group add team-a platform
sees apikey-team 'a group added'
change group remove team-a platform
sees none 'a group removed'
shell_close team
tap_done
