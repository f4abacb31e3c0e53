#!/usr/bin/env bash
# Of what a login consists: a profile of the PAM transactions of pam_permit and of ours, by parts. No bench: run.sh leaves it out. Root;
# in a private host.
#
# usage: bash tests/bench/profile.sh auth-acct|six|fresh [RULES [nobody|all]]    10 rules of nobody, where nothing is said
#
# fresh: a process for each transaction; the pages that are touched first are counted too. Rules are those of bench_policy
# (tests/lib/bench.sh). The modules are those of build/plain, which have names for what the packages' have not. It needs perf, of
# Debian's linux-perf. perf itself slows down what it looks at, so what counts are the shares, and the figures beside each other.
# The arguments (tests/bench/arguments/pam-*.md) have their shares from here.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
for part in rows bench; do
	# shellcheck source=/dev/null
	. "$TOP/tests/lib/$part.sh"
done

RATE=5000
BUDGET_MS=3000

# named LIBRARY PACKAGE: build/plain's takes the place of the package's.
named() { cp "$TOP/build/plain/.libs/$1" "$(dpkg -L "$2" | grep "/$1\$")"; }

# login_of WHO: the arguments of pam_call for it.
login_of() {
	case $1 in
	permit) printf '%s\n' bench-permit bob "$GUEST/secret" ;;
	apikey) printf '%s\n' bench-apikey bench "$GUEST/tokens/bench" ;;
	esac
}

# profiled WHO KIND: into $GUEST/WHO.samples, and how many logins there were into $GUEST/WHO.n.
profiled() {
	local login
	readarray -t login < <(login_of "$1")
	perf record -q -e cpu-clock -F "$RATE" --call-graph dwarf,16384 -m 16M -o "$GUEST/perf.data" -- \
		"$BENCH/pam_call" many "$2" "$BUDGET_MS" "${login[@]}" >"$GUEST/$1.n"
	perf script -i "$GUEST/perf.data" --no-inline -F comm,ip,sym,dso 2>/dev/null >"$GUEST/$1.samples"
	rm "$GUEST/perf.data"
}

# faults WHO: the pages that a process of one transaction touches first.
faults() {
	local login
	readarray -t login < <(login_of "$1")
	perf stat -x ' ' -e page-faults -o "$GUEST/faults" -- "$BENCH/pam_call" once "${login[@]}"
	awk '/page-faults/ { print $1 }' "$GUEST/faults"
}

kind=${1:-} rules=${2:-10} whose=${3:-nobody}
[[ $kind = @(auth-acct|six|fresh) && $whose = @(nobody|all) ]] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
command -v perf >/dev/null || { printf 'profile: there is no perf here: install linux-perf\n' >&2; exit 1; }
install_apikey
named pam_apikey.so libpam-apikey
named libnss_apikey.so.2 libnss-apikey
in_memory /etc /var/lib
bench_build bench_store pam_call
echo 512 >/proc/sys/net/unix/max_dgram_qlen
syslog_start
printf '%s required pam_deny.so\n' auth account session password >/etc/pam.d/other
for who in permit apikey; do
	printf "%s required pam_$who.so\n" auth account session >"/etc/pam.d/bench-$who"
done
names_by apikey
ours_make 1000 "$rules" "$whose"
new_key bench --role role-0 --group crew
printf 'none\n' >"$GUEST/secret"
for who in permit apikey; do
	profiled "$who" "$kind"
done
printf '%s, %s rules of %s\n' "$kind" "$rules" "$whose"
awk -v rate="$RATE" -v n_permit="$(cat "$GUEST/permit.n")" -v n_apikey="$(cat "$GUEST/apikey.n")" -f "$TOP/tests/bench/profile.awk" \
	"$GUEST"/{permit,apikey}.samples
[ "$kind" != fresh ] || printf 'pages touched first: pam_permit %s, apikey %s\n' "$(faults permit)" "$(faults apikey)"
