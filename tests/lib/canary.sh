# shellcheck shell=bash
# No token is left on a host: in what was written there, or in what still runs there. Sourced by e2e.sh; tap_done asks it.

: >"$GUEST/began"

# What people keep a token in, as the manuals tell them; a suite adds the files that it puts one into, or folders with all below.
CANARY_KEPT=('/root/*.token' '/home/*.token')

# Any token, and not the manual's.
CANARY_FORM='apikey_[A-Z][0-9A-Za-z]{9}_[0-9A-Za-z]{49}'
CANARY_EXAMPLE='apikey_Example'

# canary_secrets: of the tokens that new_key kept, without what everybody may read.
canary_secrets() {
	local kept
	for kept in "$GUEST"/tokens/*; do
		[ ! -e "$kept" ] || cut -d_ -f3 "$kept"
	done
}

# canary_written: each file that was written since this was sourced, whatever its date says; NUL behind each. Of the suite's own
# folder it is the logs of all that ran: beside those the suite keeps there what it types, and what commands gave it. Of the
# checkout it is what this host wrote over it: below that others go on writing, whose tokens are their own.
canary_written() {
	local kept without=(-path "$GUEST" -o -path /run/host -o -path "$TOP")
	for kept in "${CANARY_KEPT[@]}"; do
		without+=(-o -path "$kept")
	done
	find /etc /usr /var /home /root /tmp /run /dev/shm /run/host/upper/checkout '(' "${without[@]}" ')' -prune -o \
		-type f -size +0 -cnewer "$GUEST/began" -print0
	find "$GUEST" -type f -size +0 '(' -name '*log' -o -name '*d.out' -o -name '*.err' -o -name console ')' -print0
}

# canary_running: of each process what is its own, and each file that it still holds and nobody else can open.
canary_running() {
	find /proc -maxdepth 2 -path '/proc/[0-9]*' '(' -name environ -o -name cmdline ')' -print0
	find /proc -maxdepth 3 -path '/proc/[0-9]*/fd/*' -lname '*(deleted)' -print0
}

# canary_silent: nothing holds one; else it is said what does. What was found is not shown.
canary_silent() {
	local found
	canary_secrets >"$GUEST/canary"
	found=$(
		{ canary_written; canary_running; } 2>/dev/null >"$GUEST/canary.where"
		[ ! -s "$GUEST/canary" ] || xargs -0r grep -laFs -D skip -f "$GUEST/canary" -- <"$GUEST/canary.where"
		xargs -0r grep -oaHEs -D skip -e "$CANARY_FORM" -- <"$GUEST/canary.where" | grep -av "$CANARY_EXAMPLE" | cut -d: -f1
	) || :
	rm "$GUEST/canary" "$GUEST/canary.where"
	[ -z "$found" ] || printf 'a token is in:\n%s\n' "$(sort -u <<<"$found")"
	[ -z "$found" ]
}
# tap_last: the last case of each suite.
tap_last() {
	holds 'no token is left in a file, an environment, an argument or a descriptor (canary)' canary_silent
}
