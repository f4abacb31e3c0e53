# shellcheck shell=sh
# last_instance: is no other architecture of this package on the host? One that was removed and left no more than
# its configuration is still in dpkg's count.
last_instance() {
	[ "${DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT:-1}" -le 1 ] ||
		! dpkg-query -W -f '${Architecture} ${db:Status-Status}\n' "$DPKG_MAINTSCRIPT_PACKAGE" |
			grep -v "^$DPKG_MAINTSCRIPT_ARCH " | grep -Eqv ' (not-installed|config-files)$'
}
