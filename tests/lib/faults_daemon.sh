# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153,SC2154 # tap_out and STATE are others', daemon_pid is follow.sh's, FAULTS faults.sh's
# apikeyd and its engine, whom a fault befalls at one system call while the directory changes: what logins and the name
# service read then, and what they read when it is over. Sourced after faults.sh, ldap.sh and follow.sh.

n_bad=0 at='counting calls'

# --- the directory's two states -------------------------------------------------------------------

# turn: the directory goes from the one state to the other, in two changes: who is in the team, and whether cloud is active.
# $side is the state that it has.
turn() {
	local in=alpha out=beta state=active
	side=$([ "$side" = east ] && echo west || echo east)
	[ "$side" = east ] || { in=beta out=alpha state=disabled; }
	{
		printf 'dn: %s\nchangetype: modify\n' "$(dn_of_group team)"
		printf 'delete: member\nmember: %s\n-\nadd: member\nmember: %s\n\n' "$(dn_of $out)" "$(dn_of $in)"
		printf 'dn: apikeyName=cloud,ou=keys,%s\nchangetype: modify\nreplace: apikeyState\napikeyState: %s\n' "$SUFFIX" "$state"
	} | ldap_change one
}

# --- what is seen ---------------------------------------------------------------------------------

# enters KEY: does its token open the service of the test? 1: no; anything else is no answer.
enters() { bounded pamtester faults "$1" authenticate acct_mgmt <"$GUEST/tokens/$1" >/dev/null 2>&1; }
word_of() { local rc=0; "$@" || rc=$?; case $rc in 0) echo yes ;; 1) echo no ;; *) echo "exit $rc" ;; esac; }

# look: into team who of the team enters, into cloud whether it does, into names what the name service says.
look() {
	team="alpha $(word_of enters alpha), beta $(word_of enters beta)"
	cloud=$(word_of enters cloud)
	names=$(
		bounded getent passwd alpha beta cloud
		bounded getent group key-editors
		bounded id -G alpha
		bounded id -G beta
	) || :
}
# see: beside that, into told what the command says, into kept what lies in our folders.
see() {
	look
	told="alpha $(word_of may alpha faults), beta $(word_of may beta faults), cloud $(word_of may cloud faults)
$({ bounded apikey list -o json 2>&1 || echo "exit $?"; } | sed -E "$FAULT_CHANCE")"
	kept=$(find "$STATE" /run/apikey /etc/apikey -printf '%p %y %m %U\n' | sort)
}

# keep_sight: what is seen now is what $side looks like.
keep_sight() {
	local what
	for what in team cloud names told kept; do
		eval "${what}_$side=\$$what"
	done
}

# heard_at: the second at which, the freshness file says, the directory was heard last.
heard_at() { od -An -td8 -j16 -N8 "$STATE/freshness" | tr -d ' '; }

# --- judging --------------------------------------------------------------------------------------

# one_of WHAT: is it as it was or as it is to be, and nothing between?
one_of() {
	local -n is=$1 east=$1_east west=$1_west
	[ "$is" = "$east" ] || [ "$is" = "$west" ] || bad "$1 is neither" "$east" "$is"
}

# bad SENTENCE [WANT GOT]: one thing that is wrong after the fault at hand.
bad() {
	n_bad=$((n_bad + 1))
	[ "$n_bad" -le "${FAULT_SHOW:-5}" ] || return 0
	tap_note '%s (%s): %s\n' "$at" "$(tail -n 1 "$FAULTS/log")" "$1"
	[ -z "${2:-}" ] || tap_note '%s\n' "$(diff <(echo "$2") <(echo "$3") | cut -c1-250 | sed 's/^/    /')"
}

# judge: in the middle of it. Logins may be ahead of the name service, never behind it.
judge() {
	local -n team_now=team_$side names_now=names_$side
	look
	one_of team
	one_of cloud
	# Whose groups can't be read has none for that moment.
	[[ $names = *key-editors:x:+([0-9]):$'\n'* ]] || one_of names
	[ "$names" != "$names_now" ] || [ "$team" = "$team_now" ] || bad 'the name service is ahead of the logins' "$team_now" "$team"
}

# is_right: all is as the directory has it, and nothing else is left.
is_right() {
	local what
	see
	for what in team cloud names told kept; do
		local -n now=$what want=${what}_$side
		[ "$now" = "$want" ] || return 1
	done
}

# comes_right: without anybody's hand.
comes_right() {
	local what
	wait_until 20 is_right && return
	for what in team cloud names told kept; do
		local -n now=$what want=${what}_$side
		[ "$now" = "$want" ] || bad "it does not come right: $what" "$want" "$now"
	done
}

