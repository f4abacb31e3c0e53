#!/usr/bin/env bash
# What was revoked ends: live sessions of a bare host, by OpenSSH, sudo and su; an LDAP server; two hundred at once.
# usage: revoke.sh [CASE…]
# shellcheck disable=SC2016 # what the other side shall expand is in single quotes
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
for part in ldap follow shells revoke revoke_cases; do
	# shellcheck source=/dev/null
	. "$TOP/tests/lib/$part.sh"
done

daemon_up() { daemon_start; }
daemon_crash() { daemon_kill; }

syslog_start
install_directory
printf 'version: 1\n' >"$SETTINGS"
sshd_start
sshd_with 'MaxStartups 500' 'MaxSessions 500' 'KbdInteractiveAuthentication yes'
daemon_start
[ $# -gt 0 ] || set -- "${CASES[@]}"
revoke_cases "$@"
holds 'no token is anywhere (canary)' no_token_anywhere
tap_done
