#!/usr/bin/env bash
# Changes keys, roles, policy and directory again and again by the commands that an administrator has, and says in FACTS
# what must be so meanwhile. Inside tests/soak/run.sh alone, until FACTS/over is there.
set -euo pipefail
FACTS=${1:?the folder of facts}
# shellcheck source=tests/lib/wait.sh
. "$TOP/tests/lib/wait.sh"
# shellcheck source=tests/lib/guest.sh
. "$TOP/tests/lib/guest.sh"
# shellcheck source=tests/lib/apikey.sh
. "$TOP/tests/lib/apikey.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"

NO_TOKEN=apikey_none
serial=0

# Whoever asks need not go on when this has failed.
set -E
trap 'printf "failed\n" >"$FACTS/rounds"' ERR

# say KEY LOGIN NAME [TOKEN [WRONG]]: what is so from now on; a token that is not given is that of before.
declare -A TOKEN WRONG
say() {
	serial=$((serial + 1))
	TOKEN[$1]=${4:-${TOKEN[$1]:-$NO_TOKEN}}
	WRONG[$1]=${5:-${WRONG[$1]:-$NO_TOKEN}}
	printf '%d %s %s %s %s\n' "$serial" "$2" "$3" "${TOKEN[$1]}" "${WRONG[$1]}" >"$FACTS/.said"
	mv "$FACTS/.said" "$FACTS/$1"
}

# within CMD…: the directory's word is here by now, or will be; a busy machine may take its time.
within() { wait_until 120 "$@" || { cat "$GUEST/explain"; return 1; }; }

# made KEY OPTION…: a key comes.
made() {
	say "$1" either either
	new_key "$@"
	say "$1" in in "$(token "$1")"
}
# deleted KEY OPTION…: and goes.
deleted() {
	say "$1" either either
	change delete "$@"
	say "$1" out out
}

# visits, leaves: a key of the directory.
visits() {
	say visitor either either
	new_key visitor --in directory --role user
	within may visitor soak
	say visitor in in "$(token visitor)"
}
leaves() {
	say visitor either either
	change delete visitor --in directory
	within is_no_user visitor
	say visitor out out
}
is_no_user() { ! getent passwd "$1" >/dev/null; }

# rotated KEY: a new token, and the old one is none from then on.
rotated() {
	local old=${TOKEN[$1]}
	say "$1" either in
	apikey rotate "$1" -q >"$GUEST/tokens/$1"
	say "$1" in in "$(token "$1")" "$old"
}

# changed KEY LOGIN CMD…: CMD makes it so that the key may, or may not, log in.
changed() {
	local key=$1 login=$2
	shift 2
	say "$key" either in
	"$@"
	say "$key" "$login" in
}

# policy SERVICE: the policy by which a holder of `policed' may use that service.
policy() {
	printf '%s\n' 'version: 1' "# $serial" 'roles:' '  user: {services: [soak], unix_groups: [soakers]}' \
		"  policed: {services: [$1]}" 'groups:' '  team: [{role: user}]' >"$GUEST/new-policy"
	change policy apply "$GUEST/new-policy"
}

# host NAME: the settings by which `hosted' may log in on the host of that name.
host() {
	sed "s/^host: .*/host: $1/" "$SETTINGS" >"$SETTINGS.edited"
	mv "$SETTINGS.edited" "$SETTINGS"
	change publish
}

# a_member, no_member: by a group of the directory.
a_member() {
	group_change one add team member
	within may member soak
}
no_member() {
	group_change one delete team member
	within may_not member soak
}

# wrong_token KEY: a token with its id and another secret.
wrong_token() { apikey token new --id "$(key_id "$1")" | awk '$1 == "token" { print $2 }'; }

# described TEXT: the entry of a key in the directory that stays.
described() { change set robot --in directory --description "$1"; }

# first: the keys, before anybody asks.
first() {
	policy soak
	made stay --role user
	say stay in in "$(token stay)" "$(wrong_token stay)"
	made gone --role user
	deleted gone
	made turn --role user
	made off --role user
	made roled --role user
	made policed --role policed
	made hosted --role user:hosts:bastion
	made come --role user
	principal_ldif member | ldap_change one
	group_ldif groupOfNames team | ldap_change one
	new_key member
	within may_not member soak
	say member out in "$(token member)"
	new_key robot --in directory --role user
	within may robot soak
	say robot in in "$(token robot)" "$(wrong_token robot)"
	visits
}

# round: everything once, there and back.
round() {
	deleted come
	changed policed out policy other
	rotated turn
	changed member in a_member
	change set stay --description "round $1"
	changed off out change disable off
	changed hosted out host annex
	groupadd passing
	leaves
	changed roled out change role remove roled user
	change publish
	made come --role user
	described "round $1"
	changed policed in policy soak
	changed hosted in host bastion
	groupdel passing
	changed off in change enable off
	changed member out no_member
	changed roled in change role add roled user
	visits
	logrotate --force --state "$GUEST/logrotate.state" /etc/logrotate.d/apikey
	printf '%d\n' "$1" >"$FACTS/.rounds"
	mv "$FACTS/.rounds" "$FACTS/rounds"
}

first
: >"$FACTS/ready"
for ((n = 1; ; n++)); do
	[ ! -e "$FACTS/over" ] || exit 0
	round "$n"
done
