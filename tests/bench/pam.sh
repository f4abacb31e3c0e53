#!/usr/bin/env bash
# PAM: what a login takes by our module and by its peers, in one process and in fresh ones. Root; in a private host.
#
# usage: bash tests/bench/pam.sh    rows on stdout (tests/lib/rows.sh)
# Each service has one module for auth, account and session. In a round each has its turn, in a process of its own and
# with a name service of its own; a row is the median of the rounds. `above` is what is above pam_permit in the same
# round. Logs go to a syslog that takes them, as on a host.
set -euo pipefail
shopt -s inherit_errexit
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/lib/beside.sh
. "$TOP/tests/lib/beside.sh"

ROUNDS=$(full 7 1)
BUDGET_MS=$(full 200 1)
SAMPLES=$GUEST/samples

# Who, and: its module, the service of nsswitch.conf beside files, the user.
declare -A MODULE=([pam_permit]=pam_permit [apikey]=pam_apikey [pam_unix-sha512]=pam_unix [pam_unix-yescrypt]=pam_unix
	[pam_ldap]=pam_ldap [pam_ldap-starttls]=pam_ldap [pam_sss-cached]=pam_sss)
declare -A NAMES=([apikey]=apikey [pam_ldap]=ldap [pam_ldap-starttls]=ldap [pam_sss-cached]=sss)
declare -A LOGIN=([pam_permit]=bob [apikey]=bench [pam_unix-sha512]=unix-sha512 [pam_unix-yescrypt]=unix-yescrypt
	[pam_ldap]=ci-deploy-0000001 [pam_ldap-starttls]=ci-deploy-0000001 [pam_sss-cached]=ci-deploy-0000001)

# service_make WHO: its service, and where its token or password is.
service_make() {
	printf '%s required %s.so\n' auth "${MODULE[$1]}" account "${MODULE[$1]}" session "${MODULE[$1]}" >"/etc/pam.d/bench-$1"
	[ -e "$GUEST/secret-$1" ] || printf 'bench-pw\n' >"$GUEST/secret-$1"
}

# other_make: libpam reads this service beside each other one, with all modules that it names. Debian's stack of it would
# be half of the floor.
other_make() { printf '%s required pam_deny.so\n' auth account session password >/etc/pam.d/other; }

# unix_users: one for each way in which a password is hashed.
unix_users() {
	useradd unix-sha512
	useradd unix-yescrypt
	printf 'unix-sha512:bench-pw\n' | chpasswd -c SHA512
	printf 'unix-yescrypt:bench-pw\n' | chpasswd -c YESCRYPT
}

# started_for WHO: what has to be, is.
started_for() {
	case $1 in
	pam_ldap) nslcd_start ;;
	pam_ldap-starttls) nslcd_start 'ssl start_tls' ;;
	esac
}

# turn ROUND WHO: its figures of a round, into $SAMPLES.
turn() {
	names_by "${NAMES[$2]:-}"
	started_for "$2"
	"$BENCH/pam_call" calls "$BUDGET_MS" "bench-$2" "${LOGIN[$2]}" "$GUEST/secret-$2" | sed "s/^/$1 $2 /" >>"$SAMPLES"
}

# rounds PARAMETERS WHO…: rows of all of them; pam_permit must be among them.
rounds() {
	local parameters=$1 round who
	shift
	: >"$SAMPLES"
	for ((round = 1; round <= ROUNDS; round++)); do
		for who in "$@"; do
			turn "$round" "$who"
		done
	done
	awk -v parameters="$parameters" '
		{ median[$3, $2, $1] = $4; p99[$3, $2, $1] = $5; rounds = $1 }
		!seen[$2]++ { who[++n] = $2 }
		END {
			split("auth-acct six fresh", measure, " ")
			for (m = 1; m <= 3; m++)
				for (i = 1; i <= n; i++) {
					row("pam-" measure[m], who[i], measure[m], "")
					if (who[i] != "pam_permit") row("pam-" measure[m] "-above", who[i], measure[m], "pam_permit")
				}
		}
		function row(name, one, what, floor,  r, a, b) {
			for (r = 1; r <= rounds; r++) {
				a[r] = median[what, one, r] - (floor == "" ? 0 : median[what, floor, r])
				b[r] = p99[what, one, r] - (floor == "" ? 0 : median[what, floor, r])
			}
			printf "%s\t%s\t%s\t%.2f\t%.2f\tus\n", name, one, parameters, middle(a, rounds), middle(b, rounds)
		}
		function middle(v, n,  i, j, t) {
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
			return v[int(n / 2) + 1]
		}' "$SAMPLES"
}

# key_make: the key that logs in, on the host that is there.
key_make() { new_key bench --role role-0 --group crew && cp "$GUEST/tokens/bench" "$GUEST/secret-apikey"; }

peers=() spinning=()
! with_peers || peers=(pam_unix-sha512 pam_unix-yescrypt pam_ldap pam_ldap-starttls pam_sss-cached)
beside_host pam_call
# As systemd sets it when it boots a host: a new network namespace has the kernel's 10, and a log line then waits for its reader.
echo 512 >/proc/sys/net/unix/max_dgram_qlen
syslog_start
unix_users
other_make
for who in "${!MODULE[@]}"; do
	service_make "$who"
done

note 'PAM and its peers'
ours_make "$(full 1000 100)" 10
key_make
if with_peers; then
	directory_make 1000
	nslcd_start
	sssd_start
fi
rounds rules=10 pam_permit apikey "${peers[@]}"
if with_peers; then
	sssd_end
	nslcd_end
	directory_end
fi
# Whoever reads the log is woken on a processor that may sleep: not here.
note 'PAM, processors awake'
for ((i = $(nproc); i > 0; i--)); do
	nice -n 19 sh -c 'while :; do :; done' &
	spinning+=($!)
done
rounds processors=awake pam_permit apikey
kill "${spinning[@]}"
wait "${spinning[@]}" || :
note '10,000 transactions in one process'
names_by apikey
exactly "$BENCH/pam_call" grows "$(full 10000 100)" apikey bench-apikey bench "$GUEST/secret-apikey"
for rules in $(full '100 1000 10000' 1000); do
	note "PAM, $rules rules"
	names_by apikey
	ours_make "$(full 1000 100)" "$rules"
	key_make
	rounds "rules=$rules" pam_permit apikey
done
for rules in $(full '10 100 1000 10000' '10 1000'); do
	note "PAM, $rules rules, all of which are asked"
	names_by apikey
	ours_make "$(full 1000 100)" "$rules" all
	key_make
	rounds "rules=$rules,asked=all" pam_permit apikey
done
for keys in $(full '10000 100000 1000000' 1000); do
	note "PAM, $keys keys"
	names_by apikey
	ours_make "$keys" 10
	key_make
	rounds "keys=$keys" pam_permit apikey
done
