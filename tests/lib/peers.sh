# shellcheck shell=bash
# The same keys as plain users in the files and servers that other name service modules read. Sourced before e2e.sh.

# Debian's modules. The machine never has them: they are put into the private host.
PEER_PACKAGES=(libnss-cache libnss-extrausers libnss-ldapd libpam-ldapd nslcd sssd-ldap sssd-common libnss-sss libpam-sss)

# with_peers: shall peers be measured?
with_peers() { [ "${APIKEY_BENCH:-}" != smoke ]; }

# peers_fetch: on the machine; peers_install: in the private host.
peers_fetch() {
	# shellcheck source=tests/lib/host.sh
	. "$TOP/tests/lib/host.sh"
	! with_peers || host_extra bench "${PEER_PACKAGES[@]}"
}
peers_install() {
	! with_peers || host_extra_install bench
	mkdir -p /var/lib/extrausers
}

# passwd_lines KEYS: as of passwd(5).
passwd_lines() {
	awk -v n="$1" -v first="$FIRST_UID" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "ci-deploy-%07d:x:%d:%d:API key:/home/ci-deploy-%07d:/bin/bash\n", i, first + i, first + i, i
	}'
}

# group_lines KEYS: as of group(5): everybody's own group, and three groups for each, of fifty members.
group_lines() {
	awk -v n="$1" -v first="$FIRST_UID" 'BEGIN {
		for (i = 0; i < n; i++) printf "ci-deploy-%07d:x:%d:\n", i, first + i
		teams = int((n + 49) / 50)
		for (t = 0; t < teams; t++) {
			team = crew = shift = ""
			for (m = 0; m < 50; m++) {
				a = t * 50 + m; b = t + m * teams; c = (a * 7919 + 13) % n
				if (a < n) team = team (team == "" ? "" : ",") sprintf("ci-deploy-%07d", a)
				if (b < n) crew = crew (crew == "" ? "" : ",") sprintf("ci-deploy-%07d", b)
				if (a < n) shift = shift (shift == "" ? "" : ",") sprintf("ci-deploy-%07d", c)
			}
			printf "team-%05d:x:%d:%s\ncrew-%05d:x:%d:%s\nshift-%05d:x:%d:%s\n",
				t, 200000 + t, team, t, 300000 + t, crew, t, 400000 + t, shift
		}
	}'
}

# files_make KEYS: for glibc's files: /etc/passwd and /etc/group, behind what the system has.
files_make() {
	[ -e "$GUEST/passwd" ] || cp /etc/passwd /etc/group "$GUEST"
	{ cat "$GUEST/passwd"; passwd_lines "$1"; } >/etc/passwd
	{ cat "$GUEST/group"; group_lines "$1"; } >/etc/group
}

# files_unmake: the system's own again.
files_unmake() {
	[ ! -e "$GUEST/passwd" ] || cp "$GUEST"/{passwd,group} /etc
}

# extrausers_make KEYS
extrausers_make() {
	passwd_lines "$1" >/var/lib/extrausers/passwd
	group_lines "$1" >/var/lib/extrausers/group
}

# cache_make KEYS: libnss-cache's files and their indices, as nsscache writes them: sorted by bytes, and each line as
# long as the longest. In an index a line is the key, a NUL, where the entry begins, and NULs.
cache_make() {
	passwd_lines "$1" >/etc/passwd.cache
	group_lines "$1" >/etc/group.cache
	cache_index /etc/passwd.cache 1 ixname
	cache_index /etc/passwd.cache 3 ixuid
	cache_index /etc/group.cache 1 ixname
	cache_index /etc/group.cache 3 ixgid
}

# cache_index FILE FIELD SUFFIX
cache_index() {
	awk -F: -v field="$2" '{ printf "%s\t%d\n", $field, at; at += length($0) + 1 }' "$1" | sort -t$'\t' -k1,1 |
		awk -F'\t' '{ printf "%s%c%s", $1, 0, $2; for (n = length($1 $2); n < 28; n++) printf "%c", 0; print "" }' >"$1.$3"
}

# --- what asks a server -----------------------------------------------------------------------------

