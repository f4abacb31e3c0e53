#!/usr/bin/env bash
# A uid is emptied of whatever resists, by a process without a right to end anybody else; and the user manager with it.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

try=$TOP/build/plain/tests/lib/ending_try
UID_OF_KEY=70000 SPARE=99999
bystanders=()

# of_uid UID: the processes that carry it as their real or saved one, zombies apart.
of_uid() { ps -eo pid=,stat=,ruid=,suid= | awk -v uid="$1" '$2 !~ /^Z/ && ($3 == uid || $4 == uid) {print $1}'; }
count_of() { of_uid "$1" | wc -l; }
has_at_least() { [ "$(count_of "$1")" -ge "$2" ]; }
is_empty() { [ -z "$(of_uid "$1")" ]; }
emptied() { wait_until 5 is_empty "$1" || { ps -eo pid,ppid,stat,ruid,euid,suid,args; return 1; }; }

# ended_soon PID: it ends within 5 s; else all there is to know of it is shown.
ended_soon() {
	wait_until 5 gone "$1" || { head -n 30 "/proc/$1/"{status,stack,wchan}; return 1; }
}

# as REAL EFFECTIVE SAVED: a process with these ids, in $as_pid.
as() {
	rm -f "$GUEST/as.out"
	"$try" as "$@" </dev/null >"$GUEST/as.out" 2>&1 &
	as_pid=$!
	wait_until 5 grep -qx ready "$GUEST/as.out" || { cat "$GUEST/as.out" >&2; return 1; }
}

# bystander REAL EFFECTIVE SAVED: one that must live on.
bystander() { as "$@" && bystanders+=("$as_pid"); }

# untouched: all of them run, none was so much as stopped.
untouched() {
	local pid
	for pid in "${bystanders[@]}"; do
		[[ $(ps -o stat= -p "$pid") = S* ]] || { ps -eo pid,stat,ruid,euid,suid,args; return 1; }
	done
}

# state_is PID LETTER: is it in that state (ps(1))?
state_is() { [[ $(ps -o stat= -p "$1") = "$2"* ]]; }

make -s -C "$TOP/build/plain" tests/lib/ending_try >/dev/null

# root's, a key's next to it, another's, and root's that acts as the key's for files (an sshd, say)
bystander 0 0 0
bystander 70001 70001 70001
bystander 99998 99998 99998
bystander 1000 1000 1000
bystander 0 $UID_OF_KEY 0

# --- abuse 175 ----------------------------------------------------------------------------------
round() {
	"$try" mob $UID_OF_KEY 20 && wait_until 20 has_at_least $UID_OF_KEY 40 &&
		"$try" empty $UID_OF_KEY $SPARE && emptied $UID_OF_KEY && untouched
}
for round in 1 2 3 4 5; do
	holds "abuse 175: processes that stop their peers and beget others are all gone, nobody else is touched ($round)" round
done

as $UID_OF_KEY 0 0
holds 'one whose real uid alone it is goes' eval "$try empty $UID_OF_KEY $SPARE && ended_soon $as_pid"
as 0 0 $UID_OF_KEY
holds 'one whose saved uid alone it is goes' eval "$try empty $UID_OF_KEY $SPARE && ended_soon $as_pid"
shows 'a uid that has no process is empty already' 0 '^' "$try" empty $UID_OF_KEY $SPARE
holds 'one whose effective uid alone it is is not of that uid' untouched

# --- abuse 151 ----------------------------------------------------------------------------------
as $UID_OF_KEY $UID_OF_KEY $UID_OF_KEY
kill -STOP "$as_pid"
holds 'a stopped process' wait_until 5 state_is "$as_pid" T
holds 'abuse 151: is gone' eval "$try empty $UID_OF_KEY $SPARE && ended_soon $as_pid"
"$try" vfork $UID_OF_KEY </dev/null >/dev/null 2>&1 &
waiting=$!
holds 'a process that waits uninterruptibly' wait_until 5 state_is "$waiting" D
holds 'abuse 151: for its vfork child is gone, and so is that' \
	eval "$try empty $UID_OF_KEY $SPARE && ended_soon $waiting && emptied $UID_OF_KEY"

