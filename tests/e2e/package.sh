#!/usr/bin/env bash
# The packages on a fresh Debian: installed, in use, upgraded, downgraded, removed and purged, and what is left then.
set -euo pipefail
# shellcheck source=tests/lib/fresh.sh
. "$(dirname "$0")/../lib/fresh.sh"
# shellcheck source=tests/lib/package.sh
. "$TOP/tests/lib/package.sh"

APT='apt-get -y'

failed_units() { fresh_run systemctl list-units --failed --plain --no-legend; }
is_active() { [ "$(fresh_run systemctl is-active "$1")" = active ]; }

# reload_ssh [LINE…]: sshd with these lines first.
reload_ssh() {
	printf '%s\n' "$@" >"$GUEST/00-test.conf"
	fresh_put "$GUEST/00-test.conf" /etc/ssh/sshd_config.d
	fresh_run sh -c 'sshd -t && systemctl reload ssh'
}
stock_ssh() { fresh_run sh -c 'rm -f /etc/ssh/sshd_config.d/00-test.conf; systemctl reload ssh'; }

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

# autopkgtests: what debian/tests/control lists, as autopkgtest runs it; one at a time.
autopkgtests() { sed -n 's/^Tests: //p' "$TOP/debian/tests/control" | tr -d ,; }
autopkgtest() { fresh_run env AUTOPKGTEST_TMP="$(fresh_run mktemp -d)" bash "/root/tests/$1"; }

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
	people_during by_hand $APT install "$DEBS/*.deb"
holds 'all are installed' in_state installed "${PACKAGES[@]}" libyaml-0-2
equals 'no unit has failed' '' failed_units
people 'people log in'

# --- the first key -------------------------------------------------------------------------------
new_key ci-deploy --role viewer
admits 'a key that was made logs in with its token, with nothing else to do' password ci-deploy "$(token ci-deploy)"
refuses 'with another it does not' password ci-deploy "$(token ci-deploy | tr a-z b-za)"
holds 'sshd reads: keyboard-interactive is on' reload_ssh 'KbdInteractiveAuthentication yes'
admits 'the key logs in by it' kbd ci-deploy "$(token ci-deploy)"
people 'so do people' kbd
holds 'sshd reads: no passwords' reload_ssh 'PasswordAuthentication no' 'KbdInteractiveAuthentication no'
admits 'the key logs in' password ci-deploy "$(token ci-deploy)"
refuses 'a person with a password does not' password bob bob-pw
people 'with a public key they do' pubkey
stock_ssh

# --- what runs -----------------------------------------------------------------------------------
holds 'apikeyd runs' is_active apikeyd.service
shows 'and is enabled' 0 enabled fresh_run systemctl is-enabled apikeyd.service
shows 'its exposure is 2.5 at most, by systemd-analyze security' 0 'Overall exposure level' \
	fresh_run systemd-analyze security --threshold=25 apikeyd.service
for name in $(autopkgtests); do
	holds "the packages' own test: $name" autopkgtest "$name"
done
tap_done
