#!/usr/bin/env bash
# Each of our files damaged in each way (abuse 041–069): keys are refused, root and people get in, nothing hangs.
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

# case_of FILE HOW VERDICT: one damage, asked of people, and of a key: admitted, refused, or either.
case_of() {
	local name="$1 $2"
	damage "$1" "$2"
	holds "$name: root and people get in" people_enter
	case $3 in
	admitted) exits "$name: a key is admitted" 0 key_enters ;;
	refused) exits "$name: a key is refused" 1 key_enters ;;
	esac
	quick getent passwd bob >/dev/null || tap_not_ok "$name: getent answers for bob"
	quick getent passwd nobody-has-this >/dev/null || :
	mend
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

for how in missing empty cut garbage fifo folder device symlink loop owner writable; do
	case_of "$POLICY" "$how" refused
	case_of "$STATE/local.idx" "$how" refused
	case_of "$STATE/users.idx" "$how" refused
done
for how in garbage fifo folder device symlink loop owner writable; do
	case_of "$SETTINGS" "$how" refused
done
for how in missing empty; do
	case_of "$SETTINGS" "$how" admitted
done
# derived or for the record alone: whatever they hold, people get in and nothing hangs
for how in missing empty cut garbage fifo folder loop; do
	[ ! -e "$GUEST/whole$STATE/policy.image" ] || case_of "$STATE/policy.image" "$how" either
	[ ! -e "$GUEST/whole$STATE/lastused" ] || case_of "$STATE/lastused" "$how" either
	case_of "$STATE/lock" "$how" either
done
for how in missing empty fifo loop; do
	case_of "$STATE" "$how" refused
	case_of /etc/apikey "$how" refused
done
for how in empty folder fifo loop; do
	case_of /etc/apikey/lockdown "$how" refused
done
exits 'mended: a key is admitted again' 0 key_enters
tap_done
