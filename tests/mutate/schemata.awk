# A source file in, the same with every mutant in it out, each behind its number; and the list of them.
#
# awk -v name=FILE -v first=N -v list=PATH [-v but=" N N "] -f schemata.awk FILE >COPY
#
# An expression E with the mutant M becomes (MUTANT(n) ? (M) : (E)), so that one build serves all mutants of a
# file: mutant_switch.c says which of them is at work. Where the language wants a constant (tables), the word
# becomes a macro that -DMUTANT_BUILT=n turns: those are built one by one. Mutants in `but` are left out.
#
# Fields of the list, parted by tabs: number, run or built, file, line, function, mutation, line's text, last line.

BEGIN {
	next_number = first
	split("<<= >>= ... -> ++ -- << >> <= >= == != && || += -= *= /= %= &= |= ^= ##", words, " ")
	for (i in words) is_operator[words[i]] = 1
	split("= <<= >>= += -= *= /= %= &= |= ^= return case else do", words, " ")
	for (i in words) is_assignment[words[i]] = 1
	becomes["=="] = "!="; becomes["!="] = "=="
	becomes["<"] = "<= >="; becomes["<="] = "< >"; becomes[">"] = ">= <="; becomes[">="] = "> <"
	becomes["&&"] = "||"; becomes["||"] = "&&"
	# How tightly an operator binds, from the loosest on.
	binds["?"] = 1; binds[":"] = 1; binds["||"] = 2; binds["&&"] = 3
	binds["|"] = 4; binds["^"] = 5; binds["&"] = 6; binds["=="] = 7; binds["!="] = 7
	binds["<"] = 8; binds["<="] = 8; binds[">"] = 8; binds[">="] = 8
	split("PAM_AUTH_ERR PAM_PERM_DENIED PAM_ACCT_EXPIRED PAM_SYSTEM_ERR PAM_SERVICE_ERR PAM_BUF_ERR PAM_SESSION_ERR " \
		"PAM_CRED_ERR PAM_CRED_UNAVAIL PAM_AUTHINFO_UNAVAIL PAM_USER_UNKNOWN PAM_AUTHTOK_ERR PAM_AUTHTOK_RECOVERY_ERR " \
		"PAM_IGNORE PAM_CONV_ERR PAM_ABORT PAM_MAXTRIES PAM_NEW_AUTHTOK_REQD", words, " ")
	for (i in words) instead[words[i]] = "PAM_SUCCESS"
	split("UNAVAIL NOTFOUND TRYAGAIN", words, " ")
	for (i in words) instead["NSS_STATUS_" words[i]] = "NSS_STATUS_SUCCESS"
	split("NO_SPACE REFUSED NOT_ADMITTED NO_ROLE FAILED", words, " ")
	for (i in words) instead["POLICY_" words[i]] = "POLICY_PERMITTED"
}

{ source[NR] = $0 }

# ---- words ----

function add_word(text, line) {
	word[++n_words] = text
	at_line[n_words] = line
	gap[n_words] = pending
	pending = ""
}

# The next word of a line's rest; 0 where none begins.
function word_length(rest) {
	if (match(rest, /^[A-Za-z_0-9][A-Za-z_0-9.]*/))
		return RLENGTH
	if (match(rest, /^"([^"\\]|\\.)*"/) || match(rest, /^'([^'\\]|\\.)*'/))
		return RLENGTH
	if (substr(rest, 1, 3) in is_operator)
		return 3
	return (substr(rest, 1, 2) in is_operator) ? 2 : 1
}

