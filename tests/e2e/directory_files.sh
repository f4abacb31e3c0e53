#!/usr/bin/env bash
# What the daemon knows of a directory, and the files that say so: removed, put back, half written; keys that
# LDAP was not asked for yet; a users.idx that can't be made.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"

# inode FILE: of a file of the state; "" when it is not there.
inode() { stat -c %i "$STATE/$1" 2>/dev/null || :; }
# replaced FILE INODE: another file is there.
replaced() { [ -n "$(inode "$1")" ] && [ "$(inode "$1")" != "$2" ]; }
is_away() { [ ! -e "$STATE/$1" ]; }
# why_not KEY REGEX: refused, and explain says so.
why_not() { may_not "$1" && grep -Eq -- "$2" "$GUEST/explain"; }

# service_of KEY [RDN]: the entry that stands for a local key.
service_of() {
	printf 'dn: uid=%s,ou=services,%s\nobjectClass: account\nuid: %s\n\n' "${2:-$1}" "$SUFFIX" "${2:-$1}"
	[ -z "${2:-}" ] || printf 'dn: uid=%s,ou=services,%s\nchangetype: modify\nadd: uid\nuid: %s\n\n' "$2" "$SUFFIX" "$1"
}
group_of() { printf 'dn: cn=%s,ou=groups,%s\nobjectClass: groupOfNames\ncn: %s\nmember: %s\n\n' "$1" "$SUFFIX" "$1" "$2"; }

syslog_start
install_directory
policy_write 'roles:' '  viewer: {services: [sshd]}' '  editor: {services: [sshd, sudo], unix_groups: [key-editors]}' \
	'groups:' '  team: [{role: editor}]' 'deny:' '- {id: no-contractors, reason: contractors stay out, group: contractors}'
{
	service_of ci
	service_of late
	group_of contractors "uid=late,ou=services,$SUFFIX"
	group_of team "uid=ci,ou=services,$SUFFIX"
} >"$GUEST/entries"
slapd_make one <"$GUEST/entries"
slapd_run one
new_key ci --role viewer --duration 1d
directory_settings
daemon_start
holds 'the daemon follows' follows
holds 'a local key is in its group' wait_until 15 in_group ci key-editors
holds 'and logs in' soon_may ci sudo

# --- removed, and put back ----------------------------------------------------------------------

cp -a "$STATE/directory-groups.idx" "$GUEST/old.idx"
was=$(inode directory-groups.idx)
rm "$STATE/directory-groups.idx"
holds 'a file that is removed is written again' wait_until 15 replaced directory-groups.idx "$was"
holds 'as it was' soon_may ci sudo
group_of more "uid=ci,ou=services,$SUFFIX" | ldap_change one
holds 'a change comes' wait_until 15 sh -c "! cmp -s '$STATE/directory-groups.idx' '$GUEST/old.idx'"
cp -a "$GUEST/old.idx" "$STATE/put-back"
was=$(inode put-back)
mv "$STATE/put-back" "$STATE/directory-groups.idx"
holds 'an old file that is put back does not stay' wait_until 15 replaced directory-groups.idx "$was"
printf x | dd of="$STATE/directory-keys.idx" bs=1 seek=300 conv=notrunc 2>/dev/null
was=$(inode directory-keys.idx)
holds 'whoever mistrusts the files gets them anew' bounded apikey sync
holds 'both of them' replaced directory-keys.idx "$was"
# damage FILE: all of it but its head.
damage() {
	{ head -c 256 "$STATE/$1" && tail -c +257 "$STATE/$1" | LC_ALL=C tr '\000-\377' '\001-\377\000'; } >"$GUEST/damaged"
	cat "$GUEST/damaged" >"$STATE/$1"
}
was=$(inode directory-groups.idx)
damage directory-groups.idx
echo '# so that all is made anew' >>"$POLICY"
holds 'what is damaged within, and found by who reads it, is written again' wait_until 15 replaced directory-groups.idx "$was"
holds 'and everybody has his groups' wait_until 15 in_group ci key-editors
holds 'and roles' soon_may ci sudo

# --- settings that are being saved --------------------------------------------------------------

was=$(inode directory-groups.idx)
log_mark
mv "$SETTINGS" "$SETTINGS.moved"
holds 'settings away for a moment: the daemon sees it' log_has 'event=published'
cp "$SETTINGS.moved" "$SETTINGS"
equals 'and takes nothing away' "$was" inode directory-groups.idx
holds 'the key keeps its role' soon_may ci sudo
exits 'and nothing is fetched and written anew' 1 wait_until 3 replaced directory-groups.idx "$was"
printf 'version: 1\n' >"$SETTINGS"
holds 'settings without a directory, which stay so, take it away' wait_until 15 is_away directory-groups.idx
holds 'and its age' is_away freshness
cp "$SETTINGS.moved" "$SETTINGS"
holds 'it comes back' soon_may ci sudo

# --- keys that LDAP was not asked for -----------------------------------------------------------

slapd_stop one
new_key late --role viewer --duration 1d
holds 'LDAP is away: a new key is refused where a rule names a group' wait_until 15 why_not late no-contractors
holds 'and stays so' why_not late no-contractors
new_key early --role viewer --duration 1d
holds 'whoever it is' why_not early no-contractors
slapd_run one
holds 'LDAP is back: who is in no such group gets in' soon_may early
holds 'who is in it does not' why_not late no-contractors

# --- who is it ----------------------------------------------------------------------------------

service_of early | ldap_change one
holds 'an entry of its own' soon_may early
service_of early double | ldap_change one
holds 'a second entry for a key: it may be either' wait_until 15 why_not early no-contractors
ldap_delete one uid=double,ou=services
holds 'one entry: it is that' soon_may early

# --- a users.idx that can't be made -------------------------------------------------------------

holds 'a server that is asked each second' daemon_again max_age=20s
holds 'the directory is fresh' wait_until 15 sh -c '[ -s /var/lib/apikey/freshness ]'
cp "$STATE/local.idx" "$GUEST/local.idx"
was=$(inode freshness)
cp "$STATE/local.idx" "$STATE/local.broken" && printf xxxx | dd of="$STATE/local.broken" bs=1 seek=8 conv=notrunc 2>/dev/null
mv "$STATE/local.broken" "$STATE/local.idx"
printf 'dn: cn=team,ou=groups,%s\nchangetype: modify\nreplace: member\nmember: cn=nobody,%s\n\n' "$SUFFIX" "$SUFFIX" | ldap_change one
holds 'publishing fails, and that is said' wait_until 15 log_has 'event=publish-failed'
was=$(inode freshness)
exits 'nobody vouches for what could not be published' 1 wait_until 3 replaced freshness "$was"
mv "$GUEST/local.idx" "$STATE/local.idx"
holds 'mended: it is published' wait_until 30 sh -c "! id -Gn ci | grep -q key-editors"
holds 'and vouched for' wait_until 60 replaced freshness "$was"
daemon_stop
slapd_stop one
tap_done
