#!/usr/bin/env bash
# The writer killed at every system call, or failing at it: what was or what is to be, nothing between; the next command
# mends the rest (abuse 073, 074, 129).
# usage: killed_writer.sh [all|'VERB…' [FAULT…]]    all verbs or these, with every fault or these (fault_try.c): all with
# all take about ten minutes. Without an argument: all verbs killed, and some of them without room, descriptors or a sound disk.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/faults.sh
. "$TOP/tests/lib/faults.sh"

FAULT_KEYS=(alpha beta gone fresh fed)
FAULT_GROUPS=(key-editors key-others)
declare -A FAULT_VERBS=(
	[create]='apikey create --name fresh --role editor -q'
	[ensure]='apikey ensure fresh --role editor'
	[ensure_there]='apikey ensure alpha --role viewer'
	[set]='apikey set alpha --role viewer --description another'
	[rotate]='apikey rotate alpha -q'
	[disable]='apikey disable alpha beta'
	[enable]='apikey enable alpha beta'
	[delete]='apikey delete alpha beta --remove-home'
	[purge]='apikey purge --expired'
	[role_add]='apikey role add beta editor'
	[role_remove]='apikey role remove alpha editor'
	[group_add]='apikey group add beta team'
	[group_remove]='apikey group remove alpha team'
	[import]="apikey import $FAULTS/import --prune"
	[import_compiling]="apikey import $FAULTS/import --prune"
	[apply]="apikey policy apply $FAULTS/policy"
	[apply_none]="apikey policy apply $FAULTS/policy --sessions=none"
	[rollback]='apikey policy rollback'
	[publish]='apikey publish'
	[trust_clock]='apikey publish --trust-clock'
	[lockdown_on]='apikey lockdown on'
	[lockdown_off]='apikey lockdown off'
	[accept_rollback]='apikey doctor --accept-rollback'
)
# What mends a change that does not do the same when it is done again.
declare -A FAULT_MENDS=(
	[create]='apikey ensure fresh --role editor'
	[rotate]='apikey publish'
	[import_compiling]="sh $FAULTS/importing"
	[delete]="sh $FAULTS/delete"
	[rollback]="sh $FAULTS/rollback"
)

begin_enable() { apikey disable alpha beta >/dev/null; }
begin_lockdown_off() { apikey lockdown on >/dev/null; }
begin_accept_rollback() { cp -a "$FAULTS/older.idx" "$STATE/local.idx"; }
begin_import_compiling() { rm "$STATE/policy.image"; }
begin_publish() { cp "$FAULTS/policy" "$POLICY"; }

# policy LINE…: roles of the test.
policy() { printf '%s\n' 'version: 1' 'roles:' '  viewer: {services: [none]}' "$@"; }

syslog_start
install_apikey
fault_build
printf '%s required pam_apikey.so\n' auth account >/etc/pam.d/faults
policy '  editor: {services: [faults]}' >"$POLICY"
policy '  editor: {services: [faults], unix_groups: [key-editors]}' >"$FAULTS/policy"
apikey policy apply "$FAULTS/policy" >/dev/null
policy '  editor: {services: [faults]}' '  other: {unix_groups: [key-others]}' >"$FAULTS/policy"
new_key alpha --role editor --group team
token alpha >"$FAULTS/token"
new_key beta --role viewer
new_key gone --role editor --duration 1
fault_keep
cp -a "$STATE/local.idx" "$FAULTS/older.idx"
apikey set alpha --description imported >/dev/null
apikey delete beta >/dev/null
apikey create --name fed --role editor -q >/dev/null 2>&1
apikey export >"$FAULTS/import"
fault_back
apikey set alpha --owner somebody >/dev/null
# Of a key that is gone the home may have stayed: then doctor says how it goes.
cat >"$FAULTS/delete" <<-'MEND'
	apikey delete alpha beta --remove-home && exit
	for home in /home/alpha /home/beta; do
		[ ! -e "$home" ] || eval "$(apikey doctor | grep -Eo "rm -rf --one-file-system '?$home.*")"
	done
	exit 1
MEND
# The names are the next import's to mend, though it changes nothing; the stored policy is the next publish's.
cat >"$FAULTS/importing" <<-MEND
	apikey import $FAULTS/import --prune && getent group key-editors | grep -q fed && apikey publish
MEND
# A rollback that has begun is finished by the next, and not turned round.
cat >"$FAULTS/rollback" <<-MEND
	cmp -s "$POLICY" "$FAULTS/rolled" && ! grep -aq rollback-begun "$STATE/policy.applied" || exec apikey policy rollback
	exec apikey publish
MEND
cp "$POLICY.prev" "$FAULTS/rolled"
pamtester faults alpha authenticate acct_mgmt <"$FAULTS/token" >/dev/null 2>&1
fault_keep
expired() { apikey list --expired -o json | grep -q '"gone"'; }
wait_until 10 expired

mapfile -t all < <(printf '%s\n' "${!FAULT_VERBS[@]}" | sort)
case ${1:-} in
'')
	for verb in "${all[@]}"; do
		fault_case "$verb" kill
	done
	for verb in create delete import rollback; do
		fault_case "$verb" ENOSPC
	done
	fault_case apply EMFILE
	fault_case create EIO
	fault_case import_compiling EIO
	;;
*)
	read -ra verbs <<<"$1"
	[ "$1" != all ] || verbs=("${all[@]}")
	faults=("${@:2}")
	[ $# -gt 1 ] || faults=(kill ENOSPC ENOSPC+ EDQUOT EIO EIO+ EROFS+ EINTR EMFILE EMFILE+ ENFILE ENOMEM ENOLCK EACCES short)
	for verb in "${verbs[@]}"; do
		for fault in "${faults[@]}"; do
			fault_case "$verb" "$fault"
		done
	done
	;;
esac
tap_done