function read_line(line, rest, n) {
	rest = source[line]
	if (!in_comment && (in_directive || rest ~ /^[ \t]*#/)) {
		in_directive = rest ~ /\\$/
		pending = pending rest
		has_directive[n_words + 1] = 1
		return
	}
	while (rest != "") {
		if (in_comment) {
			n = index(rest, "*/")
			in_comment = n == 0
			n = n == 0 ? length(rest) : n + 1
		} else if (match(rest, /^[ \t]+/)) {
			n = RLENGTH
		} else if (substr(rest, 1, 2) == "/*") {
			in_comment = 1
			n = 2
		} else if (substr(rest, 1, 2) == "//") {
			n = length(rest)
		} else {
			n = word_length(rest)
			add_word(substr(rest, 1, n), line)
			rest = substr(rest, n + 1)
			continue
		}
		pending = pending substr(rest, 1, n)
		rest = substr(rest, n + 1)
	}
}

# Each bracket's partner, and for each word its function, or "" outside of all.
function pair_up(i, depth, open, inside, is_body) {
	for (i = 1; i <= n_words; i++) {
		if (word[i] == "{" && depth == 0) {
			is_body = word[i - 1] == ")"
			inside = is_body ? word[partner[i - 1] - 1] : ""
		}
		if (word[i] ~ /^[([{]$/) {
			open[++depth] = i
		} else if (word[i] ~ /^[])}]$/ && depth > 0) {
			partner[i] = open[depth]
			partner[open[depth--]] = i
		}
		in_function[i] = inside
		if (word[i] == "}" && depth == 0)
			inside = ""
	}
}

# Outside of functions, in what is static there and in the labels of switch, all values are constants.
function mark_constants(i, last) {
	for (i = 1; i <= n_words; i++) {
		if (in_function[i] == "")
			is_constant[i] = 1
		if (in_function[i] == "" || word[i] !~ /^(static|case)$/)
			continue
		last = word[i] == "case" ? ":" : ";"
		for (; i <= n_words && word[i] != last; i++)
			is_constant[i] = 1
	}
}

# ---- where an expression begins and ends ----

function is_binary(i) {
	return word[i - 1] ~ /^([A-Za-z_0-9.]+|[])]|".*"|'.*')$/ && !(word[i - 1] in is_assignment)
}

# Does the word end an operand of an operator that binds so tightly? same: what binds alike ends it too.
function ends(i, tight, same) {
	if (word[i] ~ /^[;,{]$/ || (word[i] in is_assignment))
		return 1
	if (!(word[i] in binds) || (word[i] == "&" && !is_binary(i)))
		return 0
	return same ? binds[word[i]] <= tight : binds[word[i]] < tight
}

function left_end(i, tight) {
	while (i > 1) {
		i--
		if (word[i] ~ /^[])}]$/)
			i = partner[i]
		else if (word[i] ~ /^[([]$/ || ends(i, tight, 0))
			return i + 1
	}
	return 1
}

