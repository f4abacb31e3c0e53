# shellcheck shell=bash
# TAP for shell suites: sentences in, "ok N - sentence" out. Sourced.

tap_count=0
tap_failed=0
tap_out=$(mktemp)

# tap_ok SENTENCE: one case that holds.
tap_ok() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$1"
}

# tap_not_ok SENTENCE: one case that does not; $tap_out is shown as its diagnosis.
tap_not_ok() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$1"
	tail -n 40 "$tap_out" | tr -d '\000' | sed 's/^/#   /'
}

# tap_skip SENTENCE WHY: one case that could not be asked.
tap_skip() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # skip %s\n' "$tap_count" "$1" "$2"
}

# tap_done: the case that every suite ends with, where there is one (tap_last), the plan, and the suite's exit status. A suite
# that ends without it has failed.
tap_done() {
	! declare -F tap_last >/dev/null || tap_last
	printf '1..%d\n' "$tap_count"
	[ "$tap_failed" -eq 0 ] && [ "$tap_count" -gt 0 ]
}

# tap_note FORMAT ARG…: adds to the diagnosis of the case at hand.
tap_note() {
	# shellcheck disable=SC2059
	printf "$@" >>"$tap_out"
}

# exits SENTENCE STATUS CMD…: holds when CMD ends with exactly STATUS.
exits() {
	local sentence=$1 want=$2 got=0
	shift 2
	"$@" >"$tap_out" 2>&1 </dev/null || got=$?
	if [ "$got" -eq "$want" ]; then
		tap_ok "$sentence"
	else
		tap_note '[exit %d, not %d] %s\n' "$got" "$want" "$*"
		tap_not_ok "$sentence"
	fi
}

# holds SENTENCE CMD…: holds when CMD succeeds.
holds() {
	local sentence=$1
	shift
	exits "$sentence" 0 "$@"
}

# equals SENTENCE WANT CMD…: holds when CMD succeeds and its stdout is exactly WANT.
equals() {
	local sentence=$1 want=$2 rc=0 got
	shift 2
	got=$("$@" 2>"$tap_out" </dev/null) || rc=$?
	if [ "$rc" -eq 0 ] && [ "$got" = "$want" ]; then
		tap_ok "$sentence"
	else
		tap_note '[exit %d] %s\nwant: %s\ngot:  %s\n' "$rc" "$*" "$want" "$got"
		tap_not_ok "$sentence"
	fi
}

# shows SENTENCE STATUS REGEX CMD…: holds when CMD ends with STATUS and prints, on either stream, a match of REGEX.
shows() {
	local sentence=$1 want=$2 regex=$3 got=0
	shift 3
	"$@" >"$tap_out" 2>&1 </dev/null || got=$?
	if [ "$got" -eq "$want" ] && grep -Eq -- "$regex" "$tap_out"; then
		tap_ok "$sentence"
	else
		tap_note '[exit %d, wanted %d and a match of %s] %s\n' "$got" "$want" "$regex" "$*"
		tap_not_ok "$sentence"
	fi
}
