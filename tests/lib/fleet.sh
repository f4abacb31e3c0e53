# shellcheck shell=bash
# Three hosts, and two LDAP servers that replicate to each other. Sourced after follow.sh.

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

# providers: the servers one and two, each of which takes what the other is told. Both begin with the entries of
# `tree` and those on stdin, of the same UUIDs.
providers() {
	slapd_make one id=1 listen=ldap://10.88.0.1 peers=ldap://10.88.0.2
	slapd_make two id=2 listen=ldap://10.88.0.2 peers=ldap://10.88.0.1 </dev/null
	rm -rf "$LDAP/two/db"
	cp -a "$LDAP/one/db" "$LDAP/two/db"
	slapd_run one
	slapd_run two
}

# fleet_settings: apikey.yaml of a host that follows them, by StartTLS and a password.
fleet_settings() {
	printf 'reader-pw\n' >"$GUEST/reader"
	chmod 600 "$GUEST/reader"
	directory_settings "uris=['ldap://ldap1', 'ldap://ldap2']" "ca_file=$LDAP/tls/ca.pem" sasl= \
		"bind_dn='cn=reader,$SUFFIX'" "password_file=$GUEST/reader"
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
}

# hosts_up COMMAND: all of them, one after the other, each with COMMAND N when it is there.
hosts_up() {
	local n
	for n in "${HOSTS[@]}"; do
		host_up "$n"
		"$1" "$n"
	done
}

# on N CMD…: CMD on that host.
on() {
	local n=$1
	shift
	nsenter --target "${host_pid[$n]}" --mount --net --pid --uts -- "$@"
}

# daemon_on N: the daemon there, which follows.
daemon_on() {
	on "$1" apikeyd -f </dev/null >"$GUEST/apikeyd$1.out" 2>&1 &
	wait_until 20 follows_on "$1" || { cat "$GUEST/apikeyd$1.out" >&2; return 1; }
}
# status_on N .OBJECT.FIELD: as status_of, there.
status_on() { { on "$1" apikey status -o json || :; } | status_field "$2"; }
follows_on() { [ "$(status_on "$1" .directory.phase)" = following ]; }

may_on() { on "$1" timeout 40 apikey explain "$2" --service "${3:-sshd}" >/dev/null 2>&1; }
