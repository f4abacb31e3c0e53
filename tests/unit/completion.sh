#!/usr/bin/env bash
# Does bash complete what the command takes? Its own tables are asked by `apikey help`; no root is needed.
set -euo pipefail
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILT=${top_builddir:-$top_srcdir/build/plain}
# shellcheck source=tests/lib/tap.sh
. "$top_srcdir/tests/lib/tap.sh"
export LC_ALL=C.UTF-8
TMP=$(mktemp -d)
trap 'rm -rf "$TMP" "$tap_out"' EXIT
# Nobody but root may read what a sanitizer would have to.
export ASAN_OPTIONS=detect_leaks=0

# --- a host of our own --------------------------------------------------------------------------

mkdir "$TMP/bin" "$TMP/etc"
cat >"$TMP/bin/getent" <<END
#!/bin/sh
echo "\$*" >>$TMP/asked
cat $TMP/users
END
chmod 755 "$TMP/bin/getent"
PATH=$TMP/bin:$PATH
# keys NAME…: all there are.
keys() { printf '%s:x:70000:70000::/home/x:/bin/bash\n' "$@" >"$TMP/users"; }
keys ci-deploy ci-web nightly
cat >"$TMP/etc/policy.yaml" <<'END'
version: 1
spaces:
  production: {}
roles:   # who may what
  # not: this
  viewer: {services: [sshd]}
  editor:
    services: [sshd, sudo]
    unix_groups: [editors]
  'odd one': {services: [sshd]}
groups:
    platform-team: [viewer]
    $(touch x): [viewer]
deny: []
END
sed "s,[^ '\"]*/etc/apikey/,$TMP/etc/,g" "$BUILT/etc/completion/apikey" >"$TMP/completion"

# --- asking -------------------------------------------------------------------------------------

# offers LINE: what is offered at its end, in order, a word each on one line; "files" where bash is to complete those.
offers() {
	local line=$1 word breaks=${2-'=:'}
	COMP_WORDS=()
	while [[ -n $line ]]; do
		[[ $line =~ ^([$breaks]+|[^$breaks ]+|' '+)(.*)$ ]]
		word=${BASH_REMATCH[1]} line=${BASH_REMATCH[2]}
		if [[ $word == ' '* ]]; then
			[[ -n $line ]] || COMP_WORDS+=('')
		else
			COMP_WORDS+=("$word")
		fi
	done
	# shellcheck disable=SC2034
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_WORDBREAKS=" $breaks"
	files=''
	_apikey || return
	printf '%s\n' "$files" "${COMPREPLY[@]}" | sed '/^$/d' | sort | paste -sd ' '
}
# bash knows it within a completion alone.
compopt() { [ "$*" != '-o default' ] || files=files; }
# shellcheck source=/dev/null
. "$TMP/completion"

# verbs: of the table. help_of VERB: "--long[,-l][ VALUE]" for each option, from its help.
verbs() { sed -n -E 's/^[[:space:]]*\{"([a-z ]+)", "[^"]*", [0-9]+,.*/\1/p' "$top_srcdir/cli/verbs.c"; }
help_of() {
	# shellcheck disable=SC2086 # a verb may be two words
	"$BUILT/apikey" help $1 | sed -n -E 's/^  (-.), (--[a-z-]+)( [^ ]+)?.*/\2 \1\3/p; s/^      (--[a-z-]+)( [A-Za-z|]+ )?.*/\1 -\2/p'
}
sorted() { tr ' ' '\n' | sed '/^-*$/d' | sort -u | paste -sd ' '; }

equals 'it says nothing when it is read, in the strictest shell' '' bash --norc -euc ". '$TMP/completion'"
equals 'it is the completion of apikey' 'complete -F _apikey apikey' bash --norc -c ". '$TMP/completion'; complete -p apikey"
equals 'the verbs' "$({ verbs | cut -d' ' -f1; echo --help --version; } | tr '\n' ' ' | sorted)" offers 'apikey '
equals 'those that begin so' 'sessions set show status sync' offers 'apikey s'
equals 'what is no verb has none' '' offers 'apikey fly '
equals 'nor has an option in its place' '' offers 'apikey --help '

# --- every verb and every option of the table ---------------------------------------------------

# wanted KIND: what stands for it here.
wanted() {
	case $1 in
	FILE | PATH) echo files ;;
	'NAME|ID') echo ci-deploy ci-web nightly ;;
	BINDING | ROLE) echo editor viewer ;;
	GROUP) echo platform-team ;;
	ACCOUNT) cut -d: -f1 /etc/passwd | tr '\n' ' ' | sorted ;;
	SERVICE) printf '%s\n' /etc/pam.d/* | sed 's,.*/,,' | tr '\n' ' ' | sorted ;;
	*'|'*) tr '|' ' ' <<<"$1" | sorted ;;
	*) echo ;;
	esac
}
# values VERB: is each of its options' values completed, as the next word, behind = and by the letter?
values() {
	local long letter value how got
	help_of "$1" >"$TMP/options"
	while read -r long letter value; do
		[ -n "$value" ] || continue
		for how in "$long " "$long=" "${letter:+$letter }"; do
			case $how in '' | '- ') continue ;; esac
			got=$(offers "apikey $1 $how")
			[ "$got" = "$(wanted "$value")" ] || { printf '%s%s: %s\n' "$how" "$value" "$got"; return 1; }
		done
	done <"$TMP/options"
}
# operand VERB: the first word of its operands, and whether there may be many.
operand() {
	# shellcheck disable=SC2086 # a verb may be two words
	"$BUILT/apikey" help $1 | sed -n -E "1s/usage: apikey $1 (.*)\[--options\]/\1/p" | tr -d '[]'
}
n=0
while read -r verb; do
	n=$((n + 1))
	help_of "$verb" >"$TMP/options"
	equals "$verb: each option, by name and letter" "$(cut -d' ' -f1,2 "$TMP/options" | tr '\n' ' ' | sorted)" offers "apikey $verb -"
	holds "$verb: their values" values "$verb"
	read -r first rest <<<"$(operand "$verb")"
	case $first in
	'') equals "$verb: no operand, so its options" \
		"$({ [ "$verb" != sessions ] || echo end; cut -d' ' -f1,2 "$TMP/options"; } | tr '\n' ' ' | sorted)" offers "apikey $verb " ;;
	VERB) ;;
	*) equals "$verb: its operand" "$(wanted "${first%…}")" offers "apikey $verb " ;;
	esac
	[ -z "$rest" ] || [ "$first" = VERB ] || equals "$verb: the next ones" "$(wanted "${rest%%…*}")" offers "apikey $verb x y "
