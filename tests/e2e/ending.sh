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

# as REAL EFFECTIVE SAVED: a process with these ids, in $as_pid.
as() {
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
holds 'one whose real uid alone it is goes' eval "$try empty $UID_OF_KEY $SPARE && wait_until 5 gone $as_pid"
as 0 0 $UID_OF_KEY
holds 'one whose saved uid alone it is goes' eval "$try empty $UID_OF_KEY $SPARE && wait_until 5 gone $as_pid"
shows 'a uid that has no process is empty already' 0 '^' "$try" empty $UID_OF_KEY $SPARE
holds 'one whose effective uid alone it is is not of that uid' untouched

# --- abuse 151 ----------------------------------------------------------------------------------
as $UID_OF_KEY $UID_OF_KEY $UID_OF_KEY
kill -STOP "$as_pid"
holds 'a stopped process' wait_until 5 state_is "$as_pid" T
holds 'abuse 151: is gone' eval "$try empty $UID_OF_KEY $SPARE && wait_until 5 gone $as_pid"
"$try" vfork $UID_OF_KEY </dev/null >/dev/null 2>&1 &
waiting=$!
holds 'a process that waits uninterruptibly' wait_until 5 state_is "$waiting" D
holds 'abuse 151: for its vfork child is gone, and so is that' \
	eval "$try empty $UID_OF_KEY $SPARE && wait_until 5 gone $waiting && emptied $UID_OF_KEY"

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
tap_done
