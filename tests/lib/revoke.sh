# shellcheck shell=bash
# shellcheck disable=SC2154 # tap_out is tap.sh's
# Live sessions that stay until somebody ends them: what runs in each, and how soon all of it is gone. Sourced after apikey.sh.

LIVE=$GUEST/live
mkdir -p "$LIVE"

# What a session can start is said by `begin WORD…` in it; `stay` writes down its pid and a word, and stays for ever.
cat >"$LIVE/stay" <<-'STAY'
	#!/bin/bash
	# stay NAME WORD: a process of the session NAME.
	printf '%s %s\n' $$ "$2" >>"${0%/*}/$1.pids"
	exec -a "stay $1 $2" tail -f /dev/null
STAY
cat >"$LIVE/begin" <<-'BEGIN'
	# begin WORD…: sourced in the session $NAME. Returns when all of it runs.
	stay=$LIVE/stay
	exec {pause}<> <(:)
	pause() { read -rt 0.02 -u "$pause" || :; }
	has_lines() { local have; mapfile -t have <"$2"; [ ${#have[@]} -ge "$1" ]; }
	begin() {
		local word n=$(($(wc -l <"$LIVE/$NAME.pids") + $#))
		for word; do
			case $word in
			job) "$stay" "$NAME" job & ;;
			nohup) nohup "$stay" "$NAME" nohup </dev/null >/dev/null 2>&1 & ;;
			setsid) setsid "$stay" "$NAME" setsid </dev/null >/dev/null 2>&1 & ;;
			double) (setsid sh -c "'$stay' $NAME double &" </dev/null >/dev/null 2>&1 &) ;;
			stopped) "$stay" "$NAME" stopped & until grep -q stopped "$LIVE/$NAME.pids"; do pause; done; kill -STOP $! ;;
			root) sudo -n "$stay" "$NAME" root </dev/null >/dev/null 2>&1 & ;;
			daemon) sudo -n setsid -f "$stay" "$NAME" daemon </dev/null >/dev/null 2>&1 ;;
			su=*) sudo -n su -s /bin/bash -c "exec '$stay' $NAME su" "${word#su=}" </dev/null >/dev/null 2>&1 & ;;
			esac
		done
		until has_lines "$n" "$LIVE/$NAME.pids"; do pause; done
	}
BEGIN
chmod 755 "$LIVE/stay"

# --- opening ------------------------------------------------------------------------------------

# live NAME USER SECRET [WORD…]: a login that stays. A SECRET that is a path is a private key. Each WORD is a child, as `begin`
# has it, or
#   sftp, forward     a login that runs no shell: a file transfer, a port that is passed on
#   terminal          a login at a terminal
#   left              it logs out again, and its children stay
#   !COMMAND          a line of shell that is run there
#   client            it comes from the other end of client_net
live() {
	live_begin "$@"
	live_ready "$1"
}

# live_begin, live_ready NAME…: the same in two steps, so that many can be opened side by side.
live_begin() {
	local name=$1 user=$2 secret=$3 file=$LIVE/$1 how=() enter=() command=() host=127.0.0.1 kind=shell words=() lines=() word in
	shift 3
	rm -f "$file".*
	live_pids "$name"
	mkfifo "$file.in"
	for word; do
		case $word in
		sftp | forward | terminal | left) kind=$word ;;
		client) enter=(nsenter --target "$client_pid" --net --) host=10.77.0.1 ;;
		!*) lines+=("${word#!}") ;;
		*) words+=("$word") ;;
		esac
	done
	printf '%s\n' "$kind" >"$file.kind"
	printf '%s\n' "LIVE=$LIVE NAME=$name" ". $LIVE/begin" "echo \$\$ shell >>$file.pids" "begin ${words[*]}" "${lines[@]}" \
		"echo 0 ready >>$file.pids" >"$file.sh"
	[ "$kind" = left ] || printf 'exec cat\n' >>"$file.sh"
	live_how "$file" "$secret"
	how+=(-o KexAlgorithms=curve25519-sha256)
	case $kind in
	sftp) how+=(-s) command=(sftp) ;;
	forward)
		live_port=$((${live_port:-20000} + 1))
		printf '%d\n' "$live_port" >"$file.port"
		how+=(-N -L "$live_port:127.0.0.1:22")
		;;
	terminal) how+=(-tt) command=("exec bash $file.sh") ;;
	*) command=("exec bash $file.sh") ;;
	esac
	exec {in}<>"$file.in"
	[ "$kind" != sftp ] || printf '\0\0\0\5\1\0\0\0\3' >&"$in"
	SSH_ASKPASS=$file.askpass SSH_ASKPASS_REQUIRE=force "${enter[@]}" ssh "${SSH_OPTIONS[@]}" "${how[@]}" "$user@$host" \
		"${command[@]}" <&"$in" {in}<&- >"$file.out" 2>"$file.err" &
	exec {in}<&-
	printf '%d\n' $! >"$file.client"
	disown
}

