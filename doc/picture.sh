#!/usr/bin/env bash
# Prints doc/demo.svg, the picture in README.md: what `./dev demo` printed, and when.
#
# usage: picture.sh [RECORDING] >PICTURE    RECORDING has a line for each line of a demonstration: when it came, in
#                                           seconds, and itself. Without one the demonstration is run and recorded,
#                                           to build/demo.recording.
set -euo pipefail
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C.UTF-8

# record: each line behind the time at which it came.
record() {
	local line
	while IFS= read -r line; do
		printf '%s %s\n' "$EPOCHREALTIME" "$line"
	done
}

# draw RECORDING: the picture. All of it is there from the beginning; where animation is shown, lines light up as they came.
draw() {
	awk -v columns=124 -v slower=4 -v pause=3 '
		function escaped(text) {
			gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text)
			return text
		}
		# one row of text; its width is that of its columns, whatever the font is
		function row(text, x) {
			y += 17
			return sprintf("<tspan x=\"%d\" y=\"%d\" textLength=\"%.1f\">%s</tspan>", x, y, length(text) * 7.4, escaped(text))
		}
		# folded at a blank, which stays, so that the rows put together are the line
		function rows(text,   all, cut, x) {
			x = 16
			while (length(text) > columns) {
				for (cut = columns; cut > 1 && substr(text, cut, 1) != " "; cut--);
				if (cut == 1) cut = columns
				all = all row(substr(text, 1, cut), x)
				x = 46
				text = substr(text, cut + 1)
			}
			return all row(text, x)
		}
		{ at = $1; line = substr($0, length($1) + 2) }
		# Installing is told in the README, in words.
		/^[0-9.]+ # Make a key/ { on = 1; last = at; y = 10 }
		!on { next }
		{
			wait = (at - last) * slower
			now += wait < pause ? wait : pause
			last = at
			if (line == "") { y += 9; next }
			kind = line ~ /^# / ? "h" : line ~ /^\$ / ? "c" : "o"
			body = body sprintf("<text class=\"%s\" style=\"animation-delay:%.2fs\">%s</text>\n", kind, now, rows(line))
		}
		END {
			if (!on) { print "picture: no demonstration in this recording" >"/dev/stderr"; exit 1 }
			width = columns * 7.4 + 32
			printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" xml:space=\"preserve\" role=\"img\" aria-labelledby=\"title desc\">\n",
				width, y + 24, width, y + 24
			print "<title id=\"title\">An API key from its making to its end, in a terminal</title>"
			print "<desc id=\"desc\">The output of ./dev demo: a key is made and is a Linux user, logs in by ssh with its token, is refused with a wrong one, gets sudo by a role, and is deleted, which ends its open session. Lines light up as they came in a real run, four times slower.</desc>"
			print "<style>"
			print "text{font:12.3px ui-monospace,\"DejaVu Sans Mono\",\"Liberation Mono\",Menlo,Consolas,monospace;white-space:pre}"
			print ".h{fill:#79c0ff}.c{fill:#f0f6fc;font-weight:bold}.o{fill:#b1bac4}"
			print "@media (prefers-reduced-motion:no-preference){text{animation:show 1ms backwards}@keyframes show{from{opacity:.45}}}"
			print "</style>"
			printf "<rect x=\"1\" y=\"1\" width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#161b22\" stroke=\"#6e7681\" stroke-width=\"1.5\"/>\n",
				width - 2, y + 22
			printf "%s</svg>\n", body
		}' "$1"
}

recording=${1:-$TOP/build/demo.recording}
if [ $# -eq 0 ]; then
	mkdir -p "$TOP/build"
	"$TOP/dev" demo | record >"$recording"
fi
draw "$recording"
