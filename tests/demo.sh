#!/usr/bin/env bash
# One key from its making to its end, in real logins, as a story whose commands can be retyped.
#
# usage: demo.sh [--here]    as root, in a private host; with --here on this very machine
set -euo pipefail
cd "$TOP"
# shellcheck source=tests/lib/wait.sh
. tests/lib/wait.sh

PORT=22
ADDRESS=localhost

# tell SENTENCE: what comes next, and why.
tell() { printf '\n# %s\n' "$1"; }

# run COMMAND: shows it and does it; it has to work. `denied COMMAND` has to be refused.
run() {
	printf '$ %s\n' "$1"
	eval "$1" </dev/null 2>&1 || give_up "this was meant to work"
}
denied() {
	printf '$ %s\n' "$1"
	! eval "$1" </dev/null 2>&1 || give_up "this was meant to be refused"
}
# begin COMMAND: shows it and begins it; it stays, as $begun, and says what it says into the file begun.
begin() {
	printf '$ %s &\n' "$1"
	eval "$1" </dev/null >begun 2>&1 &
	begun=$!
}
give_up() {
	printf '\nThe demonstration ends here: %s.\n' "$1"
	exit 1
}

# here_first: on a real machine, what will be changed, and a port of our own.
here_first() {
	PORT=2222
	cat <<-'HERE'
		This changes THIS machine: it installs the packages of apikey, which put their line into
		/etc/pam.d/common-* and their name into /etc/nsswitch.conf, and makes and deletes a key. Until the
		end an sshd listens on port 2222. `apt purge libnss-apikey apikey-askpass` takes the packages away.
	HERE
}

[ "${1:-}" != --here ] || here_first
WORK=$(mktemp -d)
trap '[ ! -e "$WORK/sshd.pid" ] || kill "$(cat "$WORK/sshd.pid")"; rm -rf "$WORK"' EXIT
# whoever retypes the commands has no need of these options, so the story shows plain ssh
ssh() {
	command ssh -p "$PORT" -o "UserKnownHostsFile=$WORK/hosts" -o StrictHostKeyChecking=accept-new \
		-o LogLevel=ERROR -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 "$@"
}

tell 'Install: a PAM module, a name service module, the command, and the daemon.'
[ "$PORT" -ne 22 ] || rm -f /var/lib/man-db/auto-update # the database of man(1) is nobody's there
run 'DEBIAN_FRONTEND=noninteractive dpkg --install build/deb/*.deb | grep "^Setting up"'

tell 'The PAM module stands first in every stack now, and the name service knows keys.'
run "grep -m 1 '^auth' /etc/pam.d/common-auth"
run "grep -E '^(passwd|group):' /etc/nsswitch.conf"

tell 'Make a key for the machine that deploys. Its token is shown this once, so it goes into a file.'
cd "$WORK"
run '(umask 077; apikey create --name ci-deploy --role viewer --duration 30d -q >ci-deploy.token)'
run 'cut -c1-18 ci-deploy.token'

tell 'The key is a Linux user now.'
run 'getent passwd ci-deploy'
run 'id ci-deploy'
run 'apikey list'

tell 'On the machine that presents the key, the token answers the password prompt of ssh.'
mkdir -p /run/sshd
/usr/sbin/sshd -p "$PORT" -o "PidFile=$WORK/sshd.pid"
wait_until 10 tcp_open "$PORT"
run "export APIKEY_TOKEN_FILE=\$PWD/ci-deploy.token SSH_ASKPASS=apikey-askpass SSH_ASKPASS_REQUIRE=force"
run "ssh ci-deploy@$ADDRESS id"

tell 'Whoever guesses is refused.'
run '(umask 077; apikey token new | sed -n "s/^token *//p" >guess.token)'
denied "APIKEY_TOKEN_FILE=\$PWD/guess.token ssh ci-deploy@$ADDRESS id"

tell 'What it may do follows from its roles. A line of sudoers alone does not give it sudo:'
run "echo 'ci-deploy ALL=(root) NOPASSWD: /usr/bin/id' >/etc/sudoers.d/ci-deploy"
denied "ssh ci-deploy@$ADDRESS sudo /usr/bin/id"

tell 'The role editor permits sudo, from the next command on.'
run 'apikey role add ci-deploy editor'
run "ssh ci-deploy@$ADDRESS sudo /usr/bin/id"

tell 'Somebody is at work with the key. His login stays open, and something of his runs on by itself.'
begin "ssh ci-deploy@$ADDRESS 'nohup setsid tail -f /dev/null >/dev/null & echo at work; tail -f /dev/null'"
wait_until 20 grep -q 'at work' begun || give_up 'the login was meant to stay'
run 'apikey sessions'
uid=$(id -u ci-deploy)
run "ps -o args -U $uid"

tell 'The end of the key is the end of its sessions, with all that runs in them: it is done when the command is.'
since=${EPOCHREALTIME/./}
run 'apikey delete ci-deploy'
wait_until 5 gone "$begun" || give_up 'the login was meant to end'
tell "Some $(((${EPOCHREALTIME/./} - since) / 1000)) milliseconds after that line was typed the login was over. There, ssh said:"
tail -n 1 begun
denied "ps -o args -U $uid"
denied "ssh ci-deploy@$ADDRESS id"
denied 'getent passwd ci-deploy'
rm -f /etc/sudoers.d/ci-deploy

tell 'And every step is in the audit log, with a name.'
run 'apikey log --key ci-deploy'

printf '\nThat is all: made, used, ended.\n'
