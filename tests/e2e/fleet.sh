#!/usr/bin/env bash
# Three hosts that follow two LDAP servers in multi-provider replication: what one gives or takes, the next login everywhere sees.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"

HOSTS=(1 2 3)
declare -A host_pid

# network: a switch, with the two servers at 10.88.0.1 and 10.88.0.2.
network() {
	ip link add fleet0 type bridge
	ip addr add 10.88.0.1/24 dev fleet0
	ip addr add 10.88.0.2/24 dev fleet0
	ip link set fleet0 up
	printf '10.88.0.1\tldap1\n10.88.0.2\tldap2\n' >>/etc/hosts
}

# host_up N: a host of its own: network, processes, name, /etc, homes and our files. It begins as this one is.
host_up() {
	local n=$1 dir=$GUEST/host$1
	mkdir -p "$dir"
	cp -a /etc "$dir/etc"
	cp -a "$STATE" "$dir/state"
	mkdir "$dir/home" "$dir/run"
	unshare --mount --net --pid --uts --fork --mount-proc --kill-child -- bash -c "
		mount --make-rprivate /
		mount --bind $dir/etc /etc
		mount --bind $dir/state $STATE
		mount --bind $dir/home /home
		mkdir -p /run/apikey /run/sshd
		mount --bind $dir/run /run/apikey
		hostname host$n
		: >$dir/up
		exec tail -f /dev/null" </dev/null >"$dir/out" 2>&1 &
	wait_until 10 test -e "$dir/up"
	host_pid[$n]=$(pgrep -P $! -o)
	ip link add "port$n" type veth peer name eth0 netns "${host_pid[$n]}"
	ip link set "port$n" master fleet0 up
	on "$n" ip addr add "10.88.0.1$n/24" dev eth0
	on "$n" ip link set eth0 up
	on "$n" ip link set lo up
	sed "s/^/10.88.0.1$n /" /etc/ssh/ssh_host_*_key.pub >>"$GUEST/known_hosts"
}

# on N CMD…: CMD on that host.
on() {
	local n=$1
	shift
	nsenter --target "${host_pid[$n]}" --mount --net --pid --uts -- "$@"
}

# serve N: sshd and the daemon there.
serve() {
	on "$1" /usr/sbin/sshd -D -E "$GUEST/sshd$1.log" </dev/null >/dev/null 2>&1 &
	on "$1" apikeyd -f </dev/null >"$GUEST/apikeyd$1.out" 2>&1 &
	wait_until 20 follows_on "$1" || { cat "$GUEST/apikeyd$1.out" >&2; return 1; }
	wait_until 10 bash -c ": </dev/tcp/10.88.0.1$1/22"
}
follows_on() { { on "$1" apikey status -o json || :; } | status_field .directory.phase | grep -qx following; }

# login_on N KEY CMD…: by ssh, over the network.
login_on() {
	local n=$1 key=$2 how=()
	shift 2
	login_how password "$(token "$key")"
	bounded ssh "${SSH_OPTIONS[@]}" "${how[@]}" "$key@10.88.0.1$n" "$@"
}
# sudo_on N KEY: who sudo makes it.
sudo_on() { on "$1" bash -c "setpriv --reuid $2 --regid $2 --init-groups -- sudo -n id -un"; }

may_on() { on "$1" timeout 40 apikey explain "$2" --service "${3:-sshd}" >/dev/null 2>&1; }
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
printf 'reader-pw\n' >"$GUEST/reader"
printf 'writer-pw\n' >"$GUEST/writer"
chmod 600 "$GUEST/reader" "$GUEST/writer"
policy_write 'roles:' '  viewer: {services: [sshd]}' '  editor: {services: [sshd, sudo], unix_groups: [key-editors]}' \
	'groups:' '  team: [{role: editor}]'
printf '%%key-editors ALL=(ALL) NOPASSWD: ALL\nagent ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
new_key agent
certificates
directory_settings "uris=['ldap://ldap1', 'ldap://ldap2']" "ca_file=$LDAP/tls/ca.pem" sasl= \
	"bind_dn='cn=reader,$SUFFIX'" "password_file=$GUEST/reader"
slapd_make one id=1 listen=ldap://10.88.0.1 peers=ldap://10.88.0.2 </dev/null
slapd_make two id=2 listen=ldap://10.88.0.2 peers=ldap://10.88.0.1 </dev/null
# both begin with the same entries, of the same UUIDs
rm -rf "$LDAP/two/db"
cp -a "$LDAP/one/db" "$LDAP/two/db"
slapd_run one
slapd_run two
{ principal_ldif agent; group_ldif groupOfNames team; } | ldap_change one
holds 'what the one is told the other has' wait_until 20 in_both '(cn=team)'
for n in "${HOSTS[@]}"; do
	host_up "$n"
	serve "$n"
done

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
