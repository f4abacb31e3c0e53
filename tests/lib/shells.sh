# shellcheck shell=bash
# Shells of live logins that a suite talks to while they stay. Sourced after guest.sh.

# shell_open NAME METHOD USER SECRET [from_client]: a login whose shell waits for `ask NAME`.
shell_open() {
	local name=$1 enter=login
	[ "${5:-}" != from_client ] || enter=login_from_client
	rm -f "$GUEST/shell.$name".*
	mkfifo "$GUEST/shell.$name.in"
	: >"$GUEST/shell.$name.out"
	timeout -k 5 600 tail -f /dev/null >"$GUEST/shell.$name.in" 2>/dev/null &
	printf '%d\n' $! >"$GUEST/shell.$name.feeder"
	"$enter" "$2" "$3" "$4" 'exec bash -s' <"$GUEST/shell.$name.in" >"$GUEST/shell.$name.out" 2>&1 &
	printf '%d\n' $! >"$GUEST/shell.$name.pid"
	ask "$name" true
}

# ask NAME COMMAND: what COMMAND prints in that shell, with its status; 99 when no answer comes.
ask() {
	local out=$GUEST/shell.$1.out mark=$RANDOM$RANDOM from
	from=$(($(wc -l <"$out") + 1))
	printf '{ %s\n} 2>&1 </dev/null; echo "<%s $?>"\n' "$2" "$mark" 1<>"$GUEST/shell.$1.in"
	wait_until 60 grep -q "^<$mark " "$out" || { tail -n "+$from" "$out"; return 99; }
	tail -n "+$from" "$out" | grep -v "^<$mark " || :
	return "$(sed -n "s/^<$mark \([0-9]*\)>/\1/p" "$out")"
}

# shell_close NAME: it ends, and is gone.
shell_close() {
	kill "$(cat "$GUEST/shell.$1.feeder")" 2>/dev/null || :
	wait_until 20 gone "$(cat "$GUEST/shell.$1.pid")"
}

# shell_gone NAME: has somebody ended it?
shell_gone() { gone "$(cat "$GUEST/shell.$1.pid")"; }
