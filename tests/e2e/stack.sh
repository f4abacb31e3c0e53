#!/usr/bin/env bash
# The PAM line at every wrong place: no key without our word, and root and people always.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

MODULE=/usr/lib/$(gcc -print-multiarch)/security/pam_apikey.so
AUTH='[success=2 user_unknown=ignore ignore=ignore module_unknown=ignore default=die]'
ACCOUNT='[success=2 user_unknown=ignore module_unknown=ignore default=die]'
SESSION='[success=ok ignore=ignore user_unknown=ignore module_unknown=ignore default=die]'

# stack VARIANT: writes that variant of Debian's stack. What we ship is what pam-auth-update made of our profile.
stack() {
	local m=pam_apikey.so
	stack_stock
	case $1 in
	missing) ;;
	shipped | deleted | garbage | crashing) cp "$GUEST"/shipped/common-* /etc/pam.d/ ;;
	option)
		cp "$GUEST"/shipped/common-* /etc/pam.d/
		sed -i 's/pam_apikey\.so/& no_such_option/' /etc/pam.d/common-*
		;;
	last)
		stack_lines BEHIND auth "${AUTH/=2/=1} $m"
		stack_lines BEHIND account "${ACCOUNT/=2/=1} $m"
		stack_lines BEHIND session "$SESSION $m"
		;;
	ignore)
		stack_lines BEFORE auth "${AUTH/die/ignore} $m"
		stack_lines BEFORE account "${ACCOUNT/die/ignore} $m"
		stack_lines BEHIND session "${SESSION/die/ignore} $m"
		;;
	sufficient)
		stack_lines BEFORE auth "sufficient $m"
		stack_lines BEFORE account "sufficient $m"
		stack_lines BEHIND session "optional $m"
		;;
	auth-alone) stack_lines BEFORE auth "$AUTH $m" ;;
	account-alone) stack_lines BEFORE account "$ACCOUNT $m" ;;
	session-alone) stack_lines BEHIND session "$SESSION $m" ;;
	no-auth)
		stack_lines BEFORE account "$ACCOUNT $m"
		stack_lines BEHIND session "$SESSION $m"
		;;
	no-account)
		stack_lines BEFORE auth "$AUTH $m"
		stack_lines BEHIND session "$SESSION $m"
		;;
	no-session)
		stack_lines BEFORE auth "$AUTH $m"
		stack_lines BEFORE account "$ACCOUNT $m"
		;;
	esac
}

# module VARIANT: the module's file, as that variant has it.
module() {
	case $1 in
	deleted) rm -f "$MODULE" ;;
	garbage) head -c 5000 /dev/urandom >"$MODULE" ;;
	crashing) install -m 644 "$GUEST/crashing" "$MODULE" ;;
	*) cmp -s "$GUEST/module" "$MODULE" || install -m 644 "$GUEST/module" "$MODULE" ;;
	esac
}

# by_cron USER…: starts cron with a crontab for each; succeeds when bob's has run, which is the last to be started.
by_cron() {
	local user
	rm -f /tmp/cron-*
	for user in "$@"; do
		printf '@reboot id -un > /tmp/cron-%s\n' "$user" >"/var/spool/cron/crontabs/$user"
		chown "$user:crontab" "/var/spool/cron/crontabs/$user"
		chmod 600 "/var/spool/cron/crontabs/$user"
	done
	cron_reboot bob 'id -un > /tmp/cron-bob'
	wait_until 20 grep -qx bob /tmp/cron-bob
	cron_stop
	grep -qx bob /tmp/cron-bob
}

# people VARIANT: root and bob get in everywhere.
people() {
	admits "$1: bob by password" password bob bob-pw
	admits "$1: bob by keyboard-interactive" kbd bob bob-pw
	admits "$1: bob by public key" pubkey bob "$GUEST/id_bob"
	admits "$1: a shared account by its own password" password deploy deploy-pw
	admits "$1: and by keyboard-interactive" kbd deploy deploy-pw
	admits "$1: and by its public key" pubkey deploy "$GUEST/id_deploy"
	admits "$1: root by password" password root root-pw
	admits "$1: root by public key" pubkey root "$GUEST/id_root"
	equals "$1: alice by sudo" root sudo_as alice alice-pw id -un
	equals "$1: bob by sudo without a password" root run_as bob sudo -n id -un
	equals "$1: root by su to bob" bob su -c 'id -un' bob
	holds "$1: bob by cron" by_cron bob chief paused
}

# barred VARIANT KEY: this key gets in nowhere.
barred() {
	shut_out "$1: $2 by password" password "$2" "$(token "$2")"
	shut_out "$1: $2 by keyboard-interactive" kbd "$2" "$(token "$2")"
	shut_out "$1: $2 by public key" pubkey "$2" "$GUEST/id_$2"
	case $1-$2 in
	# The auth line alone has asked everything; the account's expiry is pam_unix's.
	auth-alone-chief | no-account-chief) admitted_shared "$1" "$2" ;;
	*)
		shut_out "$1: $2 on a shared account by password" password deploy "$(token "$2")"
		shut_out "$1: $2 on a shared account by keyboard-interactive" kbd deploy "$(token "$2")"
		;;
	esac
	shows "$1: $2 by sudo without a password" 1 'sudo: ' run_as "$2" sudo -n echo got-in
	exits "$1: nothing of $2 has run by cron" 1 test -e "/tmp/cron-$2"
}

