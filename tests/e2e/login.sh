#!/usr/bin/env bash
# A key's login by OpenSSH: who is admitted, who is refused, and that every refusal looks alike.
# shellcheck disable=SC2016 # what the other side shall expand is in single quotes
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

# state_is NAME STATE: what `apikey show` says of a key.
state_is() { [ "$(apikey show "$1" -o json | jq_state)" = "$2" ]; }
jq_state() { sed -n 's/.*"state": *"\([a-z]*\)".*/\1/p'; }

# corrupt TOKEN N: TOKEN with its Nth character changed.
corrupt() {
	local head=${1:0:$2-1} at=${1:$2-1:1} tail=${1:$2}
	[ "$at" = A ] && at=B || at=A
	printf '%s%s%s\n' "$head" "$at" "$tail"
}

# stranger_token ID: a token of good form for this id, with a secret that nobody knows.
stranger_token() {
	apikey token new --id "$1" 2>/dev/null | grep -Eo "apikey_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}" | head -n 1
}

# bad_tokens METHOD: everything that must not open ci-deploy.
bad_tokens() {
	local good own
	good=$(token ci-deploy)
	own=$(key_id ci-deploy)
	refuses "$1: a token with the right id and another secret (abuse 003)" "$1" ci-deploy "$(stranger_token "$own")"
	refuses "$1: a valid token of another key (abuse 004)" "$1" ci-deploy "$(token other)"
	refuses "$1: a token of an id that nobody has (abuse 015)" "$1" ci-deploy "$(stranger_token Zzzzzzzzz9)"
	refuses "$1: one character changed" "$1" ci-deploy "$(corrupt "$good" 30)"
	refuses "$1: one character short (abuse 008)" "$1" ci-deploy "${good%?}"
	refuses "$1: one character more (abuse 009)" "$1" ci-deploy "${good}A"
	refuses "$1: a prefix in capitals (abuse 016)" "$1" ci-deploy "APIKEY_${good#apikey_}"
	refuses "$1: the prefix alone (abuse 019)" "$1" ci-deploy apikey_
	refuses "$1: nothing at all (abuse 001)" "$1" ci-deploy ''
	refuses "$1: format directives (abuse 014)" "$1" ci-deploy '%n%s%n%s'
	refuses "$1: 1000 characters (abuse 011)" "$1" ci-deploy "$(printf '%01000d' 0)"
	refuses "$1: bob's password" "$1" ci-deploy bob-pw
}

# ended_keys METHOD: keys with their right token whose time is not now.
ended_keys() {
	refuses "$1: a disabled key (abuse 020)" "$1" disabled "$(token disabled)"
	refuses "$1: an expired key (abuse 006)" "$1" expired "$(token expired)"
	refuses "$1: a key that is not valid yet (abuse 007)" "$1" future "$(token future)"
	refuses "$1: a deleted key (abuse 005)" "$1" deleted "$(token deleted)"
	refuses "$1: a key without a role" "$1" roleless "$(token roleless)"
	refuses "$1: a name that nobody has" "$1" nobody-has-this "$(token ci-deploy)"
}

# strangers METHOD: a token never opens an account that is no key's.
strangers() {
	refuses "$1: bob with a key's token" "$1" bob "$(token ci-deploy)"
	refuses "$1: root with a key's token (abuse 022)" "$1" root "$(token ci-deploy)"
	admits "$1: bob with his password" "$1" bob bob-pw
}

make_keys() {
	new_key ci-deploy --role viewer
	new_key other --role viewer
	new_key disabled --role viewer
	new_key expired --role viewer --duration 1
	new_key future --role viewer --not-before 2099-01-01T00:00:00Z
	new_key deleted --role viewer
	new_key roleless
	change disable disabled
	change delete deleted
	wait_until 10 state_is expired expired
}

syslog_start
install_apikey
make_keys
sshd_start

# As Debian installs sshd: only passwords.
admits 'a key logs in with its token' password ci-deploy "$(token ci-deploy)"
admits 'and so does another' password other "$(token other)"
bad_tokens password
ended_keys password

sshd_with 'KbdInteractiveAuthentication yes' 'PermitRootLogin yes'
admits 'a key logs in by keyboard-interactive' kbd ci-deploy "$(token ci-deploy)"
bad_tokens kbd
ended_keys kbd
strangers password
strangers kbd

