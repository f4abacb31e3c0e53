# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # the other side expands; the suites run the cases; tap.sh and wait.sh have the names
# What must end with a key's right, and what must not: the cases of a bare host and of a booted one. Sourced after revoke.sh,
# shells.sh and follow.sh. The suite says how its daemon is started (daemon_up) and killed (daemon_crash).

FULL=(job nohup setsid double stopped root daemon)
LEFT=(left nohup setsid double root daemon)
DENY=() GRANT=() TEAM=key-team

# policy_text: the policy as DENY, GRANT and TEAM have it now.
policy_text() {
	cat <<-END
		version: 1
		roles:
		  viewer: {services: [sshd]}
		  worker: {services: [sshd, sudo], unix_groups: [key-workers]}
		  teamster: {services: [], unix_groups: [$TEAM]}
		  deployer: {services: [sshd, sudo], accounts: [deploy]}
		  boarder: {services: [sshd, su]}
		  chief: {services: ['*'], root_equivalent: true}
		groups:
		  platform: [{role: worker}]
	END
	[ ${#DENY[@]} -eq 0 ] || printf '%s\n' deny: "${DENY[@]/#/- }"
	printf -- 'grant:\n- {role: worker, login: window, time: {hours: "%s", zone: %s}}\n' "$window_hours" "$window_zone"
	[ ${#GRANT[@]} -eq 0 ] || printf -- '- %s\n' "${GRANT[@]}"
}

# policy_apply [OPTION…]: makes it the live one. policy_edit: the same by writing over the file.
policy_apply() {
	policy_text >"$GUEST/policy.yaml"
	change policy apply "$GUEST/policy.yaml" ${1:+"$@"}
}
policy_edit() {
	policy_text >"$POLICY"
	change publish
}

# window_make: hours that end with a minute, 25 to 85 s from now, in a zone in which it is about noon.
window_make() {
	local now hour
	now=$(date +%s)
	hour=$(date -u -d "@$now" +%-H)
	window_end=$(((now + 25) / 60 * 60 + 60))
	window_zone=Etc/GMT$((hour - 12))
	[ "$hour" -lt 12 ] || window_zone=Etc/GMT+$((hour - 12))
	window_hours=00:00-$(TZ=$window_zone date -d "@$window_end" +%H:%M)
}

# revoke_host: accounts, sudoers, policy, and sessions that nobody ends: of another key, of people, of a shared account.
revoke_host() {
	local key
	groupadd -g 1500 key-team
	useradd -m -s /bin/bash deploy
	printf 'deploy:deploy-pw\n' | chpasswd -c SHA512 -s 1000
	printf 'ALL ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
	public_key deploy
	window_make
	policy_apply
	new_key neighbour --role worker
	new_key shared-a --role deployer
	new_key shared-b --role deployer
	client_net
	live_begin neighbour neighbour "$(token neighbour)" "${FULL[@]}"
	live_begin shared-b deploy "$(token shared-b)" "${FULL[@]}"
	live_begin person deploy "$GUEST/id_deploy" "${FULL[@]}"
	live_begin bob bob bob-pw terminal "${FULL[@]}"
	live_begin alice alice alice-pw "${FULL[@]}" su=neighbour
	BYSTANDERS=(neighbour shared-b person bob alice)
	live_ready "${BYSTANDERS[@]}"
}

# --- revoked: all of it, at once ----------------------------------------------------------------

# way KEY OPTION…: a key with sessions of every kind, for `lost`.
way() {
	local key=$1
	new_key "$@"
	live_begin "$key.full" "$key" "$(token "$key")" "${FULL[@]}"
	live_begin "$key.left" "$key" "$(token "$key")" "${LEFT[@]}"
	live_begin "$key.sftp" "$key" "$(token "$key")" sftp
	live_begin "$key.forward" "$key" "$(token "$key")" forward
	ways+=("$key."{full,left,sftp,forward})
}

# lost SENTENCE KEY COMMAND…: COMMAND ends every session of that key, and nobody else's.
lost() {
	ends "$1: all of its sessions end" 1000 "$2."{full,left,sftp,forward} -- "${@:3}"
	stays "$1: and nobody else's" "${BYSTANDERS[@]}"
}

case_revoked() {
	local ways=() key
	new_key away --role worker
	live_begin away.full away "$(token away)" client "${FULL[@]}"
	new_key placed --role worker
	live_begin placed.full placed "$(token placed)" client "${FULL[@]}"
	for key in deleted disabled rotated role denied unix edited named; do way "$key" --role worker; done
	way grouped --group platform
	GRANT=('{role: teamster, login: [unix, edited]}')
	DENY=('{id: elsewhere, reason: not from there, login: placed, not: {from: [10.77.0.0/24]}}')
	policy_apply
	live_ready away.full placed.full "${ways[@]}"
	live unix.team unix "$(token unix)" "${FULL[@]}"
	live deleted.tty deleted "$(token deleted)" terminal
	stays 'they live' "${BYSTANDERS[@]}" "${ways[@]}" deleted.tty

	lost 'abuse 142: a deleted key' deleted change delete deleted
	shows 'its terminal says why' 0 'apikey: this session is ended: the key is no more' cat "$LIVE/deleted.tty.out"
	shows 'its client says that it was not the client' 0 'closed by remote host|Connection to .* closed' \
		cat "$LIVE/deleted.full.err" "$LIVE/deleted.tty.err"
	equals 'and nothing runs under its uid' '' uid_runs deleted
	lost 'a disabled key' disabled change disable disabled
	lost 'a key whose token is replaced without an overlap' rotated change rotate rotated
	lost 'a key that loses its role' role change role remove role worker
	lost "a key that leaves the group that gave it the role" grouped change group remove grouped platform
	lost 'sessions end --key' named change sessions end --key named
	admits 'after which it may come back' password named "$(token named)"
	ends 'a key whose addresses were changed' 1000 away.full -- change set away --from 192.0.2.0/24
	DENY[0]=${DENY[0]/10.77/10.78}
	ends "a rule's addresses were changed" 1000 placed.full -- policy_apply
	DENY+=('{id: out, reason: is out, login: denied}')
	lost 'a policy that denies it was applied' denied policy_apply
	GRANT=('{role: teamster, login: edited}')
	stays 'a session that had no such group' unix.full
	ends 'abuse 145: a group of the policy is no longer given: whoever holds it is ended, with the role that let it in' 1000 \
		unix.team -- policy_apply
	stays 'and whoever never held it is not' unix.full "${BYSTANDERS[@]}"
	case_group_renamed
}

# case_pinned: a policy that live sessions are not judged by.
case_pinned() {
	new_key pinned --role worker
	live pinned pinned "$(token pinned)" "${FULL[@]}"
	DENY+=('{id: pinned, reason: is out, login: pinned}')
	policy_apply --sessions=none
	stays 'policy apply --sessions=none ends nobody' pinned "${BYSTANDERS[@]}"
	shut_out 'while it admits nobody whom it denies' password pinned "$(token pinned)"
	change role add neighbour viewer
	stays "nor does a change of another key" pinned
	ends 'until its own key is changed' 1000 pinned -- change role add pinned viewer
	stays 'and nobody else is ended' "${BYSTANDERS[@]}"
}

# case_group_renamed: groupadd of a role's group while sessions live, and an edit in place.
case_group_renamed() {
	live edited.team edited "$(token edited)" "${FULL[@]}"
	groupadd -g 1600 key-later
	stays 'abuse 174: groupadd while sessions live ends none' edited.team "${BYSTANDERS[@]}"
	printf 'key-workers:x:1700:\n' >>/etc/group
	change publish
	stays "abuse 174: groupadd of a role's own group: it has the group by its name" edited.team "${BYSTANDERS[@]}"
	GRANT=()
	ends 'abuse 172: an edit in place is obeyed when it can no longer be half saved' 4000 edited.team -- policy_edit
	stays 'and nobody else is ended' "${BYSTANDERS[@]}"
}

# uid_runs KEY: what runs under the uid that the key has or had.
uid_runs() { { ps -o stat=,pid=,args= -U "$(stat -c %u "/home/$1")" || :; } | sed '/^Z/d'; }

# --- one of several ---------------------------------------------------------------------------

case_one_of_several() {
	live shared-a deploy "$(token shared-a)" "${FULL[@]}"
	live shared-a.left deploy "$(token shared-a)" "${LEFT[@]}"
	ends 'one of two keys on a shared account is disabled' 1000 shared-a shared-a.left -- change disable shared-a
	stays 'the other one, and the person who owns the account, go on (abuse 147)' "${BYSTANDERS[@]}"
	change enable shared-a

	new_key twice --role worker
	live_begin twice.old twice "$(token twice)" "${FULL[@]}"
	live_begin twice.left twice "$(token twice)" "${LEFT[@]}"
	live_ready twice.old twice.left
	apikey rotate twice --overlap 1h -q >"$GUEST/tokens/twice.new" 2>/dev/null
	live twice.new twice "$(token twice.new)" "${FULL[@]}"
	one=$(session_of twice.old)
	ends 'sessions end ID: that one' 1000 twice.old -- change sessions end "$one"
	stays 'and not the other sessions of its key' twice.new
	live twice.old twice "$(token twice)" "${FULL[@]}"
	mv "$GUEST/tokens/twice.new" "$GUEST/tokens/twice.now"
	ends 'rotated again: what the tokens before had opened' 1000 twice.old twice.left -- rotate_keeping twice
	stays 'and nobody else' "${BYSTANDERS[@]}"
}
# rotate_keeping KEY: a third token, beside the second.
rotate_keeping() { apikey rotate "$1" --overlap 1h -q >"$GUEST/tokens/$1.next"; }

end_last() { change sessions end "$(session_of "$1")"; }

# session_of NAME: the id of the session that this login has.
session_of() {
	local leader
	leader=$(live_of "$1:sshd" | cut -d' ' -f1 | sort -n | head -n 1)
	apikey sessions -o json | awk -v leader="$leader" '
		{ gsub(/[",]/, "") }
		$1 == "id:" { id = $2 }
		$1 == "leader:" && $2 == leader { print id }'
}

# --- logins inside logins (abuse 147, 148) --------------------------------------------------------

case_nested() {
	local ssh
	new_key outer --role deployer
	new_key inner --role worker
	new_key boarder --role boarder
	printf '#!/bin/sh\necho %s\n' "$(token inner)" >"$GUEST/askpass.inner"
	printf '%s\n' "$(token boarder)" >"$GUEST/typed.boarder"
	chmod 755 "$GUEST/askpass.inner"
	chmod 644 "$GUEST/typed.boarder"
	ssh="SSH_ASKPASS=$GUEST/askpass.inner SSH_ASKPASS_REQUIRE=force ssh -F none -o UserKnownHostsFile=$GUEST/known_hosts -o PubkeyAuthentication=no"
	nested_child inner
	nested_child boarded
	live outer deploy "$(token outer)" "${FULL[@]}" su=inner \
		"!$ssh inner@127.0.0.1 bash $LIVE/inner.sh </dev/null >/dev/null 2>&1 &" \
		"!su boarder -c 'bash $LIVE/boarded.sh' <$GUEST/typed.boarder >/dev/null 2>&1 &" \
		"!until has_lines 3 $LIVE/inner.pids && has_lines 3 $LIVE/boarded.pids; do pause; done"
	live inner.direct inner "$(token inner)" "${FULL[@]}"

	ends 'abuse 147: a key whose login stands inside another key'"'"'s is disabled: its own ends' 1000 \
		inner inner.direct outer:su -- change disable inner
	stays 'and the one that it stands in lives' outer:shell,job,nohup,setsid,double,root,daemon,sshd,client boarded "${BYSTANDERS[@]}"
	ends 'abuse 147: the outer key is deleted: its own ends' 1000 \
		outer:shell,job,nohup,setsid,double,root,daemon,sshd,client -- change delete outer
	stays "and what another key's token opened by su from within lives" boarded:nohup,setsid
	ends "which ends with that key's own right" 1000 boarded:nohup,setsid -- change disable boarder
	stays 'and nobody else is ended' "${BYSTANDERS[@]}"
}
# nested_child NAME: what a login inside a login runs.
nested_child() {
	live_pids "$1"
	printf '%s\n' "LIVE=$LIVE NAME=$1" ". \$LIVE/begin" 'begin nohup setsid double' 'exec tail -f /dev/null' >"$LIVE/$1.sh"
}

case_inner_sshd() {
	printf 'Port 2222\nUsePAM yes\nPidFile %s/inner.pid\n' "$LIVE" >/etc/ssh/inner_config
	new_key opener --role worker
	new_key guest --role worker
	live opener opener "$(token opener)" "${FULL[@]}" \
		'!sudo -n /usr/sbin/sshd -f /etc/ssh/inner_config </dev/null >/dev/null 2>&1'
	wait_until 10 tcp_open 2222
	printf '%s listener\n' "$(cat "$LIVE/inner.pid")" >>"$LIVE/opener.pids"
	sed 's/^/[127.0.0.1]:2222 /' /etc/ssh/ssh_host_*_key.pub >>"$GUEST/known_hosts"
	live_on_port 2222 guest
	ends 'abuse 148: an sshd that was started from a session ends with it' 1000 opener -- change disable opener
	stays "the login of another key there is that key's own" guest "${BYSTANDERS[@]}"
	ends 'and ends with it' 1000 guest -- change disable guest
}
# live_on_port PORT KEY: a login of the key there, with children.
live_on_port() {
	local options=("${SSH_OPTIONS[@]}") port=$1 key=$2
	nested_child "$key"
	printf '#!/bin/sh\necho %s\n' "$(token "$key")" >"$GUEST/askpass.$key"
	chmod 755 "$GUEST/askpass.$key"
	SSH_ASKPASS=$GUEST/askpass.$key SSH_ASKPASS_REQUIRE=force ssh "${options[@]}" -o PubkeyAuthentication=no -p "$port" \
		"$key@127.0.0.1" bash "$LIVE/$key.sh" </dev/null >"$LIVE/$key.out" 2>&1 &
	wait_until 20 has_lines 3 "$LIVE/$key.pids"
}
has_lines() { [ "$(wc -l <"$2")" -ge "$1" ]; }

# --- those who resist (abuse 151, 175) ------------------------------------------------------------

case_resisting() {
	new_key frozen --role worker
	new_key fighter --role worker
	live frozen.tty frozen "$(token frozen)" terminal
	live_say frozen.tty '\023'
	live frozen.stopped frozen "$(token frozen)" stopped
	kill -STOP "$(live_pid frozen.stopped:shell)"
	live_begin fighter.full fighter "$(token fighter)" "${FULL[@]}"
	live_ready fighter.full
	ends 'abuse 151: a terminal that was stopped (Ctrl-S), and stopped processes' 1000 frozen.tty frozen.stopped -- \
		change disable frozen
	run_as fighter bash -c 'while :; do kill -STOP -1; done' </dev/null >/dev/null 2>&1 &
	printf '%d peer\n' $! >>"$LIVE/fighter.full.pids"
	ends 'abuse 175: a process that stops its peers again and again' 1000 fighter.full:shell,job,nohup,setsid,double,root,daemon,peer -- \
		change delete fighter
	equals 'and nothing is left under its uid' '' uid_runs fighter
	stays 'nobody else is stopped or ended' "${BYSTANDERS[@]}"
}

# --- files that are not good ----------------------------------------------------------------------

case_bad_files() {
	new_key broken --role worker
	live broken.full broken "$(token broken)" "${FULL[@]}"
	printf 'version: 1\nroles: [\n' >"$POLICY"
	apikey publish >"$GUEST/change.out" 2>&1 || :
	stays 'a broken policy ends nothing' broken.full "${BYSTANDERS[@]}"
	shut_out 'though it admits nobody' password broken "$(token broken)"
	ends 'abuse 173: and a key that is disabled under it ends' 1000 broken.full -- change disable broken
	stays 'nobody else does' "${BYSTANDERS[@]}"
	printf 'version: 1\n' >"$POLICY"
	policy_text >"$POLICY"
	change publish
	stays 'a policy that was half saved a moment ago ended nothing' "${BYSTANDERS[@]}"
}

# --- ids that came to somebody else (abuse 135, 136, 154) -----------------------------------------

case_ids() {
	local uid leader
	new_key ided --role worker
	uid=$(id -u ided)
	live ided.full ided "$(token ided)" "${FULL[@]}"
	live ided.killed ided "$(token ided)" "${FULL[@]}"
	leader=$(live_of ided.killed:sshd | cut -d' ' -f1 | sort -n | head -n 1)
	kill -KILL "$leader"
	live_kill ided.killed:sshd,client,shell,job
	wait_until 5 live_words_gone ided.killed:sshd,client,shell,job
	holds 'abuse 136: another process gets the pid of a leader that was killed' pid_again "$leader"
	ends 'abuse 136: of the session whose leader was killed all ends' 1000 \
		ided.full ided.killed:nohup,setsid,double,root,daemon -- change disable ided
	stays 'abuse 136: and not the process that has its pid now' again "${BYSTANDERS[@]}"

	live_kill again
	sed "s/^ided:/late:/" <(getent passwd ided) >>/etc/passwd
	live_pids late
	setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$LIVE/stay" late late </dev/null >/dev/null 2>&1 &
	disown
	wait_until 5 has_lines 1 "$LIVE/late.pids"
	change delete ided
	stays 'abuse 154: a local user who was given the uid of a key keeps his processes when it is deleted' late
	sed -i '/^late:/d' /etc/passwd
	live_kill late
	shows 'abuse 135: the uid of a deleted key is given to nobody' 1 'uid' apikey create --name usurper --uid "$uid"
}
live_kill() { live_of "$1" | while read -r pid _; do kill -KILL "$pid" 2>/dev/null || :; done; }

# pid_again PID: a process of root's, `again`, that has this pid now.
pid_again() {
	local try
	: >"$LIVE/again.pids"
	for try in {1..50}; do
		printf '%d\n' $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
		tail -f /dev/null </dev/null >/dev/null 2>&1 &
		disown
		[ $! -ne "$1" ] || { printf '%d again\n' $! >"$LIVE/again.pids"; return 0; }
		kill $!
	done
	printf 'after %d tries the pid is not there\n' "$try"
	return 1
}

# --- between the account phase and open_session (abuse 141) ---------------------------------------

case_between() {
	new_key racer --role worker
	printf '#!/bin/sh\n[ "$PAM_USER" != racer ] || [ "$PAM_TYPE" != open_session ] || apikey disable racer\n' >"$LIVE/between"
	chmod 755 "$LIVE/between"
	cp /etc/pam.d/sshd "$GUEST/pam.sshd"
	sed -i "0,/^@include common-session/s|^@include common-session|session optional pam_exec.so quiet $LIVE/between\n&|" /etc/pam.d/sshd
	rm -f /tmp/got-in
	exits 'abuse 141: revoked between the account phase and open_session: the connection ends' 255 \
		login password racer "$(token racer)" 'touch /tmp/got-in'
	exits 'abuse 141: and nothing was run' 1 test -e /tmp/got-in
	equals 'abuse 141: nor does anything' '' uid_runs racer
	cp "$GUEST/pam.sshd" /etc/pam.d/sshd
}

# --- lockdown (abuse 158) -------------------------------------------------------------------------

case_lockdown() {
	new_key locked --role worker
	live locked.full locked "$(token locked)" "${FULL[@]}"
	shell_open locked password locked "$(token locked)"
	change lockdown on
	stays 'abuse 158: lockdown by itself ends nothing' locked.full "${BYSTANDERS[@]}"
	refuses 'abuse 158: keys are refused' password locked "$(token locked)"
	shows 'abuse 158: their sudo too' 1 'sudo: ' ask locked 'sudo -n id -un'
	admits 'abuse 158: people are not' password bob bob-pw
	change lockdown off
	admits 'abuse 158: off, keys are back' password locked "$(token locked)"
	equals 'abuse 158: with their sudo' root ask locked 'sudo -n id -un'
}

# case_lockdown_ends: the last case: every session of a key ends, and of nobody else.
case_lockdown_ends() {
	ends 'abuse 158: lockdown on --end-sessions ends every key' 1000 neighbour shared-b -- change lockdown on --end-sessions
	stays 'abuse 158: and no person' person bob alice:shell,job,nohup,setsid,double,stopped,root,daemon
	change lockdown off
}

# --- an old local.idx (abuse 157) -----------------------------------------------------------------

case_put_back() {
	new_key returned --role worker
	live returned.full returned "$(token returned)" "${FULL[@]}"
	cp -p "$STATE/local.idx" "$GUEST/local.idx"
	ends 'a key is deleted' 1000 returned.full -- change delete returned
	cp -p "$STATE/local.idx" "$GUEST/local.new"
	cp -p "$GUEST/local.idx" "$STATE/local.idx.back"
	mv "$STATE/local.idx.back" "$STATE/local.idx"
	shut_out 'abuse 157: an old local.idx that is put back does not bring it back' password returned "$(token returned)"
	apikey publish >"$GUEST/change.out" 2>&1 || :
	stays 'abuse 157: and ends nobody' "${BYSTANDERS[@]}"
	mv "$GUEST/local.new" "$STATE/local.idx.back"
	mv "$STATE/local.idx.back" "$STATE/local.idx"
	change publish
	admits 'the true one: keys log in' password neighbour "$(token neighbour)"
}

# --- an administrator's own key -------------------------------------------------------------------

case_self() {
	new_key selfish --role chief
	live selfish selfish "$(token selfish)" "${FULL[@]}" "!(until [ -e /tmp/go ]; do pause; done; sudo -n apikey delete selfish >/tmp/self.out 2>&1) &"
	ends 'an administrator deletes the key that he came with: his session ends' 1000 selfish -- touch /tmp/go
	holds 'and the command completes' wait_until 5 grep -qx 'selfish: deleted' /tmp/self.out
	exits 'the key is gone' 1 apikey show selfish
	equals 'with all that ran under it' '' uid_runs selfish
}

# --- what time ends -------------------------------------------------------------------------------

# clock_begin: sessions that will end by the clock, each with somebody who watches. TIMED are told to end; the window of a rule
# ends with a minute, which is worth the wait once.
TIMED=(expiring set-short)
clock_begin() {
	new_key window
	new_key expiring --role worker --duration 20
	new_key set-short --role worker
	new_key overlap --role worker
	live_begin window window "$(token window)" "${FULL[@]}"
	live_begin expiring expiring "$(token expiring)" "${FULL[@]}"
	live_begin set-short set-short "$(token set-short)" "${FULL[@]}"
	live_begin overlap overlap "$(token overlap)" "${FULL[@]}"
	live_begin overlap.left overlap "$(token overlap)" "${LEFT[@]}"
	live_ready window expiring set-short overlap overlap.left
	expiring_end=$(moment_of expiring expires_at)
	change set set-short --duration 20
	set_end=$(moment_of set-short expires_at)
	apikey rotate overlap --overlap 20 -q >"$GUEST/tokens/overlap.new" 2>/dev/null
	overlap_end=$(moment_of overlap not_after)
	live overlap.new overlap "$(token overlap.new)" "${FULL[@]}"
	[[ " ${TIMED[*]} " != *" window "* ]] || watch_begin window "$window_end"
	watch_begin expiring "$expiring_end"
	watch_begin set-short "$set_end"
	watch_begin overlap "$overlap_end"
}
# moment_of KEY FIELD: the first date of this name in the key's JSON, in seconds.
moment_of() {
	local at
	at=$(apikey show "$1" -o json | grep -o "\"$2\": *\"[^\"]*\"" | head -n 1 | cut -d'"' -f4)
	date -d "$at" +%s
}

# watch_begin NAME MOMENT: writes down how long after MOMENT each of its processes is gone, in ms.
watch_begin() { watch_all "$@" </dev/null >"$LIVE/$1.watch" 2>&1 & }
watch_all() {
	local pid word left=1
	declare -A words
	while read -r pid word; do words[$pid]=$word; done < <(live_of "$1")
	while [ "$left" -gt 0 ] && [ "${EPOCHREALTIME%.*}" -lt $(($2 + 12)) ]; do
		left=0
		for pid in "${!words[@]}"; do
			live_gone "$pid" || { left=$((left + 1)); continue; }
			printf '%s %d\n' "${words[$pid]}" $((${EPOCHREALTIME/./} / 1000 - $2 * 1000))
			unset "words[$pid]"
		done
		read -rt 0.02 -u "$wait_pipe" || :
	done
	printf 'end 0\n'
}

# went SENTENCE NAME FROM TO WORD…: these processes were gone between FROM and TO ms (a bar) after the moment.
went() {
	local sentence=$1 name=$2 from=$3 to word ms bad=0
	to=$(patience "$4")
	shift 4
	: >"$tap_out"
	for word; do
		ms=$(awk -v w="$word" '$1 == w { print $2; exit }' "$LIVE/$name.watch")
		if [ -z "$ms" ] || [ "$ms" -lt "$from" ] || [ "$ms" -gt "$to" ]; then
			bad=1
			tap_note '%s: %s, not %d to %d ms\n' "$word" "${ms:-never}" "$from" "$to"
		fi
	done
	if [ "$bad" -eq 0 ]; then
		tap_ok "$sentence"
		printf '# %s\n' "$(grep -Ew "$(IFS='|'; printf '%s' "$*")" "$LIVE/$name.watch" | tr '\n' ' ')"
	else
		live_tell "$name" >>"$tap_out"
		cat "$LIVE/$name.watch" >>"$tap_out"
		tap_not_ok "$sentence"
	fi
}

clock_check() {
	local name
	for name in overlap "${TIMED[@]}"; do
		wait_until 120 grep -q '^end' "$LIVE/$name.watch"
	done
	for name in "${TIMED[@]}"; do
		went "$name, by the clock: told to end, and it does" "$name" 0 1500 shell job setsid double client
		went "$name, by the clock: who does not hear is killed five seconds later" "$name" 4500 7000 nohup stopped
		stays "$name, by the clock: what runs as root goes on" "$name:root,daemon"
	done
	went "abuse 146: an overlap's end is no gentle one" overlap 0 1500 shell job nohup setsid double root daemon client
	stays 'abuse 146: the session of the new token goes on' overlap.new
	live_all_gone 'abuse 146: what a logout left is ended too' overlap.left
	stays 'and nobody is ended by the clock but those' "${BYSTANDERS[@]}"
}
live_all_gone() {
	local pids
	mapfile -t pids < <(live_of "$2" | cut -d' ' -f1)
	holds "$1" live_left
}

# --- accidents ------------------------------------------------------------------------------------

case_crash() {
	new_key crashed --role worker --duration 3
	live crashed crashed "$(token crashed)" "${FULL[@]}"
	daemon_crash
	wait_until 10 expired crashed
	daemon_up
	wait_until 10 live_words_gone crashed:shell,job,setsid,double
	stays 'a daemon that was killed leaves sessions alone' "${BYSTANDERS[@]}"
	holds 'started again, it ends what expired meanwhile' live_words_gone crashed:shell,job,setsid,double
}
expired() { apikey show "$1" -o json | grep -q '"state": *"expired"'; }
live_words_gone() {
	local pids
	mapfile -t pids < <(live_of "$1" | cut -d' ' -f1)
	[ ${#pids[@]} -gt 0 ] && live_left
}

case_reboot() {
	new_key booted --role worker
	live booted booted "$(token booted)" "${FULL[@]}"
	daemon_crash
	rm -rf /run/apikey
	daemon_up
	ends 'without its record (an empty /run/apikey) what runs under its uid is ended with the key' 1000 \
		booted:shell,job,nohup,setsid,double -- change delete booted
	live neighbour2 neighbour "$(token neighbour)" job
	ends 'and the next login is recorded' 1000 neighbour2 -- end_last neighbour2
}

# What both hosts are asked. clock_check waits for what clock_begin began, before files are broken; the last two end everything.
CASES=(clock_begin case_revoked case_pinned case_one_of_several case_nested case_inner_sshd case_resisting case_ids case_between case_self
	clock_check case_bad_files case_lockdown case_put_back case_crash)
LAST_CASES=(case_lockdown_ends case_reboot)

# revoke_cases CASE…: one after the other.
revoke_cases() {
	local case
	revoke_host
	for case; do
		"$case"
		printf '# %s: done after %d s\n' "$case" "$SECONDS"
	done
}
