# shellcheck shell=bash
# A truly fresh Debian server, of packages alone and of no file of this machine, that boots by systemd in a private host.
#
# Sourced as the first line of a suite, in place of e2e.sh: its files are made outside, once, and kept below build/host;
# then the suite goes on in a private host, as by e2e.sh, and has there
#   fresh_boot [LINE…]    a fresh server, booted; the LINEs are run before that, as root in the folder that is its root.
#                         One at a time: the next call ends the one before, with all that was written there.
#   fresh_run CMD…        CMD there, with the environment of root's shell, nothing on stdin, and its exit status
#   fresh_put FILE… DIR   copies files of the suite into a folder of it
#   fresh_save FILE       keeps the files of the server as they are now; `FRESH_FROM=FILE fresh_boot` starts from them
#   login, admits, refuses, shut_out of guest.sh enter it
# It has root, bob and alice, as private hosts have them; each has a public key too: `login pubkey bob $GUEST/id_people`.
# It has no network; its apt finds the packages of FRESH_MIRROR. All settings are Debian's.

TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=tests/lib/host.sh
. "$TOP/tests/lib/host.sh"

# What a small server has; what a fresh Debian has in any case goes without saying.
FRESH_PACKAGES=(apt apt-utils systemd systemd-sysv dbus libpam-systemd openssh-server openssh-client sudo cron iproute2
	procps logrotate adduser passwd bash-completion netbase)
# What our packages may ask for: apt finds it there.
FRESH_MIRROR=(libyaml-0-2 libjansson4 libldap-2.5-0 libldap-common libgcrypt20 libseccomp2 debconf libpam-runtime)
FRESH_DEBS=/srv/debian

# fresh_files: prints the path below $TOP of the tar of its files; makes them first where there are none or old ones.
fresh_files() {
	host_kept fresh "$(cat "$TOP/tests/lib/"{fresh,fresh-make,people}.sh /etc/os-release | sha256sum)" fresh_make
}

# fresh_make: fetches the packages, and makes a server of them in a private host.
fresh_make() {
	host_debs fresh-debs fresh_fetch || return
	host_run bash "$TOP/tests/lib/fresh-make.sh" "$TOP/build/host/fresh-debs" "$FRESH_DEBS" "${FRESH_PACKAGES[@]}"
}

# fresh_fetch: downloads all that the server has, from where this machine's apt takes its packages.
fresh_fetch() {
	apt-get -q -y --no-install-recommends --download-only install -o Dir::State::status=/dev/null \
		-o Dir::Cache::archives="$TOP/build/host/fresh-debs" -o APT::Sandbox::User=root -o Debug::NoLocking=1 \
		'?essential' '?priority(required)' "${FRESH_PACKAGES[@]}" "${FRESH_MIRROR[@]}"
}

if ! host_inside; then
	FRESH_FILES=$(fresh_files)
	export FRESH_FILES
fi
# shellcheck source=tests/lib/e2e.sh
. "$TOP/tests/lib/e2e.sh"
# shellcheck source=tests/lib/booted.sh
. "$TOP/tests/lib/booted.sh"

# fresh_boot [LINE…]: see above.
fresh_boot() {
	[ -z "${boot_cgroup:-}" ] || boot_end || return
	[ -e "$GUEST/id_people" ] || ssh-keygen -q -t ed25519 -N '' -f "$GUEST/id_people"
	boot_on "
		tar -x -p --xattrs --xattrs-include='*' <'${FRESH_FROM:-/run/host/checkout/$FRESH_FILES}'
		for home in root home/bob home/alice; do
			install -D -m 644 '$GUEST/id_people.pub' \$home/.ssh/authorized_keys
		done" "$@" || return
	fresh_run cat /etc/ssh/ssh_host_ed25519_key.pub | sed 's/^/127.0.0.1 /' >"$GUEST/known_hosts"
}

# fresh_save FILE: see above. Logs that grow meanwhile make tar say 1.
fresh_save() {
	fresh_run tar -c -p --xattrs --xattrs-include='*' --one-file-system --warning=no-file-ignored \
		--warning=no-file-changed -C / . >"$1" || [ $? -eq 1 ]
}

# fresh_run CMD…: see above. Installing may take long on a busy machine. fresh_in CMD…: the same, with stdin.
fresh_run() { fresh_in "$@" </dev/null; }
fresh_in() {
	timeout -k 5 300 nsenter --target "$boot_pid" --all -- env -i HOME=/root USER=root LOGNAME=root SHELL=/bin/bash \
		TERM=linux LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# fresh_put FILE… DIR: see above.
fresh_put() {
	local into=${*: -1}
	fresh_run mkdir -p "$into"
	tar -c --transform='s,.*/,,' --absolute-names "${@:1:$#-1}" | fresh_in tar -x --no-same-owner -C "$into"
}
