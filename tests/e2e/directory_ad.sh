#!/usr/bin/env bash
# A host that follows Active Directory: Samba's domain controller, README's recipe as it stands there, and where AD differs from slapd.
set -euo pipefail
# shellcheck source=tests/lib/host.sh
. "$(dirname "$0")/../lib/host.sh"
# shellcheck source=tests/lib/samba.sh
. "$TOP/tests/lib/samba.sh"
samba_fetch
# shellcheck source=tests/lib/e2e.sh
. "$TOP/tests/lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"
# shellcheck source=tests/lib/readme.sh
. "$TOP/tests/lib/readme.sh"
# shellcheck source=tests/lib/shells.sh
. "$TOP/tests/lib/shells.sh"

ACCOUNTS="OU=Service Accounts,$AD_SUFFIX" GROUPS_OU="OU=Groups,$AD_SUFFIX"

# --- what a reader of the recipe does by other means --------------------------------------------

# on_place dc1 CMD…: the domain controller is this host.
on_place() { "${@:2}"; }

# ad_files: the authority's certificate and the reader's password, carried over by a way that one trusts.
ad_files() {
	install -m 644 "$LDAP/tls/ca.pem" /etc/apikey/ca.pem
	install -m 600 /root/apikey-reader.password /etc/apikey/ldap.password
}

# ad_daemon: as the unit starts it; the key is a member at its first poll.
ad_daemon() {
	daemon_start
	holds 'README: apikeyd asks the domain controller' follows
}

# ad_logs_in: the key of the recipe. ad_member_no_more: what the block before has taken arrives.
ad_logs_in() { admits 'README: the key logs in' password nightly-report "$(cat /root/nightly-report.token)"; }
ad_gone() {
	holds 'README: and the role is gone' may_not nightly-report
	refuses 'README: by ssh too' password nightly-report "$(cat /root/nightly-report.token)"
}

# --- its entries --------------------------------------------------------------------------------

# account NAME [OU]: the entry of a local key. group NAME [MEMBER…]. member add|delete GROUP ACCOUNT.
account() { printf 'dn: CN=%s,%s\nobjectClass: user\nsAMAccountName: %s\nuserAccountControl: 544\n\n' "$1" "${2:-$ACCOUNTS}" "$1"; }
group() {
	local name=$1 member
	shift
	printf 'dn: CN=%s,%s\nobjectClass: group\nsAMAccountName: %s\n' "$name" "$GROUPS_OU" "$name"
	for member in "$@"; do printf 'member: %s\n' "$member"; done
	printf '\n'
}
account_dn() { printf 'CN=%s,%s\n' "$1" "$ACCOUNTS"; }
group_dn() { printf 'CN=%s,%s\n' "$1" "$GROUPS_OU"; }
member() {
	local dn
	dn=$(account_dn "$3")
	[[ $3 != *=* ]] || dn=$3
	printf 'dn: %s\nchangetype: modify\n%s: member\nmember: %s\n' "$(group_dn "$2")" "$1" "$dn" | ad_change
}
# replace DN ATTRIBUTE VALUE, rename DN RDN [PARENT], erase DN
replace() { printf 'dn: %s\nchangetype: modify\nreplace: %s\n%s: %s\n' "$1" "$2" "$2" "$3" | ad_change; }
rename() {
	printf 'dn: %s\nchangetype: modrdn\nnewrdn: %s\ndeleteoldrdn: 1\n%s\n' "$1" "$2" "${3:+newsuperior: $3}" | ad_change
}
erase() { printf 'dn: %s\nchangetype: delete\n' "$1" | ad_change; }

# second_of NAME: another account of that name, elsewhere.
second_of() { account "$1" "OU=Elsewhere,$AD_SUFFIX" | ad_change; }

# ad_referrals: a search of the whole domain, with all that comes.
ad_referrals() { ad_admin ldapsearch -LLL -b "$AD_SUFFIX" '(sAMAccountName=ci)' 1.1 | sed 's/^# ref/ref: /'; }