done < <(verbs)
holds 'these were all' test "$n" -gt 35

# --- traps --------------------------------------------------------------------------------------

while IFS='|' read -r sentence line want; do
	equals "$sentence" "${want# }" offers "${line# }"
done <<'END'
second words| apikey role | add list remove
those that begin so| apikey policy s| samples show simulate
of a verb that is called as its family| apikey sessions e| end
in help: verbs| apikey help po| policy
in help: their words| apikey help policy a| apply
in help: no further| apikey help policy apply | --help -h
in help: of a verb without any| apikey help create |
an option that was given is not offered again| apikey list --expi| --expired --expiring
once it was given| apikey list --expired --expi| --expiring
nor is its other form| apikey list -o json --out|
but what may come again is| apikey create --role viewer --rol| --role
a value that begins| apikey create --role=vi| viewer
a value that is there already| apikey create --role=viewer --name x --in d| directory
a value of no option| apikey create --nope=x|
a value of an option without one| apikey list --expired=x|
what looks like an option as a value| apikey create --description --role --role v| viewer
an option that is cut short| apikey list --outp j| json
a letter and its value| apikey list -o j| json
letters together| apikey create -qo j| json
a letter with its value, then a word| apikey show -ojson ci-| ci-deploy ci-web
behind -- there are words alone| apikey show -- ci-w| ci-web
and no options| apikey show -- -|
a key that was named is not offered again| apikey delete nightly | ci-deploy ci-web
behind the last operand its options| apikey role list nightly | --help --output -h -o
options before an operand| apikey role add --in local ci-d| ci-deploy
a binding behind the key| apikey role add ci-deploy v| viewer
a second one| apikey role add ci-deploy viewer | editor
what a binding says of spaces is not known| apikey role add ci-deploy editor:spaces:|
a word that would be a pattern| apikey show *|
and one for awk| apikey show .|
a command substitution| apikey show $(id)|
END
equals 'without = among the breaks the option stays before its value' '--role=viewer' offers 'apikey create --role=vi' :
holds 'no file was made by a name' test ! -e x
equals 'a value with a colon is a file all the same' files offers 'apikey policy simulate --policy=/tmp/a:b'

: >"$TMP/users"
equals 'a host without keys offers none' '' offers 'apikey show '
# shellcheck disable=SC2016
keys 'ok' '-rf' '$(id)' 'a b' ';x' 'UP' ''
equals 'odd names, which no key has, are not offered' ok offers 'apikey show '
# shellcheck disable=SC2046
keys $(seq -f 'key%.0f' 1 20000)
equals 'more than can be shown are none' '' offers 'apikey show '
equals 'until they are few' 'key1999 key19990 key19991 key19992 key19993 key19994 key19995 key19996 key19997 key19998 key19999' \
	offers 'apikey show key1999'
equals 'the name service of keys is asked, and no other' '-s apikey passwd' sort -u "$TMP/asked"
# The reader's own aliases and options are none of ours.
cat >"$TMP/shell" <<END
shopt -s expand_aliases nullglob failglob
alias awk='echo alias' cut='echo alias' getent='echo alias' timeout='echo alias'
set -u
IFS=,
. '$TMP/completion'
COMP_WORDBREAKS='=:'
for kind in '' --role --account; do
	COMP_WORDS=(apikey explain key1999 "\$kind" r) COMP_CWORD=4
	[ "\$kind" ] || COMP_WORDS=(apikey explain key1999) COMP_CWORD=2
	[ "\$kind" != --role ] || COMP_WORDS=(apikey create --role v) COMP_CWORD=3
	_apikey
	printf '%s ' "\${COMPREPLY[0]}"
done
END
equals 'aliases, options and IFS of the reader change nothing' 'key1999 viewer root ' bash --norc "$TMP/shell"
n=$(wc -l <"$TMP/asked")
equals 'what can be no name' '' offers 'apikey show KEY'
equals 'is not asked for' "$n" sh -c "wc -l <'$TMP/asked'"
rm "$TMP/etc/policy.yaml"
equals 'without a policy that can be read no role is offered' '' offers 'apikey create --role '
cat >"$TMP/bin/getent" <<'END'
#!/bin/sh
exec timeout 40 tail -f /dev/null
END
# took_less MS CMD…
took_less() {
	local from=${EPOCHREALTIME/./} limit=$1
	shift
	"$@"
	[ $((${EPOCHREALTIME/./} - from)) -lt $((limit * 1000)) ]
}
holds 'a name service that hangs is given up' took_less 20000 offers 'apikey show '

holds 'apikey-askpass has no options, and so no completion' bash --norc -c ". '$TMP/completion'; ! complete -p apikey-askpass 2>/dev/null"
tap_done
