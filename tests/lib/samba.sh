# shellcheck shell=bash
# An Active Directory domain controller of a private host: Debian's samba, provisioned anew. `samba_fetch` is called
# before e2e.sh is sourced, all else inside; sourced after host.sh.

SAMBA_PACKAGES=(samba samba-ad-provision samba-dsdb-modules samba-vfs-modules python3-samba ldb-tools)
# The domain, its only controller, and its administrator's password.
AD_REALM=ad.example.com AD_SUFFIX=dc=ad,dc=example,dc=com AD_DC=dc1.ad.example.com AD_PASSWORD=Admin-pw-1

# samba_fetch: on the machine, once.
samba_fetch() { host_extra samba "${SAMBA_PACKAGES[@]}"; }

# samba_make: Debian's packages, and the domain, which does not run yet. Certificates as `certificates` makes them.
samba_make() {
	host_extra_install samba
	printf '127.0.0.1\t%s dc1\n' "$AD_DC" >>/etc/hosts
	[ -e "$LDAP/tls/ca.pem" ] || certificates
	samba_certificate "DNS:$AD_DC"
	rm /etc/samba/smb.conf
	samba-tool domain provision --realm="$AD_REALM" --domain=AD --host-name=dc1 --host-ip=127.0.0.1 --server-role=dc \
		--dns-backend=NONE --adminpass="$AD_PASSWORD" \
		--option='interfaces = lo' --option='bind interfaces only = yes' --option='server services = ldap' \
		--option="tls keyfile = $LDAP/tls/dc.key" --option="tls certfile = $LDAP/tls/dc.pem" --option='tls cafile =' \
		>"$GUEST/provision.log" 2>&1 || { cat "$GUEST/provision.log" >&2; return 1; }
}

# samba_certificate ALTNAMES: the controller's, from the authority `ca`; taken at its next start.
samba_certificate() {
	signed ca dc "$1"
	chmod 600 "$LDAP/tls/dc.key"
}

# samba_run: starts it, or starts it again, and waits until it answers.
samba_run() {
	mkdir -p /run/samba
	samba --foreground --debug-stdout --model=single </dev/null >>"$GUEST/samba.log" 2>&1 &
	samba_pid=$!
	wait_until 20 timeout 5 ldapsearch -x -H "ldap://$AD_DC" -s base -b '' 1.1 || { cat "$GUEST/samba.log" >&2; return 1; }
}

# samba_signal SIGNAL: such as STOP, CONT.
samba_signal() { kill "-$1" "$samba_pid"; }

# samba_stop: ends it, and waits for that.
samba_stop() {
	kill "$samba_pid"
	wait "$samba_pid" 2>/dev/null || :
}

# --- its entries --------------------------------------------------------------------------------

# ad_as DN PASSWORD TOOL ARGUMENT…: OpenLDAP's client, as somebody, by TLS.
ad_as() {
	local tool=$3 dn=$1 password=$2
	shift 3
	env -u LDAPNOINIT LDAPTLS_CACERT="$LDAP/tls/ca.pem" timeout 120 \
		"$tool" -x -D "$dn" -w "$password" -H "ldaps://$AD_DC" "$@"
}
ad_admin() { ad_as "cn=Administrator,cn=Users,$AD_SUFFIX" "$AD_PASSWORD" "$@"; }

# ad_search ARGUMENT…: ldapsearch as the administrator; no referral is shown.
ad_search() { ad_admin ldapsearch -LLL -o ldif-wrap=no "$@" | grep -v '^#'; }

# ad_change: ldapmodify as the administrator, of LDIF on stdin; a record without a changetype is added.
ad_change() {
	ad_admin ldapmodify -a >"$GUEST/change.ad" 2>&1 || { tail -n 20 "$GUEST/change.ad" >&2; return 1; }
}

# ad_tool ARGUMENT…: samba-tool, for its effect.
ad_tool() { timeout 60 samba-tool "$@" >"$GUEST/tool.out" 2>&1 || { cat "$GUEST/tool.out" >&2; return 1; }; }