# has_uri HOST: is it the server that is asked?
has_uri() { wait_until 20 uri_matches "$1" || { apikey status; return 1; }; }
uri_matches() { status_of .directory.server | grep -q -- "$1" && is_following; }

# has_problem REGEX: status says what is wrong with the directory, within 20 s.
has_problem() { wait_until 20 problem_matches "$1" || { apikey status; return 1; }; }
problem_matches() { status_of .directory.problem | grep -Eiq -- "$1"; }

syslog_start
install_directory
samba_make
samba_run
printf '%%key-deployers ALL=(ALL) ALL\n' >/etc/sudoers.d/test
sshd_start

# --- the recipe ---------------------------------------------------------------------------------

readme_run '^Recipes: Active Directory$'
daemon_stop
holds 'which leaves the policy as it was' cmp "$TOP/etc/policy.yaml" "$POLICY"
policy_write 'roles:' '  viewer: {services: [sshd]}' '  deployer: {services: [sshd, sudo], unix_groups: [key-deployers]}' \
	'groups:' '  platform-team: [{role: deployer}]' '  viewers: [{role: viewer}]' '  outer: [{role: viewer}]' \
	'  renamed: [{role: viewer}]' '  Domain Users: [{role: viewer}]' '  "Größe, klein": [{role: viewer}]' \
	'  g1100: [{role: viewer}]' '  crowd: [{role: viewer}]' \
	'deny:' '- {id: banned, reason: is banned, group: banned}'

# --- groups -------------------------------------------------------------------------------------

# principals FILTER: what the setting says. groups_at BASE [NAME]: likewise.
principals() { printf "{base: '%s', filter: '%s'}" "$ACCOUNTS" "$1"; }
groups_at() { printf "{base: '%s', filter: '(objectClass=group)', member: member, name: %s}" "$1" "${2:-cn}"; }
ENABLED='(!(userAccountControl:1.2.840.113556.1.4.803:=2))'
READER="CN=apikey-reader,$ACCOUNTS"

for name in ci other never; do new_key "$name"; done
new_key direct --role viewer
new_key outcast --role viewer
(umask 077 && echo "Aa1-$(openssl rand -hex 20)" >/root/apikey-reader.password)
for name in 'Service Accounts' Groups; do ad_tool ou create "OU=$name"; done
ad_tool user create apikey-reader "$(cat /root/apikey-reader.password)" --userou='OU=Service Accounts'
ad_tool user setexpiry apikey-reader --noexpiry
{
	for name in ci other direct outcast; do account "$name"; done
	for name in platform-team viewers inner banned; do group "$name"; done
	group outer "$(group_dn inner)"
	printf 'dn: OU=Elsewhere,%s\nobjectClass: organizationalUnit\n\n' "$AD_SUFFIX"
	printf 'dn: OU=East,%s\nobjectClass: organizationalUnit\n\n' "$GROUPS_OU"
} | ad_change
OURS=("uris=['ldaps://$AD_DC']" sasl= ca_file=/etc/apikey/ca.pem "bind_dn='$READER'" password_file=/etc/apikey/ldap.password
	timeout=3s 'may_grant=[viewer, deployer]' counter= keys= "groups=$(groups_at "$GROUPS_OU")"
	"principal=$(principals "(&(sAMAccountName=%n)$ENABLED)")")
ad_files
directory_settings "${OURS[@]}"
daemon_start
holds 'the daemon follows' follows
equals 'by asking' polling status_of .directory.phase

refuses 'not a member, no login' password ci "$(token ci)"
member add platform-team ci
holds 'a member has its role' soon_may ci sudo
admits 'logs in by ssh' password ci "$(token ci)"
equals 'uses sudo' root sudo_as ci "$(token ci)" id -un
holds "is in the role's Unix group" wait_until 10 in_group ci key-deployers
holds 'a shell stays' shell_open stays password ci "$(token ci)"
member delete platform-team ci
holds 'no member any more' soon_may_not ci
refuses 'no login' password ci "$(token ci)"
holds 'and the shell is ended' wait_until 5 shell_gone stays
shell_close stays

