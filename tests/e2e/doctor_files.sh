#!/usr/bin/env bash
# Hosts whose files are broken, one thing at a time: the doctor names just that, what it advises mends it, and keys get in again.
# shellcheck disable=SC2016 # what breaks a host is run later
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

FOUND=$GUEST/found BEFORE=$GUEST/before LOCAL=$STATE/local.idx USERS=$STATE/users.idx

# doctor: its findings that are no ok, a line each: check, state, text, advice, with tabs between; its exit status.
doctor() {
	local rc=0
	bounded apikey doctor -o json >"$GUEST/doctor.json" || rc=$?
	awk -F '": ' '
		function value(text) {
			sub(/,$/, "", text); gsub(/^"|"$/, "", text); gsub(/\\"/, "\"", text); gsub(/\\\\/, "\\", text)
			return text
		}
		/^ *"(check|state|text)"/ { at[$1] = value(substr($0, index($0, "\": ") + 3)) }
		/^ *"advice"/ && at["    \"state"] != "ok" {
			printf "%s\t%s\t%s\t%s\n", at["    \"check"], at["    \"state"], at["    \"text"], value(substr($0, index($0, "\": ") + 3))
		}' "$GUEST/doctor.json" >"$FOUND"
	return "$rc"
}

# new: the findings that were not there before; their texts may count or name processes.
new() { grep -vxFf "$BEFORE" "$FOUND" || :; }

# only CHECK STATE TEXT: every new finding is of that check, and one is of that state with that text.
only() {
	doctor || :
	new | cut -f1 | grep -vx "$1" && { cat "$FOUND"; return 1; }
	new | cut -f2- | grep -F "$2"$'\t' | grep -qF -- "$3" || { cat "$FOUND"; return 1; }
}

# advice TEXT: what is to be done about the new finding with that text.
advice() { new | grep -F -- "$1" | head -n 1 | cut -f4; }

# mended: what was before is there now, and nothing else; what came of an advice may ask for the next.
mended() {
	local next
	for _ in 1 2 3; do
		doctor || :
		next=$(new | head -n 1 | cut -f4)
		[ -n "$next" ] || { wait_until 10 settled; return; }
		printf '# then: %s\n' "$next"
		bash -c "$next" >"$GUEST/next" 2>&1 || { cat "$GUEST/next"; return 1; }
	done
	[ -z "$(new)" ] || { new; return 1; }
}

# row NAME CHECK STATE TEXT BREAK: the advice is a command.
row() {
	local says
	holds "$1: it breaks" eval "$5"
	holds "$1: the doctor says so, and nothing else" only "$2" "$3" "$4"
	says=$(advice "$4" || :)
	holds "$1: what it advises runs: $says" bash -c "$says"
	holds "$1: then all is as it was" mended
	admits "$1: and a key gets in" password ci-deploy "$(token ci-deploy)"
}

# undecided NAME CHECK TEXT ADVICE BREAK MEND: the advice is a sentence with that in it; MEND is what somebody decides.
undecided() {
	holds "$1: it breaks" eval "$5"
	holds "$1: the doctor says so, and nothing else" only "$2" attention "$3"
	holds "$1: and that somebody has to decide" grep -qF -- "$4" <(advice "$3")
	holds "$1: it is mended" eval "$6"
	holds "$1: then all is as it was" mended
	admits "$1: and a key gets in" password ci-deploy "$(token ci-deploy)"
}

# spoil FILE [AT]: another byte there, by default in the middle.
spoil() {
	local at=${2:-$(($(stat -c %s "$1") / 2))}
	# shellcheck disable=SC2059
	printf "\\x$(printf %02x $((0x$(od -An -t x1 -j "$at" -N 1 "$1" | tr -d ' ') ^ 0x55)))" |
		dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}
newer() { printf '\002' | dd of="$1" bs=1 seek=8 conv=notrunc status=none; }
keep() { cp -p "$1" "$GUEST/${1##*/}"; }
put_back() { cp -p "$GUEST/${1##*/}" "$1"; }

# settled: the image is made, long enough after its sources.
settled() {
	local file made changed
	made=$(stat -c %.9Y "$STATE/policy.image")
	for file in "$POLICY" "$SETTINGS" /etc/group; do
		changed=$(stat -c %.9Z "$file")
		[ $((${made/./} - ${changed/./})) -ge 2000000000 ] || { change publish; return 1; }
	done
}

syslog_start
install_apikey
systemd-sysusers apikey.conf >/dev/null 2>&1 || :
systemd-tmpfiles --create apikey.conf >/dev/null 2>&1 || :
change publish

# --- a host as it was installed -------------------------------------------------------------------

