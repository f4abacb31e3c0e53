#!/usr/bin/env bash
# A host that systemd booted: apikeyd, held as tight as its unit holds it, sees, tells and ends what others run, and writes it down.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"
# shellcheck source=tests/lib/booted.sh
. "$TOP/tests/lib/booted.sh"

AUDIT=/var/log/apikey/audit.log

# policy [LINE…]: who may what; the LINEs are its rules.
policy() {
	policy_write 'roles:' '  viewer: {services: [sshd]}' '  worker: {services: [sshd, sudo], unix_groups: [key-workers]}' \
		'  deployer: {services: [sshd, sudo], accounts: [deploy]}' "$@"
}

# enter NAME KEY ACCOUNT: a login with a terminal that stays; what it shows is in $GUEST/session.NAME.out.
enter() {
	local name=$1 how=() out=$GUEST/session.$1.out
	login_how password "$(token "$2")"
	mkfifo "$GUEST/session.$name.in"
	: >"$out"
	timeout -k 5 300 tail -f /dev/null >"$GUEST/session.$name.in" &
	timeout -k 5 300 nsenter --target "$boot_pid" --net -- ssh -tt "${SSH_OPTIONS[@]}" "${how[@]}" "$3@127.0.0.1" \
		<"$GUEST/session.$name.in" >"$out" 2>&1 &
	printf '%d\n' $! >"$GUEST/session.$name.pid"
	wait_until 20 said "$name" '\$ ' || { cat "$out"; return 1; }
}
# tell NAME COMMAND: to its shell. left NAME: has the client been left alone?
tell() { printf '%s\n' "$2" 1<>"$GUEST/session.$1.in"; }
left() { gone "$(cat "$GUEST/session.$1.pid")"; }
said() { grep -q -- "$2" "$GUEST/session.$1.out"; }

# there NAME…: does a process of that name run in the booted host? Each is a copy of sleep(1).
there() { local name; for name in "$@"; do in_boot pgrep -x "$name" >/dev/null || { echo "no $name"; return 1; }; done; }
not_there() { ! in_boot pgrep -x "$1" >/dev/null; }
begun() { wait_until 20 there "$@" || { in_boot ps -eo pid,ppid,user,args; return 1; }; }
none_of() { local name; for name in "$@"; do wait_until 10 not_there "$name" || { echo "$name runs"; return 1; }; done; }

active() { [ "$(in_boot systemctl is-active "$1")" = active ]; }
not_active() { ! active "$1"; }

install_directory
booted_services ssh.service apikeyd.service dbus.service dbus.socket systemd-logind.service
useradd -m -s /bin/bash deploy
for name in w-shell w-nohup w-cron d-hand d-sudo d-ops n-sudo; do cp /bin/sleep "/usr/local/bin/$name"; done
printf '%%key-workers ALL=(ALL) ALL\ndeploy ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
printf 'version: 1\n' >"$SETTINGS"
policy
new_key work --role worker
new_key hand --role deployer
new_key ops --role deployer
sed 's/^/127.0.0.1 /' /etc/ssh/ssh_host_*_key.pub >"$GUEST/known_hosts"
holds 'the host boots' boot 'chmod 755 sys/fs/cgroup'
booted || { tap_done; exit 1; }
holds 'apikeyd is active' active apikeyd
holds 'and logind' active systemd-logind

enter work work work
enter hand hand deploy
enter ops ops deploy
uid=$(in_boot id -u work)
holds 'a login has its user manager' wait_until 10 active "user@$uid.service"
in_boot loginctl enable-linger work
in_boot systemd-run --quiet --uid=work --collect /usr/local/bin/w-cron 600
tell work 'w-shell 600 & setsid nohup w-nohup 600 & '
tell hand 'd-hand 600 & sudo -n d-sudo 600 & '
tell ops 'd-ops 600 & '
holds 'they work' begun w-shell w-nohup w-cron d-hand d-sudo d-ops

# An administrator edits the file: nobody but the daemon knows.
policy 'deny:' "- {id: out, reason: is out, login: [work, hand]}"
holds 'what an edited policy takes ends a key on its own account' wait_until 10 left work
holds 'and one on a shared account' wait_until 10 left hand
holds 'with all that it began: on its own account whatever runs there' none_of w-shell w-nohup w-cron
holds 'on the shared one what is of its session, as root too' none_of d-hand d-sudo
holds 'its user manager ends' wait_until 10 not_active "user@$uid.service"
exits 'lingers no more' 1 in_boot test -e /var/lib/systemd/linger/work
equals 'and left no failed unit' '' sh -c "nsenter --target $boot_pid --all -- systemctl list-units --failed --plain --no-legend 'user*'"
holds 'whom it does not concern works on' there d-ops
exits 'and is connected' 1 left ops
exits 'and was told nothing' 1 said ops 'apikey:'
holds 'the audit log says it of the one' in_boot grep -q 'event=session-ended key=work .*reason=deny-rule .*by=apikeyd' $AUDIT
holds 'and of the other' in_boot grep -q 'event=session-ended key=hand .*account=deploy .*reason=deny-rule .*by=apikeyd' $AUDIT
equals 'it is root'"'"'s, for adm to read' 'root adm 640' in_boot stat -c '%U %G %a' $AUDIT
equals 'nothing failed' '' sh -c "nsenter --target $boot_pid --all -- journalctl -q -u apikeyd -o cat | grep -E 'event=(enforce|audit)-failed|processes-left'; :"

policy
holds 'a key of some seconds' in_boot sh -c 'apikey create --name brief --role deployer --duration 10s -q >/run/brief'
mkdir -p "$GUEST/tokens"
in_boot cat /run/brief >"$GUEST/tokens/brief"
enter brief brief deploy
# A terminal whose holder does not listen, and writes down what comes.
tell brief 'tail -f /dev/null | setsid nohup script -qfc "exec d-hand 600" typescript & sudo -n sh -c "trap \"\" HUP; n-sudo 600" & '
holds 'works' begun d-hand n-sudo
holds 'until its time has come' wait_until 20 left brief
holds 'its terminals say why' wait_until 5 in_boot grep -q 'apikey: this session is ended: ' /home/deploy/typescript
holds 'its own go, though they do not listen' none_of d-hand
holds 'what root does for it comes to its end' there n-sudo
holds 'gently, says the log' in_boot grep -q 'event=session-ended key=brief .*reason=expired .*gently=yes .*by=apikeyd' $AUDIT
holds 'apikeyd is the one that was started' active apikeyd
equals 'and was not started again' 0 in_boot systemctl show apikeyd -p NRestarts --value
tap_done