member add inner ci
holds 'a member of a group that is a member' soon_may ci
rename "$(group_dn inner)" CN=inner "OU=Elsewhere,$AD_SUFFIX"
holds 'which lies below the base' soon_may_not ci
rename "CN=inner,OU=Elsewhere,$AD_SUFFIX" CN=inner "$GROUPS_OU"
soon_may ci
member delete inner ci
holds 'and no more' soon_may_not ci
daemon_again "groups={base: '$GROUPS_OU'}"
equals 'the default of groups.filter finds none of its groups' 0 status_of .directory.group_entries
daemon_again "${OURS[@]}"

member add banned outcast
holds 'a deny rule bites on a group' soon_may_not outcast
shows 'and is named' 1 'banned' apikey explain outcast
member delete banned outcast
holds 'until the key is out of it' soon_may outcast

daemon_again poll=1h
member add viewers ci
exits 'between two polls nothing is known' 1 may ci
holds 'apikey sync asks at once' change sync
holds 'and when it returns it holds' may ci
new_key late
account late | ad_change
member add viewers late
# now_may KEY [SERVICE], now_may_not: once the controller was asked.
now_may() { change sync && may "$@"; }
now_may_not() { change sync && may_not "$@"; }
holds 'so does it for a key that was made just now' now_may late

# --- entries that move, change and go -----------------------------------------------------------

rename "$(group_dn viewers)" CN=unknown
holds 'a group that is renamed gives its new name: no role' now_may_not ci
rename "$(group_dn unknown)" CN=renamed
holds 'and that of another one' now_may ci
rename "$(group_dn renamed)" CN=viewers "OU=East,$GROUPS_OU"
holds 'moved, below the base: it is the same' now_may ci
daemon_again "groups=$(groups_at "OU=East,$GROUPS_OU" sAMAccountName)"
rename "CN=viewers,OU=East,$GROUPS_OU" CN=x
holds 'groups.name may be what a new name of the entry does not touch' now_may ci
rename "CN=x,OU=East,$GROUPS_OU" CN=viewers
daemon_again "groups=$(groups_at "$GROUPS_OU")"
rename "CN=viewers,OU=East,$GROUPS_OU" CN=viewers "OU=Elsewhere,$AD_SUFFIX"
holds 'moved out of it: it gives nothing' now_may_not ci
rename "CN=viewers,OU=Elsewhere,$AD_SUFFIX" CN=viewers "$GROUPS_OU"
holds 'and back' now_may ci

rename "$(account_dn ci)" 'CN=C. I.\, the first'
holds 'an account whose entry is renamed is the same member' now_may ci
printf 'dn: OU=Deep,%s\nobjectClass: organizationalUnit\n\n' "$ACCOUNTS" | ad_change
rename "CN=C. I.\\, the first,$ACCOUNTS" CN=ci "OU=Deep,$ACCOUNTS"
holds 'so is one that is moved' now_may ci
rename "CN=ci,OU=Deep,$ACCOUNTS" CN=ci "$ACCOUNTS"
replace "$(account_dn ci)" sAMAccountName CI
holds 'and one that is written with capitals' now_may ci
replace "$(account_dn ci)" sAMAccountName somebody
holds 'one of another name stands for another key' now_may_not ci
replace "$(account_dn ci)" sAMAccountName ci
holds 'and back' now_may ci
replace "$(account_dn ci)" userAccountControl 514
holds 'a disabled account gives its key nothing, with the filter of the recipe' now_may_not ci
daemon_again "principal=$(principals '(sAMAccountName=%n)')"
holds 'with a filter that asks for the name alone it does' now_may ci
daemon_again "principal=$(principals "(&(sAMAccountName=%n)$ENABLED)")"
replace "$(account_dn direct)" userAccountControl 514
member add banned outcast
now_may_not outcast
replace "$(account_dn outcast)" userAccountControl 514
holds 'and keeps it out of those that a rule refuses' now_may outcast
member delete banned outcast
exits "it does not shut its key out: that is for \`apikey disable'" 0 may direct
replace "$(account_dn ci)" userAccountControl 544
holds 'enabled: its groups count' now_may ci