# live_pids NAME: an empty list of processes, that anybody may add himself to.
live_pids() {
	: >"$LIVE/$1.pids"
	chmod 666 "$LIVE/$1.pids"
}

# live_how FILE SECRET: the caller's `how`.
live_how() {
	if [ "${2:0:1}" = / ]; then
		how=(-o PreferredAuthentications=publickey -i "$2")
		return
	fi
	how=(-o PreferredAuthentications=password -o PubkeyAuthentication=no)
	(umask 077; printf '%s\n' "$2" >"$1.secret"; printf '#!/bin/sh\nexec cat %s.secret\n' "$1" >"$1.askpass")
	chmod 700 "$1.askpass"
}

live_ready() {
	local name
	for name in "$@"; do
		wait_until 60 live_is_ready "$name" || { printf '%s is not there:\n' "$name"; tail -n 5 "$LIVE/$name".{out,err,pids}; return 1; } >&2
	done
	live_servers "$@"
}
live_is_ready() {
	local file=$LIVE/$1
	case $(<"$file.kind") in
	sftp) [ -s "$file.out" ] ;;
	forward) tcp_open "$(<"$file.port")" ;;
	left) live_gone "$(<"$file.client")" && grep -q ready "$file.pids" ;;
	*) [[ $(<"$file.pids") == *ready* ]] ;;
	esac
}

# live_servers NAME…: adds the client and sshd's processes at the other end of its connection to what each session runs.
live_servers() {
	local name pid
	{
		ss -tnpH state established
		[ -z "${client_pid:-}" ] || from_client ss -tnpH state established
	} >"$LIVE/.connections"
	for name in "$@"; do
		if [ "$(<"$LIVE/$name.kind")" = left ]; then
			sed -i '/ shell$/d' "$LIVE/$name.pids"
			continue
		fi
		pid=$(<"$LIVE/$name.client")
		printf '%d client\n' "$pid" >>"$LIVE/$name.pids"
		awk -v client="pid=$pid," '
			{ port = $3; sub(/.*:/, "", port); peer = $4; sub(/.*:/, "", peer) }
			port == 22 { served[peer] = $5 }
			peer == 22 && index($5, client) { own = port }
			END {
				n = split(served[own], part, "pid=")
				for (i = 2; i <= n; i++) { sub(/,.*/, "", part[i]); if (!(part[i] in seen)) print part[i], "sshd"; seen[part[i]] }
			}' "$LIVE/.connections" >>"$LIVE/$name.pids"
		grep -q sshd "$LIVE/$name.pids" || { printf 'no sshd is behind %s\n' "$name" >&2; return 1; }
	done
}

# live_say NAME TEXT: to its standard input.
live_say() { printf '%b' "$2" 1<>"$LIVE/$1.in"; }

# --- asking -------------------------------------------------------------------------------------

