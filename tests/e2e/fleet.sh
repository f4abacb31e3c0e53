#!/usr/bin/env bash
# Three hosts that follow two LDAP servers in multi-provider replication: what one gives or takes, the next login everywhere sees.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"
# shellcheck source=tests/lib/fleet.sh
. "$TOP/tests/lib/fleet.sh"

# serve N: sshd and the daemon there.
serve() {
	sed "s/^/10.88.0.1$1 /" /etc/ssh/ssh_host_*_key.pub >>"$GUEST/known_hosts"
	on "$1" /usr/sbin/sshd -D -E "$GUEST/sshd$1.log" </dev/null >/dev/null 2>&1 &
	daemon_on "$1"
	wait_until 10 bash -c ": </dev/tcp/10.88.0.1$1/22"
}

# login_on N KEY CMD…: by ssh, over the network.
login_on() {
	local n=$1 key=$2 how=()
	shift 2
	login_how password "$(token "$key")"
	bounded ssh "${SSH_OPTIONS[@]}" "${how[@]}" "$key@10.88.0.1$n" "$@"
}
# sudo_on N KEY: who sudo makes it.
sudo_on() { on "$1" bash -c "setpriv --reuid $2 --regid $2 --init-groups -- sudo -n id -un"; }

may_not_on() {
	local rc=0
	may_on "$@" || rc=$?
	[ "$rc" -eq 1 ]
}

# everywhere CMD ARGUMENT…: CMD N ARGUMENT… holds on every host within 20 s; the first where it does not is named.
everywhere() {
	local command=$1 n
	shift
	for n in "${HOSTS[@]}"; do
		wait_until 20 "$command" "$n" "$@" || { echo "not on host $n"; on "$n" apikey status; return 1; }
	done
}

# has_role, has_none SENTENCE KEY: by real ssh and sudo on every host.
has_role() {
	local n
	holds "$1: on every host" everywhere may_on "$2" sudo
	for n in "${HOSTS[@]}"; do
		equals "$1: ssh to host $n" "$2" login_on "$n" "$2" id -un
		equals "$1: sudo on host $n" root sudo_on "$n" "$2"
	done
}
has_none() {
	local n
	holds "$1: on every host" everywhere may_not_on "$2"
	for n in "${HOSTS[@]}"; do
		shows "$1: no ssh to host $n" 255 'Permission denied' login_on "$n" "$2" id -un
		shows "$1: no sudo on host $n" 1 'sudo: ' sudo_on "$n" "$2"
	done
}

# key_on N NAME: a key that lives in LDAP, made on that host.
key_on() {
	mkdir -p "$GUEST/tokens"
	on "$1" apikey create --in directory --bind-dn "cn=writer,$SUFFIX" --password-file "$GUEST/writer" \
		--name "$2" --role editor --duration 30d -q >"$GUEST/tokens/$2" 2>"$GUEST/create$1.err" || { cat "$GUEST/create$1.err" >&2; return 1; }
}

# in_both FILTER: both servers have such an entry.
in_both() {
	local server
	for server in one two; do
		ldap_search "$server" -b "$SUFFIX" "$1" 1.1 | grep -q ^dn: || return 1
	done
}

syslog_start
install_directory
network
printf 'writer-pw\n' >"$GUEST/writer"
chmod 600 "$GUEST/writer"
policy_write 'roles:' '  viewer: {services: [sshd]}' '  editor: {services: [sshd, sudo], unix_groups: [key-editors]}' \
	'groups:' '  team: [{role: editor}]'
printf '%%key-editors ALL=(ALL) NOPASSWD: ALL\nagent ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
new_key agent
fleet_settings
providers </dev/null
{ principal_ldif agent; group_ldif groupOfNames team; } | ldap_change one
holds 'what the one is told the other has' wait_until 20 in_both '(cn=team)'
hosts_up serve

group_change one add team agent
has_role 'a role given' agent
group_change one delete team agent
has_none 'a role taken' agent
group_change two add team agent
has_role 'given on the other server' agent

key_on 1 cloud
has_role 'a key made on host 1' cloud
equals 'has one uid everywhere' 1 bash -c "for p in ${host_pid[*]}; do nsenter --target \$p --mount -- id -u cloud; done | sort -u | wc -l"
key_on 1 left &
left=$!
key_on 2 right &
right=$!
holds 'two hosts make keys at the same time: the first' wait "$left"
holds 'and the second' wait "$right"
holds 'both are on every host' everywhere may_on left
holds 'both' everywhere may_on right
equals 'with uids of their own' 2 bash -c "for k in left right; do nsenter --target ${host_pid[3]} --mount -- id -u \$k; done | sort -u | wc -l"

# A server dies in the middle of changes.
changes() {
	for _ in {1..200}; do
		printf 'dn: %s\nchangetype: modify\ndelete: member\nmember: %s\n\n' "$(dn_of_group team)" "$(dn_of agent)"
		printf 'dn: %s\nchangetype: modify\nadd: member\nmember: %s\n\n' "$(dn_of_group team)" "$(dn_of agent)"
	done
}
changes | ldap_change one 2>/dev/null &
changing=$!
wait_until 10 may_not_on 1 agent || :
slapd_stop one KILL
wait "$changing" || :
printf 'dn: %s\nchangetype: modify\nreplace: member\nmember: %s\n' "$(dn_of_group team)" "cn=nobody,$SUFFIX" | ldap_change two
has_none 'one server dead, a role taken on the other' agent
group_change two add team agent
has_role 'and given' agent
key_on 3 orphan
holds 'a key made while it is dead' everywhere may_on orphan
slapd_run one
holds 'the dead server is back, and has it' wait_until 30 in_both '(apikeyName=orphan)'
slapd_stop two KILL
group_change one delete team agent
has_none 'the other one dead, a role taken' agent
slapd_run two
holds 'back, it hears of that' wait_until 30 in_both "(&(cn=team)(!(member=$(dn_of agent))))"
group_change two add team agent
holds 'and what it is told the other has' wait_until 30 in_both "(&(cn=team)(member=$(dn_of agent)))"
has_role 'both back' agent
tap_done
