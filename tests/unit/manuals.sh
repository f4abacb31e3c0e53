#!/usr/bin/env bash
# Do the manuals say what the code does? Both are read here; nothing but `apikey --help` is run, and no root is needed.
set -euo pipefail
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
APIKEY=${top_builddir:-$top_srcdir/build/plain}/apikey
# shellcheck source=tests/lib/tap.sh
. "$top_srcdir/tests/lib/tap.sh"
export LC_ALL=C
cd "$top_srcdir"

# --- reading ------------------------------------------------------------------------------------

# section PAGE NAME…: the lines of these sections of a manual, without comments.
section() {
	local page=man/$1 name
	shift
	for name in "$@"; do
		awk -v want="$name" '
			/^\.S[hs] / { title = substr($0, 5); on = title == want; next }
			on && !/^\.\\"/' "$page"
	done
}

# words MACRO: the first words behind this macro, from mdoc on stdin; a line of several gives them all.
words() {
	sed -n -E "s/^(\.It )?\.?$1 //p" | sed -E 's/ Ns .*//; s/ (No|or|and) / /g; s/[,.;:]( |$)/ /g' | tr ' ' '\n' | sed '/^$/d'
}

# array FILE REGEX: from the line that matches to the next "};", as one line.
array() {
	awk -v from="$2" '$0 ~ from { on = 1 } on { printf "%s ", $0 } on && /^};|};$/ { exit }' "$1"
}

# strings: the quoted strings of stdin, one a line.
strings() { grep -Eo '"[^"]*"' | tr -d '"'; }

# same SENTENCE A B: two lists, as sets.
same() {
	local a b
	a=$(sort -u <<<"$2")
	b=$(sort -u <<<"$3")
	if [ -n "$a" ] && [ "$a" = "$b" ]; then
		tap_ok "$1"
		return
	fi
	diff <(printf '%s\n' "$a") <(printf '%s\n' "$b") >"$tap_out" || :
	tap_note '(< the code, > the manual)\n'
	tap_not_ok "$1"
}

# block PAGE LINE: the literal display behind the line with that text, as it is printed.
block() {
	awk -v after="$2" '
		index($0, after) { seen = 1 }
		seen && /^\.Bd -literal/ { on = 1; next }
		on && /^\.Ed/ { exit }
		on' "man/$1" | sed 's/\\e/\\/g; s/\\&//g'
}

run_apikey() { ASAN_OPTIONS=detect_leaks=0 "$APIKEY" "$@" </dev/null; }

# --- pam_apikey(8) ------------------------------------------------------------------------------

same "each option of the module" \
	"$(grep -E '^[[:space:]]*\{"[a-z_]+=?", ' pam/options.c | strings)" \
	"$(section pam_apikey.8 OPTIONS | grep '^\.It Cm' | words Cm | sed 's/=.*/=/')"

reasons() {
	awk -F'[][{}, "]+' '
		FNR == NR { if ($2 ~ /^REASON_/ && /\] = \{/) word[$2] = $4; next }
		$2 ~ /^REASON_/ && $3 ~ /^PAM_/ { print word[$2], $3, $4 }' common/decide.c pam/result.c
}
same "each reason, and PAM's codes for it" "$(reasons)" \
	"$(section pam_apikey.8 RESULTS | sed -n -E 's/^\.It ([a-z-]+) Ta Dv ([A-Z_]+) Ta Dv ([A-Z_]+)$/\1 \2 \3/p')"