shows 'no other account of the domain has its name' 1 'already|exists|constraint' second_of ci
erase "$(account_dn ci)"
holds 'a deleted account is a member of nothing' now_may_not ci
account ci | ad_change
holds 'one that is made anew with its name is another one' now_may_not ci
member add viewers ci
holds 'and gets in again by its own' now_may ci
erase "$(group_dn viewers)"
holds 'a deleted group gives nothing' now_may_not ci
group viewers "$(account_dn ci)" | ad_change
holds 'until one is made again' now_may ci

# utf8_dn DN: a line of LDIF.
utf8_dn() { printf 'dn:: %s\n' "$(printf %s "$1" | base64 -w 0)"; }
{
	utf8_dn "CN=Größe\\, klein,$GROUPS_OU"
	printf 'objectClass: group\nsAMAccountName: groesse\nmember: %s\n\n' "$(account_dn other)"
} | ad_change
holds "a group's name may have commas and umlauts" now_may other
{ utf8_dn "CN=Größe\\, klein,$GROUPS_OU"; printf 'changetype: delete\n'; } | ad_change
now_may_not other

# --- where it is asked --------------------------------------------------------------------------

shows 'the whole domain answers with referrals' 0 '^ref: ldaps?://' ad_referrals
daemon_again "groups=$(groups_at "$AD_SUFFIX")" "principal={base: '$AD_SUFFIX', filter: '(sAMAccountName=%n)'}"
holds 'which are not followed: what is there counts' now_may ci
exits "an account is no member of its primary group, Domain Users" 1 may other
member add platform-team other
holds 'and what changes counts' now_may other sudo
member delete platform-team other
holds 'and what goes' now_may_not other
daemon_again "${OURS[@]}"

# --- the ways to the controller -----------------------------------------------------------------

exits 'a password without TLS is refused by the controller itself' 8 \
	ldapsearch -x -H "ldap://$AD_DC" -D "$READER" -w "$(cat /root/apikey-reader.password)" -s base -b "$AD_SUFFIX"
for uri in "ldap://$AD_DC" "ldaps://$AD_DC:636"; do
	daemon_again "uris=['$uri']"
	member add platform-team other
	holds "$uri: follows" now_may other sudo
	member delete platform-team other
	holds "$uri: and on" now_may_not other
done
printf '127.0.0.2\tdc2.ad.example.com\n' >>/etc/hosts
daemon_again "uris=['ldaps://dc0.ad.example.com', 'ldaps://dc2.ad.example.com', 'ldaps://$AD_DC']"
holds 'controllers that are not found, or not there, are passed over' has_uri "$AD_DC"

# trouble SENTENCE REGEX MAKE UNDO [OPTION=VALUE…]: after MAKE, and with these settings, nothing is read, status says
# so, and nothing changes; after UNDO, with our own, all is well.
trouble() {
	local sentence=$1 regex=$2 make=$3 undo=$4
	shift 4
	daemon_stop
	member add platform-team other
	"$make"
	directory_settings "${OURS[@]}" "$@"
	daemon_start
	holds "$sentence: status says what is wrong" has_problem "$regex"
	exits "$sentence: nothing new counts" 1 may other
	holds "$sentence: nothing is lost" may ci
	"$undo"
	daemon_again "${OURS[@]}"
	holds "$sentence: mended, the controller is heard" soon_may other sudo
	member delete platform-team other
	now_may_not other
}
of_elsewhere() { samba_again DNS:elsewhere.example.com; }
of_ours() { samba_again "DNS:$AD_DC"; }
samba_again() {
	samba_stop
	samba_certificate "$1"
	samba_run
}
disabled() { replace "$READER" userAccountControl 514; }
enabled() { replace "$READER" userAccountControl 66048; }
# To be changed before its next use; the same again, which is for ever.
password_old() {
	replace "$READER" userAccountControl 512
	replace "$READER" pwdLastSet 0
}
password_new() {
	replace "$READER" pwdLastSet -1
	enabled
}
lock_soon() { ad_tool domain passwordsettings set --account-lockout-threshold=2; }
unlocked() {
	ad_tool domain passwordsettings set --account-lockout-threshold=0
	ad_tool user unlock apikey-reader
}
# A controller that is new has not all of the domain yet.
partial() { samba_root FALSE; }
whole() { samba_root TRUE; }
samba_root() {
	samba_stop
	printf 'dn: @ROOTDSE\nchangetype: modify\nreplace: isSynchronized\nisSynchronized: %s\n' "$1" |
		ldbmodify -H /var/lib/samba/private/sam.ldb >/dev/null
	samba_run
}
renamed() { rename "$GROUPS_OU" OU=Teams; }
named_back() { rename "OU=Teams,$AD_SUFFIX" OU=Groups; }
printf 'Wrong-pw-1\n' >"$GUEST/wrong"
chmod 600 "$GUEST/wrong"