exits 'a freshly installed host needs no attention' 0 doctor
holds 'what is to be known of it is a note' grep -q "daemon"$'\t'"note" "$FOUND"
new_key ci-deploy --role viewer --duration 30d
new_key other --role viewer --duration 30d
sshd_start
admits 'a key gets in' password ci-deploy "$(token ci-deploy)"
holds 'the policy is compiled once it is sure to be whole' wait_until 10 settled
exits 'and with keys neither' 0 doctor
cp "$FOUND" "$BEFORE"

# --- what a command mends -------------------------------------------------------------------------

row 'local.idx can be read' files attention "$LOCAL has mode 0644" 'chmod 644 $LOCAL'
row 'local.idx is another'"'"'s' files attention "$LOCAL belongs to uid 1" 'chown 1 $LOCAL'
row 'users.idx can be written' files attention "$USERS has mode 0666" 'chmod 666 $USERS'
row 'users.idx is closed' files attention "$USERS has mode 0600" 'chmod 600 $USERS'
row 'users.idx is damaged' files attention "$USERS: damaged" 'spoil $USERS'
row 'users.idx is damaged all over' files attention "$USERS: damaged" \
	'for at in $(seq 300 32 $(($(stat -c %s $USERS) - 1))); do spoil $USERS $at; done'
row 'users.idx is cut' files attention "$USERS: damaged" 'truncate -s 1000 $USERS'
row 'users.idx is gone' files attention "$USERS: it is missing" 'rm $USERS'
row 'the folder can be written' files attention "$STATE has mode 0777" 'chmod 777 $STATE'
row 'the folder is closed' files attention "$STATE has mode 0700" 'chmod 700 $STATE'
row 'a folder above' files attention '/var/lib, above our files' 'chmod 777 /var/lib'
row 'the lock' files attention "$STATE/lock has mode" 'chmod 666 $STATE/lock'
row 'lastused' files attention "$STATE/lastused has mode" 'chmod 644 $STATE/lastused'
row 'the policy can be written' files attention "$POLICY has mode" 'chmod 666 $POLICY'
row 'the policy was edited' files attention 'groups are not published' 'echo "# edited" >>$POLICY'
row 'records of sessions' files attention '/run/apikey/sessions has mode' 'chmod 755 /run/apikey/sessions'
row 'the log' files attention '/var/log/apikey/audit.log has mode' 'chmod 666 /var/log/apikey/audit.log'
module=$(find /usr/lib -name libnss_apikey.so.2 | head -n 1)
row 'the module can be written' files attention "$module has mode" 'chmod 666 $module'
row 'a lockdown' host attention 'every key is refused' 'change lockdown on'
row 'the image is gone' files note 'policy.image is missing' 'rm $STATE/policy.image'
row 'the image is damaged' files note 'policy.image is damaged' 'spoil $STATE/policy.image'

# --- what somebody has to decide ------------------------------------------------------------------

keep "$LOCAL"
undecided 'local.idx is damaged' files "$LOCAL, the keys of this host: damaged" 'apikey doctor --accept-rollback' \
	'spoil $LOCAL' 'put_back $LOCAL'
undecided 'local.idx is gone' files "$LOCAL, the keys of this host: it is missing" 'newest backup' \
	'rm $LOCAL' 'put_back $LOCAL'
undecided 'local.idx is of a newer version' formats 'format 2, this one reads 1' 'upgrade apikey' \
	'newer $LOCAL' 'put_back $LOCAL'
undecided 'users.idx is of a newer version' formats 'format 2, this one reads 1' 'apikey doctor --accept-rollback' \
	'newer $USERS' 'change doctor --accept-rollback'
undecided 'local.idx is old' files "$LOCAL is an older copy" 'apikey doctor --accept-rollback' \
	'keep $LOCAL; change disable other; put_back $LOCAL' 'change doctor --accept-rollback'
holds 'which the audit log tells' grep -q 'event=rollback-accepted by=root' /var/log/apikey/audit.log
keep "$POLICY"
undecided 'the policy is broken' files "$POLICY:" 'mend that line' 'echo "roles: 5" >>$POLICY' 'put_back $POLICY'
keep "$SETTINGS"
undecided 'the settings are broken' files "$SETTINGS:" 'mend that line' 'echo "shel: /bin/sh" >>$SETTINGS' 'put_back $SETTINGS'
undecided 'a local user has a key'"'"'s name' ids 'the local user other (uid 4321) has the name of a key' 'usermod' \
	'echo "other:x:4321:4321::/:/bin/sh" >>/etc/passwd' 'sed -i /^other:/d /etc/passwd'