# live_of NAME[:WORD[,WORD]…]: its processes as lines "PID WORD", or those with these words.
live_of() {
	local name=${1%%:*} only=
	[[ $1 != *:* ]] || only=${1#*:}
	awk -v only=",$only," '$2 != "ready" && (only == ",," || index(only, "," $2 ","))' "$LIVE/$name.pids"
}

# live_pid NAME:WORD: the first.
live_pid() { live_of "$1" | { read -r pid _ && printf '%s\n' "$pid"; }; }

# live_gone PID: as gone, without a process of its own.
live_gone() {
	local stat=
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ ${stat##*) } == Z* ]]
}

# live_left: of the pids in `pids`, those that live; 1 when there are some. In the end they are the last that lived.
live_left() {
	local pid still=()
	for pid in "${pids[@]}"; do
		live_gone "$pid" || still+=("$pid")
	done
	[ ${#still[@]} -gt 0 ] || return 0
	pids=("${still[@]}")
	return 1
}

# live_tell NAME…: each of its processes: does it live, what is it, and whose?
live_tell() {
	local name pid word
	for name in "$@"; do
		while read -r pid word; do
			if live_gone "$pid"; then
				printf '%s: %s %s: gone\n' "${name%%:*}" "$pid" "$word"
			else
				printf '%s: %s %s: lives, %s\n' "${name%%:*}" "$pid" "$word" "$(ps -o user=,stat=,ppid=,args= -p "$pid")"
			fi
		done < <(live_of "$name")
	done
}

# ends SENTENCE MS NAME[:WORDS]… -- COMMAND…: all of these processes are gone MS milliseconds (a bar) after COMMAND began, and
# were there before. COMMAND may come back later than that, and may set `from`, the microsecond from which the time counts.
ends() {
	local sentence=$1 limit names=() pids=() from rc=0 ms watcher at last
	limit=$(patience "$2")
	shift 2
	while [ "$1" != -- ]; do
		names+=("$1")
		mapfile -t -O ${#pids[@]} pids < <(live_of "$1" | cut -d' ' -f1)
		shift
	done
	shift
	live_all_there "$sentence" "${names[@]}" || return 0
	from=${EPOCHREALTIME/./}
	live_watch $((limit / 1000 + 8)) </dev/null >"$LIVE/.ended" 2>&1 &
	watcher=$!
	"$@" >"$tap_out" 2>&1 </dev/null || rc=$?
	wait "$watcher" || rc="$rc, and some live"
	read -r at last <"$LIVE/.ended"
	read -ra pids <<<"$last"
	ms=$(((at - from) / 1000))
	if [ "$rc" = 0 ] && [ "$ms" -le "$limit" ]; then
		tap_ok "$sentence"
		printf '# ended after %d ms, %s last\n' "$ms" "$(live_words "${names[@]}")"
		return
	fi
	live_tell "${names[@]}" | sort -t: -k4 | tail -n 30 >>"$tap_out"
	tap_note '[%s; %d ms, not %d; %s last] %s\n' "$rc" "$ms" "$limit" "$(live_words "${names[@]}")" "$*"
	tap_not_ok "$sentence"
}

# live_watch SECONDS: waits until the `pids` are gone; prints the microsecond, and those that went last.
live_watch() {
	local rc=0
	wait_until "$1" live_left || rc=1
	printf '%s %s\n' "${EPOCHREALTIME/./}" "${pids[*]}"
	return "$rc"
}

# live_words NAME…: what `pids`, of these, were.
live_words() {
	local name
	for name in "$@"; do
		live_of "$name"
	done | awk -v pids=" ${pids[*]} " 'index(pids, " " $1 " ") { print $2 }' | sort -u | paste -sd' '
}
live_all_there() {
	local sentence=$1 name
	shift
	for name in "$@"; do
		live_all_live "$name" || { live_tell "$@" >"$tap_out"; tap_not_ok "$sentence: they were there"; return 1; }
	done
}
live_all_live() {
	local pid any=1
	while read -r pid _; do
		any=0
		! live_gone "$pid" || return 1
	done < <(live_of "$1")
	return "$any"
}

# stays SENTENCE NAME[:WORDS]…: nothing of these was ended.
stays() {
	local sentence=$1 name
	shift
	for name in "$@"; do
		live_all_live "$name" || { live_tell "$name" >"$tap_out"; tap_not_ok "$sentence"; return 0; }
	done
	tap_ok "$sentence"
}

# live_end NAME…: their ends as people make them: the client goes; survivors are killed.
live_end() {
	local name pid
	for name in "$@"; do
		kill "$(<"$LIVE/$name.client")" 2>/dev/null || :
		while read -r pid _; do
			wait_until 2 live_gone "$pid" || kill -KILL "$pid" 2>/dev/null || :
		done < <(live_of "$name")
	done
}
