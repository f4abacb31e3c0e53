# shellcheck shell=bash
# What scripts do inside a private host: services, logins, logs. Sourced there; never on a machine.

GUEST=/run/test
mkdir -p "$GUEST"

# --- services -----------------------------------------------------------------------------------

# syslog_start: /dev/log, written to $GUEST/log as "DATE HOST FACILITY.LEVEL TAG: TEXT".
syslog_start() {
	: >"$GUEST/log"
	syslogd -n -O "$GUEST/log" </dev/null >"$GUEST/syslogd.out" 2>&1 &
	wait_until 10 test -S /dev/log
}

# log_mark: remembers where the log ends now, for log_has.
log_mark() {
	log_from=$(($(wc -l <"$GUEST/log") + 1))
}

# log_new: the lines since log_mark.
log_new() {
	tail -n "+${log_from:-1}" "$GUEST/log" 2>/dev/null || :
}

# log_has REGEX: has a line since log_mark that matches, or gets one within 5 s.
log_has() {
	wait_until 5 log_matches "$1" || { log_new; return 1; }
}
log_matches() {
	log_new | grep -Eq -- "$1"
}

# sshd_start [FILE]: Debian's sshd on 127.0.0.1:22 of this host; FILE goes before its settings.
sshd_start() {
	mkdir -p /run/sshd /etc/ssh/sshd_config.d
	rm -f /etc/ssh/sshd_config.d/00-test.conf
	[ -z "${1:-}" ] || cp "$1" /etc/ssh/sshd_config.d/00-test.conf
	/usr/sbin/sshd -D -E "$GUEST/sshd.log" </dev/null >"$GUEST/sshd.out" 2>&1 &
	sshd_pid=$!
	wait_until 10 tcp_open 22 || { cat "$GUEST/sshd.log" >&2; return 1; }
	sed 's/^/127.0.0.1,bastion,10.77.0.1 /' /etc/ssh/ssh_host_*_key.pub >"$GUEST/known_hosts"
}

# sshd_stop: ends the listener; sessions live on.
sshd_stop() {
	kill "$sshd_pid"
	wait "$sshd_pid" || :
}

# sshd_with LINE…: sshd again, with these settings first.
sshd_with() {
	sshd_stop
	printf '%s\n' "$@" >"$GUEST/sshd.conf"
	sshd_start "$GUEST/sshd.conf"
}

# cron_reboot USER COMMAND: runs a line of USER's crontab by a real cron, at its start. The caller waits for what it does.
cron_reboot() {
	local user=$1
	printf '@reboot %s\n' "$2" >"/var/spool/cron/crontabs/$user"
	chown "$user:crontab" "/var/spool/cron/crontabs/$user"
	chmod 600 "/var/spool/cron/crontabs/$user"
	rm -f /run/crond.reboot
	cron -f </dev/null >/dev/null 2>&1 &
	cron_pid=$!
}