# --- refusals -------------------------------------------------------------------------------------
# refused SENTENCE REGEX ARGUMENT…: nobody was signalled, its own uid included.
refused() {
	local sentence=$1 regex=$2
	shift 2
	shows "$sentence" 1 "$regex" "$try" "$@"
	holds '  and nobody is touched' untouched
}
bystander $UID_OF_KEY $UID_OF_KEY $UID_OF_KEY
refused 'root is never emptied' 'malformed.*uids that a key may have' empty 0 $SPARE
refused 'nor by way of root' 'malformed.*uids that a key may have' empty $UID_OF_KEY 0
refused "nor a uid of the system's" 'malformed.*uids that a key may have' empty 999 $SPARE
refused 'nor by way of one' 'malformed.*uids that a key may have' empty $UID_OF_KEY 999
refused 'nor nobody' 'malformed.*uids that a key may have' empty 65534 $SPARE
refused 'nor -1, which is: as it was' 'malformed.*uids that a key may have' empty 4294967295 $SPARE
refused 'nor by way of -1' 'malformed.*uids that a key may have' empty $UID_OF_KEY 4294967295
refused 'nor by way of itself' 'malformed.*and differ' empty $UID_OF_KEY $UID_OF_KEY
refused 'capget that says nothing is no proof' "capabilities can't be given up" faked capget $UID_OF_KEY $SPARE
refused 'capabilities that stay are seen' "capabilities can't be given up" faked capset $UID_OF_KEY $SPARE
refused 'ids that stay are seen' 'a right to end others' faked setresuid $UID_OF_KEY $SPARE
refused 'ids that are not told are no proof' 'a right to end others' faked getresuid $UID_OF_KEY $SPARE
refused 'the kernel itself is asked, by a signal to process 1' 'a right to end others' faked kill $UID_OF_KEY $SPARE
shows 'another than root may not' 1 "groups can't be given up" setpriv --reuid 70002 --clear-groups "$try" empty $UID_OF_KEY $SPARE
holds '  and nobody is touched' untouched

unset 'bystanders[-1]'
holds 'where capabilities outlive uid 0 they are dropped' eval "$try kept $UID_OF_KEY $SPARE && emptied $UID_OF_KEY && untouched"
as $UID_OF_KEY $UID_OF_KEY $UID_OF_KEY
holds 'a caller that ignores SIGCHLD hears of it too' eval "$try ignoring $UID_OF_KEY $SPARE && emptied $UID_OF_KEY && untouched"
# --- by scope, where the kernel keeps no audit sessions ---------------------------------------------
# own_group: a control group as logind makes one for a login, for this suite alone; it goes with it.
own_group() {
	mkdir "$GUEST/cgroup"
	mount -t cgroup2 cgroup "$GUEST/cgroup" || return
	top=$(mktemp -d "$GUEST/cgroup/apikey-ending.XXXXXX")
	trap forget_group EXIT
	mkdir "$top/session-7.scope"
}
forget_group() {
	[ -z "${behind:-}" ] || kill -KILL "$behind" || :
	wait_until 10 group_removed || printf '# %s stays\n' "$top"
}
group_removed() { find "$top" -depth -type d -exec rmdir {} + && [ ! -e "$top" ]; }

# logs_out [inner]: by way of ending_try; the process that stays is $behind.
logs_out() {
	"$try" logout "$top/session-7.scope" "$@" >"$GUEST/behind" </dev/null || return
	behind=$(cat "$GUEST/behind")
}
records() { "$try" records; }
swept() { [ -z "$(records)" ]; }

own_group
holds 'abuse 142: a login ends, and something of it stays' logs_out
equals '  its record stays, and knows its scope' "outer ${top#"$GUEST/cgroup"}/session-7.scope" records
kill -KILL "$behind"
wait_until 5 gone "$behind"
holds '  until that is gone' wait_until 5 swept
holds 'abuse 147: su inside a login ends, and something of it stays' logs_out inner
holds "  its scope is its caller's: no record stays for that" swept
kill -KILL "$behind"
behind=

