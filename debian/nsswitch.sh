# shellcheck shell=sh
# nsswitch_edit SED-ARGUMENT…: /etc/nsswitch.conf through sed, replaced in one step; a link stays one, and mode and
# owner stay. A host where that fails is told: it goes on as it was.
nsswitch_edit() {
	if ! nss_file=$(readlink -e /etc/nsswitch.conf); then
		echo "$DPKG_MAINTSCRIPT_PACKAGE: there is no /etc/nsswitch.conf: see nss_apikey(8)" >&2
		return 0
	fi
	nss_new=$nss_file.apikey-new
	if cp -a "$nss_file" "$nss_new" && sed -E "$@" "$nss_file" >"$nss_new" &&
		{ cmp -s "$nss_file" "$nss_new" || { sync "$nss_new" && mv -f "$nss_new" "$nss_file"; }; }; then
		rm -f "$nss_new"
	else
		rm -f "$nss_new" || :
		echo "$DPKG_MAINTSCRIPT_PACKAGE: $nss_file can't be edited: see nss_apikey(8)" >&2
	fi
	# a cache goes by what it has
	if command -v nscd >/dev/null; then
		nscd -i passwd >/dev/null 2>&1 || :
		nscd -i group >/dev/null 2>&1 || :
	fi
}

# nsswitch_add: keys right behind the local accounts, before whatever action stands there; all other bytes stay.
# A line that names us already is somebody's own, and a comment is a comment. A line for initgroups, where there is one,
# ends with whoever knows the user: there we are first, or local users would get groups of who stands behind us.
nsswitch_add() {
	nss_ours='/^[^#]*[[:space:]:]apikey([[:space:][#]|$)/!'
	nss_local='s/^([^#:]*:([^#]*[[:space:]])?)(files|compat)([[:space:][#]|$)'
	nsswitch_edit -e "/^[[:space:]]*passwd:/{${nss_ours}${nss_local}/\\1\\3 apikey\\4/}" \
		-e "/^[[:space:]]*group:/{${nss_ours}${nss_local}/\\1\\3 [SUCCESS=merge] apikey\\4/}" \
		-e "/^[[:space:]]*initgroups:/{${nss_ours}s/^([^#:]*:)([[:space:]]*)/\\1 apikey\\2/;s/^([^#:]*: apikey)([^[:space:]])/\\1 \\2/}"
	for nss_line in passwd group; do
		grep -Eq "^[[:space:]]*$nss_line:[^#]*[[:space:]:]apikey([[:space:][#]|\$)" /etc/nsswitch.conf ||
			echo "$DPKG_MAINTSCRIPT_PACKAGE: /etc/nsswitch.conf has no line \`$nss_line:' with files or compat:" \
				"put apikey there by hand, see nss_apikey(8)" >&2
	done
}

# nsswitch_remove: the same bytes out again.
nsswitch_remove() {
	nsswitch_edit -e '/^[[:space:]]*(passwd|group|initgroups):/{
		s/^([^#]*)[[:space:]]\[SUCCESS=merge\][[:space:]]+apikey([[:space:][#]|$)/\1\2/I
		s/^([^#]*)[[:space:]]apikey([[:space:][#]|$)/\1\2/
	}'
}
