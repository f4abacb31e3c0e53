#!/usr/bin/env bash
# The modules in programs that an ordinary user runs (a screen locker, any command): no secret, no crash, nobody admitted.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

# asks USER SECRET SERVICE ACCOUNT PHASE…: a program of USER's that calls PAM for ACCOUNT, SECRET typed.
asks() {
	local user=$1 secret=$2
	shift 2
	printf '%s\n' "$secret" | run_as "$user" pamtester -v "$@"
}

syslog_start
install_apikey
new_key ci --role viewer
new_key other --role viewer
apikey create --name out -q >/dev/null 2>&1
printf '%s\n' "$(token ci)" >"$GUEST/typed"

log_mark
for service in sshd login other; do
	for user in bob ci; do
		shows "abuse 111: $user's program, $service: a key's own token opens nothing: no file tells of it" 1 \
			'cannot retrieve authentication info' asks "$user" "$(token ci)" "$service" ci authenticate
		shows "abuse 111: $user's program, $service: nor another's" 1 \
			'cannot retrieve authentication info|Authentication failure' asks "$user" "$(token other)" "$service" ci authenticate
		shows "abuse 111: $user's program, $service: the account phase is an outage" 1 \
			'cannot retrieve authentication info' asks "$user" '' "$service" ci acct_mgmt
		# Under sshd's name it is hung up, as sshd would be: whoever calls ends himself.
		[ "$service" = sshd ] && status=129 || status=1
		exits "abuse 111: $user's program, $service: no session is opened" "$status" asks "$user" '' "$service" ci open_session
	done
done
# setuid, as a screen locker's helper, unix_chkpwd lets a user ask for himself.
shows 'abuse 111: a user is asked for his own password, as ever' 0 'successfully authenticated' asks bob bob-pw login bob authenticate
shows 'abuse 111: and his account is in order' 0 'account management done' asks bob bob-pw login bob acct_mgmt
exits 'abuse 111: with a token in its place he is refused' 1 asks bob "$(token ci)" login bob authenticate
exits 'abuse 111: root is not entered' 1 asks bob "$(token ci)" login root authenticate
exits 'abuse 111: what it logged names no token' 1 grep -F -e "$(cut -d_ -f3 <"$GUEST/typed")" "$GUEST/log"
holds 'abuse 111: and says that a file can not be read' log_has 'pamtester.*event=authenticate decision=deny user=ci .*why="cannot be read"'

for user in bob ci; do
	equals "abuse 111: $user looks a key up" 70000 run_as "$user" id -u ci
	holds "abuse 111: $user sees that it is a user" run_as "$user" getent passwd ci
	for file in local.idx policy.image lock lastused; do
		[ -e "$STATE/$file" ] || continue
		exits "abuse 111: $user does not read $file" 1 run_as "$user" cat "$STATE/$file"
	done
	exits "abuse 111: $user sees no record of a session" 2 run_as "$user" ls /run/apikey/sessions /run/apikey/handles
	exits "abuse 111: $user does not read the audit log" 1 run_as "$user" cat /var/log/apikey/audit.log
	for verb in 'list' 'show ci' 'export' 'disable other' 'explain ci' 'lockdown on' 'sessions' 'rotate ci'; do
		# shellcheck disable=SC2086 # a verb and its operands
		shows "abuse 111: $user is told that \`$verb' is root's" 1 'needs root' run_as "$user" apikey $verb
	done
done
equals 'abuse 111: nothing changed' 'ci active other active out active' \
	sh -c "apikey list | awk 'NR > 1 { printf \"%s%s %s\", (NR > 2 ? \" \" : \"\"), \$1, \$4 }'"
tap_done