# --- the user manager, of a host with tools that write down how they are called --------------------
# tool PATH LINE…: a script in its place.
tool() {
	local path=$1
	shift
	printf '%s\n' '#!/bin/sh' "$@" >"$path"
	chmod 755 "$path"
}
# shellcheck disable=SC2016
note='echo "$(basename "$0") $*" >>/run/test/tools'
# what a tool finds around it: its folder, variables, files, the signals below 17 that it blocks or ignores, and its
# descriptors (with the pipe of this question, and the script)
# shellcheck disable=SC2016
stage=('fds=$(ls /proc/$$/fd) ends=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2)'
	'vars=$(env | cut -d= -f1 | grep -Ev "^(PWD|SHLVL|_|OLDPWD)$")'
	'signals=$(awk "/SigBlk|SigIgn/ {print substr(\$2, 13)}" /proc/$$/status)'
	'echo $(pwd) $vars $ends $signals $fds >/run/test/stage')
# lingers: the user is known to logind, and lingers.
lingers() {
	mkdir -p /run/systemd/users /var/lib/systemd/linger
	printf '# private\nNAME=ci\nSTATE=lingering\n' >/run/systemd/users/$UID_OF_KEY
	: >/var/lib/systemd/linger/ci
	: >"$GUEST/tools"
}
ended() { "$try" usermanager $UID_OF_KEY 5000; }
ended_in() { "$try" usermanager $UID_OF_KEY "$1"; }
called() { cat "$GUEST/tools"; }
stop_and_reset="systemctl --no-ask-password stop user@$UID_OF_KEY.service
systemctl --no-ask-password reset-failed user@$UID_OF_KEY.service"

tool /usr/bin/systemctl "$note" "${stage[@]}"
tool /usr/bin/loginctl "$note"
lingers
holds 'where systemd does not run there is no user manager' ended
equals '  and nothing is run' '' called
mkdir -p /run/systemd/system
rm /run/systemd/users/$UID_OF_KEY
holds 'nor is there one where logind knows nothing of the user' ended
equals '  and nothing is run' '' called
lingers
ended_by_one_who_ignores() { (trap '' PIPE HUP && exec 7<&0 && ended); }
holds 'abuse 143: a user manager is stopped' ended_by_one_who_ignores
equals '  and forgotten if it failed' "$stop_and_reset" called
exits '  and does not linger' 1 test -e /var/lib/systemd/linger/ci
equals '  by a tool that gets nothing of ours' '/ /dev/null /dev/null /dev/null 0000 0000 0 1 10 2 3' cat "$GUEST/stage"

lingers
read_only() { mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"; }
read_only /var/lib/systemd/linger
holds 'where a service may not write, logind is asked to end the lingering' ended
equals '  first' "loginctl --no-ask-password disable-linger $UID_OF_KEY
$stop_and_reset" called
tool /usr/bin/loginctl "$note" 'exit 1'
exits '  and whoever asked hears that it could not' 1 ended
umount /var/lib/systemd/linger

tool /usr/bin/loginctl "$note"
tool /usr/bin/systemctl "$note" 'exit 5'
lingers
holds 'a unit that was never loaded is ended' ended
tool /usr/bin/systemctl "$note" 'exit 1'
exits 'one that would not stop is not' 1 ended
printf 'NAME=../../../../etc/passwd\n' >/run/systemd/users/$UID_OF_KEY
tool /usr/bin/systemctl "$note"
holds 'a name that no key can have is none' ended
holds '  and no file of that name goes' test -e /etc/passwd
rm /usr/bin/systemctl
lingers
exits 'without the tool it is not ended' 1 ended
# shellcheck disable=SC2016
tool /usr/bin/systemctl 'echo $$ >/run/test/hangs' 'exec tail -f /dev/null'
before=${EPOCHREALTIME/./}
exits 'a tool that hangs is not waited for' 1 ended_in 300
took_us=$((${EPOCHREALTIME/./} - before))
holds '  longer than was said' test $took_us -lt 5000000
holds '  and it is killed' gone "$(cat "$GUEST/hangs")"
exits 'without any time nothing is begun' 1 ended_in 0
tap_done
