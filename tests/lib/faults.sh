# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # fault_is reads what it is told the names of; tap_out is tap.sh's
# A command that a fault befalls at one system call: what is seen of it afterwards, and that the next command mends it.
# Sourced after apikey.sh.

FAULTS=$GUEST/faults
# What may be another each time, of a key in JSON.
FAULT_CHANCE='s/"(id|created_at)": "[^"]*"//g; s/"last_used": .*"home"/"home"/'
# A command with so many calls is not tried to its end, which is a failure.
FAULT_CALLS=2000
mkdir -p "$FAULTS"

# fault_build: what makes the faults.
fault_build() {
	make -s -C "$TOP/build/plain" tests/lib/fault_try >/dev/null
	cp "$TOP/build/plain/tests/lib/fault_try" "$FAULTS/try"
}

# --- what every case begins with ------------------------------------------------------------------

# fault_keep, fault_back: the files of now are what each case begins with; they are put back.
fault_keep() {
	local dir
	rm -rf "$FAULTS/base"
	for dir in "$STATE" /etc/apikey /home; do
		mkdir -p "$FAULTS/base$dir"
		cp -a "$dir/." "$FAULTS/base$dir"
	done
}
fault_back() {
	rm -rf "$STATE"
	find /home -mindepth 1 -maxdepth 1 ! -name bob ! -name alice -exec rm -rf {} +
	cp -a "$FAULTS/base$STATE" "$STATE"
	cp -a "$FAULTS/base/home" /
	# A policy that is another file is an edit: users.idx was made from the one that is there.
	if ! diff -rq "$FAULTS/base/etc/apikey" /etc/apikey >/dev/null; then
		rm -rf /etc/apikey
		cp -a "$FAULTS/base/etc/apikey" /etc/apikey
		apikey publish >/dev/null 2>&1
		cp -a "$STATE/." "$FAULTS/base$STATE"
	fi
}

# --- what is seen ---------------------------------------------------------------------------------

# fault_look: into truth what the command and the policy say, into names what the name service does, into door whether
# the key's token opens, into files what lies in our folders.
fault_look() {
	truth=$(
		{ bounded apikey list -o json 2>&1 || echo "exit $?"; } | sed -E "$FAULT_CHANCE"
		cksum <"$POLICY"
		[ ! -e /etc/apikey/lockdown ] || echo lockdown
	) || :
	names=$(
		bounded getent passwd "${FAULT_KEYS[@]}"
		bounded getent group "${FAULT_KEYS[@]}" "${FAULT_GROUPS[@]}"
		bounded id -G "${FAULT_KEYS[0]}" 2>/dev/null
	) || :
	door=$(bounded pamtester faults "${FAULT_KEYS[0]}" authenticate acct_mgmt <"$FAULTS/token" >/dev/null 2>&1; echo $?)
	files=$(find "$STATE" /etc/apikey /home -printf '%p %y %m %U\n' | sort; cksum <"$POLICY.prev")
}

# --- a fault --------------------------------------------------------------------------------------

# fault_once FAULT N CMD…: CMD with that fault; false: it has no N-th such call. Its status is in $rc, what it
# said in $FAULTS/err, which call it was in $fault_at.
fault_once() {
	rc=0
	bounded "$FAULTS/try" "$FAULTS/log" "$@" >"$FAULTS/out" 2>"$FAULTS/err" </dev/null || rc=$?
	[ -s "$FAULTS/log" ] || return 1
	read -r _ fault_at <"$FAULTS/log"
}

# fault_bad SENTENCE: one thing that is wrong after the fault at hand.
fault_bad() {
	fault_n_bad=$((fault_n_bad + 1))
	[ "$fault_n_bad" -le "${FAULT_SHOW:-5}" ] || return 0
	tap_note '%s %d %s: %s\n' "$fault" "$n" "$fault_at" "$1"
	[ ! -s "$FAULTS/err" ] || tap_note '    it said: %s\n' "$(cat "$FAULTS/err")"
	[ -z "${2:-}" ] || tap_note '%s\n' "$(diff <(echo "$2") <(echo "$3") | cut -c1-250 | sed 's/^/    /')"
}