# directory_make KEYS: slapd with the same users and groups, on 127.0.0.1:389, and an index of each attribute that nslcd
# and sssd ask for. Needs ldap.sh.
directory_make() {
	directory_end
	slapd_make peers listen=ldap://127.0.0.1:389 index=uidNumber,gidNumber,memberUid,member < <(passwd_lines "$1" | directory_users; group_lines "$1" | directory_groups)
	slapd_run peers
}
directory_end() { [ ! -e "$LDAP/peers/running" ] || { slapd_stop peers; rm "$LDAP/peers/running"; }; }

# directory_users, directory_groups: LDIF of the lines of passwd(5) and group(5) on stdin. All passwords are bench-pw.
directory_users() {
	awk -F: -v suffix="$SUFFIX" '{
		printf "dn: uid=%s,ou=services,%s\nobjectClass: account\nobjectClass: posixAccount\nuid: %s\ncn: %s\n", $1, suffix, $1, $1
		printf "uidNumber: %s\ngidNumber: %s\nhomeDirectory: %s\nloginShell: %s\nuserPassword: bench-pw\n\n", $3, $4, $6, $7
	}'
}
directory_groups() {
	awk -F: -v suffix="$SUFFIX" '{
		printf "dn: cn=%s,ou=groups,%s\nobjectClass: posixGroup\ncn: %s\ngidNumber: %s\n", $1, suffix, $1, $3
		n = split($4, member, ",")
		for (i = 1; i <= n; i++) printf "memberUid: %s\n", member[i]
		print ""
	}'
}

# nslcd_start [LINE…]: nslcd, with these lines in its settings too; waits until it answers.
# shellcheck disable=SC2120 # the lines are pam.sh's
nslcd_start() {
	nslcd_end
	{
		printf '%s\n' 'uid nslcd' 'gid nslcd' 'uri ldap://127.0.0.1/' "base $SUFFIX" "binddn cn=reader,$SUFFIX" \
			'bindpw reader-pw' 'pam_authc_search NONE' "tls_cacertfile $LDAP/tls/ca.pem" "$@"
	} >/etc/nslcd.conf
	mkdir -p /run/nslcd
	chown nslcd:nslcd /run/nslcd
	chmod -R a+rX "$LDAP/tls"
	chmod a+x "$LDAP"
	nslcd -n </dev/null >"$GUEST/nslcd.log" 2>&1 &
	nslcd_pid=$!
	wait_until 20 getent -s ldap passwd ci-deploy-0000000 || { cat "$GUEST/nslcd.log" >&2; return 1; }
}
nslcd_end() {
	[ -n "${nslcd_pid:-}" ] || return 0
	kill "$nslcd_pid"
	wait "$nslcd_pid" || :
	nslcd_pid=''
}

# sssd_start: sssd with an empty cache; waits until it answers. What it asks the server for it takes in plain, and
# passwords over StartTLS; a password that was right is good for an hour.
sssd_start() {
	sssd_end
	rm -rf /var/lib/sss/db/* /var/lib/sss/mc/*
	cat >/etc/sssd/sssd.conf <<-CONF
		[sssd]
		services = nss, pam
		domains = bench
		[domain/bench]
		id_provider = ldap
		auth_provider = ldap
		access_provider = permit
		ldap_uri = ldap://127.0.0.1
		ldap_search_base = $SUFFIX
		ldap_schema = rfc2307
		ldap_default_bind_dn = cn=reader,$SUFFIX
		ldap_default_authtok = reader-pw
		ldap_tls_cacert = $LDAP/tls/ca.pem
		cache_credentials = true
		cached_auth_timeout = 3600
		entry_cache_timeout = 36000
	CONF
	chmod 600 /etc/sssd/sssd.conf
	chown root:root /etc/sssd/sssd.conf
	sssd -i </dev/null >"$GUEST/sssd.log" 2>&1 &
	sssd_pid=$!
	wait_until 40 getent -s sss passwd ci-deploy-0000000 || { tail -n 30 "$GUEST/sssd.log" /var/log/sssd/*.log >&2; return 1; }
}
sssd_end() {
	[ -n "${sssd_pid:-}" ] || return 0
	kill "$sssd_pid"
	wait "$sssd_pid" || :
	sssd_pid=''
}
