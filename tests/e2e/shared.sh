#!/usr/bin/env bash
# Shared accounts: keys that enter a local account, who is behind each session, and what its sudo may.
# shellcheck disable=SC2016 # what the other side shall expand is in single quotes
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/shells.sh
. "$TOP/tests/lib/shells.sh"

# policy [ONLY-KEYS]: who may enter what.
policy() {
	cat >"$POLICY" <<-END
		version: 1
		roles:
		  viewer: {services: [sshd]}
		  deployer: {services: [sshd, sudo], accounts: [deploy]}
		  entrant: {services: [sshd], accounts: [deploy]}
		  breaker: {services: [sudo], accounts: ['bo*', 'r*', 'to*']}
		accounts:
		  deploy: {only_keys: ${1:-false}}
	END
	change publish
}

# records: how many session records there are.
records() { find /run/apikey/sessions -type f ! -name '.*' 2>/dev/null | wc -l; }
handles() { find /run/apikey/handles -type f 2>/dev/null | wc -l; }

# blames KEY SENTENCE NAME COMMAND: COMMAND in that shell succeeds as root, and the log names KEY, and no other, for its sudo.
blames() {
	log_mark
	equals "$2" root ask "$3" "$4"
	holds "$2: the log names $1" log_has "event=account decision=allow key=$1 .*service=sudo"
	equals "$2: and nobody else" "key=$1" keys_of_sudo
}
keys_of_sudo() { log_new | grep 'event=account .*service=sudo' | grep -o 'key=[a-z]*' | sort -u; }

refuses_sudo() { shows "$1" 1 'sudo: (PAM account management error|account validation failure)' ask "$2" "${3:-sudo -n id -un}"; }

syslog_start
install_apikey
useradd -m -s /bin/bash deploy
useradd -o -u 0 -g 0 -M -d /root -s /bin/bash toor
printf '%s\n' deploy:deploy-pw toor:toor-pw | chpasswd -c SHA512 -s 1000
printf 'deploy,bob ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
printf 'version: 1\n' >"$SETTINGS"
policy
new_key alpha --role deployer
new_key beta --role deployer
new_key gamma --role deployer
new_key entrant --role entrant
new_key viewer --role viewer
public_key deploy
sshd_start
sshd_with 'KbdInteractiveAuthentication yes' 'PermitRootLogin yes'

# --- who gets in --------------------------------------------------------------------------------

for method in password kbd; do
	admits "$method: a key whose role opens the account" $method deploy "$(token alpha)"
	admits "$method: another" $method deploy "$(token beta)"
	admits "$method: the account's own password" $method deploy deploy-pw
	shut_out "$method: a key whose role does not open it" $method deploy "$(token viewer)"
	refuses "$method: a wrong password" $method deploy wrong
	refuses "$method: half a token" $method deploy apikey_
	refuses "$method: the prefix in a longer text" $method deploy "$(token alpha)x"
	refuses "$method: uid 0, though a glob names it (abuse 022)" $method toor "$(token alpha)"
	refuses "$method: root" $method root "$(token alpha)"
	admits "$method: root's password" $method root root-pw
	equals "$method: the session knows its key" "alpha $(key_id alpha) deployer root" \
		login $method deploy "$(token alpha)" 'echo $APIKEY_NAME $APIKEY_ID $APIKEY_ROLES $APIKEY_SPACE'
	equals "$method: and the account's own session none" '' login $method deploy deploy-pw 'echo $APIKEY_NAME'
	equals "$method: no handle is left in it (abuse 150)" clean login $method deploy "$(token alpha)" \
		'tr "\0" "\n" </proc/$$/environ | grep APIKEY_HANDLE || echo clean'
	equals "$method: nor in /run" 0 handles
done
admits "the account's own public key" pubkey deploy "$GUEST/id_deploy"
long=$(printf 'p%.0s' {1..500})
printf 'deploy:%s\n' "$long" | chpasswd -c SHA512 -s 1000
admits 'a password of 500 characters' password deploy "$long"
admits 'and by keyboard-interactive' kbd deploy "$long"
printf 'deploy:deploy-pw\n' | chpasswd -c SHA512 -s 1000
usermod -e 1970-01-02 deploy
shut_out "an expired account is closed to keys too (abuse 165)" password deploy "$(token alpha)"
shut_out "by keyboard-interactive too" kbd deploy "$(token alpha)"
usermod -e '' deploy

policy true
for method in password kbd; do
	admits "only_keys, $method: a key" $method deploy "$(token alpha)"
	shut_out "only_keys, $method: the account's own password" $method deploy deploy-pw