undecided 'a local user has a key'"'"'s uid' ids 'the local user third has the uid of the key other' 'another uid' \
	'echo "third:x:$(id -u other):4321::/:/bin/sh" >>/etc/passwd' 'sed -i /^third:/d /etc/passwd'
undecided 'containers have keys'"'"' ids' ids '/etc/subuid gives bob the ids 70000-70009' 'usermod' \
	'keep /etc/subuid; echo bob:70000:10 >>/etc/subuid' 'put_back /etc/subuid'

# --- what a newer version wrote is refused everywhere, and by no change replaced ------------------

(umask 077 && apikey export >"$GUEST/keys.jsonl")
keep "$LOCAL"
keep "$USERS"
log_mark
newer "$LOCAL"
sum=$(cksum <"$LOCAL")
shut_out 'local.idx of a newer version: no key gets in' password ci-deploy "$(token ci-deploy)"
holds 'and the log says why' log_has 'why="written by a newer apikey"'
useradd -m -s /bin/bash bob 2>/dev/null || :
echo 'bob:Right.Password.1' | chpasswd
admits 'local users do' password bob Right.Password.1
newer "$USERS"
admits 'nor do they miss users.idx' password bob Right.Password.1
for verb in 'create --name new' 'delete other' 'publish' 'list' 'doctor --accept-rollback' "import $GUEST/keys.jsonl" \
	'policy apply /etc/apikey/policy.yaml'; do
	# shellcheck disable=SC2086 # words of a command
	shows "$verb refuses" 3 'newer apikey \(format 2, this one reads 1\)' apikey $verb
done
shows 'status says so' 3 'newer apikey \(format 2, this one reads 1\)' apikey status
equals 'and it is as it was' "$sum" bash -c "cksum <$LOCAL"
put_back "$LOCAL"
put_back "$USERS"
admits 'it is back, and keys get in' password ci-deploy "$(token ci-deploy)"

# --- 3 a.m. ---------------------------------------------------------------------------------------

cp "$BEFORE" "$GUEST/calm"
mv /etc/apikey /run/away && mv "$STATE" /run/gone
shows 'without a single file of ours it says what is wrong' 3 "$STATE is missing" apikey doctor
mv /run/away /etc/apikey && mv /run/gone "$STATE"
holds 'and they are back' mended

# --- leftovers ------------------------------------------------------------------------------------

uid=$(id -u other)
change delete other
doctor || :
cp "$FOUND" "$BEFORE"
row 'a crontab' leftovers note 'a crontab of the deleted key other' \
	'install -o $uid -m 600 /dev/null /var/spool/cron/crontabs/other'
row 'lingering' leftovers note 'lingering of the deleted key other' \
	'mkdir -p /var/lib/systemd/linger && : >/var/lib/systemd/linger/other'
row 'a home' leftovers note 'a home of the deleted key other' \
	'mkdir -p /home/left && chown $uid /home/left'
undecided 'a process' leftovers "runs as the deleted key other (uid $uid)" 'pkill -KILL' \
	'setpriv --reuid $uid --regid $uid --clear-groups tail -f /dev/null </dev/null >/dev/null 2>&1 & disown' \
	'pkill -KILL -U "$uid"'

# --- 100,000 keys ---------------------------------------------------------------------------------

# many: an export of so many keys, and as many deleted ones, that nobody can log in as.
many() {
	awk -v n="$1" 'BEGIN {
		printf "{\"format\": \"apikey-export\", \"version\": 1, \"uid_high\": %d, \"gid_high\": 0}\n", 200000 + n
		for (i = 0; i < n; i++)
			printf "{\"name\": \"k%d\", \"id\": \"A%09d\", \"uid\": %d, \"state\": \"active\", \"description\": \"\", \"owner\": \"\", \"roles\": [\"viewer\"], \"groups\": [], \"from\": [], \"not_before\": null, \"expires_at\": null, \"created_at\": \"2026-01-01T00:00:00Z\", \"created_by\": \"root\", \"secrets\": [], \"home\": \"/home/k%d\", \"shell\": \"/bin/sh\"}\n", i, i, 200000 + i, i
		print "{\"end\": true}"
	}'
}
printf 'uid_range: 70000-400000\n' >>"$SETTINGS"
many 100000 >"$GUEST/many"
holds '100,000 keys' change import "$GUEST/many"
# two_seconds CMD…: it takes no longer (a bar).
two_seconds() {
	local from=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>&1 || :
	[ $((${EPOCHREALTIME/./} - from)) -lt "$(patience 2000)000" ] || { echo $((${EPOCHREALTIME/./} - from)); return 1; }
}
holds 'are looked at within two seconds' two_seconds apikey doctor
holds 'every one of them' grep -q '100000 keys never expire' <(apikey doctor || :)
tap_done