# Who it is then.
equals 'its uid and gid are from the range of keys' '70000 70000' login password ci-deploy "$(token ci-deploy)" 'echo $(id -u) $(id -g)'
equals 'it is in the group of all keys' yes login password ci-deploy "$(token ci-deploy)" 'id -Gn | grep -qw apikey && echo yes'
equals 'its home is its own' '/home/ci-deploy 700 ci-deploy' login password ci-deploy "$(token ci-deploy)" 'echo $PWD $(stat -c "%a %U" .)'
equals 'its session knows the key' "ci-deploy $(key_id ci-deploy)" login password ci-deploy "$(token ci-deploy)" 'echo $APIKEY_NAME $APIKEY_ID'
equals 'and by keyboard-interactive too' "ci-deploy $(key_id ci-deploy)" login kbd ci-deploy "$(token ci-deploy)" 'echo $APIKEY_NAME $APIKEY_ID'
equals 'no process of its session carries the token' clean login kbd ci-deploy "$(token ci-deploy)" \
	'cat /proc/self/environ /proc/$$/environ | grep -qa apikey_ || echo clean'
equals 'getent shows it with x for a password' "x" sh -c 'getent passwd ci-deploy | cut -d: -f2'

# Files by scp and sftp.
copy_by() {
	local how=()
	login_how password "$(token ci-deploy)"
	case $1 in
	scp) bounded scp -q "${SSH_OPTIONS[@]}" "${how[@]}" "$2" ci-deploy@127.0.0.1:"$3" ;;
	sftp) printf 'put %s %s\n' "$2" "$3" | bounded sftp -q "${SSH_OPTIONS[@]}" "${how[@]}" -o BatchMode=no -b - ci-deploy@127.0.0.1 ;;
	esac
	cmp "$2" "/home/ci-deploy/$3"
}
holds 'scp copies a file in' copy_by scp /etc/os-release by-scp
holds 'sftp copies a file in' copy_by sftp /etc/os-release by-sftp

# Public keys: whoever planted one must be shut out when the token is replaced (abuse 144).
public_key ci-deploy
public_key bob
shut_out 'a planted authorized_keys does not open a key' pubkey ci-deploy "$GUEST/id_ci-deploy"
admits "bob's public key does open bob" pubkey bob "$GUEST/id_bob"
printf 'version: 1\npublic_key_logins: allow\n' >"$SETTINGS"
admits 'public_key_logins: allow admits it' pubkey ci-deploy "$GUEST/id_ci-deploy"
change disable ci-deploy
shut_out 'but not when the key is disabled' pubkey ci-deploy "$GUEST/id_ci-deploy"
change enable ci-deploy
printf 'version: 1\n' >"$SETTINGS"
admits 'an enabled key is back' password ci-deploy "$(token ci-deploy)"

# A hardened host: the shipped Match block lets keys type their token, and nobody else.
sshd_with 'PasswordAuthentication no'
admits 'PasswordAuthentication no still admits a key' password ci-deploy "$(token ci-deploy)"
refuses 'and still refuses bob his password' password bob bob-pw
sshd_with 'PermitRootLogin yes'

# From where.
client_net
new_key from-there --role viewer --from 10.77.0.0/24
equals 'a key with a from list logs in from there' from-there login_from_client password from-there "$(token from-there)" id -un
refuses 'and not from elsewhere' password from-there "$(token from-there)"

# Rotation.
new_key turning --role viewer
old=$(token turning)
apikey rotate turning -q >"$GUEST/tokens/turning" 2>/dev/null
refuses 'and refuses the old token' password turning "$old"
admits 'the new one logs in' password turning "$(token turning)"
old=$(token turning)
apikey rotate turning --overlap 1h -q >"$GUEST/tokens/turning" 2>/dev/null
admits 'with an overlap the old token still logs in' password turning "$old"
admits 'and the new one too' password turning "$(token turning)"

# The end.
holds 'delete is done' apikey delete ci-deploy
refuses 'and the door is shut' password ci-deploy "$(token ci-deploy)"
exits 'the name service does not know it any more' 2 getent passwd ci-deploy
admits 'the other key is untouched' password other "$(token other)"
admits 'bob is untouched' password bob bob-pw
admits 'root is untouched' password root root-pw

tap_done
