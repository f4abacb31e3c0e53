# shellcheck shell=bash
# What the log of a build (of make with V=1, or of debhelper) says of how each object was compiled. Sourced; TOP is set.

PARTS='cli common daemon ldap nss pam'

# compiled: of the log on stdin the compiler's commands, as gcc or libtool got them. Of configure's it has none.
compiled() { grep -E '(^| )gcc .* -c ' | grep -v '^checking '; }

# product_sources: the C files of ours that are installed. compiled_sources: those that the log on stdin tells of.
product_sources() {
	local part
	for part in $PARTS; do
		(cd "$TOP" && printf '%s\n' "$part"/*.c)
	done | sort
}
compiled_sources() { compiled | grep -Eo "(${PARTS// /|})/[a-z0-9_]+\\.c( |\$|&)" | tr -d ' &' | sort -u; }

# unhardened: of the log on stdin the commands that leave a protection out; of a word that is there twice the last counts.
unhardened() {
	compiled | awk -v machine="$(uname -m)" '
		{
			fortify = optimised = calls = stack = clash = ""
			for (i = 1; i <= NF; i++) {
				if ($i ~ /^-[DU]_FORTIFY_SOURCE/) fortify = $i
				if ($i ~ /^-O/) optimised = $i
				if ($i ~ /^-fcf-protection/) calls = $i
				if ($i ~ /^-f(no-)?stack-protector/) stack = $i
				if ($i ~ /^-f(no-)?stack-clash-protection/) clash = $i
			}
		}
		fortify != "-D_FORTIFY_SOURCE=3" || optimised !~ /^-O[123]$/ || stack != "-fstack-protector-strong" ||
			clash != "-fstack-clash-protection" || (machine == "x86_64" && calls != "-fcf-protection")'
}