done
shut_out "only_keys: the account's own public key (abuse 144)" pubkey deploy "$GUEST/id_deploy"
equals "only_keys: root's su" deploy su -c 'id -un' deploy
shows 'only_keys: sudo of nobody (abuse 143)' 1 'sudo: ' run_as deploy sudo -n id -un
policy
equals 'without it: sudo of the account itself' root run_as deploy sudo -n id -un

# --- who is behind ------------------------------------------------------------------------------

shell_open one password deploy "$(token alpha)"
shell_open two kbd deploy "$(token beta)"
shell_open three password deploy "$(token gamma)"
shell_open person password deploy deploy-pw
equals 'each login of a key has a record' 3 records
equals 'which only root can list' '700 root' stat -c '%a %U' /run/apikey/sessions
equals 'or read' '600 root' sh -c 'stat -c "%a %U" /run/apikey/sessions/* | sort -u'
for _ in 1 2; do
	blames alpha 'sudo in the first session (password)' one 'sudo -n id -un'
	blames beta 'sudo in the second (keyboard-interactive)' two 'sudo -n id -un'
	blames gamma 'sudo in the third' three 'sudo -n id -un'
done
blames alpha 'a subshell is in it too' one '(bash -c "sudo -n id -un; :"; :)'
blames beta 'and what left the tree by a double fork (abuse 142)' two \
	'rm -f /tmp/left; (setsid sh -c "while kill -0 \$PPID 2>/dev/null; do :; done; sudo -n id -un >/tmp/left.new 2>&1; mv /tmp/left.new /tmp/left" &) ; until [ -e /tmp/left ]; do :; done; cat /tmp/left'
log_mark
equals "a person's sudo on the account" root ask person 'sudo -n id -un'
exits 'is not our affair' 1 log_matches 'event=account .*service=sudo'

# su within a session: whoever's token it took.
printf '%s\n' "$(token beta)" >"$GUEST/typed"
chmod 644 "$GUEST/typed"
sed -i 's/\(deployer: {services: \)\[sshd, sudo\]/\1[sshd, sudo, su, cron]/' "$POLICY"
change publish
blames beta "su with another key's token: that key is behind its sudo" one \
	"su deploy -c 'sudo -n id -un' <$GUEST/typed 2>/dev/null | sed 's/^Password: //'"
blames alpha 'and the first one again after it' one 'sudo -n id -un'

# ssh from within, and sudo su - (abuse 147).
install -m 755 "$GUEST/askpass" /tmp/askpass-gamma
printf '#!/bin/sh\necho %s\n' "$(token gamma)" >/tmp/askpass-gamma
CANARY_KEPT+=(/tmp/askpass-gamma)
nested="SSH_ASKPASS=/tmp/askpass-gamma SSH_ASKPASS_REQUIRE=force ssh -F none -o UserKnownHostsFile=$GUEST/known_hosts -o PubkeyAuthentication=no"
blames gamma 'ssh to this host from within: the key that opened it' one "$nested deploy@127.0.0.1 sudo -n id -un"
log_mark
equals 'sudo su - to a person: no key is behind bob' bob ask one 'sudo -n su - bob -c "id -un"'
equals 'sudo su - and back to the account by root is the outer session' root ask one 'sudo -n su deploy -c "sudo -n id -un"'
log_has 'key=alpha .*service=sudo' || :
equals 'in which the log names the outer key' 'key=alpha' keys_of_sudo

# An sshd that was started in a session (abuse 148).
printf 'Port 2222\nUsePAM yes\nKbdInteractiveAuthentication yes\nPidFile /run/inner.pid\n' >/etc/ssh/inner_config
equals 'an sshd is started from a session' started ask one 'sudo -n /usr/sbin/sshd -f /etc/ssh/inner_config </dev/null >/dev/null 2>&1; echo started'
wait_until 10 tcp_open 2222
sed 's/^/[127.0.0.1]:2222 /' /etc/ssh/ssh_host_*_key.pub >>"$GUEST/known_hosts"
for method in password keyboard-interactive; do
	blames gamma "a login there is its own key's ($method)" two \
		"$nested -o PreferredAuthentications=$method -p 2222 deploy@127.0.0.1 sudo -n id -un"
done
kill "$(cat /run/inner.pid)"

