#!/usr/bin/env bash
# Do SECURITY.md, CONTRIBUTING.md and the picture say what is there? They are read here; no root is needed.
set -euo pipefail
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/lib/tap.sh
. "$top_srcdir/tests/lib/tap.sh"
export LC_ALL=C
cd "$top_srcdir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --- SECURITY.md --------------------------------------------------------------------------------

# quotes: "FILE SENTENCE" for each test that a paragraph of SECURITY.md that begins with "Shown by" names.
quotes() {
	awk -v RS= '
		!/^Shown by/ { next }
		{
			gsub(/[ \n]+/, " ")
			while (match($0, /`tests\/[^`]*`|"[^"]*"/)) {
				word = substr($0, RSTART + 1, RLENGTH - 2)
				if (substr($0, RSTART, 1) == "`") file = word
				else print file, word
				$0 = substr($0, RSTART + RLENGTH)
			}
		}' SECURITY.md
}

# is_case FILE SENTENCE: a case of that file: in C a function, else a quoted sentence, maybe behind "$method: ".
is_case() {
	case $1 in
	*.c) grep -q "^$2(void \*\*state)" "$1" ;;
	*) grep -Fq -e "'$2'" -e "\"$2\"" "$1" || grep -Fq -e ": $2\"" <(grep -E '"\$[a-z0-9_]+: ' "$1") ;;
	esac
}

holds 'SECURITY.md names tests' test "$(quotes | wc -l)" -gt 60
while read -r file sentence; do
	holds "$file: $sentence" is_case "$file" "$sentence"
done < <(quotes)
# Where no paragraph says so, no test is named: nobody would look whether it is there.
equals 'all that are named are looked for' '' awk -v RS= '!/^Shown by/ && /`tests\// && !/documents\.sh/' SECURITY.md
# Each part of the threat model has what it is shown by.
# shellcheck disable=SC2016 # awk's own
equals 'each attacker is shown to be held off' '' awk '
	/^## / { if (on && !shown) print title; on = /^## [0-9]/; shown = 0; title = $0 }
	/^Shown by/ { shown = 1 }
	END { if (on && !shown) print title }' SECURITY.md

# --- CONTRIBUTING.md ----------------------------------------------------------------------------

# same SENTENCE A B: two lists, as sets.
same() { equals "$1" "$(sort -u <<<"$2")" sort -u <(printf '%s\n' "$3"); }

# paths: the files of ours that a document names in `…`, with their folder.
# shellcheck disable=SC2016 # a document's quotes
paths() { grep -oE '`(cli|common|daemon|debian|doc|etc|ldap|man|nss|pam|tests)/[A-Za-z0-9_./-]*[a-z0-9]`' "$1" | tr -d '`' | sort -u; }
for document in CONTRIBUTING.md SECURITY.md; do
	while read -r file; do
		holds "$document: there is $file" test -e "$file"
	done < <(paths "$document" | grep -v _NAME)
done

# What no compiler asks for: a predicate has a word in traces, and the reference tries it; an attribute has its schema.
predicates() { sed -n -E 's/^    \{"([a-z_]+)", IMAGE_OP_.*/\1/p' common/policy_condition.c; }
same 'each predicate has its word in traces' "$(predicates)" \
	"$(sed -n -E 's/^    \[IMAGE_OP_[A-Z_]+\] = "([a-z_]+)",/\1/p' common/image_rules.c)"
same 'random policies try each predicate' "$(predicates)" \
	"$(sed -n '/^ref_add_condition/,/};/p' tests/lib/ref_item.c | grep -oE '"[a-z_]+"' | tr -d '"')"
attributes() { sed -n -E 's/^    \[SLOT_[A-Z_]+\] = "(apikey[A-Za-z]+)",/\1/p' common/dirtext.c; }
# schema FILE: "number name" of each attribute; of_class FILE: the attributes of the object class.
schema() { tr '\n' ' ' <"$1" | grep -oE "[.:]1\.[0-9]+ NAME '[A-Za-z]+'" | sed -E "s/.*[.:]1\.([0-9]+) NAME '(.*)'/\1 \2/"; }
of_class() { tr '\n' ' ' <"$1" | grep -oE "(MUST|MAY) \([^)]*\)" | grep -oE 'apikey[A-Za-z]+' | sort -u; }
same 'the schema is the same for slapd.conf and cn=config' "$(schema etc/ldap/apikey.schema)" "$(schema etc/ldap/apikey.ldif)"
for file in etc/ldap/apikey.schema etc/ldap/apikey.ldif; do
	same "each attribute of a key is in $file" "$(attributes)" "$(schema "$file" | sed 's/.* //' | grep -Fx "$(attributes)")"
	same 'and in its object class' "$(attributes)" "$(of_class "$file" | grep -Fx "$(attributes)")"