# fault_is WHAT: is each of these as it was ($side old), or as it is to be (new)?
fault_is() {
	local what
	for what; do
		local -n is=$what was=${what}_$side
		[ "$is" = "$was" ] || fault_bad "$what is not $side" "$was" "$is"
	done
}

# fault_judge: what CMD's end allows; $side is what is true now.
fault_judge() {
	if [ "$truth" = "$truth_new" ]; then side=new; else side=old; fi
	fault_is truth
	[ "$door" = "$door_old" ] || [ "$door" = "$door_new" ] || fault_bad 'the door' "$door_old" "$door"
	# While the policy can't be read new keys have no groups, and that is said.
	[ "$names" = "$names_old" ] || [ "$names" = "$names_new" ] || grep -q 'groups stay as they were' "$FAULTS/err" ||
		fault_bad 'half a change of names' "$names_new" "$names"
	fault_is door
	case $fault,$rc in
	kill,137) ;;
	kill,*) fault_bad "exit $rc" ;;
	*,0) [ "$truth$names" = "$truth_new$names_new" ] || fault_bad 'said to be done' "$truth_new$names_new" "$truth$names" ;;
	*,3) grep -q '^apikey: .*[a-z]' "$FAULTS/err" || fault_bad 'not a word' ;;
	*) fault_bad "exit $rc" ;;
	esac
}

# fault_mended CMD…: the next command leaves nothing of the fault.
fault_mended() {
	local again=0
	bounded "$@" >"$FAULTS/out" 2>"$FAULTS/err" </dev/null || again=$?
	fault_look
	if [ "$truth" = "$truth_new" ]; then side=new; else side=old; fi
	[ "$again" -le 1 ] || fault_bad "the next command fails: exit $again"
	fault_is truth names door files
}

# fault_case NAME FAULT: the verb NAME with FAULT at each of its calls: one case.
fault_case() {
	local name=$1 fault=$2 n fault_n_bad=0 cmd mend side rc fault_at=
	local truth names door files truth_old names_old door_old files_old truth_new names_new door_new files_new
	read -ra cmd <<<"${FAULT_VERBS[$name]}"
	read -ra mend <<<"${FAULT_MENDS[$name]:-${FAULT_VERBS[$name]}}"
	: >"$tap_out"
	fault_begin "$name"
	# By a policy that may be half saved nothing is mended unasked.
	wait_until 10 fault_settled
	fault_look
	truth_old=$truth names_old=$names door_old=$door files_old=$files
	"${cmd[@]}" >"$FAULTS/out" 2>"$FAULTS/err" </dev/null || { tap_note '%s\n' "$(cat "$FAULTS/err")"; tap_not_ok "$name: it works"; return; }
	fault_look
	truth_new=$truth names_new=$names door_new=$door files_new=$files
	for ((n = 1; n < FAULT_CALLS; n++)); do
		fault_begin "$name"
		fault_once "$fault" "$n" "${cmd[@]}" || break
		fault_look
		fault_judge
		fault_mended "${mend[@]}"
	done
	[ "$n" -gt 1 ] || fault_bad 'no call was met'
	[ "$n" -lt "$FAULT_CALLS" ] || fault_bad "there are more calls than $FAULT_CALLS: the rest was not tried"
	if [ "$fault_n_bad" -eq 0 ]; then
		tap_ok "$name: $fault at each of $((n - 1)) calls"
	else
		tap_not_ok "$name: $fault at each of $((n - 1)) calls"
	fi
}
# fault_settled: was the policy saved so long ago that it is whole?
fault_settled() { [ $(($(date +%s) - $(stat -c %Z "$POLICY"))) -gt 2 ]; }

# fault_begin NAME: the state that NAME starts from.
fault_begin() {
	fault_back
	! declare -F "begin_$1" >/dev/null || "begin_$1"
}