trouble 'another authority' 'certificate' : : ca_file="$LDAP/tls/stranger.pem"
trouble 'a certificate of another name' 'name' of_elsewhere of_ours
trouble 'no bind_dn' 'authentication|bind' : : bind_dn= password_file=
trouble 'a wrong password' 'name or password is wrong' : : password_file="$GUEST/wrong"
trouble 'a password that is old' 'password must be changed' password_old password_new
trouble 'a reader that is disabled' 'account is disabled' disabled enabled
trouble 'a reader that is locked, by a wrong password' 'account is locked' lock_soon unlocked password_file="$GUEST/wrong"
trouble 'a domain that is not here' 'no such object|referral' : : "groups=$(groups_at 'dc=other,dc=example,dc=com')"
trouble 'a base that is renamed' 'no such object' renamed named_back
trouble 'a controller that has not all yet' 'does not have all' partial whole

# --- outages ------------------------------------------------------------------------------------

daemon_again poll=1s max_age=4s
holds 'fresh: a role by a group' soon_may ci
shell_open stays password ci "$(token ci)"
samba_signal STOP
holds 'a controller that hangs: roles by its groups end' wait_until 30 may_not ci
shows 'the denial says so' 1 'directory|LDAP' apikey explain ci
holds 'a key keeps its own roles' may direct
equals 'and nobody is ended' ci ask stays 'id -un'
samba_signal CONT
holds 'thawed: the role is back' wait_until 30 may ci
samba_stop
holds 'a controller that is gone: likewise' wait_until 30 may_not ci
samba_run
holds 'back: the role is too' wait_until 30 may ci
equals 'and all the time nobody was ended' ci ask stays 'id -un'
shell_close stays
daemon_again poll=1h max_age=15m

# --- what is large ------------------------------------------------------------------------------

{
	for i in {1..2000}; do printf 'dn: CN=u%s,OU=Elsewhere,%s\nobjectClass: contact\n\n' "$i" "$AD_SUFFIX"; done
	for i in {1..1100}; do group "g$i"; done
} | ad_change
{
	printf 'dn: %s\nobjectClass: group\nsAMAccountName: crowd\nmember: %s\n' "$(group_dn crowd)" "$(account_dn other)"
	for i in {1..2000}; do printf 'member: CN=u%s,OU=Elsewhere,%s\n' "$i" "$AD_SUFFIX"; done
	printf '\n'
} | ad_change
holds 'a group of 2001 has them all' now_may other
n_groups=$(ad_search -E pr=500/noprompt -b "$GROUPS_OU" '(objectClass=group)' 1.1 | grep -c ^dn:)
equals 'more than 1000 groups come' "$n_groups" status_of .directory.group_entries
member add g1100 ci
member delete viewers ci
holds 'and each of them counts' now_may ci
member delete crowd other
holds 'who leaves the large one is out' now_may_not other

tap_done