function right_end(i, tight, same) {
	while (i < n_words) {
		i++
		if (word[i] ~ /^[])}]$/ || (word[i] != "{" && ends(i, tight, same)))
			return i - 1
		if (word[i] ~ /^[([{]$/)
			i = partner[i]
	}
	return n_words
}

# The last word of the operand of a `!`.
function unary_end(i) {
	do
		i++
	while (word[i] ~ /^([!*&~-]|\+\+|--)$/)
	if (word[i] == "(")
		i = partner[i]
	for (;;) {
		if (word[i + 1] ~ /^[([]$/)
			i = partner[i + 1]
		else if (word[i + 1] == "->" || word[i + 1] == ".")
			i += 2
		else if (word[i + 1] == "++" || word[i + 1] == "--")
			i++
		else
			return i
	}
}

function text_of(from, to, text) {
	for (; from <= to; from++)
		text = text word[from] " "
	return text
}

# ---- mutants ----

# The mutant `text` of the words from..to, told by the word at.
function add_mutant(from, to, at, mutation, text, kind, i, line, n, what) {
	for (i = from; i <= to; i++)
		if (i > from && has_directive[i])
			return
	line = source[at_line[at]]
	gsub(/^[ \t]+|[ \t]+$/, "", line)
	gsub(/\t/, " ", line)
	n = ++seen[at_line[at], mutation]
	what = (n == 1 ? "" : n == 2 ? "second " : n == 3 ? "third " : n "th ") mutation
	print next_number "\t" kind "\t" name "\t" at_line[at] "\t" (in_function[at] == "" ? "-" : in_function[at]) \
		"\t" what "\t" line "\t" at_line[to] >list
	if (index(but, " " next_number " ") == 0) {
		n_mutants++
		m_from[n_mutants] = from
		m_to[n_mutants] = to
		m_text[n_mutants] = text
		m_number[n_mutants] = next_number
		m_kind[n_mutants] = kind
	}
	next_number++
}

function turn_operator(i, from, to, others, n, k, left, right) {
	from = left_end(i, binds[word[i]])
	to = right_end(i, binds[word[i]], 1)
	left = text_of(from, i - 1)
	right = text_of(i + 1, to)
	n = split(becomes[word[i]], others, " ")
	for (k = 1; k <= n; k++)
		add_mutant(from, to, i, "`" word[i] "' becomes `" others[k] "'", "(" left ") " others[k] " (" right ")", "run")
	if (word[i] !~ /^(&&|\|\|)$/)
		whole[from, to] = 1
}

function drop_not(i, to) {
	if (word[i - 1] == ")" && word[i - 2] == "void" && word[i - 3] == "(")
		return
	to = unary_end(i)
	add_mutant(i, to, i, "`!' taken away", "!!(" text_of(i + 1, to) ")", "run")
	whole[i, to] = 1
}

# A condition that is no more than what was turned already is not negated too.
function negate(from, to, at) {
	if (!((from, to) in whole))
		add_mutant(from, to, at, "condition negated", "!(" text_of(from, to) ")", "run")
}

function success_of(text) {
	if (text ~ /^AK_ERR_/)
		return "AK_OK"
	if (text ~ /^REASON_/)
		return text == "REASON_PERMITTED" || text == "REASON_COUNT" ? "" : "REASON_PERMITTED"
	return (text in instead) ? instead[text] : ""
}

# Is the word a value that is handed on, and not one that is compared?
function is_handed_on(i, j) {
	if (word[i + 1] !~ /^[;:,)}]$/ || word[i - 1] !~ /^(return|=|\?|:|,|\(|\{)$/)
		return 0
	if (word[i - 1] ~ /^(return|=|\?|:)$/ || is_constant[i])
		return 1
	for (j = i; j > 1 && word[j] !~ /^[;{}]$/; j--)
		if (word[j] == "return")
			return 1
	return 0
}

function forgive(i, other) {
	other = success_of(word[i])
	if (other != "" && is_handed_on(i))
		add_mutant(i, i, i, "`" word[i] "' becomes `" other "'", other, is_constant[i] ? "built" : "run")
	else if (word[i] == "false" && word[i - 1] == "return" && word[i + 1] == ";")
		add_mutant(i, i, i, "`false' becomes `true'", "true", "run")
}

function find_mutants(i) {
	for (i = 1; i <= n_words; i++) {
		if (is_constant[i])
			forgive(i)
		else if (word[i] in becomes)
			turn_operator(i)
		else if (word[i] == "!")
			drop_not(i)
		else
			forgive(i)
	}
	for (i = 1; i <= n_words; i++) {
		if (is_constant[i])
			continue
		if (word[i] == "if" && word[i + 1] == "(")
			negate(i + 2, partner[i + 1] - 1, i)
		else if (word[i] == "?")
			negate(left_end(i, 2), i - 1, i)
	}
}

# ---- the copy ----

function place(m) {
	if (m_kind[m] == "built") {
		word[m_from[m]] = "MUTANT_" m_number[m]
		return
	}
	before[m_from[m]] = before[m_from[m]] "(MUTANT(" m_number[m] ") ? (" m_text[m] ") : ("
	after[m_to[m]] = after[m_to[m]] "))"
}

function print_macros(m) {
	print "extern unsigned char *mutant_reached;"
	print "extern int mutant_now;"
	print "#define MUTANT(n) (mutant_reached[n] = 1, mutant_now == (n))"
	for (m = 1; m <= n_mutants; m++) {
		if (m_kind[m] != "built")
			continue
		print "#if defined(MUTANT_BUILT) && MUTANT_BUILT == " m_number[m]
		print "#define MUTANT_" m_number[m] " " m_text[m]
		print "#else"
		print "#define MUTANT_" m_number[m] " " word[m_from[m]]
		print "#endif"
	}
	print "#line 1 \"" name "\""
}

END {
	for (i = 1; i <= NR; i++) {
		read_line(i)
		pending = pending "\n"
	}
	pair_up()
	mark_constants()
	find_mutants()
	print_macros()
	# Outer expressions first: their text goes before that of the inner ones.
	for (m = 1; m <= n_mutants; m++) {
		size = m_to[m] - m_from[m]
		next_of[m] = by_size[size]
		by_size[size] = m
	}
	for (size = n_words; size >= 0; size--)
		for (m = by_size[size]; m; m = next_of[m])
			place(m)
	for (i = 1; i <= n_words; i++)
		printf "%s%s%s%s", gap[i], before[i], word[i], after[i]
	printf "%s", pending
	if (n_words > 0)
		print next_number >(list ".next")
}
