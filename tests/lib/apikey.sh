# shellcheck shell=bash
# apikey on a private host: installing it, making keys, entering as them. Sourced after guest.sh.

# names for the suites
export STATE=/var/lib/apikey SETTINGS=/etc/apikey/apikey.yaml POLICY=/etc/apikey/policy.yaml

# install_apikey: what an administrator does on a Debian host. The database of man(1) is nobody's here.
install_apikey() {
	rm -f /var/lib/man-db/auto-update
	DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io --install "$TOP"/build/deb/*.deb >"$GUEST/install.log" 2>&1 ||
		{ cat "$GUEST/install.log" >&2; return 1; }
}

# new_key NAME OPTION…: makes a key; its token is kept for `token NAME`.
new_key() {
	local name=$1
	shift
	mkdir -p "$GUEST/tokens"
	apikey create --name "$name" -q "$@" >"$GUEST/tokens/$name" 2>"$GUEST/create.err" ||
		{ cat "$GUEST/create.err" >&2; return 1; }
}

# change VERB…: apikey, for its effect; what it says is shown when it fails.
change() { apikey "$@" >"$GUEST/change.out" 2>&1 || { cat "$GUEST/change.out" >&2; return 1; }; }

# token NAME: the token that new_key kept.
token() { cat "$GUEST/tokens/$1"; }

# key_id NAME: its id.
key_id() { token "$1" | cut -d_ -f2; }

# run_as USER CMD…: CMD with USER's ids and groups, without a login.
run_as() {
	local user=$1 gid
	shift
	gid=$(bounded id -g "$user") || return
	bounded setpriv --reuid "$user" --regid "$gid" --init-groups -- "$@"
}

# sudo_as USER SECRET ARGUMENT…: USER's sudo, answered with SECRET. Never a cached answer.
sudo_as() {
	local user=$1 secret=$2
	shift 2
	printf '%s\n' "$secret" | run_as "$user" sudo -k -S -p '' "$@"
}

# no_token_in [-r] FILE…: none of the kept tokens stands in these files.
no_token_in() {
	local kept
	for kept in "$GUEST"/tokens/*; do
		! grep -lF -e "$(cut -d_ -f3 "$kept")" "$@" || return 1
	done
}
