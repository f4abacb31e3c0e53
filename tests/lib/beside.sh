# shellcheck shell=bash
# A bench of ours beside its peers: all that it sources, in the order that they need, and its host. Sourced first, with $TOP.

# shellcheck source=tests/lib/peers.sh
. "$TOP/tests/lib/peers.sh"
peers_fetch
# shellcheck source=tests/lib/e2e.sh
. "$TOP/tests/lib/e2e.sh"
# shellcheck source=tests/lib/rows.sh
. "$TOP/tests/lib/rows.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/bench.sh
. "$TOP/tests/lib/bench.sh"

# beside_host PROGRAM…: ours and the peers are installed, what all of them read lies in memory, and these programs are made.
beside_host() {
	install_apikey
	peers_install
	in_memory /etc /var/lib
	bench_build bench_store "$@"
}
