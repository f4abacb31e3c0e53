#!/usr/bin/env bash
# The packages on a fresh Debian, when a script of theirs fails or is killed: people log in, and dpkg repairs it.
set -euo pipefail
# shellcheck source=tests/lib/fresh.sh
. "$(dirname "$0")/../lib/fresh.sh"
# shellcheck source=tests/lib/debs.sh
. "$TOP/tests/lib/debs.sh"

# --- scripts that fail ---------------------------------------------------------------------------

# wrap: from now on dpkg_faulty runs the scripts of packages with each program of theirs in a wrapper. It fails, or kills
# who called it, as /run/faulty/what says: `fail NAME`, or `kill N`, the N-th that SCRIPT calls, which is part of a path.
wrap() {
	cat >"$GUEST/wrap" <<-'WRAP'
		mkdir -p /opt/faulty
		for name in $(grep -ohE '[a-z][a-z0-9_.-]+' /var/lib/dpkg/info/*apikey*.postinst /usr/sbin/pam-auth-update | sort -u); do
			path=$(command -v "$name") && [ "${path#/}" != "$path" ] || continue
			cat >"/opt/faulty/$name" <<-PROGRAM
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
			chmod 755 "/opt/faulty/$name"
		done
	WRAP
	fresh_in sh <"$GUEST/wrap"
}
# dpkg_faulty HOW WHAT SCRIPT ARGUMENT…: dpkg, with that fault.
dpkg_faulty() {
	fresh_run sh -c "mkdir -p /run/faulty; echo '$1 $2 $3' >/run/faulty/what; echo 0 >/run/faulty/count; : >/run/faulty/calls"
	fresh_run sh -c "PATH=/opt/faulty:\$PATH DEBIAN_FRONTEND=noninteractive $DPKG ${*:4}" >"$GUEST/faulty.out" 2>&1
}
# call N: the N-th that was called. calls: all.
call() { fresh_run sed -n "s/^$1 //p" /run/faulty/calls; }
calls() { fresh_run sh -c "touch /run/faulty/calls; cut -d' ' -f2 /run/faulty/calls | sort -u"; }

# killed_everywhere PACKAGE: its postinst is killed before each of its commands, and begins again each time.
killed_everywhere() {
	local n rc name
	fresh_run mkdir -p /run/faulty
	for ((n = 1; n < 100; n++)); do
		rc=0
		calls >>"$GUEST/called"
		dpkg_faulty kill "$n" "$1.*postinst" --configure "$1" || rc=$?
		name=$(call "$n")
		[ -n "$name" ] || break
		people_quick "$1 is killed before its command $n, $name: people log in"
		[ "$rc" -ne 0 ] || { tap_not_ok "$1 is killed: dpkg sees it"; break; }
	done
	equals "$1 is installed after all" 0 printf '%d' "$rc"
}

# profile_killed: pam-auth-update is killed at each file that it makes.
profile_killed() {
	local n
	for ((n = 1; n < 100; n++)); do
		from "$GUEST/unpacked"
		dpkg_do --configure libnss-apikey >"$GUEST/out" 2>&1
		dpkg_faulty kill "$n" sbin/pam-auth-update --configure libpam-apikey || :
		[ -n "$(call "$n")" ] || break
		people_quick "pam-auth-update is killed at its file $n: people log in"
		if grep -q -- "pam-auth-update --enable apikey'" "$GUEST/faulty.out"; then
			holds "pam-auth-update is killed at its file $n: what is said to be done" fresh_run pam-auth-update --enable apikey
		fi
		repaired "pam-auth-update is killed at its file $n"
	done
}

# fails_everywhere: each program fails in turn, wherever a postinst calls it. Where a script goes on, it says what is to be done.
fails_everywhere() {
	local name names
	mapfile -t names < <(sort -u "$GUEST/called")
	for name in "${names[@]}"; do
		from "$GUEST/unpacked"
		dpkg_faulty fail "$name" postinst --configure -a || :
		people_quick "$name fails: people log in"
		holds "$name fails: dpkg makes the best of it" best_of_it
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

# fill_disk: no byte is free.
fill_disk() {
	# shellcheck disable=SC2016 # it is for the host
	fresh_run sh -c 'mount -o remount,size=$(($(df --output=used -k / | tail -n 1) + 1024))k /
		dd if=/dev/zero of=/var/filler bs=4k status=none; [ "$(df --output=avail / | tail -n 1)" -eq 0 ]'
}
# --- all of it -----------------------------------------------------------------------------------
ready
unpack_all
wrap
fresh_save "$GUEST/unpacked"
for package in "${OURS[@]}"; do killed_everywhere "$package"; done
works 'after all of this a key logs in'
equals 'and no unit has failed' '' failed_units
profile_killed

from "$GUEST/unpacked"
holds 'the disk is full' fill_disk
exits 'the disk is full: the packages are not installed' 2 dpkg_do --configure -a
people_quick 'the disk is full: people log in'
fresh_run rm /var/filler
repaired 'there is room again'

fails_everywhere
tap_done
