#!/usr/bin/env bash
# A host that follows an LDAP directory: groups, keys that live there, and what a hostile directory can't do; by real sshd and sudo.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"

# policy: the suite's.
policy() {
	policy_write 'roles:' \
		'  viewer: {services: [sshd]}' \
		'  editor: {services: [sshd, sudo], unix_groups: [key-editors]}' \
		"  admin: {services: ['*'], unix_groups: [key-admins], root_equivalent: true}" \
		'groups:' \
		'  team: [{role: editor}]' \
		'  viewers: [{role: viewer}]' \
		'  renamed: [{role: viewer}]' \
		'  chiefs: [{role: admin}]' \
		'  outer: [{role: editor}]' \
		'deny:' \
		'- {id: banned, reason: is banned, group: banned}'
}

# a_group_gives SENTENCE KEY GROUP MEMBER ATTRIBUTE: ssh, sudo and the Unix group come and go with the membership.
a_group_gives() {
	local what=$1 key=$2 group=$3 member=$4 attribute=$5
	refuses "$what: not a member, no login" password "$key" "$(token "$key")"
	group_change one add "$group" "$member" "$attribute"
	holds "$what: a member has its role" soon_may "$key" sudo
	admits "$what: logs in by ssh" password "$key" "$(token "$key")"
	equals "$what: uses sudo" root sudo_as "$key" "$(token "$key")" id -un
	holds "$what: is in the role's Unix group" wait_until 10 in_group "$key" key-editors
	group_change one delete "$group" "$member" "$attribute"
	holds "$what: no member any more" soon_may_not "$key" sudo
	refuses "$what: no login" password "$key" "$(token "$key")"
	shows "$what: no sudo" 1 'sudo: ' run_as "$key" sudo -n id -un
	holds "$what: nor in the Unix group" wait_until 10 not_in_group "$key" key-editors
}
not_in_group() { ! in_group "$@"; }

