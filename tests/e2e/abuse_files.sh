#!/usr/bin/env bash
# Each of our files damaged in each way: keys are refused, root and people get in, nothing hangs.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

# damage FILE HOW: FILE, or a folder, in another state than ours.
damage() {
	local file=$1 whole=$GUEST/whole/${1#/}
	rm -rf "$file"
	case $2 in
	missing) ;;
	empty) : >"$file" ;;
	cut) head -c $(($(stat -c %s "$whole") / 2)) "$whole" >"$file" ;;
	garbage) head -c 65536 /dev/urandom >"$file" ;;
	fifo) mkfifo "$file" ;;
	folder) mkdir "$file" ;;
	device) mknod "$file" c 1 5 ;;
	symlink) ln -s "$whole" "$file" ;;
	loop) ln -s "$file" "$file" ;;
	owner) cp -a "$whole" "$file" && chown bob "$file" ;;
	writable) cp -a "$whole" "$file" && chmod g+w "$file" ;;
	esac
}

# mend: everything as it was.
mend() {
	rm -rf /etc/apikey "$STATE"
	cp -a "$GUEST/whole/etc/apikey" /etc/apikey
	cp -a "$GUEST/whole$STATE" "$STATE"
}

# quick CMD…: CMD, which has 15 s: a wait for what never comes is a failure.
quick() { timeout -k 1 15 "$@"; }

# people_enter: root and bob by ssh, alice by sudo. They go side by side; the first who fails is named.
people_enter() {
	local bob root alice bad=0
	login password bob bob-pw true &
	bob=$!
	login pubkey root "$GUEST/id_root" true &
	root=$!
	sudo_as alice alice-pw true &
	alice=$!
	wait "$bob" || { echo 'bob was refused by ssh'; bad=1; }
	wait "$root" || { echo 'root was refused by ssh'; bad=1; }
	wait "$alice" || { echo 'alice was refused by sudo'; bad=1; }
	return "$bad"
}

# key_enters: chief by ssh and by sudo. 0 both, 1 neither; anything else is odd, and said.
key_enters() {
	local ssh=0 sudo=0
	login password chief "$(token chief)" true || ssh=$?
	quick setpriv --reuid "$uid" --regid "$uid" --clear-groups -- sudo -n true || sudo=$?
	echo "ssh: $ssh, sudo: $sudo"
	case $ssh,$sudo in
	0,0) return 0 ;;
	255,1) return 1 ;;
	*) return 2 ;;
	esac
}

# damaged SENTENCE FILE HOW VERDICT: one damage, asked of people, and of a key: admitted, refused, or either.
damaged() {
	local name="$2: $1"
	damage "$2" "$3"
	holds "$name: root and people get in" people_enter
	case $4 in
	admitted) exits "$name: a key is admitted" 0 key_enters ;;
	refused) exits "$name: a key is refused" 1 key_enters ;;
	esac
	quick getent passwd bob >/dev/null || tap_not_ok "$name: getent answers for bob"
	quick getent passwd nobody-has-this >/dev/null || :
	mend
}

# unusable FILE VERDICT: it is not the plain file of root's that we wrote.
unusable() {
	damaged 'garbage' "$1" garbage "$2"
	damaged 'a FIFO (abuse 069)' "$1" fifo "$2"
	damaged 'a folder (abuse 069)' "$1" folder "$2"
	damaged 'a link to itself (abuse 057)' "$1" loop "$2"
	[ "$2" = refused ] || return 0
	damaged 'a device (abuse 069)' "$1" device "$2"
	damaged 'a link to a good one (abuse 057)' "$1" symlink "$2"
	damaged "somebody else's (abuse 056)" "$1" owner "$2"
	damaged 'writable for its group (abuse 056)' "$1" writable "$2"
}

syslog_start
install_apikey
new_key chief --role admin
uid=$(id -u chief)
public_key root
printf 'chief ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
sshd_start
[ -e "$SETTINGS" ] || printf 'version: 1\n' >"$SETTINGS"
mkdir -p "$GUEST/whole/etc" "$GUEST/whole/var/lib"
cp -a /etc/apikey "$GUEST/whole/etc/apikey"
exits 'whole: a key is admitted' 0 key_enters
holds 'whole: root and people get in' people_enter
cp -a "$STATE" "$GUEST/whole$STATE"

for file in "$POLICY" "$STATE/local.idx" "$STATE/users.idx"; do
	damaged 'missing (abuse 061)' "$file" missing refused
	damaged 'empty (abuse 062)' "$file" empty refused
	damaged 'cut (abuse 063)' "$file" cut refused
	unusable "$file" refused
done
unusable "$SETTINGS" refused
damaged 'missing' "$SETTINGS" missing admitted
damaged 'empty (abuse 051)' "$SETTINGS" empty admitted
# derived or for the record alone: whatever they hold, people get in and nothing hangs
for file in "$STATE/policy.image" "$STATE/lastused" "$STATE/lock"; do
	[ -e "$GUEST/whole$file" ] || continue
	damaged 'missing' "$file" missing either
	damaged 'empty' "$file" empty either
	damaged 'cut' "$file" cut either
	unusable "$file" either
done
for folder in "$STATE" /etc/apikey; do
	damaged 'a folder that is missing (abuse 061)' "$folder" missing refused
	damaged 'a file for a folder' "$folder" empty refused
	damaged 'a FIFO for a folder (abuse 069)' "$folder" fifo refused
	damaged 'a link to itself for a folder (abuse 057)' "$folder" loop refused
done
lockdown=/etc/apikey/lockdown
damaged 'a file (abuse 158)' "$lockdown" empty refused
damaged 'a folder (abuse 158)' "$lockdown" folder refused
damaged 'a FIFO (abuse 158)' "$lockdown" fifo refused
damaged 'a link to itself (abuse 158)' "$lockdown" loop refused
exits 'mended: a key is admitted again' 0 key_enters
tap_done