# A file's failure has the code of the table; what is no or a wrong token is one line in the manual.
failures() {
	awk -F'[{}, ":;\t]+' '
		FNR == NR && /case AK_/ { name = $3 }
		FNR == NR && /return "/ { sub(/.*return "/, ""); sub(/".*/, ""); text[name] = $0 }
		FNR == NR { next }
		$2 ~ /^AK_ERR_/ { print ($3 == "PAM_AUTH_ERR" ? "wrong token" : text[$2]) ": " $3 }' \
		common/err.c <(grep -Eo '\{AK_ERR_[A-Z]+, PAM_[A-Z_]+\}' pam/result.c)
	sed -n -E 's/.*refuse\(sc, (PAM_[A-Z_]+), "([^"]+)"\).*/\2: \1/p' pam/entry.c pam/account.c | grep -v PAM_SESSION_ERR
}
same "each failure before a decision" "$(failures)" \
	"$(section pam_apikey.8 RESULTS | sed -n -E 's/^\.It "([^"]+)" Ta Dv (PAM_[A-Z_]+)$/\1: \2/p' |
		grep -Ev "^(the account is no key's|the password phase, for a key|out of memory after the decision|all else):")"

same "the services that are entered without a token" "$(array common/decide_gates.c 'tokenless\[\] = ' | strings)" \
	"$(section pam_apikey.8 'Services entered without a token' | words Li)"
# Each with its form for login shells.
same "the services of root's own su" "$(grep -Eo 'scene_is_service\(sc, "[a-z]+"' pam/judge.c | strings | sed 'p; s/$/-l/')" \
	"$(section pam_apikey.8 "Root's own su" | words Li)"
same "the variables of a session" "$(grep -Eo '"APIKEY_[A-Z]+"' pam/session.c | tr -d '"')" \
	"$(section pam_apikey.8 ENVIRONMENT | grep '^\.It Ev' | words Ev)"
same "the fields of a decision's line in the log" \
	"$(grep -Eo '(audit_add|audit_add_number)\(&?a, "[a-z]+"' pam/report.c | strings | grep -Ev '^(phase|subject|answer)$'; echo event)" \
	"$(section pam_apikey.8 LOG | grep '^\.It Li' | words Li)"
same "the events of the module" "$(array pam/report.c 'events\[\] = ' | strings)" \
	"$(section pam_apikey.8 LOG | awk '/^\.It Li event/ { on = 1; next } /^\.It/ { on = 0 } on' | words Li)"
same "the functions of the module" "$(grep -Eo 'pam_sm_[a-z_]+' pam/pam.map)" \
	"$(section pam_apikey.8 Functions | words Fn)"
equals "the profile of pam-auth-update, to the letter" "$(cat etc/pam-configs/apikey)" block pam_apikey.8 'With pam-auth-update'
equals "the lines for sshd, to the letter" "$(grep -v '^#' etc/sshd_config.d/apikey.conf)" block pam_apikey.8 'run: sshd'
# The hand-written lines are the profile's, with `done` for `end`.
equals "the hand-written lines" "$(grep -Eo '\[.*' etc/pam-configs/apikey | sed 's/success=end/success=done/')" \
	sh -c "printf '%s\n' \"\$1\" | cut -f2-" - "$(block pam_apikey.8 'run: pam')"

# --- nss_apikey(8) ------------------------------------------------------------------------------

same "the functions of the name service module" "$(grep -Eo '_nss_apikey_[a-z_]+' nss/nss.map)" \
	"$(section nss_apikey.8 FUNCTIONS | grep -Eo '_nss_apikey_[a-z_]+')"

# --- apikeyd(8) ---------------------------------------------------------------------------------

same "the events of the daemon" "$(array daemon/log.c 'events\[EVENT_COUNT\] = ' | strings)" \
	"$(section apikeyd.8 LOG | grep '^\.It Li' | words Li)"
same "the options of the daemon" "$(sed -n -E 's/.*getopt\(argc, argv, "([a-zA-Z]+)".*/\1/p' daemon/main.c | grep -o .)" \
	"$(section apikeyd.8 DESCRIPTION | grep '^\.It Fl' | words Fl)"

# --- apikey.yaml(5) -----------------------------------------------------------------------------

# settings_of_code: "name default" for each row of the table.
settings_of_code() {
	array common/settings_table.c 'struct option options\[\] = ' | sed 's/{"\([a-z_.]*\)", KIND_/\n\1 KIND_/g' |
		grep KIND_ | while read -r name row; do
		printf '%s %s\n' "$name" "$(strings <<<"$row" | tail -n 1)"
	done
}
# settings_of_manual: the same; what has no word for a default has a sentence, and a setting of settings has one for each.
settings_of_manual() {
	{
		section apikey.yaml.5 SETTINGS
		section apikey.yaml.5 'The directory' | sed 's/^\.It Cm /&directory./'
	} | awk '
		/^\.It Cm/ { name = $3 }
		/^\.Cm [a-z_]+ :$/ { part = "." $2; next }
		/^(Default|by default|.*, by default):?$/ { fallback = 1; next }
		/^Default: (the node name|none)/ { print name " " }
		fallback { sub(/^\.Li /, ""); sub(/ [.,;]$/, ""); print name part " " $0 }
		{ fallback = 0; part = "" }'
}
same "each setting with its default" "$(settings_of_code)" "$(settings_of_manual)"
# settings_of_file: as it is shipped; {max: 1000, max_age: 30d} is two, and the deeper ones stand below their mapping.
settings_of_file() {
	sed -n -E 's/^#( *[a-z_]+:.*)/\1/p' etc/apikey.yaml | awk '
		{
			match($0, /^ */)
			depth = RLENGTH / 2
			name[depth] = $1
			sub(/:$/, "", name[depth])
			path = name[0]
			for (i = 1; i <= depth; i++) path = path "." name[i]
		}
		NF == 1 { next }
		$2 ~ /^\{/ { gsub(/[{},]/, ""); for (i = 2; i < NF; i += 2) { sub(/:$/, "", $i); print path "." $i " " $(i + 1) }; next }
		{ sub(/^ *[a-z_]+: /, ""); print path " " $0 }'
}
# An example stands for what has no default.
without_examples() { awk -F '[ ]' 'FNR == NR { none[$1] = $2 == ""; next } none[$1] { print $1; next } { print }' <(settings_of_code) -; }
same "each setting stands in etc/apikey.yaml, and nothing else" "$(settings_of_code | without_examples)" \
	"$(settings_of_file | without_examples)"
reserved() {
	array common/record.c 'id_range reserved\[\] = ' | grep -Eo '\{[0-9]+U?, [0-9A-Z_]+\}' | tr -d '{}U' | sed 's/, /-/; s/-INT32_MAX/ and above/' |
		sed 's/^65534-65535$/65534, 65535/'
}
for range in 0-999 60001-60513 61184-65519 524288-1879048191; do
	holds "the ids $range are reserved" grep -qx "$range" <(reserved)
	holds "and the manual says so" grep -q -- "$range" man/apikey.yaml.5
done
equals "no other ids are" 6 grep -c . <(reserved)

# --- apikey-policy(5) ---------------------------------------------------------------------------

# items SECTION…: what the lists of these sections of the page name.
items() { section apikey-policy.5 "$@" | sed -n -E 's/^\.It Cm ([a-z_]+)( :.*)?$/\1/p'; }

same "each section of the policy" "$(array common/policy.c 'sections\[\] = ' | grep -Eo '\{"[a-z]+"' | strings)" \
	"$(items SECTIONS)"
same "each key of a role" "$(array common/policy_roles.c 'known\[\] = ' | strings)" "$(items Roles)"
same "each predicate" "$(array common/policy_condition.c 'predicates\[\] = ' | grep -Eo '\{"[a-z_]+"' | strings)" \
	"$(items CONDITIONS)"
same "each part of a window" "$(grep -E 'known\[\] = .*"days"' common/policy_time.c | strings)" "$(items Time)"
# Of a test: its keys, those of what is given, those of what is expected.
tests_of_code() { awk '/known\[\] = / { on = 1 } on { printf "%s ", $0 } /};/ { on = 0 }' common/policy_tests_read.c | strings; }
same "each key of a test" "$(tests_of_code)" "$(items TESTS)"
for key in $(array common/policy_spaces.c 'known\[\] = ' | strings) \
	$(grep -hE 'known\[\] = ' common/policy_groups.c | strings) \
	$(grep -hE 'others\[\] = ' common/policy_rules.c | strings); do
	holds "the key $key" grep -Eq "(Cm|,|Li \{) ?([a-z_]+ , )*$key\b" man/apikey-policy.5
done
for word in $(awk '/words\[\] = / { on = 1 } on' common/policy.c | head -n 3 | strings) \
	$(grep -E 'days\[\] = ' common/policy_time.c | strings); do
	holds "the word $word" grep -qw -- "$word" <(section apikey-policy.5 SECTIONS Time)
done
for number in "$(sed -n -E 's/.*POLICY_NAME_MAX ([0-9]+).*/at most \1/p' common/text.h)" \
	"$(sed -n -E 's/.*KEY_NAME_MAX ([0-9]+).*/at most \1/p' common/text.h)" \
	"$(sed -n -E 's/.*YAML_MAX_DEPTH ([0-9]+)U.*/\1 levels/p' common/yamltree.h)" \
	"$(sed -n -E 's/.*ZONES_MAX ([0-9]+)U.*/\1 zones/p' common/policy_time.c)" \
	"at most $(($(sed -n -E 's/.*BINDING_CAP ([0-9]+).*/\1/p' common/role.h) - 1)) bytes"; do
	holds "the limit: $number" grep -q -- "$number" man/apikey-policy.5
done
# Every place is a warning with a sentence of its own, and the page has an entry for what it is about.
[ ! -e common/policy_warn.c ] || equals "each warning" "$(grep -cE '^[[:space:]]*warn\(w, ' common/policy_warn.c)" \
	sh -c "sed -n -E 's/.*warnings: ([0-9]+).*/\1/p' man/apikey-policy.5"

GOLDEN=tests/golden/policy
same "each example of the role-binding document has its place" \
	"$(for case in "$GOLDEN"/*-seed-*.yaml; do basename "$case" .yaml; done)" \
	"$(section apikey-policy.5 'FROM REGO' | grep -Eo '\b[0-9]{3}-[a-z0-9-]+')"
# joined: stdin as one line, without blanks: how it is broken into lines does not count.
joined() { tr -d ' \t\n'; }
# rego_displays: each display there: the case that its item or paragraph names first, and its text, joined.
rego_displays() {
	section apikey-policy.5 'FROM REGO' | awk '
		/^\.(It|Pp)/ { fresh = 1 }
		fresh && match($0, /[0-9][0-9][0-9]-seed-[a-z0-9-]+/) { name = substr($0, RSTART, RLENGTH); fresh = 0 }
		/^\.Bd/ { on = 1; text = ""; next }
		/^\.Ed/ { on = 0; gsub(/[ \t]/, "", text); print name, text }
		on { text = text $0 }'
}
while read -r name text; do
	holds "$name says so: ${text:0:60}" grep -qF -- "$text" <(joined <"$GOLDEN/$name.yaml")
done < <(rego_displays)

# policy_displays: the whole policies of the page, a file each.
policy_displays() {
	awk -v dir="$1" '
		/^\.\\" (run|checked): / { kind = $3 }
		/^\.Bd / { if (kind == "policy") { on = 1; file = dir "/" ++n ".yaml"; print file } kind = ""; next }
		/^\.Ed/ { on = 0 }
		on { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print >file }' "man/$2"
}
policies=$(mktemp -d)
trap 'rm -rf "$policies"' EXIT
for page in apikey-policy.5 apikey.yaml.5; do
	while read -r file; do
		shows "$page: policy ${file##*/}: in order" 0 '' run_apikey policy check "$file"
		shows "$page: policy ${file##*/}: its tests pass" 0 '' run_apikey policy test "$file"
	done < <(policy_displays "$policies" "$page")
done

# --- apikey(8) ----------------------------------------------------------------------------------

verbs_of_code() { sed -n -E 's/^[[:space:]]*\{"([a-z ]+)", "[^"]*", [0-9]+,.*/\1/p' cli/verbs.c; }
# verbs_of_manual: "verb" or, with --options, "verb --option" for each.
verbs_of_manual() {
	section apikey.8 VERBS | awk -v what="${1:-}" '
		function line(text,   n, part, i, verb) {
			n = split(text, part, " ")
			verb = ""
			for (i = 1; i <= n && part[i] != "Ic"; i++);
			for (i++; i <= n && part[i] !~ /^(Ar|Fl|Op)$/; i++)
				verb = verb (verb == "" ? "" : " ") part[i]
			if (what == "")
				print verb
			else
				for (i = 1; i < n; i++)
					if (part[i] == "Fl")
						print verb " --" (part[i + 1] == "q" ? "quiet" : substr(part[i + 1], 2))
		}
		/^\.It Xo/ { joined = " "; next }
		/^\.Xc/ { line(joined); joined = ""; next }
		joined != "" { sub(/^\./, ""); joined = joined " " $0; next }
		/^\.It Ic/ { line($0) }'
}
same "each verb" "$(verbs_of_code)" "$(verbs_of_manual)"
# The options that go with --in: the page has them once, and each verb has all of them or none.
BESIDE_IN='bind-dn|ask-password|password-file|sasl|uri'
options_of_program() {
	local verb option
	while read -r verb; do
		# shellcheck disable=SC2086 # a verb may be two words
		ASAN_OPTIONS=detect_leaks=0 "$APIKEY" $verb --help </dev/null | sed -n -E 's/^  (-.,|   ) --([a-z-]+).*/\2/p' | sort -u |
			while read -r option; do
				printf '%s --%s\n' "$verb" "$option"
			done
	done < <(verbs_of_code) | grep -Ev -- "--(help|output|$BESIDE_IN)\$"
}
same "each option of each verb" "$(options_of_program)" "$(verbs_of_manual --options)"
same "each option is described" "$(sed -n -E 's/^[[:space:]]*\[ARG_[A-Z_]+\] = \{"([a-z-]+)".*/\1/p' cli/args.c)" \
	"$(section apikey.8 OPTIONS | sed -n -E 's/^\.It Fl ([a-zA-Z] , )?-([a-z-]+).*/\2/p')"
same "each exit status" "$(sed -n -E 's/^[[:space:]]*CLI_[A-Z]+ = ([0-9]).*/\1/p' cli/cli.h)" \
	"$(section apikey.8 'EXIT STATUS' | sed -n -E 's/^\.It ([0-9])$/\1/p')"
same "each check of the doctor" "$(array cli/doctor.c '} checks\[\] = ' | grep -Eo '\{"[a-z_]+"' | strings)" \
	"$(section apikey.8 DOCTOR | sed -n -E 's/^\.It Cm ([a-z_]+)$/\1/p')"
# fields FIND-TEST…: the JSON members that these files of cli/ write.
fields() {
	find cli -name '*.c' "$@" -exec \
		sed -n -E 's/.*out_(text|number|bool|time|strv|list)\((l\.json|t\.json|t->json|j), "([a-z_]+)".*/\3/p' {} + | sort -u
}
for field in $(fields ! -name cmd_export.c); do
	holds "the JSON field $field" grep -Eq "(^\.|, |Pq |of )(Li )?([a-z_]+ , )*(Li )?$field\b" <(section apikey.8 JSON)
done

# --- apikey-formats(5) --------------------------------------------------------------------------

vector() { block apikey-formats.5 'A test vector' | awk -v name="$1" '$1 == name { print $2 }'; }
DIGITS=0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz

# check_of TEXT: its six check characters; gzip writes the CRC-32 of what it packs.
check_of() {
	local crc check='' i
	crc=$(crc_of "$1")
	for ((i = 0; i < 6; i++)); do
		check=${DIGITS:crc % 62:1}$check
		crc=$((crc / 62))
	done
	printf '%s\n' "$check"
}
crc_of() { printf %s "$1" | gzip -c | tail -c 8 | od -An -t u1 -N 4 | awk '{ printf "%.0f\n", $1 + 256 * ($2 + 256 * ($3 + 256 * $4)) }'; }

# bytes HEX [XOR]: as bytes, each changed by XOR.
bytes() {
	local i
	for ((i = 0; i < ${#1}; i += 2)); do
		# shellcheck disable=SC2059
		printf "\\x$(printf %02x $((0x${1:i:2} ^ ${2:-0})))"
	done
}
# hmac KEY-HEX TEXT: HMAC-SHA-256 (RFC 2104), in hexadecimal.
hmac() {
	local key=$1 inner
	while [ ${#key} -lt 128 ]; do key+=00; done
	inner=$({ bytes "$key" 0x36; printf %s "$2"; } | sha256sum | cut -d' ' -f1)
	{ bytes "$key" 0x5c; bytes "$inner"; } | sha256sum | cut -d' ' -f1
}
TOKEN=$(vector token)
equals "the vector: its length" 67 printf %s ${#TOKEN}
equals "its parts" "$TOKEN" printf 'apikey_%s_%s%s' "$(vector id)" "$(vector secret)" "$(vector check)"
equals "its CRC" "$(vector crc-32)" crc_of "${TOKEN:0:61}"
equals "its check" "$(vector check)" check_of "${TOKEN:0:61}"
equals "its digest" "$(vector digest)" hmac "$(vector salt)" "$TOKEN"
equals "its verifier" "$(vector verifier)" printf 'apikey-verifier-1:%s:%s:%s' "$(vector id)" "$(vector salt)" "$(vector digest)"
SCANNER=$(grep -E '^\.Dl apikey_\[' man/apikey-formats.5 | cut -d' ' -f2)
equals "scanners find it" "$TOKEN" grep -Exo "$SCANNER" <(printf '%s\n' "$TOKEN")
holds "the lengths are the code's" grep -q 'TOKEN_LEN 67U' common/token.h

# widths SECTION: the columns offset and size of a table, as "end of the one, start of the next" where they differ.
gaps() {
	section apikey-formats.5 "$1" | sed -n -E 's/^\.It ([0-9]+) Ta ([0-9]+) Ta.*/\1 \2/p' |
		awk 'NR > 1 && $1 != end { print end, $1 } { end = $1 + $2 }'
}
equals "the index header has no gaps" '' gaps Header
equals "and as many bytes as the code's" "$(sed -n -E 's/.*INDEX_HEADER_B ([0-9]+)U.*/\1/p' common/index.h)" \
	sh -c "sed -n -E 's/^\.It 128 Ta 128 Ta.*/256/p' man/apikey-formats.5"
for constant in 'INDEX_MAGIC "APIKEYIX"' 'INDEX_VERSION 1U' 'INDEX_BYTE_ORDER 0x01020304U' 'INDEX_BLOCK_B 64U' \
	'INDEX_SLOTS 5U' 'INDEX_SLOT_B 12U' 'INDEX_RECORD_HEADER_B 16U'; do
	holds "the manual and the code: $constant" grep -q "#define $constant" common/index.h
done
for constant in 'IMAGE_MAGIC "APIKEYPI"' 'IMAGE_VERSION 5U' 'IMAGE_AT_CHECKSUM 12U' 'IMAGE_AT_SIZE 16U' 'IMAGE_AT_BUILT 24U' \
	'IMAGE_AT_POLICY_ID 32U' 'IMAGE_AT_SETTINGS_ID 72U' 'IMAGE_AT_GROUP_ID 112U' 'IMAGE_AT_N_SECTIONS 152U' 'IMAGE_HEADER_B 160U'; do
	holds "the manual and the code: $constant" grep -q "#define $constant" common/image_layout.h
done
# sections_of_code: "number name" for each.
sections_of_code() {
	array common/image_layout.h '^enum image_section' | sed 's,/\*[^*]*\*/,,g' | grep -Eo 'IMAGE_[A-Z_]+' |
		grep -v IMAGE_N_SECTIONS | awk '{ print NR - 1, tolower(substr($1, 7)) }'
}
same "the image's sections" "$(sections_of_code)" \
	"$(section apikey-formats.5 POLICY.IMAGE | sed -n -E 's/^\.It ([0-9]+) Ta ([a-z_]+) Ta .*/\1 \2/p')"
equals "and their number" "$(sections_of_code | grep -c .)" \
	sh -c "sed -n -E 's/^\.It 152 Ta 4 Ta number of sections, ([0-9]+)\$/\1/p' man/apikey-formats.5"
equals "the fields of a session's record" "$(sed -n '/^session_pack/,/^}/s/.*pack_\([a-z0-9]*\)(out.*/\1/p' common/sessions.c | sed 's/str/string/')" \
	sh -c "sed -n '/^.Sh RECORDS OF SESSIONS/,/^.Sh SAMPLES/s/^.It \(u8\|u32\|u64\|string\) Ta .*/\1/p' man/apikey-formats.5"
for constant in 'RUNDIR_MAX_B 8192U' 'HANDLE_LEN 32U' 'HANDLE_TTL_S 120' 'SESSION_ID_CAP 17' 'SAMPLE_ID_LEN 16' 'RECORD_VERSION 2'; do
	holds "the manual and the code: $constant" grep -q "#define $constant\b" common/rundir.h common/handles.h common/sessions.h \
		common/samples.h common/sessions.c
done
# A slot of lastused: its places, from the table and from the code.
same "the places of a slot" "$(array common/lastused.c '^enum \{' | grep -Eo '= [0-9]+' | tr -d '= ')" \
	"$(section apikey-formats.5 LASTUSED | sed -n -E 's/^\.It ([0-9]+) Ta [0-9]+ Ta.*/\1/p' | grep -vx 5)"
equals "a slot has no gaps" '' gaps LASTUSED
for constant in 'SLOT_B 128U' 'SLOT_VERSION 1U' 'LOW_END UINT32_C(524288)' 'HIGH_MIN UINT32_C(1879048192)'; do
	holds "the manual and the code: $constant" grep -qF "#define $constant" common/lastused.c
done
same "the keys of records" "$(array common/record.h '^enum record_tag' | grep -Eo "'.'" | tr -d "'")" \
	"$(section apikey-formats.5 Records | grep -Eo 'Li . Ns Ar (id|name|uid|gid|uuid|search)' | cut -d' ' -f2)"
same "the shapes of values" "$(for file in common/record.c common/directory.c; do array $file '^enum shape'; done | grep -Eo '= [0-9]+' | tr -d '= ')" \
	"$(section apikey-formats.5 Values | sed -n -E 's/^\.It ([0-9]+), .*/\1/p')"
events_of_command() { grep -hEo '"(keys?|role|group|rollback|policy|clock|lockdown|endings)-[a-z-]+"' cli/*.c | tr -d '"'; }
same "the events of the command" \
	"$(events_of_command)" \
	"$(section apikey-formats.5 'LOG LINES' | awk '/^\.It Li event/ { on = 1; next } /^\.It/ { on = 0 } on' | words Li)"
same "apikey(8) tells their fields" "$(events_of_command; echo session-ended)" \
	"$(section apikey.8 AUDIT | sed -n -E 's/^\.It Li ((keys?|role|policy|rollback|lockdown|endings|session)-.*)/\1/p' | tr -s ', ' '\n')"
same "and each field that is told before and after" "$(array cli/fields.c '} names\[\] = ' | grep -Eo '\{"[a-z_]+"' | tr -d '{"')" \
	"$(section apikey.8 AUDIT | awk '/what it was and what it is/ { on = 1; next } /each under that name/ { on = 0 } on' | words Li)"
same "each metric of status --prometheus" "$(array cli/metrics.c '^static const struct metric_row' | grep -Eo '\{"apikey_[a-z_]+"' | tr -d '{"')" \
	"$(section apikey.8 MONITORING | sed -n -E 's/^\.It Li (apikey_.*)/\1/p')"
# What alerts name is a metric, or node_exporter's own.
exits "each metric of the rules for alerts is there" 1 grep -vxFf \
	<(section apikey.8 MONITORING | sed -n -E 's/^\.It Li (apikey_.*)/\1/p'; echo node_textfile_mtime_seconds) \
	<(block apikey.8 'Rules for alerts' | sed -n 's/.*expr: //p' | grep -Eo '(apikey|node)_[a-z_]+')
# files_of_code: what stands below the state folder.
files_of_code() {
	sed -n -E 's/.*, state, "([a-z.-]+)"\}.*/\1/p' common/paths.c | grep -vxE 'run|audit\.log'
	sed -n -E 's/.*SAMPLES_FOLDER "([a-z]+)".*/\1/p' common/samples.h
	sed -n -E 's,.*"%s/([a-z.]+)"\, p->state.*,\1,p' cli/applied.c
}
same "the members of an export" "$(fields -name cmd_export.c)" \
	"$(section apikey-formats.5 EXPORT | awk '/^\.Bl/ { on = 1 } /^\.El/ { on = 0 } on' | words Li | sort -u)"
for constant in 'LINE_MAX_B ((size_t)1 << 20)' 'LINES_MAX 4000000U'; do
	holds "the manual and the code: IMPORTFILE_$constant" grep -qF "#define IMPORTFILE_$constant" cli/importfile.h
done
same "the files of a host" "$(files_of_code)" \
	"$(section apikey-formats.5 'FILES OF A HOST' | sed -n -E 's/^\.It Pa ([a-z.-]+) Ta.*/\1/p' | grep -v '\.prev$')"

# --- apikey-askpass(1) --------------------------------------------------------------------------

prompts() {
	array cli/askpass_answer.c 'shapes\[\] = ' | grep -Eo '\{"[^"]*", "[^"]*"\}' | sed -E 's/^\{"(.*)", "(.*)"\}$/\1@\2/'
	echo 'Password:'
}
same "each prompt that is answered" "$(prompts)" \
	"$(sed -n -E 's/^\.It Li "(.*)"$/\1/p' man/apikey-askpass.1 | sed -E 's/USER@HOST|USER/@/')"
same "each variable" "$(grep -Eo 'getenv\("[A-Z_]+"\)' cli/askpass.c | strings)" \
	"$(section apikey-askpass.1 ENVIRONMENT | sed -n -E 's/^\.It Ev ([A-Z_]+)$/\1/p')"

# --- all ----------------------------------------------------------------------------------------

# unmarked PAGE: displays of its examples that nobody said are run, or not.
unmarked() {
	awk '/^\.Sh/ { on = $2 == "EXAMPLES" } on && /^\.Bd/ && last !~ /^\.\\" (run|not run): / { print FILENAME ":" FNR } { last = $0 }' "$1"
}
for page in man/*.[1-8]; do
	equals "the examples of ${page##*/} are marked" '' unmarked "$page"
	holds "the build installs ${page##*/}" grep -qw "man/${page##*/}" Makefile.am
done
tap_done
