# shellcheck shell=bash
# LDAP servers of a private host: Debian's slapd, each with its own settings, data and certificates. Sourced after guest.sh.

LDAP=$GUEST/ldap SUFFIX=dc=example,dc=com
# A command that servers are started by, such as one that enters another network.
SLAPD_IN=()
mkdir -p "$LDAP"
export LDAPNOINIT=1

# --- certificates -------------------------------------------------------------------------------

# certificates: in $LDAP/tls the authorities ca and stranger, and what they signed. For servers: good; expired;
# elsewhere (another name); strange (another authority). For clients: client, and strange_client.
certificates() {
	local dir=$LDAP/tls
	mkdir -p "$dir"
	authority ca
	authority stranger
	signed ca good 'DNS:bastion,DNS:localhost,DNS:ldap1,DNS:ldap2,IP:127.0.0.1,IP:10.77.0.1,IP:10.88.0.1,IP:10.88.0.2'
	signed ca elsewhere 'DNS:elsewhere.example.com,IP:192.0.2.1'
	signed ca expired DNS:bastion,DNS:localhost,IP:127.0.0.1 -startdate 20200101000000Z -enddate 20200201000000Z
	signed stranger strange DNS:bastion,DNS:localhost,IP:127.0.0.1
	signed ca client DNS:bastion
	signed stranger strange_client DNS:bastion
}

# authority NAME: a self-signed one.
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -days 30 \
		-keyout "$LDAP/tls/$1.key" -out "$LDAP/tls/$1.pem" >>"$LDAP/tls/log" 2>&1
}

# signed AUTHORITY NAME ALTNAMES OPTION…: a certificate with the subject cn=NAME.
signed() {
	local by=$1 name=$2 alt=$3 dir=$LDAP/tls
	shift 3
	: >"$dir/index"
	printf '[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=%s\ndatabase=%s/index\nrand_serial=yes\ndefault_md=sha256\n' "$dir" "$dir" >"$dir/ca.cnf"
	printf 'policy=p\ndefault_days=20\nunique_subject=no\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=%s\n' "$alt" >>"$dir/ca.cnf"
	{
		openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
			-keyout "$dir/$name.key" -out "$dir/$name.csr"
		openssl ca -batch -notext -config "$dir/ca.cnf" -cert "$dir/$by.pem" -keyfile "$dir/$by.key" \
			-in "$dir/$name.csr" -out "$dir/$name.pem" "$@"
	} >>"$dir/log" 2>&1
}

# --- a server -----------------------------------------------------------------------------------

# slapd_make NAME [OPTION=VALUE]…: a server that does not run yet, with the entries of `tree` and those on stdin.
#   listen=URI…       beside its own socket; default: none
#   cert=NAME         of `certificates`; default good
#   sync=no           without RFC 4533
#   limit=N           size limit for the reader
#   id=N peers=URI…   a provider of many, which takes what the peers have
#   index=NAME,…      attributes that are looked up beside ours
slapd_make() {
	local name=$1 dir=$LDAP/$1 listen='' cert=good sync=yes limit=unlimited id='' peers='' index='' option
	shift
	for option in "$@"; do
		case $option in
		listen=* | cert=* | sync=* | limit=* | id=* | peers=* | index=*) local "${option?}" ;;
		*) printf 'slapd_make: %s\n' "$option" >&2; return 2 ;;
		esac
	done
	[ -e "$LDAP/tls/good.pem" ] || certificates
	rm -rf "$dir"
	mkdir -p "$dir/config" "$dir/db"
	printf '%s\n' "ldapi://${dir//\//%2F}%2Fldapi $listen" >"$dir/uris"
	slapd_config >"$dir/config.ldif"
	slapadd -n 0 -F "$dir/config" -l "$dir/config.ldif" >"$dir/slapadd.log" 2>&1 || { cat "$dir/slapadd.log" >&2; return 1; }
	{ tree; cat; } | slapd_load "$name" ${id:+-S "$id"}
}

# slapd_load NAME [OPTION…]: entries from stdin, many and quickly, into a server that does not run.
slapd_load() {
	local dir=$LDAP/$1
	shift
	slapadd -q -w -n 1 -F "$dir/config" "$@" >"$dir/slapadd.log" 2>&1 || { cat "$dir/slapadd.log" >&2; return 1; }
}