# cron_stop: ends cron and takes the crontabs away.
cron_stop() {
	kill "$cron_pid" 2>/dev/null || :
	wait "$cron_pid" || :
	rm -f /var/spool/cron/crontabs/*
}

# client_net: a second network at the other end of a wire, 10.77.0.2 to this host's 10.77.0.1.
# `from_client CMD…` runs there: what it connects to sees a foreign address, not this host's own.
client_net() {
	unshare --net --fork --kill-child -- tail -f /dev/null </dev/null >/dev/null 2>&1 &
	client_pid=$!
	wait_until 5 client_moved
	ip link add wire0 type veth peer name wire1
	ip link set wire1 netns "$client_pid"
	ip addr add 10.77.0.1/24 dev wire0
	ip link set wire0 up
	from_client ip addr add 10.77.0.2/24 dev wire1
	from_client ip link set wire1 up
	from_client ip link set lo up
}
client_moved() {
	[ "$(readlink "/proc/$client_pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}
from_client() {
	nsenter --target "$client_pid" --net -- "$@"
}

# black_hole: from now on what is sent to 10.99.0.2 is lost without a word.
black_hole() {
	ip link add hole type veth peer name nowhere
	ip addr add 10.99.0.1/24 dev hole
	ip link set hole up
	ip link set nowhere up
	ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:01 dev hole
}

# --- logins -------------------------------------------------------------------------------------

# The wrong door must never be taken for a refusal: strict keys, one attempt, one method.
SSH_OPTIONS=(-F none -o "UserKnownHostsFile=$GUEST/known_hosts" -o StrictHostKeyChecking=yes
	-o NumberOfPasswordPrompts=1 -o ConnectTimeout=20 -o IdentitiesOnly=yes -o LogLevel=INFO)

# askpass_with SECRET: from now on ssh and sudo -A get SECRET for an answer.
askpass_with() {
	printf '%s\n' "$1" >"$GUEST/secret"
	printf '#!/bin/sh\ncat %s/secret\n' "$GUEST" >"$GUEST/askpass"
	chmod 755 "$GUEST/askpass"
	chmod 644 "$GUEST/secret"
}

# What stands before ssh: how to come to the network of the host that `login` enters, where that is not this one.
LOGIN_IN=()

# login METHOD USER SECRET CMD…: CMD as USER by OpenSSH's client; METHOD is password, kbd or pubkey
# (then SECRET is a private key's file). 255 and "Permission denied" when refused; bounded to 40 s.
login() {
	local method=$1 user=$2 secret=$3 how=()
	shift 3
	login_how "$method" "$secret"
	bounded "${LOGIN_IN[@]}" ssh "${SSH_OPTIONS[@]}" "${how[@]}" "$user@127.0.0.1" "$@"
}

# login_from_client METHOD USER SECRET CMD…: the same from the other end of client_net.
login_from_client() {
	local method=$1 user=$2 secret=$3 how=()
	shift 3
	login_how "$method" "$secret"
	bounded nsenter --target "$client_pid" --net -- ssh "${SSH_OPTIONS[@]}" "${how[@]}" "$user@10.77.0.1" "$@"
}

# login_how METHOD SECRET: sets the caller's `how` to the client's options for METHOD.
login_how() {
	case $1 in
	password) how=(-o PreferredAuthentications=password) ;;
	kbd) how=(-o PreferredAuthentications=keyboard-interactive) ;;
	pubkey) how=(-o PreferredAuthentications=publickey -i "$2") ;;
	esac
	[ "$1" = pubkey ] && return
	how+=(-o PubkeyAuthentication=no)
	askpass_with "$2"
	export SSH_ASKPASS=$GUEST/askpass SSH_ASKPASS_REQUIRE=force
}

# admits SENTENCE METHOD USER SECRET: USER gets in, as USER.
admits() {
	equals "$1" "$3" login "$2" "$3" "$4" id -un
}

# refuses SENTENCE METHOD USER SECRET: USER is refused, in sshd's words and no others, and runs nothing.
refuses() {
	shows "$1" 255 '^refused and nothing else$' refusal "$2" "$3" "$4"
}

# refusal METHOD USER SECRET: a login whose whole output is replaced by one line when it is sshd's refusal.
refusal() {
	local rc=0 said
	said=$(login "$1" "$2" "$3" echo got-in 2>&1) || rc=$?
	if [[ ${said%$'\r'} =~ ^"$2@127.0.0.1: Permission denied "\([a-z,-]+\)\.$ ]]; then
		echo 'refused and nothing else'
	else
		printf '%s\n' "$said"
	fi
	return "$rc"
}

# shut_out SENTENCE METHOD USER SECRET: USER does not get in, whichever way sshd puts it: a denial of the
# account phase ends the connection, where one of authentication is a permission denied.
shut_out() {
	shows "$1" 255 "Permission denied \\(|Connection closed by 127\\.0\\.0\\.1" login "$2" "$3" "$4" echo got-in
}

# public_key USER: plants a fresh key in USER's authorized_keys; its private half is $GUEST/id_USER.
public_key() {
	local user=$1 home
	home=$(getent passwd "$user" | cut -d: -f6)
	rm -f "$GUEST/id_$user" "$GUEST/id_$user.pub"
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST/id_$user"
	mkdir -p "$home/.ssh"
	cp "$GUEST/id_$user.pub" "$home/.ssh/authorized_keys"
	chown -R "$(stat -c %u:%g "$home")" "$home/.ssh"
	chmod 700 "$home/.ssh"
}

# stack_save: remembers Debian's stack as it is now, for stack_stock and stack_lines.
stack_save() {
	rm -rf "$GUEST/stock"
	mkdir "$GUEST/stock"
	cp /etc/pam.d/common-* "$GUEST/stock"
}

# stack_stock: Debian's stack, as remembered.
stack_stock() { cp "$GUEST"/stock/common-* /etc/pam.d/; }

# stack_lines BEFORE|BEHIND PHASE LINE: one line into Debian's stack, before pam_unix or right behind it.
# A jump of pam_unix's over pam_deny takes in the line that now lies between.
stack_lines() {
	local file=/etc/pam.d/common-$2
	if [ "$1" = BEFORE ]; then
		sed -i "0,/^$2[[:space:]]/s|^$2[[:space:]]|$2\t$3\n&|" "$file"
	else
		sed -i -E "/pam_unix\.so/{s/success=1/success=2/;s|\$|\n$2\t$3|}" "$file"
	fi
}
