# shellcheck shell=bash
# The first line of every end-to-end suite: sourcing this puts the suite into a private host of its
# own (again from its start) and gives it TAP, waiting, services and logins.

TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=tests/lib/host.sh
. "$TOP/tests/lib/host.sh"
if ! host_inside; then
	host_run env TOP="$TOP" LC_ALL=C.UTF-8 bash "$0" "$@" </dev/null
	exit
fi
# shellcheck source=tests/lib/tap.sh
. "$TOP/tests/lib/tap.sh"
# shellcheck source=tests/lib/wait.sh
. "$TOP/tests/lib/wait.sh"
# shellcheck source=tests/lib/guest.sh
. "$TOP/tests/lib/guest.sh"
# shellcheck source=tests/lib/apikey.sh
. "$TOP/tests/lib/apikey.sh"
# shellcheck source=tests/lib/canary.sh
. "$TOP/tests/lib/canary.sh"
