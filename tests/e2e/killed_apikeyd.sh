#!/usr/bin/env bash
# apikeyd and its engine killed at their system calls, or failing at them, while the directory changes: what was or what is
# to be, nothing between; what is started anew, or goes on, comes right by itself (abuse 073, 074, 100).
# usage: killed_apikeyd.sh [all]    the first, a middle and the last of each system call, or every one
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"
# shellcheck source=tests/lib/revoke.sh
. "$TOP/tests/lib/revoke.sh"
# shellcheck source=tests/lib/faults.sh
. "$TOP/tests/lib/faults.sh"
# shellcheck source=tests/lib/faults_daemon.sh
. "$TOP/tests/lib/faults_daemon.sh"

every=${1:-}

# Calls that change something, wait for a lock, or tell somebody.
CHANGES=('openat *.new' 'pwrite64 *' 'rename *' 'fchmod *' 'fcntl *' 'sendto *')

# sights: what either state of the directory looks like.
sights() {
	local may
	for _ in 1 2; do
		follows
		turn
		may=$([ "$side" = east ] && echo yes || echo no)
		wait_until 20 has_turned || { log_new; return 1; } >&2
		see
		keep_sight
	done
}
has_turned() { in_group "$(member)" key-editors && [ "$(word_of may cloud faults)" = "$may" ]; }

# enters_not KEY, out_of KEY GROUP
enters_not() { ! enters "$1"; }
out_of() { ! in_group "$@"; }

syslog_start
install_directory
fault_build
install -d -o root -g adm -m 2750 /var/log/apikey
printf '%s required pam_apikey.so\n' auth account >/etc/pam.d/faults
policy_write 'roles:' '  editor: {services: [faults, sshd], unix_groups: [key-editors]}' '  viewer: {services: [faults, sshd]}' \
	'groups:' '  team: [{role: editor}]'
new_key alpha
new_key beta
new_key keeper --role viewer
directory_settings
slapd_start one
{ principal_ldif alpha beta; group_ldif groupOfNames team alpha; } | ldap_change one
sshd_start
daemon_start
new_key cloud --in directory --role viewer
follows
wait_until 20 enters cloud
side=east
sights

# --- killed ---------------------------------------------------------------------------------------

count_calls_of_start
equals 'what a start does to files is all tried' '' untried "${CHANGES[@]}"
for pattern in "${CHANGES[@]}"; do
	each "$pattern" killed_at_start "$pattern"
done
count_calls "$daemon_pid"
equals 'what a change does to files is all tried' '' untried "${CHANGES[@]}"
for pattern in "${CHANGES[@]}"; do
	each "$pattern" killed "$pattern"
done

# --- errors ---------------------------------------------------------------------------------------

while read -r fault pattern; do
	each "$pattern" failed "$fault" "$pattern"
done <<'FAULTS'
ENOSPC openat *.new
ENOSPC pwrite64 *
EIO rename *
EIO fchmod *
EIO pread64 *
EMFILE openat *
EINTR openat *
EINTR pwrite64 *
ENOMEM openat *
ENOMEM mmap *
ENOLCK fcntl *
FAULTS
while read -r fault pattern; do
	all_the_time "$fault" "$pattern"
done <<'FAULTS'
ENOSPC openat *.new
ENOSPC rename */directory-groups.idx
ENOSPC rename */users.idx
ENOSPC rename */freshness
EIO pread64 *
EMFILE openat *
FAULTS

# --- the engine -----------------------------------------------------------------------------------

count_calls "$(engine_pid)"
equals 'what the engine tells is all tried' '' untried 'sendto *'
for pattern in 'read *' 'sendto *'; do
	for fault in kill EINTR EIO; do
		each "$pattern" failed_engine "$fault" "$pattern"
	done
done

# --- sessions -------------------------------------------------------------------------------------

live keeper keeper "$(token keeper)"
sights
live_member
count_calls "$daemon_pid"
ENDINGS=('rename */directory-groups.idx' 'rename */users.idx' 'pidfd_send_signal *' 'write */audit.log' 'unlinkat *')
equals 'what an ending does besides is all tried' '' untried "${CHANGES[@]}" "${ENDINGS[@]}"
for pattern in "${ENDINGS[@]}"; do
	each "$pattern" killed_ending "$pattern"
done

# Whose time is over is told to go first, and that is written down.
unfinished() { find /run/apikey/sessions -name '.*' -type f | grep -q .; }
none_unfinished() { ! unfinished; }
new_key brief --role viewer
live brief brief "$(token brief)" nohup
follows
befall 'kill@renameat *' 1 "$daemon_pid"
change set brief --duration 1
holds 'the daemon is killed while it writes down that a session is to end' wait_until 30 gone "$daemon_pid"
over
holds 'half a record is left' unfinished
mapfile -t pids < <(live_of brief | cut -d' ' -f1)
daemon_kill
daemon_start
holds 'the next one ends the session' wait_until 30 live_left
holds 'and half of the record goes' wait_until 10 none_unfinished
live_end brief
change delete brief

# --- what is heard no more ------------------------------------------------------------------------

# silent: a server that says nothing from now on; $silent_at is when.
silent() {
	follows
	slapd_signal one STOP
	silent_at=$(date +%s)
}
is_lost() { status_of .directory.problem | grep -Eiq 'time|answer'; }
hears() { [ "$(heard_at)" -gt "$silent_at" ]; }

silent
daemon_kill
daemon_start
change publish
holds 'a server that is silent: the daemon says so' wait_until 30 is_lost
daemon_kill
daemon_start
exits 'a daemon that was killed twice since vouches for nothing' 1 hears
slapd_signal one CONT
holds 'and does when it hears it again' wait_until 30 hears
daemon_stop
directory_settings max_age=4s keys_max_age=4s
daemon_start
follows
# So that cloud is to be disabled.
[ "$side" = east ] || { turn; wait_until 20 is_right; }
follows
out=$(member)
befall 'kill@rename */directory-groups.idx' 1 "$daemon_pid"
turn
holds 'a daemon is killed before it has written who is out' wait_until 20 gone "$daemon_pid"
over
holds 'and not started again: who is out enters no longer than max_age' wait_until 20 enters_not "$out"
holds 'nor has a group by it' wait_until 20 out_of "$out" key-editors
holds 'nor a key of the directory than keys_max_age' wait_until 20 enters_not cloud
holds 'nor does who is in, of whom nobody knows' enters_not "$(member)"
daemon_kill
daemon_start
holds 'started again: who is in enters' wait_until 20 enters "$(member)"
holds 'and who is out does not' enters_not "$out"
tap_done