# What may not: a role, and the end of a key, at once.
shell_open four kbd deploy "$(token entrant)"
refuses_sudo "a key whose role does not permit sudo, though the account's line is NOPASSWD" four
refuses_sudo 'nor by leaving the tree' four \
	'rm -f /tmp/left; (setsid sh -c "while kill -0 \$PPID 2>/dev/null; do :; done; sudo -n id -un >/tmp/left.new 2>&1; echo \$? >>/tmp/left.new; mv /tmp/left.new /tmp/left" &) ; until [ -e /tmp/left ]; do :; done; cat /tmp/left; (exit $(tail -n 1 /tmp/left))'
change role add entrant deployer
blames entrant 'a role that was added permits it on the next call' four 'sudo -n id -un'
change role remove entrant deployer
refuses_sudo 'and one that was removed does not' four
change disable beta
holds "a disabled key's session is ended" wait_until 2 shell_gone two
blames alpha 'its neighbours have sudo' one 'sudo -n id -un'
change enable beta
shell_open two password deploy "$(token beta)"
blames beta 'an enabled one again' two 'sudo -n id -un'
change delete beta
holds "a deleted key's session is ended" wait_until 2 shell_gone two
blames gamma 'its neighbours still have sudo' three 'sudo -n id -un'
equals 'and the person too' root ask person 'sudo -n id -un'
apikey rotate gamma -q >"$GUEST/tokens/gamma" 2>/dev/null
holds 'a session that was opened with a replaced token is ended (abuse 146)' wait_until 2 shell_gone three
touch /etc/apikey/lockdown
refuses_sudo 'nobody has sudo, locked down (abuse 158)' one
equals 'but people' root ask person 'sudo -n id -un'
rm /etc/apikey/lockdown

# --- closing ------------------------------------------------------------------------------------

shell_open last password deploy "$(token alpha)"
survivor=$(ask last 'nohup setsid tail -f /dev/null >/dev/null 2>&1 & echo $!')
shell_close last
holds 'a survivor of a logout keeps its record' wait_until 5 grep -qa alpha -r /run/apikey/sessions
holds 'and lives' test -e "/proc/$survivor"
change disable alpha
holds 'until its key ends (abuse 142)' wait_until 2 gone "$survivor"
change enable alpha
for name in one two three four; do shell_close "$name"; done
# sshd closes a session while the process of its user is about to end: its record goes with the next login.
swept() { login password deploy "$(token alpha)" true && [ "$(records)" -le 1 ]; }
holds 'with no survivors the records go' wait_until 20 swept
shell_open killed kbd deploy "$(token alpha)"
kill -KILL "$(ask killed 'ps -o ppid= -p $PPID')"
shell_close killed
holds 'a record whose leader was killed goes too' wait_until 20 swept
shell_close person

# --- the break-glass of a person: sudo that takes a key's token ----------------------------------

printf 'deploy,bob ALL=(ALL) ALL\n' >/etc/sudoers.d/test
new_key glass --role breaker
refused="incorrect password attempt|no password was provided"
equals 'a key whose role opens bob by a glob answers his sudo' root sudo_as bob "$(token glass)" id -un
shows 'another does not' 1 "$refused" sudo_as bob "$(token alpha)" id -un
equals "bob's own password still does, where he may" deploy sudo_as deploy deploy-pw -u deploy id -un
shows 'it opens no root by targetpw' 1 "$refused" sh -c "printf 'Defaults targetpw\n' >/etc/sudoers.d/pw; printf '%s\n' '$(token glass)' | setpriv --reuid bob --regid bob --init-groups -- sudo -k -S -p '' id -un"
rm -f /etc/sudoers.d/pw

# --- when something is broken -------------------------------------------------------------------

mount -t tmpfs -o size=4k,mode=755,nr_inodes=3 full /run/apikey
# sshd keeps the connection of a session that was refused, but runs nothing in it (254).
admitted_without_room() { login "$1" deploy "$(token alpha)" echo got-in | grep got-in; }
for method in password kbd; do
	exits "no room in /run, $method: a key is refused" 1 admitted_without_room $method
	admits "no room in /run, $method: the account itself is not" $method deploy deploy-pw
	admits "no room in /run, $method: nor is bob" $method bob bob-pw
done
umount /run/apikey
chmod 777 /run/apikey
shut_out 'a folder that others may write: a key is refused' kbd deploy "$(token alpha)"
admits 'the account itself is not' kbd deploy deploy-pw
chmod 755 /run/apikey
printf 'version: 1\nroles: [\n' >"$POLICY"
refuses 'a broken policy: a key is refused' password deploy "$(token alpha)"
admits 'the account itself is not' password deploy deploy-pw
admits 'nor by keyboard-interactive' kbd deploy deploy-pw
policy
admits 'a whole one: the key is back' kbd deploy "$(token alpha)"

tap_done
