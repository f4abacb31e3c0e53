#!/usr/bin/env bash
# The packages on a fresh Debian, where something goes wrong: whatever it is, people log in, and dpkg repairs it.
set -euo pipefail
# shellcheck source=tests/lib/fresh.sh
. "$(dirname "$0")/../lib/fresh.sh"
# shellcheck source=tests/lib/debs.sh
. "$TOP/tests/lib/debs.sh"

# What logins go through.
OURS=(libnss-apikey libpam-apikey apikey)
# dpkg by its path: the programs that its scripts start may be ours.
DPKG=/usr/bin/dpkg

dpkg_do() { fresh_run sh -c "DEBIAN_FRONTEND=noninteractive $DPKG $*"; }
from() { FRESH_FROM=$1 fresh_boot; }

# works SENTENCE: a key is made, and logs in.
works() {
	local name=key-$tap_count
	new_key "$name" --role viewer || :
	admits "$1" password "$name" "$(token "$name")"
}

# repaired SENTENCE: dpkg goes on where it was stopped, and then all is well.
repaired() {
	holds "$1: dpkg repairs it" dpkg_do --configure -a
	holds "$1: all are installed" in_state installed "${OURS[@]}"
	works "$1: a key logs in"
}

# --- scripts that fail ---------------------------------------------------------------------------

# wrap: from now on dpkg_faulty runs the scripts of packages with each program of theirs in a wrapper. It fails, or kills
# who called it, as /run/faulty/what says: `fail NAME`, or `kill N`, the N-th that SCRIPT calls, which is part of a path.
wrap() {
	cat >"$GUEST/wrap" <<-'WRAP'
		mkdir -p /run/faulty/bin
		for name in $(grep -ohE '[a-z][a-z0-9_.-]+' /var/lib/dpkg/info/*apikey*.postinst /usr/sbin/pam-auth-update | sort -u); do
			path=$(command -v "$name") && [ "${path#/}" != "$path" ] || continue
			cat >"/run/faulty/bin/$name" <<-PROGRAM
				#!/bin/sh
				read how what script </run/faulty/what
				if /bin/grep -q "\$script" /proc/\$PPID/cmdline; then
					[ "\$how \$what" != "fail $name" ] || exit 1
					read count _ </run/faulty/count
					count=\$((count + 1))
					echo \$count $name >>/run/faulty/calls
					echo \$count $name >/run/faulty/count
					[ "\$how \$what" != "kill \$count" ] || { kill -KILL \$PPID; exit 1; }
				fi
				exec $path "\$@"
			PROGRAM
			chmod 755 "/run/faulty/bin/$name"
		done
	WRAP
	fresh_in sh <"$GUEST/wrap"
}
# dpkg_faulty HOW WHAT SCRIPT ARGUMENT…: dpkg, with that fault.
dpkg_faulty() {
	fresh_run sh -c "echo '$1 $2 $3' >/run/faulty/what; echo 0 >/run/faulty/count; : >/run/faulty/calls"
	fresh_run sh -c "PATH=/run/faulty/bin:\$PATH DEBIAN_FRONTEND=noninteractive $DPKG ${*:4}" >"$GUEST/faulty.out" 2>&1
}
# call N: the N-th that was called. calls: all.
call() { fresh_run sed -n "s/^$1 //p" /run/faulty/calls; }
calls() { fresh_run sh -c "cut -d' ' -f2 /run/faulty/calls | sort -u"; }

# killed_everywhere PACKAGE: its postinst is killed before each of its commands, and begins again each time.
killed_everywhere() {
	local n rc name
	for ((n = 1; n < 100; n++)); do
		rc=0
		dpkg_faulty kill "$n" "$1.*postinst" --configure "$1" || rc=$?
		name=$(call "$n")
		[ -n "$name" ] || break
		people_quick "$1 is killed before its command $n, $name: people log in"
		[ "$rc" -ne 0 ] || { tap_not_ok "$1 is killed: dpkg sees it"; break; }
	done
	equals "$1 is installed after all" 0 printf '%d' "$rc"
	calls >>"$GUEST/called"
}

# profile_killed: pam-auth-update is killed at each file that it makes.
profile_killed() {
	local n
	for ((n = 1; n < 100; n++)); do
		from "$GUEST/unpacked" && wrap
		dpkg_do --configure libnss-apikey >"$GUEST/out" 2>&1
		dpkg_faulty kill "$n" sbin/pam-auth-update --configure libpam-apikey || :
		[ -n "$(call "$n")" ] || break
		people_quick "pam-auth-update is killed at its file $n: people log in"
		repaired "pam-auth-update is killed at its file $n"
	done
}

# fails_everywhere: each program fails in turn, wherever a postinst calls it. Where a script goes on, it says what is to be done.
fails_everywhere() {
	local name
	for name in $(sort -u "$GUEST/called"); do
		from "$GUEST/unpacked" && wrap
		dpkg_faulty fail "$name" postinst --configure -a || :
		people_quick "$name fails: people log in"
		holds "$name fails: dpkg repairs what it can" dpkg_do --configure -a
		holds "$name fails: all are installed" in_state installed "${OURS[@]}"
		key_or_advice "$name fails: a key logs in, or it was said what to do"
	done
}
key_or_advice() {
	if grep -Eq '^(apikey|libpam-apikey|libnss-apikey): .*(: |\bsee\b)' "$GUEST/faulty.out"; then
		tap_ok "$1"
	else
		works "$1"
	fi
}

# --- orders --------------------------------------------------------------------------------------

# unpacked_in_order PACKAGE…: one after the other, none configured; then all are.
unpacked_in_order() {
	local name done=()
	from "$GUEST/ready"
	for name in "$@"; do
		dpkg_do --unpack "$(debs "$name")" >"$tap_out" 2>&1 || tap_not_ok "$name is unpacked"
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
	all_again
}
all_again() { dpkg_do --install "$(debs "${OURS[@]}")" >"$tap_out" 2>&1 || tap_not_ok 'all are installed again'; }

# fill_disk: no byte is free.
fill_disk() {
	fresh_run sh -c 'mount -o remount,size=$(($(df --output=used -k / | tail -n 1) + 1024))k /
		dd if=/dev/zero of=/var/filler bs=4k status=none; [ "$(df --output=avail / | tail -n 1)" -eq 0 ]'
}
failed_units() { fresh_run systemctl list-units --failed --plain --no-legend; }

# --- all of it -----------------------------------------------------------------------------------
fresh_boot
fresh_run apt-get -y install libjansson4 libldap-2.5-0 libyaml-0-2 >"$GUEST/apt" 2>&1
debs_put "$TOP/build/deb"
fresh_save "$GUEST/ready"
unpacked_in_order libnss-apikey libpam-apikey apikey
unpacked_in_order libpam-apikey apikey libnss-apikey
unpacked_in_order apikey libnss-apikey libpam-apikey


# The three, unpacked, and killed wherever a postinst does something.
from "$GUEST/ready"
dpkg_do --unpack "$(debs "${OURS[@]}")" >"$GUEST/unpack" 2>&1
fresh_save "$GUEST/unpacked"
wrap
for package in "${OURS[@]}"; do killed_everywhere "$package"; done
works 'after all of this a key logs in'
equals 'and no unit has failed' '' failed_units
profile_killed

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

from "$GUEST/unpacked"
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

from "$GUEST/unpacked"
holds 'the disk is full' fill_disk
exits 'the disk is full: the packages are not installed' 1 dpkg_do --configure -a
people_quick 'the disk is full: people log in'
fresh_run rm /var/filler
repaired 'there is room again'

fails_everywhere
tap_done
