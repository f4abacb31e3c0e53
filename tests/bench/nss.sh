#!/usr/bin/env bash
# The name service: ours and its peers, each called in the same process through the same entries. Root; in a private host.
#
# usage: bash tests/bench/nss.sh    rows on stdout (tests/lib/bench.sh)
set -euo pipefail
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/lib/host.sh
. "$TOP/tests/lib/host.sh"
[ "${APIKEY_BENCH:-}" = smoke ] || host_extra bench libnss-cache libnss-extrausers libnss-ldapd libpam-ldapd nslcd \
	sssd-ldap sssd-common libnss-sss libpam-sss
# shellcheck source=tests/lib/e2e.sh
. "$TOP/tests/lib/e2e.sh"
# shellcheck source=tests/lib/bench.sh
. "$TOP/tests/lib/bench.sh"
# shellcheck source=tests/lib/peers.sh
. "$TOP/tests/lib/peers.sh"

read -ra SIZES <<<"$(sized '1000 100000' '100')"
ROUNDS=$(sized 11 2)
BUDGET_MS=$(sized 20 1)

# at KEYS: all rows of a host with so many keys.
at() {
	local keys=$1 modules=(apikey=apikey)
	bench_says "name service, $keys keys"
	files_unmake
	ours_make "$keys"
	if with_peers; then
		files_make "$keys"
		cache_make "$keys"
		extrausers_make "$keys"
		modules+=(files=files libnss-cache=cache libnss-extrausers=extrausers)
	fi
	"$BENCH/nss_call" lookups "$keys" "$ROUNDS" "$BUDGET_MS" "${modules[@]}"
	"$BENCH/nss_call" walks "$keys" "$ROUNDS" "${modules[@]}"
	"$BENCH/nss_call" cold "$keys" "$(sized 51 3)" "${modules[@]}"
	for module in "${modules[@]}"; do
		"$BENCH/nss_call" left "$keys" "$(sized 1000 10)" "$module"
	done
}

install_apikey
! with_peers || host_extra_install bench
mkdir -p /var/lib/extrausers
in_memory /etc /var/lib
bench_build nss_call bench_keys
for keys in "${SIZES[@]}"; do
	at "$keys"
done
