#!/usr/bin/env bash
# The name service: ours and its peers, each called in the same process through the same entries. Root; in a private host.
#
# usage: bash tests/bench/nss.sh    rows on stdout (tests/lib/rows.sh)
set -euo pipefail
shopt -s inherit_errexit
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/lib/peers.sh
. "$TOP/tests/lib/peers.sh"
peers_fetch
# shellcheck source=tests/lib/e2e.sh
. "$TOP/tests/lib/e2e.sh"
# shellcheck source=tests/lib/rows.sh
. "$TOP/tests/lib/rows.sh"
# shellcheck source=tests/lib/bench.sh
. "$TOP/tests/lib/bench.sh"

read -ra SIZES <<<"$(full '1000 100000' '100')"
ROUNDS=$(full 11 2)
BUDGET_MS=$(full 20 1)

# at KEYS: all rows of a host with so many keys.
at() {
	local keys=$1 modules=(apikey=apikey)
	note "name service, $keys keys"
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
	"$BENCH/nss_call" cold "$keys" "$(full 51 3)" "${modules[@]}"
	for module in "${modules[@]}"; do
		"$BENCH/nss_call" left "$keys" "$(full 10 1)" "$module"
	done
}

install_apikey
peers_install
in_memory /etc /var/lib
bench_build nss_call bench_store
for keys in "${SIZES[@]}"; do
	at "$keys"
done