# key_ldif NAME UID LINE…: a key's entry; its token is kept as that of in-ldap-NAME.
key_ldif() {
	local name=$1 uid=$2 id verifier
	shift 2
	mkdir -p "$GUEST/tokens"
	apikey token new >"$GUEST/new"
	awk '$1 == "token" { print $2 }' "$GUEST/new" >"$GUEST/tokens/in-ldap-$name"
	verifier=$(awk '$1 == "verifier" { print $2 }' "$GUEST/new")
	id=$(key_id "in-ldap-$name")
	printf 'dn: apikeyName=%s,ou=keys,%s\nobjectClass: apikeyKey\napikeyName: %s\napikeyId: %s\napikeyUidNumber: %s\n' \
		"$name" "$SUFFIX" "$name" "$id" "$uid"
	printf 'apikeyState: active\napikeyVerifier: 1 20260101000000Z never %s\n' "$verifier"
	[ $# -eq 0 ] || printf '%s\n' "$@"
	printf '\n'
}

# key_change NAME LINE…: of its entry.
key_change() {
	printf 'dn: apikeyName=%s,ou=keys,%s\nchangetype: modify\n' "$1" "$SUFFIX"
	shift
	printf '%s\n' "$@"
}

# is_user NAME, is_no_user NAME: for the name service.
is_user() { bounded getent passwd "$1" >/dev/null; }
is_no_user() { ! is_user "$1"; }

# slapd_shipped: Debian's slapd, on which an administrator loads what lies in etc/ldap, as it says there.
slapd_shipped() {
	local dir=$LDAP/shipped file
	mkdir -p "$dir/config" "$dir/db"
	printf 'ldapi://%s%%2Fldapi\n' "${dir//\//%2F}" >"$dir/uris"
	{
		printf 'dn: cn=config\nobjectClass: olcGlobal\ncn: config\nolcLogLevel: 0\n\n'
		printf 'dn: cn=module,cn=config\nobjectClass: olcModuleList\ncn: module\nolcModuleLoad: back_mdb\n\n'
		printf 'dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n'
		for file in core cosine nis inetorgperson; do printf 'include: file:///etc/ldap/schema/%s.ldif\n' "$file"; done
		printf '\ndn: olcDatabase=config,cn=config\nobjectClass: olcDatabaseConfig\nolcDatabase: config\n'
		printf 'olcAccess: to * by dn.exact=gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth manage by * break\n'
		printf '\ndn: olcDatabase=mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\nolcDatabase: mdb\n'
		printf 'olcSuffix: %s\nolcRootDN: cn=admin,%s\nolcRootPW: admin-pw\nolcDbDirectory: %s\n' "$SUFFIX" "$SUFFIX" "$dir/db"
		printf 'olcAccess: to attrs=userPassword by self write by anonymous auth by * none\nolcAccess: to * by * read\n'
		printf 'olcDbIndex: objectClass eq\nolcDbIndex: cn,uid eq\n'
	} >"$dir/config.ldif"
	slapadd -n 0 -F "$dir/config" -l "$dir/config.ldif" || return
	slapd_run shipped || return
	ldapadd -Q -Y EXTERNAL -H "$(ldapi_uri shipped)" -f "$TOP/etc/ldap/apikey.ldif" || return
	ldapmodify -Q -Y EXTERNAL -H "$(ldapi_uri shipped)" -f "$TOP/etc/ldap/acl.ldif" || return
	{
		printf 'dn: %s\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n\n' "$SUFFIX"
		sed "s/^member: cn=reader,.*/&\nmember: gidNumber=$(id -g _apikey)+uidNumber=$(id -u _apikey),cn=peercred,cn=external,cn=auth/" \
			"$TOP/etc/ldap/tree.ldif"
	} | ldapadd -x -D "cn=admin,$SUFFIX" -w admin-pw -H "$(ldapi_uri shipped)"
}

# skipped REGEX: the daemon's log says that an entry is not served, and why.
skipped() { log_has "directory-key-skipped.*$1"; }

syslog_start
install_directory
policy
new_key ci
new_key other
printf '%%key-editors ALL=(ALL) ALL\nci,other ALL=(ALL) ALL\n' >/etc/sudoers.d/test
HOST_SETTINGS='host: bastion'
directory_settings
slapd_start one listen='ldap://127.0.0.1:389 ldaps://127.0.0.1:636'
{
	principal_ldif ci other
	group_ldif groupOfNames team
	group_ldif groupOfNames viewers
	group_ldif groupOfNames chiefs
	group_ldif groupOfNames banned
	group_ldif groupOfNames inner
	group_ldif groupOfNames outer "$(dn_of_group inner)"
} | ldap_change one
sshd_start
daemon_start
holds 'the daemon follows' follows

# --- groups -------------------------------------------------------------------------------------

a_group_gives groupOfNames ci team ci member
ldap_delete one cn=team,ou=groups
group_ldif groupOfUniqueNames team | ldap_change one
a_group_gives groupOfUniqueNames ci team ci uniqueMember
ldap_delete one cn=team,ou=groups
group_ldif posixGroup team | ldap_change one
a_group_gives posixGroup ci team ci memberUid
a_group_gives 'nested' ci inner ci member

group_change one add inner "$(dn_of_group outer)"
group_change one add inner ci
holds 'a cycle of groups gives what a member has (abuse 090)' soon_may ci sudo
group_change one delete inner ci
holds 'and takes it again' soon_may_not ci sudo

group_change one add viewers ci
soon_may ci
printf 'dn: %s\nchangetype: modrdn\nnewrdn: cn=unknown\ndeleteoldrdn: 1\n' "$(dn_of_group viewers)" | ldap_change one
holds "a group that is renamed gives its new name's roles: none (abuse 096)" soon_may_not ci
printf 'dn: %s\nchangetype: modrdn\nnewrdn: cn=renamed\ndeleteoldrdn: 1\n' "$(dn_of_group unknown)" | ldap_change one
holds 'and those of another one' soon_may ci
ldap_delete one cn=renamed,ou=groups
holds 'a group that is removed gives nothing' soon_may_not ci

printf 'dn: ou=east,ou=groups,%s\nobjectClass: organizationalUnit\nou: east\n\n' "$SUFFIX" | ldap_change one
group_ldif groupOfNames viewers other | ldap_change one
group_ldif groupOfNames viewers ci | sed 's/cn=viewers,ou=groups/cn=viewers,ou=east,ou=groups/' | ldap_change one
holds 'two groups of one name are one: a member of the first (abuse 091)' soon_may ci
holds 'and of the second' soon_may other
ldap_delete one cn=viewers,ou=east,ou=groups
holds 'when one goes its members go' soon_may_not ci
holds 'and the others stay' soon_may other

group_change one add viewers ci
soon_may ci
group_change one add banned ci
holds 'a deny rule bites on a group of LDAP' soon_may_not ci
shows 'and is named' 1 'banned' apikey explain ci
group_change one delete banned ci
holds 'until the key is out of it' soon_may ci
group_change one delete viewers ci
group_change one delete viewers other

# --- may_grant ----------------------------------------------------------------------------------

group_change one add chiefs ci
group_change one add viewers ci
holds 'a role that may_grant lists comes through LDAP' soon_may ci
exits 'one that it does not list does not: no sudo' 1 may ci sudo
exits 'and no Unix group' 1 in_group ci key-admins
daemon_again "may_grant=['*']"
holds "'*': the role that is not root-equivalent" soon_may ci
exits "and not the one that is" 1 may ci sudo
daemon_again 'may_grant=[admin]'
holds 'a root-equivalent role is given where it is named' soon_may ci sudo
daemon_again 'may_grant='
exits 'without may_grant nothing is given' 1 may ci
change role add ci viewer
holds "but a local key's own role is" may ci
change role remove ci viewer
daemon_again 'may_grant=[viewer, editor]'
group_change one delete chiefs ci
group_change one delete viewers ci
soon_may_not ci

# --- roles on a group ---------------------------------------------------------------------------

group_ldif groupOfNames strangers other | sed 's/^cn:/objectClass: apikeyRoles\napikeyBinding: editor:hosts:bastion\n&/' | ldap_change one
exits "role_attribute is off: a group's own roles are not read" 1 may other
daemon_again 'groups='"{base: 'ou=groups,$SUFFIX', filter: '(cn=*)', role_attribute: apikeyBinding}"
holds 'role_attribute: they are' soon_may other sudo
printf 'dn: %s\nchangetype: modify\nreplace: apikeyBinding\napikeyBinding: admin\n' "$(dn_of_group strangers)" | ldap_change one
holds 'but none that may_grant does not list' soon_may_not other
daemon_again 'groups='"{base: 'ou=groups,$SUFFIX', filter: '(cn=*)'}"

# --- keys that live in LDAP ---------------------------------------------------------------------

new_key cloud --in directory --role viewer --duration 30d
holds 'a key made in LDAP is a user' wait_until 15 is_user cloud
admits 'and logs in' password cloud "$(token cloud)"
equals "its uid is of the directory's range" 1879048192 id -u cloud
equals 'its home and shell are of this host' /home/cloud:/bin/bash sh -c 'getent passwd cloud | cut -d: -f6,7'
holds 'no local file holds it' sh -c "! grep -qa cloud $STATE/local.idx"
group_change one add team cloud memberUid
holds 'a group of LDAP gives it roles too' soon_may cloud sudo
equals 'by which it uses sudo' root sudo_as cloud "$(token cloud)" id -un
group_change one delete team cloud memberUid
holds 'and takes them' soon_may_not cloud sudo
cp "$GUEST/tokens/cloud" "$GUEST/old"
apikey rotate cloud --in directory -q >"$GUEST/tokens/cloud"
opens() { apikey check <"$1" >"$GUEST/check" 2>&1; }
holds 'rotated: the new token opens' wait_until 15 opens "$GUEST/tokens/cloud"
exits 'and the old one does not' 1 opens "$GUEST/old"
admits 'by ssh too' password cloud "$(token cloud)"
refuses 'nor the old one' password cloud "$(cat "$GUEST/old")"
change disable cloud --in directory
holds 'disabled: refused' soon_may_not cloud
refuses 'by ssh' password cloud "$(token cloud)"
change enable cloud --in directory
holds 'enabled: admitted' soon_may cloud
change delete cloud --in directory
holds 'deleted: no user' wait_until 15 is_no_user cloud
new_key cloud2 --in directory --role viewer
holds 'its uid goes to nobody' wait_until 15 is_user cloud2
equals 'but the next one' 1879048193 id -u cloud2

# --- a hostile directory (abuse 098, 155, 156) --------------------------------------------------

log_mark
{
	key_ldif evil 1879048300 'apikeyBinding: admin' 'apikeyBinding: viewer'
	key_ldif bob 1879048301 'apikeyBinding: viewer'
	key_ldif ci 1879048302 'apikeyBinding: viewer'
	key_ldif zero 0 'apikeyBinding: viewer'
	key_ldif aslocal "$(id -u ci)" 'apikeyBinding: viewer'
	key_ldif asbob "$(id -u bob)" 'apikeyBinding: viewer'
	key_ldif twin1 1879048310 'apikeyBinding: viewer'
	key_ldif twin2 1879048310 'apikeyBinding: viewer'
	key_ldif Bad-Name 1879048311 'apikeyBinding: viewer'
	key_ldif last 1879048312 'apikeyBinding: viewer'
} >"$GUEST/hostile.ldif"
ldap_change one <"$GUEST/hostile.ldif"
holds 'what is in order is served' soon_may last
holds 'a key that asks for admin has its other roles' soon_may evil
exits 'and not admin' 1 may evil su
exits "nor admin's Unix group" 1 in_group evil key-admins
equals "a local user's name stays the local user's" 1001 sh -c 'id -u bob | sed "s/^100[0-9]$/1001/"'
refuses "and is not entered with the directory's token" password bob "$(token in-ldap-bob)"
admits "bob's password is bob's" password bob bob-pw
equals "a local key's name stays its own" 70000 id -u ci
for name in zero aslocal asbob twin1 twin2 Bad-Name; do
	holds "$name is no user" is_no_user "$name"
	holds "$name is skipped, and the log says so" skipped "$name"
done
equals 'uid 0 is root' root sh -c 'getent passwd 0 | cut -d: -f1'
daemon_stop
slapd_stop one
daemon_start
slapd_make one listen='ldap://127.0.0.1:389 ldaps://127.0.0.1:636' </dev/null
change role add ci viewer
slapd_run one
holds 'a directory that empties itself takes its keys away' wait_until 30 is_no_user last
holds 'and nothing of this host' may ci
admits "a local key logs in" password ci "$(token ci)"
admits 'and bob' password bob bob-pw
change role remove ci viewer

# --- as shipped ---------------------------------------------------------------------------------

holds 'slapd takes the schema, the rights and the tree of etc/ldap' slapd_shipped
daemon_again "uris=['$(ldapi_uri shipped)']"
new_key shipped --in directory --role viewer --duration 30d
holds 'with which a key made in LDAP' soon_may shipped
admits 'logs in' password shipped "$(token shipped)"
exits 'nobody else reads its digest' 32 ldapsearch -x -LLL -H "$(ldapi_uri shipped)" -b "ou=keys,$SUFFIX" apikeyVerifier
slapd_stop shipped
daemon_again "uris=['$(ldapi_uri one)']"

# --- the ways to the server ---------------------------------------------------------------------

{ principal_ldif ci other; group_ldif groupOfNames viewers other; group_ldif groupOfNames team; } | ldap_change one
printf 'reader-pw\n' >"$GUEST/password"
chmod 600 "$GUEST/password"
simple=(sasl= "bind_dn='cn=reader,$SUFFIX'" "password_file=$GUEST/password")
client=(bind_dn= password_file= sasl=external "cert_file=$LDAP/tls/client.pem" "key_file=$LDAP/tls/client.key")
for uri in ldap://localhost ldaps://localhost:636 ldap://127.0.0.1:389; do
	daemon_again "uris=['$uri']" "ca_file=$LDAP/tls/ca.pem" cert_file= key_file= "${simple[@]}"
	group_change one add viewers ci
	holds "$uri, by password: follows" soon_may ci
	daemon_again "uris=['$uri']" "${client[@]}"
	group_change one delete viewers ci
	holds "$uri, by certificate: follows" soon_may_not ci
done
chmod 644 "$GUEST/password"
daemon_stop
directory_settings cert_file= key_file= "${simple[@]}"
log_mark
daemon_start
group_change one add viewers ci
holds 'a password that others can read is refused, in words' wait_until 10 sh -c "apikey status | grep -q '$GUEST/password'"
exits 'and nothing is read with it' 1 may ci
: >"$GUEST/password"
chmod 600 "$GUEST/password"
kill -HUP "$daemon_pid"
holds 'so is an empty one: it would bind as nobody (abuse 094)' wait_until 10 sh -c "apikey status | grep -q 'empty'"
exits 'and nothing is read' 1 may ci
printf 'reader-pw\n' >"$GUEST/password"
kill -HUP "$daemon_pid"
holds 'mended, and told by SIGHUP: it follows' soon_may ci
group_change one delete viewers ci
daemon_again "uris=['$(ldapi_uri one)']" ca_file= cert_file= key_file= bind_dn= password_file= sasl=external

# --- edits on the host --------------------------------------------------------------------------

group_change one add team ci
holds 'a member' soon_may ci sudo
holds "has the role's group" wait_until 10 in_group ci key-editors
sed -i 's/unix_groups: \[key-editors\]/unix_groups: [key-editors, key-more]/' "$POLICY"
holds 'policy.yaml edited in place: its groups follow' wait_until 15 in_group ci key-more
printf 'key-more:x:4242:\n' >>/etc/group
holds '/etc/group edited: the local group is the one' wait_until 15 sh -c 'id -G ci | tr " " "\n" | grep -qx 4242'
sed -i '/^key-more:/d' /etc/group
holds 'and back' wait_until 15 sh -c '! id -G ci | tr " " "\n" | grep -qx 4242 && id -Gn ci | grep -q key-more'
cp "$STATE/policy.image" "$GUEST/image"
cp "$POLICY" "$GUEST/policy"
printf 'roles: [\n' >>"$POLICY"
holds 'a broken policy is reported' wait_until 15 sh -c "apikey status 2>&1 | grep -q '$POLICY:[0-9]'"
holds 'and no image is made of it' cmp "$STATE/policy.image" "$GUEST/image"
refuses 'keys are refused' password ci "$(token ci)"
admits 'bob is not' password bob bob-pw
cp "$GUEST/policy" "$POLICY"
holds 'mended: keys are back' soon_may ci sudo
holds 'and the report is gone' wait_until 15 sh -c "! apikey status 2>&1 | grep -q '$POLICY:[0-9]'"
sed -i 's/editor: {services: \[sshd, sudo\]/editor: {services: [sshd]/' "$POLICY"
holds 'a role loses a service by an edit' soon_may_not ci sudo
policy
soon_may ci sudo

printf 'version: 1\nspace: nowhere\n' >"$SETTINGS"
holds 'apikey.yaml edited in place: held at once' soon_may_not ci
printf 'version: 1\n' >"$SETTINGS"
kill -HUP "$daemon_pid"
holds "without directory: LDAP's groups give nothing" soon_may_not ci
change role add ci editor
holds 'a local role is given' wait_until 15 in_group ci key-editors
sed -i 's/unix_groups: \[key-editors\]/unix_groups: [key-others]/' "$POLICY"
holds 'and the daemon still follows the policy' wait_until 15 in_group ci key-others
exits 'the daemon is still the one that was started' 1 gone "$daemon_pid"
daemon_stop
tap_done
