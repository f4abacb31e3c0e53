#!/usr/bin/env bash
# The packages on a fresh Debian: installed, in use, upgraded, downgraded, removed and purged, and what is left then.
set -euo pipefail
# shellcheck source=tests/lib/fresh.sh
. "$(dirname "$0")/../lib/fresh.sh"
# shellcheck source=tests/lib/debs.sh
. "$TOP/tests/lib/debs.sh"

APT=(apt-get -y)

is_active() { [ "$(fresh_run systemctl is-active "$1")" = active ]; }

# sshd_reads LINE…: sshd with these lines first. sshd_stock: without them.
sshd_reads() {
	printf '%s\n' "$@" >"$GUEST/00-test.conf"
	fresh_put "$GUEST/00-test.conf" /etc/ssh/sshd_config.d
	fresh_run systemctl restart ssh
}
sshd_stock() { fresh_run sh -c 'rm /etc/ssh/sshd_config.d/00-test.conf && systemctl restart ssh'; }

# stays_in KEY: a login of it that stays, and answers. answers: does it still?
stays_in() {
	local how=()
	login_how password "$(token "$1")"
	mkfifo "$GUEST/stays.in"
	timeout -k 5 300 "${LOGIN_IN[@]}" ssh "${SSH_OPTIONS[@]}" "${how[@]}" "$1@127.0.0.1" cat \
		<>"$GUEST/stays.in" >"$GUEST/stays.out" 2>&1 &
	stays_pid=$!
	answers
}
answers() {
	said=$RANDOM
	echo "word $said" >"$GUEST/stays.in"
	wait_until 20 grep -qx "word $said" "$GUEST/stays.out"
}

# leaves: it goes by itself.
leaves() {
	kill "$stays_pid"
	wait_until 10 gone "$stays_pid"
}

# autopkgtests: what debian/tests/control lists, as autopkgtest runs it; one at a time.
autopkgtests() { sed -n 's/^Tests: //p' "$TOP/debian/tests/control" | tr -d ,; }
autopkgtest() { fresh_run env AUTOPKGTEST_TMP="$(fresh_run mktemp -d)" bash "/root/tests/$1"; }

# pid_of UNIT: its main process. restarted UNIT PID: is it another than PID, and running?
pid_of() { fresh_run systemctl show "$1" -p MainPID --value; }
restarted() { is_active "$1" && [ "$(pid_of "$1")" != "$2" ]; }

# apt_versions: which versions of ours are installed.
# shellcheck disable=SC2016 # it is for dpkg to expand
apt_versions() { fresh_run dpkg-query -W -f '${Version}\n' "${PACKAGES[@]}" | sort -u; }

# installed_by PLACE: the files that PLACE has, by name, wherever Debian and `make install` differ on purpose: settings
# are copied from /usr/share/apikey at the first installation, pages are compressed, and what Debian wants beside.
by_make() { make -s -C "$TOP/build/plain" install DESTDIR="$GUEST/made" LIBTOOLFLAGS=--silent >/dev/null 2>&1; }
made_files() { (cd "$GUEST/made" && find . ! -type d) | same_names; }
packed_files() {
	local deb
	for deb in "$TOP"/build/deb/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -t | grep -v '/$'; done | same_names
}
same_names() {
	sed -E 's,^\./(usr/)?,/,; s,^/share/apikey/(apikey|policy)\.yaml$,/etc/apikey/\1.yaml,; /^\/share\/man\//s,\.gz$,,;
		/^\/share\/(doc|lintian)\//d' | sort
}

# etc_changes BEFORE AFTER: what is new or changed below /etc and is no file of a package, nor argued below.
ETC_CHANGES=(
	/etc/apikey '/etc/apikey/(apikey|policy)\.yaml' # the first copy of settings and policy
	/etc/nsswitch\.conf '/etc/pam\.d(/common-[a-z-]+)?' # keys are users, our line is first
	'/etc/(passwd|group|shadow|gshadow)-?' '/etc/\.pwd\.lock' # the user _apikey
	'/etc/systemd/system/(multi-user|timers)\.target\.wants(/apikey[a-z-]*\.(service|timer))?' # enabled
	'/etc/ld\.so\.cache' # libraries
)
etc_changes() {
	local argued
	argued=$(IFS='|' && printf '%s' "${ETC_CHANGES[*]}")
	fresh_run sh -c 'cat /var/lib/dpkg/info/*.list' >"$GUEST/listed"
	diff "$1" "$2" | sed -n 's,^[<>] \(/etc/[^\t]*\)\t.*,\1,p' | sort -u | grep -vxFf "$GUEST/listed" | grep -Evx "$argued" || :
}

