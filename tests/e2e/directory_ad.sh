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
	holds 'README: and the role is gone' wait_until 40 may_not nightly-report
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

# has_problem REGEX: status says what is wrong with the directory, within 20 s.
has_problem() { wait_until 20 problem_matches "$1" || { apikey status; return 1; }; }
problem_matches() { status_of .directory.problem | grep -Eiq -- "$1"; }

syslog_start
install_directory
samba_make
samba_run
policy_write 'roles:' '  viewer: {services: [sshd]}' '  deployer: {services: [sshd, sudo], unix_groups: [key-deployers]}' \
	'groups:' '  platform-team: [{role: deployer}]' '  viewers: [{role: viewer}]' '  outer: [{role: viewer}]' \
	'  renamed: [{role: viewer}]' '  Domain Users: [{role: viewer}]' '  "Größe, klein": [{role: viewer}]' \
	'  g1199: [{role: viewer}]' '  crowd: [{role: viewer}]' \
	'deny:' '- {id: banned, reason: is banned, group: banned}'
printf '%%key-deployers ALL=(ALL) ALL\n' >/etc/sudoers.d/test
sshd_start

# --- the recipe ---------------------------------------------------------------------------------

readme_run '^Recipes: Active Directory$'
daemon_stop

tap_done