# --- a fault --------------------------------------------------------------------------------------

# befall FAULT N PID: that process meets FAULT at its N-th call from now on.
befall() {
	"$FAULTS/try" "$FAULTS/log" "$1" "$2" -p "$3" </dev/null >"$FAULTS/out" 2>"$FAULTS/err" &
	fault_pid=$!
	wait_until 10 grep -q '^0 watched' "$FAULTS/log" || { cat "$FAULTS/err" >&2; return 1; }
}
# over: the fault is; who lives goes on.
over() {
	kill "$fault_pid" 2>/dev/null || :
	wait "$fault_pid" 2>/dev/null || :
}
met() { grep -q '^[1-9]' "$FAULTS/log"; }
dead_or_right() { gone "$1" || is_right; }
met_or_right() { met || is_right; }

# case_begin SENTENCE, case_end: the faults of one sentence are one case.
case_begin() {
	sentence=$1 n_bad=0 n_met=0 n_cases=0
	: >"$tap_out"
}
case_end() {
	[ "$n_met" -gt 0 ] || bad 'no call was met'
	if [ "$n_bad" -eq 0 ]; then tap_ok "$sentence: $n_met of $n_cases"; else tap_not_ok "$sentence: $n_met of $n_cases"; fi
}

# killed PATTERN N: the daemon, that follows, before its N-th such call behind a change.
killed() {
	follows
	befall "kill@$1" "$2" "$daemon_pid"
	turn
	wait_until 20 dead_or_right "$daemon_pid" || bad 'neither killed nor right'
	over
	gone "$daemon_pid" || return 0
	n_met=$((n_met + 1))
	judge
	daemon_end KILL
	daemon_start || bad 'it does not start again'
	comes_right
}

# killed_at_start PATTERN N: the daemon, that is started behind a change, before its N-th such call.
killed_at_start() {
	daemon_stop
	turn
	"$FAULTS/try" "$FAULTS/log" "kill@$1" "$2" apikeyd -f </dev/null >"$FAULTS/out" 2>"$FAULTS/err" &
	fault_pid=$!
	wait_until 20 dead_or_right "$fault_pid" || bad 'neither killed nor right'
	! met || { n_met=$((n_met + 1)); judge; }
	over
	daemon_start || bad 'it does not start again'
	comes_right
}

# failed FAULT PATTERN N: the daemon, that follows, at its N-th such call behind a change. It goes on, and says what it could
# not write, unless it said so before and has not written since; what it could not read, and read again at once, is nothing
# to tell of.
failed() {
	local stood
	log_mark
	stood=$(grep -Eo 'event=publish(ed|-failed)' "$GUEST/log" | tail -n 1)
	follows
	befall "$1@$2" "$3" "$daemon_pid"
	turn
	wait_until 20 met_or_right || bad 'neither met nor right'
	over
	judge_stopped
	comes_right
	goes_on
	met || return 0
	n_met=$((n_met + 1))
	case "$1 $2" in
	EINTR* | *pread64* | *'openat *') ;;
	*) [ "$stood" = event=publish-failed ] || log_has "$TOLD" >/dev/null || bad 'not a word in the log' ;;
	esac
}
# judge_stopped: of a daemon that lives, and would write between two looks.
judge_stopped() {
	kill -STOP "$daemon_pid"
	judge
	kill -CONT "$daemon_pid"
}
goes_on() { ! gone "$daemon_pid" || { bad 'the daemon is gone'; daemon_end KILL; daemon_start; }; }

# is_told: does the log say what failed, and of what?
TOLD='apikeyd.*event=(publish-failed|freshness-failed|enforce-failed|engine-ended|directory-lost|settings-broken|policy-broken).*(problem|reason)='
is_told() { log_matches "$TOLD"; }

# failing FAULT PATTERN: the daemon at each such call behind a change, until the fault is over. It says so, vouches for nothing
# that is not read, and catches up.
failing() {
	local told_at
	log_mark
	follows
	befall "$1+@$2" 1 "$daemon_pid"
	turn
	wait_until 20 is_told || bad 'not a word in the log'
	told_at=$(date +%s)
	wait_until 5 second_over
	bounded apikey sync >/dev/null 2>&1 || :
	judge
	[ "$(heard_at)" -le "$told_at" ] || bad 'the freshness file vouches for what nobody reads' "$told_at" "$(heard_at)"
	over
	comes_right
	! met || n_met=$((n_met + 1))
	goes_on
}
second_over() { [ "$(date +%s)" -gt "$told_at" ]; }

