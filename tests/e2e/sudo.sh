#!/usr/bin/env bash
# Keys and sudo: the role decides on every command, and a token opens nothing but its own key.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

# sudoers LINE…: our lines, and no others, beside Debian's.
sudoers() {
	printf '%s\n' "$@" >/etc/sudoers.d/test
	chmod 440 /etc/sudoers.d/test
	visudo -qcf /etc/sudoers.d/test
}

# in_session NAME COMMAND…: COMMAND in a login of that key; sudo -A there answers with its token.
in_session() {
	login password "$1" "$(token "$1")" "SUDO_ASKPASS=$GUEST/askpass; export SUDO_ASKPASS; $2"
}

# refused_sudo SENTENCE REGEX USER SECRET ARGUMENT…: sudo ends with 1 and says why; nothing ran as root.
refused_sudo() {
	local sentence=$1 regex=$2
	shift 2
	shows "$sentence" 1 "$regex" sudo_as "$@" sh -c 'echo got-in; id -un'
}

ACCOUNT='PAM account management error|account validation failure|Permission denied'
PASSWORD='incorrect password attempt|no password was provided'

syslog_start
install_apikey
sshd_start
new_key watcher --role viewer
new_key builder --role editor
new_key chief --role admin
new_key spare --role editor

# A sudoers line for all of them, so that only the role can make a difference.
sudoers 'watcher,builder,chief,spare ALL=(ALL) ALL'
equals 'a role with sudo permits it, with the token for a password' root sudo_as builder "$(token builder)" id -un
equals 'and to another user' bob sudo_as builder "$(token builder)" -u bob id -un
equals 'admin permits it too' root sudo_as chief "$(token chief)" id -un
refused_sudo 'a role without sudo refuses it, with the right token' "$ACCOUNT|$PASSWORD" watcher "$(token watcher)"
refused_sudo "another key's token is refused" "$PASSWORD" builder "$(token spare)"
refused_sudo "bob's password is refused" "$PASSWORD" builder bob-pw
refused_sudo "root's password is refused" "$PASSWORD" builder root-pw
equals 'it works in an ssh session' root in_session builder 'sudo -k -A id -un'
shows 'and is refused there without the role' 1 'sudo: ' in_session watcher 'sudo -k -A id -un'

# By group, as shipped: the role's group comes from the name service.
sudoers '%apikey-editors ALL=(root) ALL'
equals "sudoers may name the role's group" root in_session builder 'sudo -k -A id -un'
shows 'a key without the role is not in it' 1 'not in the sudoers file|sudo: ' in_session watcher 'sudo -k -A id -un'

# Without asking for a password the account phase still asks us (PLATFORM: sudo).
sudoers 'watcher,builder,chief,spare,bob ALL=(ALL) NOPASSWD: ALL'
equals 'NOPASSWD: a role with sudo permits it' root run_as builder sudo -n id -un
shows 'NOPASSWD: a role without sudo refuses it' 1 "$ACCOUNT" run_as watcher sudo -n id -un
equals 'NOPASSWD: bob is not our affair' root run_as bob sudo -n id -un
shows 'NOPASSWD: sudo -l of a refused key lists nothing' 1 'sudo: ' run_as watcher sudo -n -l
shows 'NOPASSWD: sudo -l of a permitted one lists its line' 0 'NOPASSWD: ALL' run_as builder sudo -n -l
holds 'sudo -v works for a permitted key' sudo_as builder "$(token builder)" -v

# What is taken away is gone with the next command, in the same session.
mkfifo "$GUEST/go"
slow_sudo() { # KEY: a session whose second sudo waits for $GUEST/go
	login password "$1" "$(token "$1")" "sudo -n id -un; echo first; read -r _ <$GUEST/go; sudo -n id -un; echo second \$?" \
		>"$GUEST/slow" 2>&1 </dev/null
}
chmod 666 "$GUEST/go"
slow_sudo builder &
slow=$!
wait_until 10 grep -qx first "$GUEST/slow"
change role remove builder editor
change role add builder viewer
wait_until 10 gone "$slow" || timeout 5 sh -c "echo >$GUEST/go" || :
wait "$slow" || :
shows 'a role taken away takes sudo with it, in the running session' 0 '^root' cat "$GUEST/slow"
shows 'and nothing was run as root after that' 0 '^1$' grep -cx root "$GUEST/slow"
shows 'nor by a new sudo' 1 "$ACCOUNT" run_as builder sudo -n id -un
change role add builder editor
equals 'a role given back gives sudo back' root run_as builder sudo -n id -un
uid=$(id -u spare)
gid=$(id -g spare)
change disable spare
shows 'a disabled key loses sudo at once' 1 "$ACCOUNT" run_as spare sudo -n id -un
change delete spare
exits 'a process that outlived its key has no sudo' 1 \
	setpriv --reuid "$uid" --regid "$gid" --clear-groups -- sudo -n id -un

# Tickets: an answer that sudo remembers does not outlive the role either.
sudoers 'Defaults timestamp_type=ppid' 'builder,bob ALL=(ALL) ALL'
printf '%s\n' "$(token builder)" >"$GUEST/builder.pw"
chmod 644 "$GUEST/builder.pw"
ticket() {
	run_as builder bash -c "sudo -S -p '' id -un <$GUEST/builder.pw; echo >$GUEST/went; read -r _ <$GUEST/go; sudo -n id -un"
}
rm -f "$GUEST/went"
: >"$GUEST/went"
chmod 666 "$GUEST/went"
ticket >"$GUEST/ticket" 2>&1 </dev/null &
slow=$!
wait_until 10 test -s "$GUEST/went"
change role remove builder editor
wait_until 1 gone "$slow" || timeout 5 sh -c "echo >$GUEST/go" || :
wait "$slow" || :
equals 'a ticket opens nothing once the role is gone' 1 grep -cx root "$GUEST/ticket"
change role add builder editor

# Locked with another's password: a key's own token must not open it (abuse 149, 166).
for lock in targetpw rootpw runaspw; do
	sudoers "Defaults $lock" 'builder,bob ALL=(ALL) ALL'
	refused_sudo "$lock: a key's own token does not open root" "$PASSWORD" builder "$(token builder)"
	equals "$lock: bob with root's password does" root sudo_as bob root-pw id -un
	refused_sudo "$lock: bob with his own does not" "$PASSWORD" bob bob-pw
	refused_sudo "$lock: bob with a key's token does not" "$PASSWORD" bob "$(token builder)"
	refused_sudo "$lock: a key without the role is refused with root's password too" "$ACCOUNT|$PASSWORD" watcher root-pw
	equals "$lock: a key with the role may with root's password" root sudo_as builder root-pw id -un
done

# People.
sudoers
equals 'alice, of the group sudo, may sudo' root sudo_as alice alice-pw id -un
refused_sudo 'bob may not' 'not in the sudoers file' bob bob-pw
refused_sudo "alice with a key's token may not" "$PASSWORD" alice "$(token builder)"
equals 'root may' root sudo -n id -un
tap_done
