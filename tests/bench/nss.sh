#!/usr/bin/env bash
# The name service: ours and its peers, each called in the same process through the same entries. Root; in a private host.
#
# usage: bash tests/bench/nss.sh    rows on stdout (tests/lib/rows.sh)
set -euo pipefail
shopt -s inherit_errexit
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/lib/beside.sh
. "$TOP/tests/lib/beside.sh"

read -ra SIZES <<<"$(full '1000 10000 100000 1000000' '100')"
BUDGET_MS=$(full 20 1)
# What is held is asked once.
LEFT_AT=$(full 100000 100)
# A cache that maps its file is asked for so many keys, which it knows; what is new to it is a measure of its own.
SSSD_KEYS=200
# A server is loaded with no more than this: sssd and nslcd are not made for a million.
NSLCD_MAX=100000 SSSD_MAX=10000

# peers_make KEYS: the same keys for all that shall be measured beside ours, into the caller's modules and listing.
peers_make() {
	files_make "$1"
	cache_make "$1"
	extrausers_make "$1"
	listing+=(files=files libnss-cache=cache libnss-extrausers=extrausers)
	if [ "$1" -le "$NSLCD_MAX" ]; then
		note "slapd, $1 users"
		directory_make "$1"
		nslcd_start
		listing+=(nslcd=ldap)
	fi
	modules=("${listing[@]}")
	if [ "$1" -le "$SSSD_MAX" ]; then
		sssd_start
		modules+=("sssd=sss:$SSSD_KEYS")
	fi
}

# at KEYS: all rows of a host with so many keys. sssd lists no users.
at() {
	local keys=$1 module rounds modules=(apikey=apikey) listing=(apikey=apikey)
	rounds=$(full $((keys < 1000000 ? 11 : 5)) 2)
	note "$keys keys"
	files_unmake
	ours_make "$keys"
	! with_peers || peers_make "$keys"
	"$BENCH/nss_call" lookups "$keys" "$rounds" "$BUDGET_MS" "${modules[@]}"
	"$BENCH/nss_call" floor "$keys" "$rounds" "$BUDGET_MS" "$STATE/users.idx"
	"$BENCH/nss_call" walks "$keys" "$rounds" "${listing[@]}"
	"$BENCH/nss_call" cold "$keys" "$(full 301 3)" "${modules[@]}"
	for module in "${listing[@]}"; do
		[ "$keys" -eq "$LEFT_AT" ] || break
		exactly "$BENCH/nss_call" left "$keys" "$(full 10 1)" "$module"
	done
	sssd_end
	nslcd_end
	directory_end
}

beside_host nss_call
names_by apikey
for keys in "${SIZES[@]}"; do
	at "$keys"
done