# failed_engine FAULT PATTERN N: of a new daemon, at its N-th such call behind a change.
failed_engine() {
	log_mark
	daemon_stop
	daemon_start
	follows
	befall "$1@$2" "$3" "$(engine_pid)"
	turn
	wait_until 20 met_or_right || bad 'neither met nor right'
	over
	judge_stopped
	comes_right
	goes_on
	met || return 0
	n_met=$((n_met + 1))
	[ "$1" != kill ] || log_has 'event=engine-ended reason=.*signal 9' >/dev/null || bad 'not a word in the log'
}

# --- sessions -------------------------------------------------------------------------------------

# member: who is in the team.
member() { if [ "$side" = east ]; then echo alpha; else echo beta; fi; }
# live_member: a session of whom the directory puts out next.
live_member() { live one "$(member)" "$(token "$(member)")" nohup setsid; }

# killed_ending PATTERN N: the daemon, before its N-th such call, while it ends the session of whom the directory put out.
# The next one ends what is left, and nobody else's.
killed_ending() {
	local pids
	follows
	live_member
	befall "kill@$1" "$2" "$daemon_pid"
	turn
	wait_until 20 dead_or_right "$daemon_pid" || bad 'neither killed nor right'
	over
	mapfile -t pids < <(live_of one | cut -d' ' -f1)
	if gone "$daemon_pid"; then
		n_met=$((n_met + 1))
		judge
		daemon_end KILL
		daemon_start || bad 'it does not start again'
	fi
	wait_until 20 live_left || bad "the session lives: $(live_tell one)"
	comes_right
	live_all_live keeper || bad "who keeps its right is ended: $(live_tell keeper)"
	live_end one
}

# count_calls PID: into $FAULTS/calls all that this process does for one change.
count_calls() {
	follows
	befall 'none@*' 1 "$1"
	turn
	comes_right
	over
	cp "$FAULTS/log" "$FAULTS/calls"
}

# count_calls_of_start: the same of a daemon that is started behind a change.
count_calls_of_start() {
	daemon_stop
	turn
	"$FAULTS/try" "$FAULTS/log" 'none@*' 1 apikeyd -f </dev/null >"$FAULTS/out" 2>"$FAULTS/err" &
	fault_pid=$!
	comes_right
	cp "$FAULTS/log" "$FAULTS/calls"
	over
	daemon_start
	comes_right
}

# untried PATTERN…: of the calls that were counted, those that change something or tell somebody and match none of these.
LOOKS='access|close|fstat|getdents64|mmap|newfstatat|openat|pread64|read|recvfrom|watched'
untried() {
	local call path pattern
	while read -r _ call path; do
		[[ ! $call =~ ^($LOOKS)$ ]] || continue
		for pattern; do
			# shellcheck disable=SC2053 # a pattern it is
			[[ "$call $path" != $pattern ]] || continue 2
		done
		printf '%s %s\n' "$call" "$path"
	done <"$FAULTS/calls"
}

# number_of PATTERN: of the calls that were counted, how many match?
number_of() {
	local n=0 call path
	while read -r _ call path; do
		# shellcheck disable=SC2053 # a pattern it is
		[[ "$call $path" != $1 ]] || n=$((n + 1))
	done <"$FAULTS/calls"
	echo "$n"
}

# at_each PATTERN CMD…: CMD with the number of each such call, or of the first, a middle and the last, behind it.
at_each() {
	local pattern=$1 n numbers count
	shift
	count=$(number_of "$pattern")
	[ "$count" -gt 0 ] || return 0
	if [ -n "$every" ]; then numbers=$(seq "$count"); else numbers=$(printf '%s\n' 1 $(((count + 1) / 2)) "$count" | sort -nu); fi
	for n in $numbers; do
		at="$* $n"
		n_cases=$((n_cases + 1))
		"$@" "$n"
	done
}

# What is done at each call, as a sentence.
declare -A DOES=(
	[killed]='the daemon is killed before a call, and started anew'
	[killed_at_start]='the daemon is killed before a call of its start, and started anew'
	[failed]='the daemon goes on when a call fails once'
	[failing]='the daemon catches up when calls have failed for a while'
	[failed_engine]='the daemon goes on when a call of its engine fails or kills it'
	[killed_ending]='the daemon is killed while it ends a session, and the next one ends it'
)

# each PATTERN CMD…: at_each, as one case, which fails where there is no such call (any more).
each() {
	case_begin "${DOES[$2]}: ${*:3}"
	at_each "$@"
	case_end
}

# all_the_time FAULT PATTERN: failing, as one case.
all_the_time() {
	case_begin "${DOES[failing]}: $*"
	at="$*" n_cases=1
	failing "$@"
	case_end
}
