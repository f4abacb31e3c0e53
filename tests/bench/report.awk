# The report of a run, in Markdown: a text in which lines that begin with @ become what was measured. Called by run.sh as
#   awk -f report.awk BARS ROWS TEXT
#   @bars               a table of the bars, what was measured for each, and the verdict
#   @arguments          of each bar that is missed: what there is to say to it, by the file NAME.md of the folder `arguments`
#   @table MEASURE TITLE   a table of a measure: who by parameters; in brackets how many times ours that is
#   @rest               a table of each measure that has none
#   @picture NAME       doc/bench-NAME.svg
# @date and @machine stand for the variables date and machine, anywhere; @(MEASURE WHO PARAMETERS), there and in arguments, for
# the median of that row.
# missing=fail: a bar or a table without its rows is said, and the status is 1; else it is left out.
BEGIN { FS = "\t" }
FNR == 1 { file++ }

function key(measure, who, parameters) { return measure SUBSEP who SUBSEP parameters }

# A figure as people read it: three digits that count.
function figure(x,  size) {
	size = x < 0 ? -x : x
	if (x == int(x)) return thousands(sprintf("%d", x))
	if (size < 10) return sprintf("%.2f", x)
	if (size < 100) return sprintf("%.1f", x)
	return thousands(sprintf("%.0f", x))
}
function thousands(digits,  head) {
	while (match(digits, /[0-9][0-9][0-9][0-9]($|,)/)) {
		head = substr(digits, 1, RSTART)
		digits = head "," substr(digits, RSTART + 1)
	}
	return digits
}
function with_unit(x, unit) { sub(/^us$/, "µs", unit); return figure(x) (unit == "" ? "" : " " unit) }

# "keys=100000" as "100,000 keys".
function said(parameters,  n, i, part, pair, text) {
	n = split(parameters, part, ",")
	for (i = 1; i <= n; i++) {
		split(part[i], pair, "=")
		text = text (i > 1 ? ", " : "") (pair[2] ~ /^[0-9]+$/ ? thousands(pair[2]) " " pair[1] : pair[2] == "" ? pair[1] : pair[1] " " pair[2])
	}
	return text
}

# --- input --------------------------------------------------------------------------------------

file == 1 && /^= / {
	split($0, word, " ")
	name[++bars] = word[2]
	title[bars] = substr($0, length("= " word[2]) + 2)
	next
}
file == 1 && /^(#|$)/ { next }
file == 1 { lines[bars]++; line[bars, lines[bars]] = $0; next }
file == 2 {
	at = key($1, $2, $3)
	if (!(at in median)) {
		if (!seen_measure[$1]++) measure[++measures] = $1
		if (!seen_params[$1, $3]++) params[$1, ++n_params[$1]] = $3
		if (!seen_who[$1, $2]++) who[$1, ++n_who[$1]] = $2
	}
	median[at] = $4; second[at] = $5; unit[$1] = $6
	next
}

# --- the bars -----------------------------------------------------------------------------------

# One line of a bar: what was measured into `shown`; 1 met, 0 missed, -1 no row.
function judge(text,  f, at, limit, peer) {
	split(text, f, FS)
	at = key(f[1], f[2], f[3])
	if (!(at in median)) { absent = f[1] " " f[2] " " f[3]; return -1 }
	if (f[4] ~ /^median<=/) { limit = substr(f[4], 9); shown = with_unit(median[at], unit[f[1]]); return median[at] + 0 <= limit + 0 }
	if (f[4] ~ /^max<=/) { limit = substr(f[4], 6); shown = with_unit(second[at], unit[f[1]]); return second[at] + 0 <= limit + 0 }
	split(f[4], limit_of, "×")
	peer = key(f[1], limit_of[2], f[3])
	if (!(peer in median)) { absent = f[1] " " limit_of[2] " " f[3]; return -1 }
	shown = figure(median[peer] / median[at]) " times"
	return median[peer] >= limit_of[1] * median[at]
}

function bar(b,  i, verdict, all, figures, got) {
	all = 1
	for (i = 1; i <= lines[b]; i++) {
		got = judge(line[b, i])
		if (got < 0) {
			absent_row(absent)
			return ""
		}
		if (!got) all = 0
		figures = figures (i > 1 ? ", " : "") shown
	}
	if (!all) missed[b] = figures
	return "| " title[b] " | " figures " | " (all ? "met" : "**missed**") " |"
}

function all_bars(  b, text) {
	print "| bar | measured | verdict |\n|---|---|---|"
	for (b = 1; b <= bars; b++)
		if ((text = bar(b)) != "") print text
}

# A line with its figures.
function filled(text,  at, word, before, behind) {
	while (match(text, /@\([^)]*\)/)) {
		split(substr(text, RSTART + 2, RLENGTH - 3), word, " ")
		before = substr(text, 1, RSTART - 1); behind = substr(text, RSTART + RLENGTH)
		at = key(word[1], word[2], word[3])
		text = before (at in median ? with_unit(median[at], unit[word[1]]) : "–") behind
	}
	return text
}

function all_arguments(  b, any, said_any, text, path) {
	for (b = 1; b <= bars; b++) {
		if (!(b in missed)) continue
		if (!any++) print "### Missed\n"
		print "**" title[b] "**: " missed[b] "."
		path = arguments "/" name[b] ".md"
		said_any = 0
		while ((getline text <path) > 0) { print filled(text); said_any = 1 }
		close(path)
		print (said_any ? "" : "Nothing that was measured here says why.\n")
	}
	if (!any) print "Every bar is met."
}

# --- a table of a measure: who by parameters -------------------------------------------------------

function table(m, title,  i, j, head, rule, text, at) {
	shown_table[m] = 1
	if (!(m in unit)) { absent_row(m); return }
	head = "| " title ", " (unit[m] == "us" ? "µs" : unit[m]) " |"
	rule = "|---|"
	for (j = 1; j <= n_params[m]; j++) { head = head " " said(params[m, j]) " |"; rule = rule "---|" }
	print head "\n" rule
	for (i = 1; i <= n_who[m]; i++) {
		text = "| " who[m, i] " |"
		for (j = 1; j <= n_params[m]; j++) {
			at = key(m, who[m, i], params[m, j])
			text = text " " (at in median ? cell(at, key(m, "apikey", params[m, j])) : "–") " |"
		}
		print text
	}
	print ""
}
# The median, the second figure, and how many times ours the median is.
function cell(at, ours,  text) {
	text = figure(median[at])
	if (second[at] != "-") text = text " / " figure(second[at])
	if (at != ours && ours in median && median[ours] > 0) text = text " (×" figure(median[at] / median[ours]) ")"
	return text
}
function absent_row(what) {
	if (missing != "fail") return
	print "no row: " what >"/dev/stderr"
	failed = 1
}

# --- the text -----------------------------------------------------------------------------------

file == 3 && /^@bars$/ { all_bars(); next }
file == 3 && /^@arguments$/ { all_arguments(); next }
file == 3 && /^@table / { split($0, word, " "); table(word[2], substr($0, length("@table " word[2]) + 2)); next }
file == 3 && /^@rest$/ { for (m = 1; m <= measures; m++) if (!(measure[m] in shown_table)) table(measure[m], measure[m]); next }
file == 3 && /^@picture / { split($0, word, " "); print "![" word[2] "](bench-" word[2] ".svg)"; next }
file == 3 { gsub(/@date/, date); gsub(/@machine/, machine); print filled($0) }
END { exit failed }
