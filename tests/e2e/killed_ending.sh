#!/usr/bin/env bash
# A command that is killed between its change and the end of the sessions that lost their right by it: nobody
# is ended halfway, and the next publish ends them (abuse 074). Where apikeyd runs, it does.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/revoke.sh
. "$TOP/tests/lib/revoke.sh"
# shellcheck source=tests/lib/faults.sh
. "$TOP/tests/lib/faults.sh"

# call REGEX: the number of the last call, of those that `try none` has written, whose line matches.
call() { awk -v what="$1" '$0 ~ what { n = $1 } END { print n }' "$FAULTS/log"; }

# killed_at N CMD…: CMD, killed before its N-th call.
killed_at() { "$FAULTS/try" "$FAULTS/log" kill "$@" >"$FAULTS/out" 2>"$FAULTS/err" </dev/null; }

# again: all as it was, and a live session of each key.
again() {
	fault_back
	live_begin ci ci "$(token ci)" nohup
	live_begin other other "$(token other)"
	live_ready ci other
}

# leaves SENTENCE CALL CMD…: CMD is killed before the call that CALL tells, when its change is true; nobody is ended then,
# and the next publish ends what lost its right, and nothing beside it.
leaves() {
	local sentence=$1 what=$2 n
	shift 2
	fault_back
	"$FAULTS/try" "$FAULTS/log" none 0 "$@" >/dev/null 2>&1 </dev/null
	n=$(call "$what")
	again
	exits "$sentence: it is killed before call $n" 137 killed_at "$n" "$@"
	stays "$sentence: nobody is ended yet" ci other
	ends "$sentence: apikey publish ends it" 4000 ci -- apikey publish
	stays "$sentence: and nothing beside it" other
	live_end ci other
}

syslog_start
install_apikey
fault_build
sshd_start
# policy SERVICE: what role worker is for; the others stay.
policy() { printf '%s\n' 'version: 1' 'roles:' "  worker: {services: [$1]}" '  keeper: {services: [sshd]}' '  idle: {services: [cron]}'; }
policy sshd >"$POLICY"
policy cron >"$FAULTS/policy"
change publish
new_key ci --role worker
new_key other --role keeper
fault_keep

# The rename of local.idx, or of policy.yaml, makes it true; what follows is users.idx, the log, and the pass.
leaves 'disable' 'fsync /var/lib/apikey$' apikey disable ci
leaves 'delete' 'write /var/log/apikey/audit.log' apikey delete ci
leaves 'role remove' 'rename /var/lib/apikey/users.idx' apikey role remove ci worker
leaves 'set' 'fsync /var/lib/apikey$' apikey set ci --role idle
leaves 'policy apply' 'fsync /etc/apikey$' apikey policy apply "$FAULTS/policy"
tap_done
