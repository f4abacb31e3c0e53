# shellcheck shell=bash
# What the tests of the installed packages share: keys, people, logins. Sourced; it takes away what it made at the end.
set -euo pipefail

WORK=${AUTOPKGTEST_TMP:-$(mktemp -d)}
SSHD_LINES=/etc/ssh/sshd_config.d/zz-apikey-test.conf
KEYS=() PEOPLE=() POLICIES=0
# a pipe that nobody writes to: reading it with a timeout is a pause
exec {pause_pipe}<> <(:)
trap clean_up EXIT

clean_up() {
	local status=$? name
	for ((; POLICIES > 0; POLICIES--)); do apikey policy rollback >/dev/null || :; done
	for name in "${KEYS[@]}"; do apikey delete "$name" --remove-home >/dev/null 2>&1 || :; done
	for name in "${PEOPLE[@]}"; do userdel -rf "$name" >/dev/null 2>&1 || :; done
	rm -f /etc/sudoers.d/zz-apikey-test
	[ ! -e "$SSHD_LINES" ] || { rm "$SSHD_LINES" && systemctl restart ssh; } || :
	[ "$status" -eq 0 ] || echo "the test ended with status $status"
}

# holds SENTENCE CMD…: the test fails unless CMD succeeds. fails SENTENCE CMD…: unless it runs, and does not.
holds() {
	local sentence=$1
	shift
	"$@" >"$WORK/out" 2>&1 </dev/null || { failed "$sentence" "$@"; }
	echo "ok: $sentence"
}
fails() {
	local sentence=$1
	shift
	local status=0
	"$@" >"$WORK/out" 2>&1 </dev/null || status=$?
	case $status in 0 | 126 | 127) failed "$sentence" "$@" ;; esac
	echo "ok: $sentence"
}
failed() {
	echo "not ok: $1: ${*:2}"
	cat "$WORK/out"
	exit 1
}

# within SECONDS CMD…: CMD, again and again until it succeeds.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		read -rt 0.1 -u "$pause_pipe" || :
	done
}

# key NAME OPTION…: makes a key; `secret NAME` is the file of its token.
key() {
	KEYS+=("$1")
	(umask 077 && apikey create --name "$1" -q "${@:2}" >"$(secret "$1")")
}
secret() { printf '%s/%s.token\n' "$WORK" "$1"; }

# person NAME: a local user, who comes in by a public key.
person() {
	local home
	PEOPLE+=("$1")
	useradd -m -s /bin/bash "$1"
	home=$(getent passwd "$1" | cut -d: -f6)
	ssh-keygen -q -t ed25519 -N '' -f "$WORK/$1.id"
	install -d -m 700 -o "$1" -g "$1" "$home/.ssh"
	install -m 600 -o "$1" -g "$1" "$WORK/$1.id.pub" "$home/.ssh/authorized_keys"
}

# ssh_to ACCOUNT OPTION… CMD…: by OpenSSH's client, which takes nobody else for this host.
ssh_to() {
	sed 's/^/localhost /' /etc/ssh/ssh_host_*_key.pub >"$WORK/known_hosts"
	timeout -k 5 60 ssh -F none -o UserKnownHostsFile="$WORK/known_hosts" -o StrictHostKeyChecking=yes \
		-o NumberOfPasswordPrompts=1 -o ConnectTimeout=20 -o IdentitiesOnly=yes -l "$1" "${@:2}"
}

# as_key NAME ACCOUNT CMD…: CMD, by a login as ACCOUNT with the key's token as the password.
as_key() {
	APIKEY_TOKEN_FILE=$(secret "$1") APIKEY_TOKEN_FOR=$2@localhost SSH_ASKPASS=apikey-askpass SSH_ASKPASS_REQUIRE=force \
		ssh_to "$2" -o PreferredAuthentications=password -o PubkeyAuthentication=no localhost "${@:3}"
}
enters() { [ "$(as_key "$1" "$2" id -un)" = "$2" ]; }

# as_person NAME CMD…: CMD, by a login with the person's public key.
as_person() { ssh_to "$1" -o PreferredAuthentications=publickey -i "$WORK/$1.id" localhost "${@:2}"; }

# stays NAME ACCOUNT: a login of the key that stays, in the background; `session` is its client, and `in_session` tells
# whether it still is in.
stays() {
	rm -f "$WORK/session"
	as_key "$1" "$2" 'echo in; exec tail -f /dev/null' >"$WORK/session" 2>&1 </dev/null &
	session=$!
	within 20 grep -qx in "$WORK/session"
}
in_session() { kill -0 "$session" 2>/dev/null; }
out_of_session() { ! in_session; }

# sshd_with LINE…: these too are settings of sshd until the test ends.
sshd_with() {
	printf '%s\n' "$@" >"$SSHD_LINES"
	sshd -t && systemctl restart ssh
}

# policy: the policy on stdin is live until the test ends.
policy() {
	cat >"$WORK/policy.yaml"
	apikey policy apply "$WORK/policy.yaml" >/dev/null
	POLICIES=$((POLICIES + 1))
}