# slapd_config: cn=config, from slapd_make's options.
slapd_config() {
	local uid file
	uid=$(id -u _apikey 2>/dev/null || echo 0)
	cat <<-LDIF
		dn: cn=config
		objectClass: olcGlobal
		cn: config
		olcPidFile: $dir/pid
		olcLogLevel: 0
		olcTLSCACertificateFile: $LDAP/tls/ca.pem
		olcTLSCertificateFile: $LDAP/tls/$cert.pem
		olcTLSCertificateKeyFile: $LDAP/tls/$cert.key
		olcTLSVerifyClient: try
		olcAuthzRegexp: "gidNumber=0\\+uidNumber=0,cn=peercred,cn=external,cn=auth" "cn=admin,$SUFFIX"
		olcAuthzRegexp: "gidNumber=[0-9]+\\+uidNumber=$uid,cn=peercred,cn=external,cn=auth" "cn=reader,$SUFFIX"
		olcAuthzRegexp: "cn=client" "cn=reader,$SUFFIX"
	LDIF
	[ -z "$id" ] || printf 'olcServerID: %s\n' "$id"
	printf '\ndn: cn=module,cn=config\nobjectClass: olcModuleList\ncn: module\nolcModuleLoad: back_mdb\nolcModuleLoad: syncprov\n'
	printf '\ndn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n'
	for file in /etc/ldap/schema/{core,cosine,nis,inetorgperson}.ldif "$TOP"/etc/ldap/apikey.ldif; do
		printf 'include: file://%s\n' "$file"
	done
	cat <<-LDIF

		dn: olcDatabase=config,cn=config
		objectClass: olcDatabaseConfig
		olcDatabase: config
		olcAccess: to * by dn.exact="cn=admin,$SUFFIX" manage by * none

		dn: olcDatabase=mdb,cn=config
		objectClass: olcDatabaseConfig
		objectClass: olcMdbConfig
		olcDatabase: mdb
		olcSuffix: $SUFFIX
		olcRootDN: cn=admin,$SUFFIX
		olcRootPW: admin-pw
		olcDbDirectory: $dir/db
		olcDbMaxSize: 2147483648
		olcDbNoSync: TRUE
		olcDbIndex: objectClass,entryUUID,entryCSN eq
		olcDbIndex: cn,uid eq
		olcAccess: to attrs=userPassword by anonymous auth by * none
		olcAccess: to dn.subtree="ou=keys,$SUFFIX" by dn.exact="cn=writer,$SUFFIX" write by dn.exact="cn=reader,$SUFFIX" read by * none
		olcAccess: to dn.subtree="ou=apikey,$SUFFIX" by dn.exact="cn=writer,$SUFFIX" write by dn.exact="cn=reader,$SUFFIX" read by * none
		olcAccess: to * by dn.exact="cn=writer,$SUFFIX" read by dn.exact="cn=reader,$SUFFIX" read by * none
		olcLimits: dn.exact="cn=reader,$SUFFIX" size=$limit time=unlimited
		olcLimits: dn.exact="cn=writer,$SUFFIX" size=unlimited time=unlimited
	LDIF
	[ -z "$index" ] || printf 'olcDbIndex: %s eq\n' "$index"
	[ -z "$peers" ] || slapd_config_peers
	[ "$sync" = no ] || printf '\ndn: olcOverlay=syncprov,olcDatabase={1}mdb,cn=config\nobjectClass: olcOverlayConfig\nobjectClass: olcSyncProvConfig\nolcOverlay: syncprov\n'
}

# slapd_config_peers: the lines of a provider that takes what its peers have.
slapd_config_peers() {
	local uri rid=0
	for uri in $peers; do
		rid=$((rid + 1))
		printf 'olcSyncrepl: rid=%03d provider=%s searchbase=%s type=refreshAndPersist retry="1 +"' "$rid" "$uri" "$SUFFIX"
		printf ' bindmethod=simple binddn=cn=admin,%s credentials=admin-pw starttls=critical tls_cacert=%s/tls/ca.pem network-timeout=2 keepalive=2:2:2\n' "$SUFFIX" "$LDAP"
	done
	printf 'olcMultiProvider: TRUE\n'
}

# tree: what every server of ours begins with.
tree() {
	local unit
	printf 'dn: %s\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n\n' "$SUFFIX"
	for unit in keys groups services apikey; do
		printf 'dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n' "$unit" "$SUFFIX" "$unit"
	done
	for unit in reader writer; do
		printf 'dn: cn=%s,%s\nobjectClass: person\ncn: %s\nsn: %s\nuserPassword: %s-pw\n\n' "$unit" "$SUFFIX" "$unit" "$unit" "$unit"
	done
	printf 'dn: cn=uids,ou=apikey,%s\nobjectClass: apikeyCounter\ncn: uids\napikeyNextUid: 1879048192\n\n' "$SUFFIX"
}