# newer_format FILE: an index of the host as a later version would write it, byte 8 being the version and byte 124 the CRC-32
# of the 256 bytes (apikey-formats(5)), which gzip(1) ends with too.
newer_format() {
	local idx=$GUEST/idx
	fresh_run cat "$1" >"$idx"
	printf '\2' | dd of="$idx" bs=1 seek=8 conv=notrunc status=none
	printf '\0\0\0\0' | dd of="$idx" bs=1 seek=124 conv=notrunc status=none
	head -c 256 "$idx" | gzip -c | tail -c 8 | head -c 4 | dd of="$idx" bs=1 seek=124 conv=notrunc status=none
	nsenter --target "$boot_pid" --all -- sh -c "cat >'$1'" <"$idx"
}

# --- a fresh host, and the packages on it --------------------------------------------------------
holds 'a fresh Debian boots' fresh_boot
equals 'no unit of it has failed' '' failed_units
holds 'it has none of what our packages need beyond Debian' in_state not-installed "${PACKAGES[@]}" libyaml-0-2 libjansson4 \
	libldap-2.5-0
people 'people log in'
debs_put "$TOP/build/deb"
fresh_put "$TOP"/debian/tests/* /root/tests
snapshot "$GUEST/before"

holds 'apt install ./*.deb succeeds, asks nothing, and people log in all the while' \
	people_during by_hand "${APT[@]}" install "$DEBS/*.deb"
holds 'all are installed' in_state installed "${PACKAGES[@]}" libyaml-0-2
equals 'no unit has failed' '' failed_units
people 'people log in'
snapshot "$GUEST/after"
equals 'nothing in /etc is new or changed but what is meant to be' '' etc_changes "$GUEST/before" "$GUEST/after"
by_make
holds 'the packages bring what make install brings' diff <(made_files) <(packed_files)

# --- the first key -------------------------------------------------------------------------------
new_key ci-deploy --role viewer
new_key other --role viewer
admits 'a key that was made logs in with its token, with nothing else to do' password ci-deploy "$(token ci-deploy)"
refuses 'with the token of another it does not' password ci-deploy "$(token other)"
holds 'sshd reads: keyboard-interactive is on' sshd_reads 'KbdInteractiveAuthentication yes'
admits 'the key logs in by it' kbd ci-deploy "$(token ci-deploy)"
people 'so do people' kbd
holds 'sshd reads: no passwords' sshd_reads 'PasswordAuthentication no' 'KbdInteractiveAuthentication no'
admits 'the key logs in' password ci-deploy "$(token ci-deploy)"
refuses 'a person with a password does not' password bob bob-pw
people 'with a public key they do' pubkey
sshd_stock

# --- what runs -----------------------------------------------------------------------------------
holds 'apikeyd runs' is_active apikeyd.service
shows 'and is enabled' 0 enabled fresh_run systemctl is-enabled apikeyd.service
shows 'its exposure is 2.5 at most, by systemd-analyze security' 0 'Overall exposure level' \
	fresh_run systemd-analyze security --threshold=25 apikeyd.service
holds 'the timer of the metrics is on' is_active apikey-metrics.timer
shows 'and is enabled' 0 enabled fresh_run systemctl is-enabled apikey-metrics.timer
fresh_run mkdir -p /var/lib/prometheus/node-exporter
holds 'what it starts' fresh_run systemctl start apikey-metrics.service
holds 'writes for the collector' fresh_run grep -q '^apikey_attention 0' /var/lib/prometheus/node-exporter/apikey.prom
fresh_run rm -r /var/lib/prometheus
for name in $(autopkgtests); do
	holds "the packages' own test: $name" autopkgtest "$name"
done
equals 'no unit has failed' '' failed_units

# --- an upgrade, and back ------------------------------------------------------------------------
debs_of_version "$GUEST/newer" 9.0-1
debs_put "$GUEST/newer"
fresh_run sh -c 'echo "max_duration: 90d" >>/etc/apikey/apikey.yaml && echo "# mine" >>/etc/apikey/policy.yaml && apikey publish'
fresh_run sha256sum /etc/apikey/apikey.yaml /etc/apikey/policy.yaml >"$GUEST/settings"
holds 'a key logs in and stays' stays_in ci-deploy
was=$(pid_of apikeyd)
holds 'an upgrade succeeds and asks nothing, though settings and policy were edited, and people log in all the while' \
	people_during by_hand "${APT[@]}" install "$DEBS/*.deb"
equals 'all are of the new version' 9.0-1 apt_versions
holds 'who was in is in' answers
equals 'settings and policy are as they were' "$(cat "$GUEST/settings")" \
	fresh_run sha256sum /etc/apikey/apikey.yaml /etc/apikey/policy.yaml
holds 'apikeyd was restarted' restarted apikeyd "$was"
admits 'the key logs in' password ci-deploy "$(token ci-deploy)"
people 'people log in'
equals 'no unit has failed' '' failed_units

debs_put "$TOP/build/deb"
fresh_run cp -a /var/lib/apikey /root/newer
newer_format /var/lib/apikey/local.idx
newer_format /var/lib/apikey/users.idx
holds 'back to an older version, from files of a newer format: succeeds, asks nothing, and people log in all the while' \
	people_during by_hand "${APT[@]}" install --allow-downgrades "$DEBS/*.deb"
holds 'all are installed' in_state installed "${PACKAGES[@]}"
shows 'what can not be read is told' 3 'newer' fresh_run apikey list
refuses 'the key is refused' password ci-deploy "$(token ci-deploy)"
people 'people log in'
holds 'who was in is in' answers
equals 'no unit has failed' '' failed_units
# As files the newer version has the old ones: it is the same program.
debs_put "$GUEST/newer"
fresh_run sh -c 'cp -a /root/newer/local.idx /root/newer/users.idx /var/lib/apikey && rm -r /root/newer'
holds 'the newer version again' by_hand "${APT[@]}" install "$DEBS/*.deb"
admits 'the key logs in' password ci-deploy "$(token ci-deploy)"
holds 'who was in is in' answers
debs_put "$TOP/build/deb"
holds 'the version as built again' by_hand "${APT[@]}" install --allow-downgrades "$DEBS/*.deb"
admits 'the key logs in' password ci-deploy "$(token ci-deploy)"

# --- a removal -----------------------------------------------------------------------------------
shows 'removed by apt: who is in is told' 0 'ci-deploy +sshd .* open' people_during by_hand "${APT[@]}" remove "${PACKAGES[@]}"
holds 'and is in' answers
people 'people log in'
shut_out 'the key does not' password ci-deploy "$(token ci-deploy)"
equals 'nothing of ours is in nsswitch.conf and the PAM stacks' '' \
	fresh_run sh -c 'grep -l apikey /etc/nsswitch.conf /etc/pam.d/*; :'
holds 'settings and keys are there' fresh_run test -e /etc/apikey/policy.yaml -a -e /var/lib/apikey/local.idx
equals 'no unit has failed' '' failed_units
holds 'installed again' people_during by_hand "${APT[@]}" install "$DEBS/*.deb"
admits 'the same key logs in' password ci-deploy "$(token ci-deploy)"
equals 'settings and policy are as they were' "$(cat "$GUEST/settings")" \
	fresh_run sha256sum /etc/apikey/apikey.yaml /etc/apikey/policy.yaml
holds 'who was in leaves' leaves

# --- a purge -------------------------------------------------------------------------------------
shows 'purged, with nobody to ask: the keys stay, and this is told' 0 'keys stay' \
	people_during fresh_run env DEBIAN_FRONTEND=noninteractive "${APT[@]}" purge "${PACKAGES[@]}"
holds 'none is installed' in_state not-installed "${PACKAGES[@]}"
holds 'settings and keys are there' fresh_run test -e /etc/apikey/policy.yaml -a -e /var/lib/apikey/local.idx
holds 'installed again' by_hand "${APT[@]}" install "$DEBS/*.deb"
admits 'the same key logs in' password ci-deploy "$(token ci-deploy)"
shows 'purged at a terminal: it asks, and is told no' 0 'Drop the API keys' answered 'yes/no' no "${APT[@]}" purge "${PACKAGES[@]}"
holds 'the keys are there' fresh_run test -e /var/lib/apikey/local.idx
holds 'installed again' by_hand "${APT[@]}" install "$DEBS/*.deb"
admits 'the same key logs in' password ci-deploy "$(token ci-deploy)"
shows 'purged, and told yes: homes that stay are told' 0 '/home/ci-deploy' answered 'yes/no' yes "${APT[@]}" purge "${PACKAGES[@]}"
people 'people log in'
holds 'what was installed for ours goes too' by_hand "${APT[@]}" autoremove --purge
fresh_run sh -c 'rm -r /home/ci-deploy /home/other'
snapshot "$GUEST/after"
equals 'the host is as it was' '' changes "$GUEST/before" "$GUEST/after"
holds 'installed again' by_hand "${APT[@]}" install "$DEBS/*.deb"
shut_out 'the key is no more' password ci-deploy "$(token ci-deploy)"
holds 'purged without a key, it asks nothing' by_hand "${APT[@]}" purge "${PACKAGES[@]}"
holds 'what was installed for ours goes too' by_hand "${APT[@]}" autoremove --purge
snapshot "$GUEST/after"
equals 'the host is as it was' '' changes "$GUEST/before" "$GUEST/after"
equals 'no unit has failed' '' failed_units
tap_done
