#!/usr/bin/env bash
# README's recipes, run as they stand there: with the real programs, from another network, and with a second host.
#
# See tests/lib/readme.sh; bob is at the other end of a wire, <!-- on: web1 --> is a host that only this one reaches.
# shellcheck disable=SC2016 # what another shell shall expand is in single quotes
set -euo pipefail
# shellcheck source=tests/lib/host.sh
. "$(dirname "$0")/../lib/host.sh"
host_extra recipes ansible-core rsync
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/fleet.sh
. "$TOP/tests/lib/fleet.sh"
# shellcheck source=tests/lib/readme.sh
. "$TOP/tests/lib/readme.sh"

bob_at=(from_client)
on_place() { on 1 "${@:2}"; }

# --- the hosts ----------------------------------------------------------------------------------

# hosts: bob at the other end of a wire, and web1 behind this host, with sshd and keys of its own.
hosts() {
	client_net
	network
	sed -i '/bastion$/d' /etc/hosts
	printf '10.77.0.1\tbastion\n10.88.0.11\tweb1\n' >>/etc/hosts
	host_up 1
	on 1 bash -euc 'hostname web1
		mount -t tmpfs -o mode=755 log /var/log/apikey
		rm /etc/ssh/ssh_host_*
		ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
		sed -i "/^10.88.0.11/d; s/^10.77.0.1\t.*/10.88.0.11\tweb1/" /etc/hosts
		ip route add 10.77.0.0/24 via 10.88.0.1
		apikey publish' >"$GUEST/web1.log" 2>&1 || { cat "$GUEST/web1.log" >&2; return 1; }
	on 1 /usr/sbin/sshd -D -E "$GUEST/sshd.web1" </dev/null >"$GUEST/sshd.web1.out" 2>&1 &
	wait_until 10 on 1 bash -c ': </dev/tcp/127.0.0.1/22'
}

readme_known_hosts() {
	sed 's/^/bastion /' /etc/ssh/ssh_host_ed25519_key.pub
	on 1 sed 's/^/web1 /' /etc/ssh/ssh_host_ed25519_key.pub
}

# --- what a reader does by other means ----------------------------------------------------------

reload() {
	sshd_stop
	sshd_start
}

# bob_file NAME: the text above it, to bob.
bob_file() { install -o bob -g bob -m 600 "$last" "/home/bob/$1"; }

# policy_shipped: into /root/policy.yaml.
policy_shipped() { install -m 600 "$TOP/etc/policy.yaml" /root/policy.yaml; }

# ci_secrets: the job's secrets are variables of bob's shell.
ci_secrets() {
	carry
	printf "export DEPLOY_TOKEN='%s' DEPLOY_KNOWN_HOSTS='%s'\n" "$(cat /root/ci-web.token)" \
		"$(cat /home/bob/.ssh/known_hosts)" >>/home/bob/.state
	rm /home/bob/.ssh/known_hosts
}

# envelope: the token in it, typed by bob.
envelope() {
	awk '$1 == "token" { print $2 }' /root/envelope | install -o bob -g bob -m 600 /dev/stdin /home/bob/envelope.token
}

# old_deploy: the account, and bob's public key in it.
old_deploy() {
	useradd -m -s /bin/bash deploy
	public_key deploy
	install -o bob -g bob -m 600 "$GUEST/id_deploy" /home/bob/.ssh/id_old
}

# deploys_jobs: of cron's the account has none, of root's it has.
deploys_jobs() {
	log_mark
	cron_reboot deploy 'touch ~/ran'
	holds "README: the account's own crontab is refused" log_has 'user=deploy .*service=cron .*entered with a key alone'
	cron_stop
	equals 'README: root runs its jobs by runuser' deploy runuser -u deploy -- id -un
	equals 'README: or by su' deploy su -c 'id -un' deploy
	exits 'README: and cron has run nothing' 1 test -e /home/deploy/ran
}

# bob_does COMMANDS: as in a block of his.
bob_does() {
	printf '%s\n' "$1" >"$GUEST/bob.block"
	as_bob_shell "$GUEST/bob.block"
}

# --- a bastion that listens ---------------------------------------------------------------------

# bastion_listens: from now on what its sshd is told for a password is written down.
bastion_listens() {
	cp /etc/pam.d/sshd "$GUEST/sshd.pam"
	printf '#!/bin/sh\ncat >>%s/heard\n' "$GUEST" >"$GUEST/listen"
	chmod 755 "$GUEST/listen"
	sed -i "1i auth optional pam_exec.so expose_authtok quiet $GUEST/listen" /etc/pam.d/sshd
	: >"$GUEST/heard"
}
# heard KEY: was it told this key's token?
heard() { grep -qF "$(cut -d_ -f3 "/root/$1.token")" "$GUEST/heard"; }

bastion_saw_nothing() { exits 'README: the bastion saw nothing of the token of web1' 1 heard web-deploy; }
bastion_sees_all() {
	exits 'README: without APIKEY_TOKEN_FOR the way ends there, too' 255 bob_does \
		'env -u APIKEY_TOKEN_FOR ssh -J hop@bastion web-deploy@web1 id'
	holds 'README: and the bastion has the token of web1' heard web-deploy
	: >"$GUEST/heard"
}
bastion_saw_its_own() {
	holds 'README: the bastion was told its own token' heard hop
	exits 'README: and not that of web1' 1 heard web-deploy
	one_key_for_both
	cp "$GUEST/sshd.pam" /etc/pam.d/sshd
}

