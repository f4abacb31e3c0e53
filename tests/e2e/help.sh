#!/usr/bin/env bash
# What the command says of itself is true: each example of its help is run on a host, and bash completes at a terminal.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

# --- examples -----------------------------------------------------------------------------------

# examples: those of all verbs, a line each, as `apikey help` prints them.
verbs() { sed -n -E 's/^[[:space:]]*\{"([a-z ]+)", "[^"]*", [0-9]+,.*/\1/p' "$TOP/cli/verbs.c"; }
examples() {
	local verb
	while read -r verb; do
		# shellcheck disable=SC2086 # a verb may be two words
		apikey help $verb | sed -n '/^Examples:$/,/^$/s/^  //p'
	done < <(verbs)
}

# a_host: as the table of verbs promises (cli/verb.h): a key ci-deploy, its token, a policy that is to come.
DIRS=(root home etc/apikey var/lib/apikey)
a_host() {
	cd /root
	apikey create --name ci-deploy --role viewer -q >ci-deploy.token
	apikey group add ci-deploy platform-team >/dev/null
	cp "$POLICY" policy.yaml
	sed 's/logs in$/logs in by ssh/' policy.yaml >before.yaml
	apikey policy apply before.yaml >/dev/null
	tar -C / -cf "$GUEST/host.tar" "${DIRS[@]}"
}
# again: the host as it was before the last example.
again() {
	(cd / && find "${DIRS[@]}" -xdev -mindepth 1 -delete)
	tar -C / -xf "$GUEST/host.tar"
	cd /root
}
# works EXAMPLE: as it stands there. What needs a mended host to be content may find what needs attention.
works() {
	local code=0
	again
	bounded sh -euc "$1" || code=$?
	case $1 in
	'apikey status'* | 'apikey doctor'*) [ $code -eq 0 ] || [ $code -eq 3 ] ;;
	*) [ $code -eq 0 ] ;;
	esac
}

install_apikey
a_host 2>"$GUEST/host.err"
while read -r -u 4 example; do
	holds "example: $example" works "$example"
done 4< <(examples)
holds 'these were all' test "$(examples | wc -l)" -gt 40
again

# --- a terminal ---------------------------------------------------------------------------------

COMPLETIONS=/usr/share/bash-completion
# typed HOW KEYS: what a reader has typed who presses these keys in an interactive shell, as the words that apikey
# would get. HOW: file (reads the completion), package (has bash-completion), user (the file, for bob).
typed() {
	local as=(env) out=$GUEST/typed.out
	[ "$1" != user ] || as=(setpriv --reuid bob --regid bob --init-groups env)
	case $1 in
	package) printf '. %s/bash_completion\n' $COMPLETIONS ;;
	*) printf '. %s/completions/apikey\n' $COMPLETIONS ;;
	esac >"$GUEST/rc"
	cat >>"$GUEST/rc" <<-'END'
		PS1='ready> '
		apikey() { printf '\nwords:'; printf ' <%s>' "$@"; printf '\n'; exit; }
		sudo() { "$@"; }
	END
	chmod 644 "$GUEST/rc"
	rm -f "$GUEST/keys"
	mkfifo "$GUEST/keys"
	: >"$out"
	(cd /etc/apikey && exec "${as[@]}" -i HOME=/tmp TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		timeout -k 5 60 script -qfc "bash --noprofile --rcfile $GUEST/rc -i" /dev/null) <>"$GUEST/keys" >"$out" 2>&1 &
	wait_until 20 grep -q 'ready> ' "$out" || { cat -v "$out"; return 1; }
	printf '%b\r' "$2" 1<>"$GUEST/keys"
	wait_until 20 grep -q '^words:' "$out" || { cat -v "$out"; return 1; }
	sed -n 's/^words: //p' "$out" | tr -d '\r'
}
while IFS='|' read -r -u 4 how keys want; do
	equals "$how: $keys" "$want" typed "$how" "$keys"
done 4<<'END'
file|apikey sta\t|<status>
file|apikey role li\tci-d\t|<role> <list> <ci-deploy>
file|apikey list --in=lo\t -o js\t|<list> <--in=local> <-o> <json>
file|apikey create --rol\tvi\t|<create> <--role> <viewer>
file|apikey policy te\tpol\t|<policy> <test> <policy.yaml>
file|apikey policy simulate --policy=pol\t|<policy> <simulate> <--policy=policy.yaml>
file|apikey policy check --s\t/etc/apikey/pol\t|<policy> <check> <--strict> </etc/apikey/policy.yaml>
file|apikey help po\tche\t|<help> <policy> <check>
file|apikey show nobody\t|<show> <nobody>
package|apikey sta\t|<status>
package|apikey list --in=lo\t -o js\t|<list> <--in=local> <-o> <json>
package|sudo apikey show ci-d\t|<show> <ci-deploy>
user|apikey show ci-d\t|<show> <ci-deploy>
user|apikey explain ci-deploy --ser\tssh\t|<explain> <ci-deploy> <--service> <sshd>
END
tap_done