done

# --- doc/demo.svg -------------------------------------------------------------------------------

# malformed FILE: what keeps it from being XML, of the kind that we write: elements, attributes in ", text, five entities.
malformed() {
	awk '
		{ all = all $0 "\n" }
		function bad_text(text) { gsub(/&(amp|lt|gt|quot|apos);/, "", text); return text ~ /[&]/ }
		END {
			while (match(all, /<[^>]*>/)) {
				if (bad_text(substr(all, 1, RSTART - 1))) print "a bare & in " substr(all, 1, RSTART - 1)
				tag = substr(all, RSTART + 1, RLENGTH - 2)
				all = substr(all, RSTART + RLENGTH)
				if (tag ~ /^\//) {
					if (n == 0 || open[n] != substr(tag, 2)) print "</" substr(tag, 2) "> ends nothing"
					else n--
					continue
				}
				name = tag; sub(/[ \/].*/, "", name)
				rest = substr(tag, length(name) + 1)
				ends = sub(/\/$/, "", rest)
				while (match(rest, /^[ \n]+[a-zA-Z:-]+="[^"<]*"/)) rest = substr(rest, RLENGTH + 1)
				if (name !~ /^[a-z]+$/ || rest ~ /[^ \n]/) print "no tag: <" tag ">"
				if (!ends) open[++n] = name
				roots += n == 1 && !ends
			}
			if (n > 0) print "<" open[n] "> does not end"
			if (roots == 0 || all ~ /[^ \n]/) print "not one element: " all
		}' "$1"
}

# lines CLASS FILE: the text of a picture's lines of that class, put together again.
lines() {
	sed -n "s/^<text class=\"[$1]\"[^>]*>\(.*\)<\/text>\$/\1/p" "$2" |
		sed -E 's/<[^>]*>//g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g'
}

# demo_commands: what the demonstration types, as it shows it.
demo_commands() {
	{
		# shellcheck disable=SC2016
		printf '%s\n' 'ADDRESS=localhost uid=70000' 'run() { printf "$ %s\n" "$1"; }' 'denied() { run "$1"; }' 'begin() { run "$1 &"; }'
		grep -E '^[[:space:]]*(run|denied|begin) ' tests/demo.sh
	} | bash
}

for text in '<a>' '<a></b>' '<a b=c></a>' '<a>&</a>' '<a></a><' 'a' '<a><b></a></b>'; do
	printf '%s\n' "$text" >"$work/bad"
	shows "no XML: $text" 0 . malformed "$work/bad"
done
picture=doc/demo.svg
equals 'the picture is XML' '' malformed "$picture"
holds 'of less than 60 KB' test "$(wc -c <"$picture")" -lt 60000
exits 'that fetches nothing and runs nothing' 1 grep -Eiq 'href|url\(|@import|<image|<script|<foreignObject|@font-face' "$picture"
shows 'with a title for who does not see it' 0 '<title id="title">[^<]{20,}</title>' cat "$picture"
shows 'and a description' 0 '<desc id="desc">[^<]{80,}</desc>' cat "$picture"
holds 'that its root names' grep -q '^<svg [^>]*role="img" aria-labelledby="title desc"' "$picture"
first=$(lines c "$picture" | head -n 1)
equals 'its commands are those of the demonstration, from its first on' \
	"$(demo_commands | awk -v first="$first" '$0 == first { on = 1 } on')" lines c "$picture"
holds 'README.md shows it' grep -q '](doc/demo\.svg)' README.md

# The drawing itself, from a recording that has what XML and a width can break.
LONG=$(printf 'a %.0s' {1..90})end
printf '%s\n' '5.0 # Before' '5.1 $ true' '6.0 # Make a key' "6.1 \$ a <b & 'c' >d" "7.5 $LONG" '7.6 ' '9.0 "x"' >"$work/recording"
for i in 1 2; do
	bash doc/picture.sh "$work/recording" >"$work/$i.svg"
done
holds 'a recording gives one picture' cmp "$work/1.svg" "$work/2.svg"
equals 'that is XML' '' malformed "$work/1.svg"
equals 'with its lines, from the making of the key on' "$(printf '%s\n' '# Make a key' "\$ a <b & 'c' >d" "$LONG" '"x"')" lines hco "$work/1.svg"
equals 'at their times' "$(printf '%s\n' 0.00 0.40 3.40 6.80)" \
	sh -c "sed -n 's/.*animation-delay:\([0-9.]*\)s.*/\1/p' '$work/1.svg'"
printf '1.0 nothing\n' >"$work/recording"
shows 'a recording of no demonstration gives none' 1 'no demonstration' bash doc/picture.sh "$work/recording"
tap_done
