# shellcheck shell=bash
# A host that follows an LDAP server: its settings, its daemon, and what a key may there. Sourced after apikey.sh and ldap.sh.

# The options of `directory:` that a host of ours has when a test says nothing else.
declare -A DIRECTORY=(
	[uris]="['$(ldapi_uri one)']" [sasl]=external [timeout]=3s [poll]=1s [max_age]=15m [keys_max_age]=24h
	[may_grant]='[viewer, editor]' [counter]="'cn=uids,ou=apikey,$SUFFIX'"
	[keys]="{base: 'ou=keys,$SUFFIX', filter: '(objectClass=apikeyKey)'}"
	[groups]="{base: 'ou=groups,$SUFFIX', filter: '(cn=*)'}"
	[principal]="{base: 'ou=services,$SUFFIX', filter: '(uid=%n)'}"
)

# directory_settings [OPTION=VALUE]…: apikey.yaml with these beside and instead of the above; `OPTION=` leaves one out.
# What stands in $HOST_SETTINGS goes before it.
directory_settings() {
	local option
	for option in "$@"; do
		DIRECTORY[${option%%=*}]=${option#*=}
	done
	{
		printf 'version: 1\n%s\ndirectory:\n' "${HOST_SETTINGS:-}"
		for option in "${!DIRECTORY[@]}"; do
			[ -z "${DIRECTORY[$option]}" ] || printf '  %s: %s\n' "$option" "${DIRECTORY[$option]}"
		done
	} >"$SETTINGS.edited"
	mv "$SETTINGS.edited" "$SETTINGS"
}

# install_directory: installs apikey, and the user that the engine runs as.
install_directory() {
	install_apikey
	getent passwd _apikey >/dev/null ||
		useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin _apikey
}

# policy_write LINE…: policy.yaml, replaced whole.
policy_write() {
	printf '%s\n' 'version: 1' "$@" >"$POLICY.edited"
	mv "$POLICY.edited" "$POLICY"
}

# --- the daemon ---------------------------------------------------------------------------------

# daemon_start: apikeyd, in the foreground of the suite; $daemon_pid. Waits until it answers.
daemon_start() {
	apikeyd -f </dev/null >"$GUEST/apikeyd.out" 2>&1 &
	daemon_pid=$!
	wait_until 20 daemon_answers || { cat "$GUEST/apikeyd.out" >&2; return 1; }
}
daemon_answers() { [ "$(status_of .daemon.running)" = true ]; }

# status_of .OBJECT.FIELD: a value of `apikey status -o json`, without quotes. Its exit status says that something is wrong.
status_of() { { bounded apikey status -o json || :; } | status_field "$1"; }
status_field() {
	awk -v want="$1" '
		/[{\[]$/ { name = $1; gsub(/[^a-z_]/, "", name); path[depth++] = name; next }
		/^ *[}\]]/ { depth--; next }
		{
			name = $1; gsub(/[^a-z_]/, "", name)
			full = ""
			for (i = 1; i < depth; i++) full = full "." path[i]
			if (full "." name != want) next
			sub(/^ *"[^"]*": */, ""); sub(/,$/, ""); gsub(/^"|"$/, "")
			print
		}'
}

# daemon_stop: ends it in order, and waits for that; daemon_kill: at once.
daemon_stop() { daemon_end TERM; }
daemon_kill() { daemon_end KILL; }
daemon_end() {
	kill "-$1" "$daemon_pid" 2>/dev/null || :
	wait "$daemon_pid" 2>/dev/null || :
}

# daemon_again [OPTION=VALUE]…: a daemon with other settings, that follows.
daemon_again() {
	daemon_stop
	directory_settings "$@"
	daemon_start
	follows
}

# engine_pid: of its other half.
engine_pid() { pgrep -P "$daemon_pid" -o; }

# follows: waits until every search is up to date with the server.
follows() { wait_until 30 is_following || { apikey status >&2; return 1; }; }
is_following() { [[ $(status_of .directory.phase) = @(following|polling) ]]; }

# --- what a key may -----------------------------------------------------------------------------

# may KEY [SERVICE]: would a login now be admitted?
may() { bounded apikey explain "$1" --service "${2:-sshd}" >"$GUEST/explain" 2>&1; }
# may_not KEY [SERVICE]: refused, and not for want of an answer.
may_not() {
	local rc=0
	may "$@" || rc=$?
	[ "$rc" -eq 1 ]
}
# soon_may KEY [SERVICE], soon_may_not: within 15 s.
soon_may() { wait_until 15 may "$@" || { cat "$GUEST/explain"; return 1; }; }
soon_may_not() { wait_until 15 may_not "$@" || { cat "$GUEST/explain"; return 1; }; }

# in_group KEY GROUP: does the name service say so?
in_group() { id -Gn "$1" | tr ' ' '\n' | grep -qx "$2"; }