# one_key_for_both: plain -J with one token, which the bastion is told.
one_key_for_both() {
	apikey token new --id Both00Both >"$GUEST/both"
	awk '$1 == "token" { print $2 }' "$GUEST/both" >/root/both.token
	for host in '' 'on 1'; do
		$host apikey create --name both --role viewer --duration 1d \
			--verifier "$(awk '$1 == "verifier" { print $2 }' "$GUEST/both")" >/dev/null
	done
	carry both
	shows 'README: one key for both goes by -J alone' 0 '^uid=70[0-9]+\(both\)' bob_does \
		'env -u APIKEY_TOKEN_FOR APIKEY_TOKEN_FILE=$HOME/both.token ssh -F none -J both@bastion both@web1 id'
	holds 'README: and the bastion has its token' heard both
	for host in '' 'on 1'; do
		$host apikey delete both --remove-home >/dev/null
	done
	rm /root/both.token
}

# --- sshd ---------------------------------------------------------------------------------------

# conditional_group: the key without forwarding gets that role by a rule, in its login from bob's network.
conditional_group() {
	cp "$POLICY" "$GUEST/policy"
	printf 'grant:\n- {role: tunnel, login: plain, from: 10.77.0.0/24}\n' >>"$POLICY"
	change publish
	local bob_env='APIKEY_TOKEN_FILE=$HOME/plain.token APIKEY_TOKEN_FOR=plain@bastion'
	shows 'README: a role under a condition gives its group to the login' 0 apikey-tunnels bob_does "$bob_env ssh plain@bastion id"
	shows 'README: but sshd has not seen it' 255 'administratively prohibited' \
		bob_does "$bob_env ssh -W web1:22 plain@bastion </dev/null"
	cp "$GUEST/policy" "$POLICY"
	change publish
}

# hardened: the files above, and what the table says of each line.
hardened() {
	local dir=/etc/ssh/sshd_config.d
	reload
	public_key alice
	public_key root
	new_key hardy --role viewer
	admits 'README: hardened: a key comes in by its token' password hardy "$(token hardy)"
	admits 'README: hardened: alice by her public key' pubkey alice "$GUEST/id_alice"
	refuses 'README: hardened: nobody else by a password' password alice alice-pw
	refuses 'README: hardened: not root' pubkey root "$GUEST/id_root"
	cp -a "$dir" "$GUEST/hardened"
	hardened_with 'UsePAM no' 'DenyGroups apikey' 'DenyUsers hardy' $'Match Address 127.0.0.1\nPasswordAuthentication no'
	refused_without '10-hardened.conf' 's/ apikey$//' AllowGroups
	refused_without '10-hardened.conf' 's/^AllowGroups .*/AllowUsers alice/' AllowUsers
	refused_without 'apikey-methods.conf' d 'AuthenticationMethods without a block for keys'
	sshd_with 'MaxAuthTries 1'
	admits 'README: hardened: MaxAuthTries 1 lets a key in' password hardy "$(token hardy)"
	reload
	change delete hardy --remove-home
}
# hardened_with LINES…: each of them locks the key out.
hardened_with() {
	local lines
	for lines; do
		sshd_with "$lines"
		shows "README: hardened: locked out by ${lines//$'\n'/, }" 255 'Permission denied|no authentication methods enabled' \
			login password hardy "$(token hardy)" id
	done
}
# refused_without FILE EDIT WHAT: the key is locked out after that edit, which is undone.
refused_without() {
	sed -i "$2" "/etc/ssh/sshd_config.d/$1"
	reload
	refuses "README: hardened: locked out by $3" password hardy "$(token hardy)"
	cp -a "$GUEST/hardened/$1" "/etc/ssh/sshd_config.d/$1"
	reload
}

# --- the second host ----------------------------------------------------------------------------

# moved_files: settings and policy are there, and root of this host may enter it.
moved_files() {
	cp -a /etc/apikey/*.yaml "$GUEST/host1/etc/apikey/"
	public_key root
	cp "$GUEST/id_root" /root/.ssh/id_ed25519
	readme_known_hosts >/root/.ssh/known_hosts
}

# straight_to_web1: bob's network reaches it.
straight_to_web1() {
	echo 1 >/proc/sys/net/ipv4/ip_forward
	from_client ip route add 10.88.0.0/24 via 10.77.0.1
	sed -i '/^Host web1$/,/^$/d' /home/bob/.ssh/config
}

mount -t tmpfs -o mode=755 srv /srv
host_extra_install recipes
syslog_start
install_apikey
change publish
hosts
sshd_start
carry
readme_run '^Recipes(: |$)' ': Active Directory$'
cp /home/bob/nightly.token "$GUEST/tokens/nightly"
equals 'no recipe leaves a key behind' '[]' apikey list -o json
holds 'nor another policy' cmp "$TOP/etc/policy.yaml" "$POLICY"
equals 'nor lines of its own for sshd' apikey.conf ls /etc/ssh/sshd_config.d
equals 'nor for sudo' apikey ls /etc/sudoers.d
tap_done
