#!/usr/bin/env bash
# The packages on a fresh Debian, in any order and on hosts that are broken: people log in at every step.
set -euo pipefail
# shellcheck source=tests/lib/fresh.sh
. "$(dirname "$0")/../lib/fresh.sh"
# shellcheck source=tests/lib/debs.sh
. "$TOP/tests/lib/debs.sh"

# --- orders --------------------------------------------------------------------------------------

# unpacked_in_order PACKAGE…: one after the other, none configured; then all are.
unpacked_in_order() {
	local name done=()
	from "$GUEST/ready"
	for name in "$@"; do
		dpkg_do --unpack "$(debs "$name")" >"$GUEST/unpack" 2>&1 || { cat "$GUEST/unpack"; return 1; }
		done+=("$name")
		people_quick "unpacked alone: ${done[*]}: people log in"
	done
	repaired "unpacked: $*"
}

# removed_in_order FORCE PACKAGE…: one after the other; then all are there again.
removed_in_order() {
	local name
	for name in "${@:2}"; do
		holds "$name is removed $1" dpkg_do --remove "$1" "$name"
		people_quick "$name is removed: people log in"
	done
	holds 'nothing of ours is named in nsswitch.conf and the PAM stacks' \
		fresh_run sh -c '! grep apikey /etc/nsswitch.conf /etc/pam.d/common-*'
	holds 'all are installed again' all_again
}
all_again() { dpkg_do --install "$(debs "${OURS[@]}")"; }

# --- all of it -----------------------------------------------------------------------------------
ready
unpacked_in_order libnss-apikey libpam-apikey apikey
unpacked_in_order libpam-apikey apikey libnss-apikey
unpacked_in_order apikey libnss-apikey libpam-apikey

removed_in_order '' apikey libpam-apikey libnss-apikey
removed_in_order --force-depends libnss-apikey libpam-apikey apikey
new_key ci --role viewer
holds 'libpam-apikey is removed alone, by force' dpkg_do --remove --force-depends libpam-apikey
people_quick 'libpam-apikey is removed alone: people log in'
shut_out 'libpam-apikey is removed alone: a key does not' password ci "$(token ci)"
holds 'libpam-apikey is removed alone: apt repairs it' fresh_run sh -c "apt-get -y --fix-broken install $DEBS/libpam-*.deb"
admits 'the key logs in' password ci "$(token ci)"
holds 'the file of the PAM module is gone' fresh_run sh -c 'rm /usr/lib/*/security/pam_apikey.so'
people_quick 'the file of the PAM module is gone: people log in'
shut_out 'the file of the PAM module is gone: a key does not' password ci "$(token ci)"
holds 'the file of the other module too' fresh_run sh -c 'rm /usr/lib/*/libnss_apikey.so.2'
people_quick 'the file of the other module too: people log in'
holds 'packages bring both back' all_again
admits 'the key logs in' password ci "$(token ci)"

# A host that is broken, and the packages come or are upgraded.
holds 'the policy is broken' fresh_run sh -c 'echo "rolls: {}" >>/etc/apikey/policy.yaml'
shows 'the policy is broken: an upgrade succeeds, and tells of it' 0 'policy\.yaml:[0-9]+' all_again
people_quick 'the policy is broken: people log in'
holds 'the policy is mended' fresh_run sh -c 'sed -i "/^rolls/d" /etc/apikey/policy.yaml && apikey publish'
admits 'the key logs in' password ci "$(token ci)"

# The same when they come.
from "$GUEST/ready"
unpack_all
fresh_save "$GUEST/unpacked"
fresh_run sh -c 'echo "Nonsense yes" >/etc/ssh/sshd_config.d/zz.conf'
shows "sshd's settings are broken: installing succeeds, and tells of it" 0 'Nonsense' dpkg_do --configure -a
people_quick "sshd's settings are broken: people log in"
fresh_run sh -c 'rm /etc/ssh/sshd_config.d/zz.conf && systemctl reload ssh'
works 'they are mended: a key logs in'

from "$GUEST/unpacked"
fresh_run sh -c 'printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d'
holds 'no service may be started: installing succeeds' dpkg_do --configure -a
people_quick 'no service may be started: people log in'
works 'no service may be started: a key logs in'

from "$GUEST/unpacked"
fresh_run sh -c 'mkdir -p /var/lib/apikey && mount --bind -o ro /var/lib/apikey /var/lib/apikey && mount -o remount,bind,ro /var/lib/apikey'
shows 'the folder of keys is read-only: installing succeeds, and tells of it' 0 'apikey: no key logs in' dpkg_do --configure -a
people_quick 'the folder of keys is read-only: people log in'
fresh_run umount /var/lib/apikey
holds 'the folder can be written: what was told makes it whole' fresh_run apikey publish
works 'the folder can be written: a key logs in'

tap_done
