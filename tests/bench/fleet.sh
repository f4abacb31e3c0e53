#!/usr/bin/env bash
# Up to 500 hosts that follow one LDAP server: how soon the last of them has a change, and what that costs. Root; in a private host.
#
# usage: bash tests/bench/fleet.sh
#
# bench_fleet.c says what is real here and what is simulated. The server is Debian's slapd with one provider overlay; of its
# settings nothing is raised but the open files that its shell permits.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
for part in ldap follow rows bench; do
	# shellcheck source=/dev/null
	. "$TOP/tests/lib/$part.sh"
done

# measure ENGINES KEYS GROUPS CHANGES PACE-MS: the rows of a fleet of so many.
measure() {
	local what=engines=$1,keys=$2,groups=$3
	note "$1 engines"
	"$BENCH/bench_fleet" "$ENGINE" "$1" "$4" "$5" "$(ldapi_uri one)" "$(dn_of_group crew)" \
		"apikeyName=key-000001,ou=keys,$SUFFIX" "$(cat "$LDAP/one/running")" >"$GUEST/fleet"
	said start 2 | row fleet-start apikey "$what" ms
	said change 2 | row fleet-last apikey "$what" ms
	said change 3 | row fleet-middle apikey "$what" ms
	said memory 2 | row fleet-engine-memory apikey "$what" kB
	said cpu 2 | row fleet-server-cpu slapd "$what" ms
	awk '/^VmRSS/ { print $2 }' "/proc/$(cat "$LDAP/one/running")/status" | row fleet-server-memory slapd "$what" kB
}
said() { awk -v word="$1" -v n="$2" '$1 == word { print $n }' "$GUEST/fleet"; }

syslog_start
install_directory
bench_build bench_fleet
ENGINE=$(dpkg -L apikey libpam-apikey libnss-apikey | grep '/apikey-engine$')
ulimit -n 8192
keys=$(full 1000 10) groups=$(full 1000 10)
slapd_make one listen=ldap://127.0.0.1 < <(directory_entries "$keys" "$groups")
slapd_run one
printf 'reader-pw\n' >"$GUEST/reader"
chmod 600 "$GUEST/reader"
directory_settings "uris=['ldap://localhost']" "ca_file=$LDAP/tls/ca.pem" sasl= "bind_dn='cn=reader,$SUFFIX'" \
	"password_file=$GUEST/reader"
for engines in $(full '1 100 500' 3); do
	measure "$engines" "$keys" "$groups" "$(full 20 2)" "$(full 500 50)"
done
