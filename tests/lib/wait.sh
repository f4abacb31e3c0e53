# shellcheck shell=bash
# Waiting for a condition, with a bound. Sourced.

# a pipe that nobody writes to: reading it with a timeout yields the processor without a process
exec {wait_pipe}<> <(:)

# wait_until SECONDS CMD…: asks CMD again and again until it succeeds; 1 when SECONDS are over.
wait_until() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		read -rt 0.02 -u "$wait_pipe" || :
	done
}

# patience MS: what a bar of so many milliseconds is in a check: five times as much, as the speed of the machine must decide
# nothing. How long it took is shown; PATIENCE=1 in the environment holds the bar itself, on an idle machine.
patience() { printf '%d\n' $(($1 * ${PATIENCE:-5})); }

# in_bar SECONDS CMD…: as wait_until, for a bar.
in_bar() {
	local seconds=$1
	shift
	wait_until "$(($(patience "$((seconds * 1000))") / 1000))" "$@"
}

# bounded CMD…: CMD, which is killed after 40 s (124, 137): what waits for ever is a failure, not a wait.
bounded() { timeout -k 5 40 "$@"; }

# gone PID: is that process no more (or a zombie that only waits to be counted)?
gone() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	case ${stat##*) } in
	Z*) return 0 ;;
	*) return 1 ;;
	esac
}

# tcp_open PORT: does somebody listen on 127.0.0.1:PORT?
tcp_open() {
	(: </dev/tcp/127.0.0.1/"$1")
}
