# Draws one picture of a run as SVG, both axes logarithmic. Called by run.sh as
#   awk -v name=NAME -f plot.awk PLOTS ROWS
# Exit 3: the run has no two points of any curve. Its inks can be read on white and on black.
BEGIN {
	FS = "\t"
	left = 84; right = 560; top = 40; bottom = 360; width = 760; height = 410
	inks = split("#d9480f #1c7ed6 #2b9348 #b04fd0 #a07400 #12858c #8a6d6d", ink, " ")
	grey = "#7d7d7d"
}

FNR == NR && /^= / {
	split($0, word, " ")
	on = word[2] == name
	if (on) {
		along = word[3]
		title = substr($0, index($0, " " word[3] " ") + length(word[3]) + 2)
	}
	next
}
FNR == NR && on && NF == 4 && !/^#/ { curve[$1, $2, $3] = ++curves; label[curves] = $4; next }
FNR == NR { next }
{
	at = curve_of()
	if (!at || $4 <= 0) next
	n = ++points[at]
	x[at, n] = grown; y[at, n] = $4
	if (!any++) { x0 = x1 = grown; y0 = y1 = $4 }
	if (grown < x0) x0 = grown
	if (grown > x1) x1 = grown
	if ($4 < y0) y0 = $4
	if ($4 > y1) y1 = $4
}

# The curve that this row is a point of, and where it stands on the x axis, in `grown`; 0: none.
function curve_of(  n, i, part, rest) {
	n = split($3, part, ",")
	grown = ""
	for (i = 1; i <= n; i++) {
		if (index(part[i], along "=") == 1) grown = substr(part[i], length(along) + 2) + 0
		else rest = rest (rest == "" ? "" : ",") part[i]
	}
	if (rest == "") rest = "-"
	return grown > 0 && ($1, $2, rest) in curve ? curve[$1, $2, rest] : 0
}

function log10(v) { return log(v) / log(10) }
function px(v) { return left + (right - left) * (log10(v) - low_x) / (high_x - low_x) }
function py(v) { return bottom - (bottom - top) * (log10(v) - low_y) / (high_y - low_y) }
function floor_of(v,  i) { i = int(v); return i > v ? i - 1 : i }
function ceiling_of(v) { return -floor_of(-v) }

function text(at_x, at_y, anchor, colour, words) {
	gsub(/&/, "\\&amp;", words); gsub(/</, "\\&lt;", words)
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">%s</text>\n", at_x, at_y, anchor, colour, words
}
function line(xa, ya, xb, yb) {
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-opacity=\"0.35\"/>\n", xa, ya, xb, yb, grey
}
# 1000000 as 1,000,000; 0.1 as it is.
function tick(e,  digits) {
	if (e < 0) return sprintf("%.*f", -e, exp(e * log(10)))
	digits = "1" substr("000000000000", 1, e)
	while (match(digits, /[0-9][0-9][0-9][0-9]($|,)/)) digits = substr(digits, 1, RSTART) "," substr(digits, RSTART + 1)
	return digits
}

function grid(  e) {
	for (e = ceiling_of(low_x - 0.001); e <= high_x + 0.001; e++) {
		line(px(exp(e * log(10))), top, px(exp(e * log(10))), bottom)
		text(px(exp(e * log(10))), bottom + 18, "middle", grey, tick(e))
	}
	for (e = low_y; e <= high_y; e++) {
		line(left, py(exp(e * log(10))), right, py(exp(e * log(10))))
		text(left - 8, py(exp(e * log(10))) + 4, "end", grey, tick(e))
	}
	text((left + right) / 2, bottom + 38, "middle", grey, along)
	text(left, top - 16, "start", grey, title)
}

function draw(c,  i, path, colour, thick) {
	colour = ink[(c - 1) % inks + 1]
	thick = c == 1 ? 3.5 : 2
	for (i = 1; i <= points[c]; i++) path = path sprintf("%s%.1f,%.1f", i > 1 ? " " : "", px(x[c, i]), py(y[c, i]))
	printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"/>\n", path, colour, thick
	for (i = 1; i <= points[c]; i++)
		printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\"/>\n", px(x[c, i]), py(y[c, i]), thick + 0.5, colour
}

# The curves' names at the right, each where its curve ends, none upon another.
function names(  c, i, j, n, order, at, swap) {
	for (c = 1; c <= curves; c++)
		if (points[c]) { order[++n] = c; at[c] = py(y[c, points[c]]) + 4 }
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && at[order[j - 1]] > at[order[j]]; j--) { swap = order[j]; order[j] = order[j - 1]; order[j - 1] = swap }
	for (i = 2; i <= n; i++) if (at[order[i]] < at[order[i - 1]] + 16) at[order[i]] = at[order[i - 1]] + 16
	for (i = 1; i <= n; i++) text(right + 12, at[order[i]], "start", ink[(order[i] - 1) % inks + 1], label[order[i]])
}

END {
	if (!any || x0 == x1) exit 3
	low_x = log10(x0); high_x = log10(x1)
	low_y = floor_of(log10(y0)); high_y = ceiling_of(log10(y1))
	if (low_y == high_y) high_y++
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\">\n", width, height
	printf "<title>%s</title>\n", title
	grid()
	for (c = curves; c >= 1; c--) if (points[c]) draw(c)
	names()
	print "</svg>"
}
