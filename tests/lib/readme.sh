# shellcheck shell=bash
# Reads the examples of README.md and runs them as they stand there. Sourced after e2e.sh, in a private host.
#
# Blocks marked `sh` are run as root on this host, blocks marked `bash` as bob, who presents keys; each shell keeps
# its variables, folder and umask from block to block. All other blocks are text: $last is the file of the last one.
# A line before a block says more of it:
#   <!-- shows: REGEX -->         it ends well, and prints this
#   <!-- fails: STATUS REGEX -->  it ends with STATUS, and prints this
#   <!-- on: PLACE… -->           it is run on other hosts: by the suite's own `on_place PLACE CMD…`
#   <!-- run: NAME ARGUMENT… -->  here the suite's function NAME does what a reader does by other means

BLOCKS=$GUEST/blocks

# --- reading ------------------------------------------------------------------------------------

# readme_blocks: README's blocks and marks, a file each: NNN.KIND, and NNN.KIND.title, which is "SECTION" or
# "SECTION: SUBSECTION"; prints the files in order.
readme_blocks() {
	mkdir -p "$BLOCKS/readme"
	awk -v dir="$BLOCKS/readme" '
		function begin(kind) {
			file = sprintf("%s/%03d.%s", dir, ++n, kind); print file; printf "" >file
			print title (part == "" ? "" : ": " part) >(file ".title"); close(file ".title")
		}
		/^## / && !on { title = substr($0, 4); part = "" }
		/^### / && !on { part = substr($0, 5) }
		/^```/ && on { on = 0; close(file); next }
		/^```[a-z]/ { begin(substr($0, 4)); on = 1; next }
		on { print >file; next }
		/^<!-- [a-z]+: .* -->$/ { sub(/^<!-- /, ""); sub(/ -->$/, ""); kind = $1; sub(/:$/, "", kind)
			begin(kind); sub(/^[a-z]+: /, ""); print >file; close(file) }' "$TOP/README.md"
}

# readme_run WANTED [UNWANTED]: runs the blocks under the titles that match WANTED and not UNWANTED, in README's order.
last=''
readme_run() {
	local file title words
	plain_block
	while read -r -u 4 file; do
		title=$(cat "$file.title")
		[[ $title =~ $1 ]] || continue
		[ -z "${2:-}" ] || [[ ! $title =~ $2 ]] || continue
		case $file in
		*.sh | *.bash) block "README: $title" "${file##*.}" "$file" ;;
		*.shows) expected=$(cat "$file") ;;
		*.fails) read -r status expected <"$file" ;;
		*.run) read -ra words <"$file" && "${words[@]}" ;;
		*.on) read -ra places <"$file" ;;
		*) last=$file ;;
		esac
	done 4< <(readme_blocks)
}

# --- running ------------------------------------------------------------------------------------

# The shell of a reader: what it had after the last block, the block, what it has now.
cat >"$GUEST/shell" <<'END'
[ ! -e "$1" ] || . "$1"
trap '{ export -p; printf "umask %s\ncd '\''%s'\''\n" "$(umask)" "$PWD"; } >"$1"' EXIT
. "$2"
END

as_root_shell() { sh -eu "$GUEST/shell" "$GUEST/state.root" "$1"; }

# as_bob_shell FILE: where $bob_at says, a command such as from_client, else on this host. Two minutes at most.
bob_at=()
as_bob_shell() {
	cp "$1" "$GUEST/block.bob"
	chmod 644 "$GUEST/block.bob" "$GUEST/shell"
	(cd /home/bob && "${bob_at[@]}" timeout -k 5 120 setpriv --reuid bob --regid bob --init-groups -- \
		env -i HOME=/home/bob USER=bob LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin \
		bash -euo pipefail "$GUEST/shell" /home/bob/.state "$GUEST/block.bob")
}

# as_place_shell PLACE FILE: as root there.
as_place_shell() { on_place "$1" sh -eu "$GUEST/shell" "$GUEST/state.$1" "$2"; }

# plain_block: the next block is run here, and ends well.
plain_block() { status=0 expected='' places=(); }

plain_block

# block SENTENCE KIND FILE: one that is run, at each of $places or here, and does what was expected of it.
block() {
	local place sentence
	sentence="$1: $(grep -v '^umask' "$3" | head -n 1)"
	for place in "${places[@]}"; do
		judged "$sentence ($place)" as_place_shell "$place" "$3"
	done
	[ ${#places[@]} -gt 0 ] || case $2 in
	sh) judged "$sentence" as_root_shell "$3" ;;
	bash | user) judged "$sentence" as_bob_shell "$3" ;;
	esac
	plain_block
}
judged() {
	if [ "$status" -eq 0 ] && [ -z "$expected" ]; then
		holds "$@"
	else
		shows "$1" "$status" "$expected" "${@:2}"
	fi
}

# --- what a reader does by other means ----------------------------------------------------------

# readme_known_hosts: the lines that bob knows hosts by. A suite with more hosts has its own.
readme_known_hosts() { sed 's/^/bastion /' /etc/ssh/ssh_host_ed25519_key.pub; }

# carry KEY…: the keys' tokens, and the lines for known_hosts, to bob. The suite keeps the tokens, too.
carry() {
	local key
	mkdir -p "$GUEST/tokens"
	install -d -o bob -g bob -m 700 /home/bob/.ssh
	for key; do
		install -o bob -g bob -m 600 "/root/$key.token" "/home/bob/$key.token"
		cp "/root/$key.token" "$GUEST/tokens/$key"
	done
	readme_known_hosts >/home/bob/.ssh/known_hosts
	chown bob:bob /home/bob/.ssh/known_hosts
}

# ssh_config: the text above it, as bob's ~/.ssh/config.
ssh_config() { install -o bob -g bob -m 600 "$last" /home/bob/.ssh/config; }

# stay WHO: bob leaves a session open as ACCOUNT@HOST. gone_home: it is at its end.
stay() {
	[ -p "$GUEST/stay" ] || mkfifo "$GUEST/stay"
	printf "ssh -o PreferredAuthentications=password %s 'echo in; cat'\n" "$1" >"$GUEST/stay.sh"
	: >"$GUEST/stay.out"
	as_bob_shell "$GUEST/stay.sh" <>"$GUEST/stay" >"$GUEST/stay.out" 2>&1 &
	stay_pid=$!
	holds "README: a session of $1 is open" wait_until 10 grep -qx in "$GUEST/stay.out"
}
gone_home() { holds 'README: the session is ended' in_bar 1 gone "$stay_pid"; }

# policy_with: the policy as shipped, with the text above it, into /root/policy.yaml.
policy_with() {
	python3 - "$TOP/etc/policy.yaml" "$last" <<-'END' >/root/policy.yaml
		import sys, yaml
		policy, more = (yaml.load(open(f), yaml.BaseLoader) for f in sys.argv[1:])
		for section, what in more.items():
		    policy.setdefault(section, {}).update(what)
		yaml.dump(policy, sys.stdout)
	END
}