# slapd_run NAME: starts it, or starts it again, and waits until it answers.
slapd_run() {
	local dir=$LDAP/$1 pid
	# shellcheck disable=SC2094
	"${SLAPD_IN[@]}" /usr/sbin/slapd -d 0 -F "$dir/config" -h "$(cat "$dir/uris")" </dev/null >"$dir/log" 2>&1 &
	pid=$!
	printf '%s\n' "$pid" >"$dir/running"
	wait_until 20 ldap_search "$1" -s base -b '' 1.1 || { cat "$dir/log" >&2; return 1; }
}

# slapd_start NAME [OPTION=VALUE]…: slapd_make and slapd_run.
slapd_start() {
	slapd_make "$@" </dev/null
	slapd_run "$1"
}

# slapd_signal NAME SIGNAL: such as STOP, CONT.
slapd_signal() { kill "-$2" "$(cat "$LDAP/$1/running")"; }

# slapd_stop NAME [SIGNAL]: ends it, by SIGTERM or another, and waits for that.
slapd_stop() {
	local pid
	pid=$(cat "$LDAP/$1/running")
	kill "-${2:-TERM}" "$pid"
	wait "$pid" 2>/dev/null || :
}

# --- its entries --------------------------------------------------------------------------------

# ldapi_uri NAME: the server's socket.
ldapi_uri() { printf 'ldapi://%s%%2F%s%%2Fldapi\n' "${LDAP//\//%2F}" "$1"; }

# ldap_search NAME ARGUMENT…: ldapsearch as the administrator.
ldap_search() {
	local server=$1
	shift
	timeout 20 ldapsearch -Q -LLL -o ldif-wrap=no -Y EXTERNAL -H "$(ldapi_uri "$server")" "$@"
}

# ldap_change NAME: ldapmodify as the administrator, of LDIF on stdin; a record without a changetype is added.
ldap_change() {
	timeout 60 ldapmodify -a -Q -Y EXTERNAL -H "$(ldapi_uri "$1")" >"$LDAP/change.out" 2>&1 || { cat "$LDAP/change.out" >&2; return 1; }
}

# ldap_delete NAME RDN…: entries, each given without the suffix.
ldap_delete() {
	local server=$1
	shift
	timeout 60 ldapdelete -Q -Y EXTERNAL -H "$(ldapi_uri "$server")" "${@/%/,$SUFFIX}"
}

# dn_of NAME: of a local key's entry.
dn_of() { printf 'uid=%s,ou=services,%s\n' "$1" "$SUFFIX"; }
# dn_of_group NAME
dn_of_group() { printf 'cn=%s,ou=groups,%s\n' "$1" "$SUFFIX"; }

# principal_ldif NAME…: the entries that stand for local keys.
principal_ldif() {
	local name
	for name in "$@"; do
		printf 'dn: %s\nobjectClass: account\nuid: %s\n\n' "$(dn_of "$name")" "$name"
	done
}

# group_ldif CLASS NAME MEMBER…: a group; members are names of keys, or whole DNs. A class that demands a member
# gets one who is nobody.
group_ldif() {
	local class=$1 name=$2 attribute=member member
	shift 2
	printf 'dn: %s\nobjectClass: %s\ncn: %s\n' "$(dn_of_group "$name")" "$class" "$name"
	case $class in
	groupOfUniqueNames) attribute=uniqueMember ;;
	posixGroup) attribute=memberUid; printf 'gidNumber: %d\n' $((20000 + RANDOM)) ;;
	esac
	[ "$attribute" = memberUid ] || printf '%s: cn=nobody,%s\n' "$attribute" "$SUFFIX"
	for member in "$@"; do
		[[ $attribute = memberUid || $member = *=* ]] || member=$(dn_of "$member")
		printf '%s: %s\n' "$attribute" "$member"
	done
	printf '\n'
}

# group_change SERVER add|delete GROUP MEMBER [ATTRIBUTE]: one member given or taken.
group_change() {
	local member=$4 attribute=${5:-member}
	[[ $attribute = memberUid || $member = *=* ]] || member=$(dn_of "$member")
	printf 'dn: %s\nchangetype: modify\n%s: %s\n%s: %s\n' "$(dn_of_group "$3")" "$2" "$attribute" "$attribute" "$member" |
		ldap_change "$1"
}