# admitted_shared VARIANT KEY: this key gets into the shared account.
admitted_shared() {
	admits "$1: $2 on a shared account by password" password deploy "$(token "$2")"
	admits "$1: $2 on a shared account by keyboard-interactive" kbd deploy "$(token "$2")"
}

# admitted VARIANT KEY: this key gets in with its token.
admitted() {
	admits "$1: $2 by password" password "$2" "$(token "$2")"
	admits "$1: $2 by keyboard-interactive" kbd "$2" "$(token "$2")"
	admitted_shared "$1" "$2"
	equals "$1: $2 by sudo without a password" root run_as "$2" sudo -n id -un
}

# crashing_module FILE: a module that crashes in every phase.
crashing_module() {
	{
		printf '#include <signal.h>\n'
		printf 'int pam_sm_%s(void) { return raise(SIGSEGV); }\n' authenticate setcred acct_mgmt open_session close_session chauthtok
	} | gcc -shared -fPIC -x c -o "$1" -
}

# runs_nothing CMD…: CMD fails, and has not come to say got-in.
runs_nothing() {
	! "$@" >"$GUEST/ran" 2>&1 && ! grep -q got-in "$GUEST/ran"
}

syslog_start
stack_save
install_apikey
mkdir "$GUEST/shipped"
cp /etc/pam.d/common-* "$GUEST/shipped"
cp "$MODULE" "$GUEST/module"
useradd -m -s /bin/bash deploy
echo deploy:deploy-pw | chpasswd -c SHA512 -s 1000
sed -i "s/^  admin:/&\n    accounts: [deploy]/" "$POLICY"
change publish
new_key chief --role admin
new_key paused --role admin
for user in bob root deploy chief paused; do
	public_key "$user"
done
change disable paused
printf 'bob,chief,paused ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
sshd_start
sshd_with 'KbdInteractiveAuthentication yes' 'PermitRootLogin yes'

for variant in shipped last ignore sufficient no-session; do
	stack "$variant"
	people "$variant"
	admitted "$variant" chief
	barred "$variant" paused
done

for variant in missing deleted garbage option auth-alone account-alone session-alone no-auth no-account; do
	stack "$variant"
	module "$variant"
	people "$variant"
	case $variant in
	account-alone | no-auth) refuses "$variant: chief by password" password chief "$(token chief)" ;;
	*) barred "$variant" chief ;;
	esac
	barred "$variant" paused
	module whole
done

# A module that crashes stops everybody, people too, and admits no key; whoever mends it needs a shell that he has.
crashing_module "$GUEST/crashing"
stack crashing
module crashing
for method in password kbd; do
	shut_out "crashing: a key by $method (abuse 161)" $method chief "$(token chief)"
	shut_out "crashing: a key on a shared account by $method (abuse 161)" $method deploy "$(token chief)"
	shut_out "crashing: bob by $method (abuse 162)" $method bob bob-pw
	shut_out "crashing: root by $method (abuse 162)" $method root root-pw
done
shut_out 'crashing: a key by public key (abuse 161)' pubkey chief "$GUEST/id_chief"
shut_out 'crashing: root by public key (abuse 162)' pubkey root "$GUEST/id_root"
holds 'crashing: a key by sudo without a password (abuse 161)' runs_nothing run_as chief sudo -n echo got-in
holds 'crashing: alice by sudo (abuse 162)' runs_nothing sudo_as alice alice-pw echo got-in
module whole
people mended
admitted mended chief

# What is typed for a key is final: no module behind ours is asked (abuse 163).
stack shipped
printf '#!/bin/sh\ncat >%s/spied\n' "$GUEST" >"$GUEST/spy"
chmod 755 "$GUEST/spy"
sed -i "/pam_unix\.so/s|^|auth\toptional\tpam_exec.so quiet expose_authtok $GUEST/spy\n|" /etc/pam.d/common-auth
sed -i '/pam_apikey/s/success=2/success=3/' /etc/pam.d/common-auth
grep -q 'success=3.*pam_apikey' /etc/pam.d/common-auth
admits 'with a spy behind us: bob, whose password it sees' password bob bob-pw
holds 'the spy works' grep -q bob-pw "$GUEST/spied"
rm "$GUEST/spied"
refuses 'with a spy behind us: a refused token' password paused "$(token paused)"
exits 'which the spy was never shown' 1 test -e "$GUEST/spied"
admits 'with a spy behind us: an admitted token' password chief "$(token chief)"
exits 'which the spy was not shown either' 1 test -e "$GUEST/spied"

# A person's own expiry still counts (abuse 165).
stack shipped
usermod -e 1970-01-02 bob
shut_out 'an expired bob is refused his password' password bob bob-pw
shut_out 'and his public key' pubkey bob "$GUEST/id_bob"
usermod -e '' bob
admits 'until he is not expired any more' password bob bob-pw
tap_done
