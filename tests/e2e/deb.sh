#!/usr/bin/env bash
# What the packages' scripts do on hosts that are not as Debian left them, and who logs in while they are half done.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

NSSWITCH=/etc/nsswitch.conf
LIB=/usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)
PACKAGES=(apikey libpam-apikey libnss-apikey)
export DEBIAN_FRONTEND=noninteractive

# deb PACKAGE: its file.
deb() { echo "$TOP/build/deb/$1"_[0-9]*.deb; }
# deb_do WHAT PACKAGE…: dpkg with the files of these packages: --install, --unpack.
deb_do() {
	local what=$1 name files=()
	shift
	for name in "$@"; do files+=("$(deb "$name")"); done
	dpkg --force-unsafe-io "$what" "${files[@]}"
}
gone_all() { dpkg --purge "${PACKAGES[@]}"; }
# remade PACKAGE COMMAND: its file with a control part that COMMAND changed, in $GUEST.
remade() {
	rm -rf "$GUEST/tree"
	dpkg-deb -R "$(deb "$1")" "$GUEST/tree"
	(cd "$GUEST/tree/DEBIAN" && eval "$2")
	dpkg-deb -Znone -b "$GUEST/tree" "$GUEST/remade.deb" >/dev/null
}

# people SENTENCE: root, bob and alice get in, she by sudo too.
people() { equals "$1" $'bob\nroot' people_in; }
people_in() {
	login password bob bob-pw id -un
	login password alice alice-pw 'echo alice-pw | sudo -k -S -p "" id -un'
}

# lines: of nsswitch.conf, those that name accounts.
lines() { grep -E '^ *(passwd|group|initgroups):' "$NSSWITCH"; }
# becomes WHAT BEFORE AFTER: libnss-apikey makes AFTER of a nsswitch.conf that is BEFORE, twice over, and purged leaves BEFORE.
becomes() {
	printf '%s' "$2" >"$NSSWITCH"
	printf '%s' "$2" >"$GUEST/before"
	printf '%s' "$3" >"$GUEST/wanted"
	deb_do --install libnss-apikey >/dev/null 2>&1
	holds "nsswitch.conf: $1" diff "$GUEST/wanted" "$NSSWITCH"
	deb_do --install libnss-apikey >/dev/null 2>&1
	holds '  an upgrade changes nothing' cmp "$GUEST/wanted" "$NSSWITCH"
	dpkg --purge libnss-apikey >/dev/null 2>&1
	holds '  after a purge it is what it was' cmp "$GUEST/before" "$NSSWITCH"
}

rm -f /var/lib/man-db/auto-update
cp "$NSSWITCH" "$GUEST/nsswitch.stock"
sshd_start

# --- nsswitch.conf -------------------------------------------------------------------------------
becomes 'as Debian has it' $'passwd:         files\ngroup:          files\nhosts:          files dns\n' \
	$'passwd:         files apikey\ngroup:          files [SUCCESS=merge] apikey\nhosts:          files dns\n'
becomes 'with systemd behind' $'passwd: files systemd\ngroup:\tfiles systemd\n' \
	$'passwd: files apikey systemd\ngroup:\tfiles [SUCCESS=merge] apikey systemd\n'
becomes 'compat, and blanks of a person' $'passwd:\t compat  systemd  \ngroup: \tcompat\t\n' \
	$'passwd:\t compat apikey  systemd  \ngroup: \tcompat [SUCCESS=merge] apikey\t\n'
becomes 'a directory, and comments that name files' \
	$'# passwd: files\npasswd: files sss # files first\ngroup: files sss# files\n#group: files\n' \
	$'# passwd: files\npasswd: files apikey sss # files first\ngroup: files [SUCCESS=merge] apikey sss# files\n#group: files\n'
becomes 'actions stay what they were, for whoever is last before them' \
	$'passwd: files [NOTFOUND=return] nis\ngroup: files [SUCCESS=merge] systemd\n' \
	$'passwd: files apikey [NOTFOUND=return] nis\ngroup: files [SUCCESS=merge] apikey [SUCCESS=merge] systemd\n'
becomes 'no blank, no line end' $'group: db files\n  passwd:files' \
	$'group: db files [SUCCESS=merge] apikey\n  passwd:files apikey'
becomes 'a line for initgroups, which is asked in place of group' $'passwd: files\ngroup: files\ninitgroups: files sss\n' \
	$'passwd: files apikey\ngroup: files [SUCCESS=merge] apikey\ninitgroups: apikey files sss\n'
becomes 'other words that have ours in them' $'passwd: files myapikey apikey2 # apikey\ngroup: profiles files\n' \
	$'passwd: files apikey myapikey apikey2 # apikey\ngroup: profiles files [SUCCESS=merge] apikey\n'
becomes 'no line for groups: none is guessed' $'passwd: files\n' $'passwd: files apikey\n'
shows 'and it is told what to do' 0 'libnss-apikey: /etc/nsswitch.conf has no line .group:. .* by hand' sh -c \
	"printf 'passwd: files\n' >$NSSWITCH; dpkg -i $(deb libnss-apikey)"
dpkg --purge libnss-apikey >/dev/null 2>&1

printf 'passwd: files apikey\ngroup: files systemd [SUCCESS=merge] apikey\n' >"$NSSWITCH"
cp "$NSSWITCH" "$GUEST/before"
deb_do --install libnss-apikey >/dev/null 2>&1
holds "lines that name us already are somebody's own" cmp "$GUEST/before" "$NSSWITCH"
dpkg --purge libnss-apikey >/dev/null 2>&1
equals 'and are without us when the library is gone' $'passwd: files\ngroup: files systemd' lines

cp "$GUEST/nsswitch.stock" /etc/nsswitch.real
chmod 640 /etc/nsswitch.real
ln -sf nsswitch.real "$NSSWITCH"
deb_do --install libnss-apikey >/dev/null 2>&1
equals 'a link stays one' nsswitch.real readlink "$NSSWITCH"
equals 'what it names is changed, with its mode' '640 root' stat -c '%a %U' /etc/nsswitch.real
holds 'and says it' grep -q '^passwd:.* apikey' /etc/nsswitch.real
dpkg --purge libnss-apikey >/dev/null 2>&1
holds 'and is what it was after a purge' cmp "$GUEST/nsswitch.stock" /etc/nsswitch.real
rm -f "$NSSWITCH"
shows 'no nsswitch.conf at all: it is told, and no failure' 0 'there is no /etc/nsswitch.conf' deb_do --install libnss-apikey
exits 'and none is made' 1 test -e "$NSSWITCH"
cp "$GUEST/nsswitch.stock" "$NSSWITCH"
dpkg --purge libnss-apikey >/dev/null 2>&1

deb_do --install libnss-apikey >/dev/null 2>&1
cp "$GUEST/nsswitch.stock" "$NSSWITCH"
holds 'an upgrade' deb_do --install libnss-apikey
holds 'leaves a file that an administrator took us out of' cmp "$GUEST/nsswitch.stock" "$NSSWITCH"
holds 'a removal, and an installation' sh -c "dpkg --remove libnss-apikey && dpkg -i $(deb libnss-apikey)"
equals 'puts us in' $'passwd:         files apikey\ngroup:          files [SUCCESS=merge] apikey' lines
remade libnss-apikey "printf 'exit 1\n' >>prerm"
dpkg -i "$GUEST/remade.deb" >/dev/null 2>&1
exits 'a removal that fails at last' 1 dpkg --remove libnss-apikey
equals 'leaves us in' $'passwd:         files apikey\ngroup:          files [SUCCESS=merge] apikey' lines
deb_do --install libnss-apikey >/dev/null 2>&1

# --- two architectures ---------------------------------------------------------------------------
native=$(dpkg --print-architecture) other=i386
[ "$native" != i386 ] || other=amd64
# foreign PACKAGE: as of another architecture; dpkg is not asked for its libraries.
foreign() {
	remade "$1" "sed -i 's/^Architecture: .*/Architecture: $other/' control"
	dpkg --force-depends --force-unsafe-io -i "$GUEST/remade.deb"
}
cp -a /etc/pam.d "$GUEST/pam.stock"
dpkg --add-architecture "$other"
for name in libnss-apikey libpam-apikey; do
	deb_do --install "$name" >/dev/null 2>&1
	holds "$name of another architecture goes beside it" foreign "$name"
done
holds 'one of both goes' dpkg --force-depends --purge "libpam-apikey:$other" "libnss-apikey:$other"
equals 'the other stays in nsswitch.conf' $'passwd:         files apikey\ngroup:          files [SUCCESS=merge] apikey' lines
holds 'and in the stacks' grep -q pam_apikey /etc/pam.d/common-auth
for name in libnss-apikey libpam-apikey; do foreign "$name" >/dev/null 2>&1; done
holds 'one goes, but for its configuration' dpkg --force-depends --remove "libpam-apikey:$other" "libnss-apikey:$other"
holds 'then the other' dpkg --remove "libpam-apikey:$native" "libnss-apikey:$native"
holds 'and nsswitch.conf is what it was' cmp "$GUEST/nsswitch.stock" "$NSSWITCH"
holds 'and so are the stacks' diff -r "$GUEST/pam.stock" /etc/pam.d
dpkg --purge "libpam-apikey:$other" "libnss-apikey:$other" >/dev/null 2>&1
gone_all >/dev/null 2>&1
dpkg --remove-architecture "$other"

# --- half done -----------------------------------------------------------------------------------
holds 'all are unpacked, and none is configured' deb_do --unpack "${PACKAGES[@]}"
holds 'nothing of the host is changed' cmp "$GUEST/nsswitch.stock" "$NSSWITCH"
people 'people log in'
for name in libnss-apikey libpam-apikey; do
	holds "$name is configured" dpkg --configure "$name"
	people 'people log in'
done
exits 'who is nobody is not found, though the file of users is not there yet' 2 getent passwd nobody-of-ours
holds 'a local group is what it was' getent group sudo
holds 'taken away by force, the modules are missed' sh -c "mkdir $GUEST/away && mv $LIB/libnss_apikey.so.2 $LIB/security/pam_apikey.so $GUEST/away"
people 'by nobody: people log in'
holds 'a local group is what it was' getent group sudo
mv "$GUEST/away/libnss_apikey.so.2" "$LIB/"
mv "$GUEST/away/pam_apikey.so" "$LIB/security/"
remade apikey "sed -i '2i echo this one dies >\&2; exit 1' postinst"
exits 'the last one dies in its postinst' 1 dpkg -i "$GUEST/remade.deb"
people 'people log in'
holds 'the whole one mends it' deb_do --install "${PACKAGES[@]}"
people 'people log in'
holds 'an empty file of keys is there' test -s "$STATE/local.idx"
exits 'status has nothing to say of the files' 1 sh -c 'apikey status | grep -i publish'
new_key ci --role viewer
admits 'a key that is made logs in' password ci "$(token ci)"
rm "$STATE/local.idx"
refuses 'without that file it does not: it is an outage' password ci "$(token ci)"
shows 'and no second beginning' 3 'local.idx: ' apikey create --name other
cp "$STATE/local.idx.prev" "$STATE/local.idx"
change doctor --accept-rollback

# --- hosts that are broken, and whose administrator has a will ------------------------------------
new_key second --role viewer
printf 'nonsense: [\n' >"$POLICY"
shows 'a policy with a mistake: an upgrade succeeds, and tells it' 0 'policy.yaml:[0-9]+.*' deb_do --install "${PACKAGES[@]}"
people 'people log in'
refuses 'keys do not' password second "$(token second)"
rm "$POLICY" "$SETTINGS"
holds 'an upgrade where settings and policy were removed' deb_do --install "${PACKAGES[@]}"
exits 'brings none back' 1 sh -c "ls $POLICY $SETTINGS 2>/dev/null | grep ."
cp /usr/share/apikey/policy.yaml "$POLICY"
change publish
admits 'the policy as shipped is at hand' password second "$(token second)"
printf 'broken\n' >/etc/ssh/sshd_config.d/zz.conf
gone_all >/dev/null 2>&1
holds "a mistake of sshd's, and an installation" deb_do --install "${PACKAGES[@]}"
rm /etc/ssh/sshd_config.d/zz.conf
people 'people log in'
holds 'keys that were kept at a purge are there' apikey show second
printf '1' | dd of="$STATE/local.idx" bs=1 seek=200 conv=notrunc status=none
shows 'a damaged file of keys: an upgrade succeeds, and tells it' 0 'local.idx: ' deb_do --install "${PACKAGES[@]}"
people 'people log in'

# --- going ---------------------------------------------------------------------------------------
shows 'the command alone is removed: that keys still log in is told' 0 'keys go on logging in while libpam-apikey' dpkg --remove apikey
deb_do --install apikey >/dev/null 2>&1
exits 'a purge that may not drop keys' 0 gone_all
holds 'drops none, not even from a file that can not be read' test -e "$STATE/local.idx"
deb_do --install "${PACKAGES[@]}" >/dev/null 2>&1
echo 'apikey apikey/drop-keys boolean true' | debconf-set-selections
holds 'a purge that may' gone_all
exits 'drops them' 1 sh -c "ls -d $STATE /etc/apikey /var/log/apikey /run/apikey 2>/dev/null | grep ."
exits 'and the user' 2 getent passwd _apikey
exits 'and its group' 2 getent group _apikey
holds 'nsswitch.conf is what it was' cmp "$GUEST/nsswitch.stock" "$NSSWITCH"
holds 'and so are the stacks' diff -r "$GUEST/pam.stock" /etc/pam.d
people 'people log in'
holds 'without keys' deb_do --install "${PACKAGES[@]}"
holds 'a purge asks nobody' gone_all
exits 'and drops all' 1 sh -c "ls -d $STATE /etc/apikey /var/log/apikey /run/apikey 2>/dev/null | grep ."

deb_do --install "${PACKAGES[@]}" >/dev/null 2>&1
new_key short
change delete short
holds 'a purge where no key is any more' gone_all
holds 'does not forget which uids were given' test -e "$STATE/local.idx"
rm -r "$STATE" /etc/apikey
deb_do --install "${PACKAGES[@]}" >/dev/null 2>&1
change lockdown on
holds 'a purge while every key is locked out' gone_all
holds 'does not forget that' test -e /etc/apikey/lockdown
rm -r "$STATE" /etc/apikey
deb_do --install "${PACKAGES[@]}" >/dev/null 2>&1
mkdir -p "$GUEST/elsewhere"
echo log >"$GUEST/elsewhere/of-another-host"
mount --bind "$GUEST/elsewhere" /var/log/apikey
shows 'a purge tells what is mounted in a folder of ours' 0 '/var/log/apikey stays' gone_all
holds 'and leaves it' test -e "$GUEST/elsewhere/of-another-host"
umount /var/log/apikey
rm -r /var/log/apikey

# --- a group of that name ------------------------------------------------------------------------
groupadd -g 1500 apikey
usermod -aG apikey bob
deb_do --install libnss-apikey libpam-apikey >/dev/null 2>&1
shows 'a local group apikey: the packages are not installed, and it is told why' 1 'has a local group apikey' deb_do --install apikey
exits 'nothing of it is there' 1 sh -c 'ls -d /etc/apikey /etc/ssh/sshd_config.d/apikey.conf 2>/dev/null | grep .'
people 'people log in'
groupmod -n others apikey
holds 'with another name for it they are' deb_do --install apikey
new_key after
exits 'and no key is in it' 1 sh -c 'id -G after | grep -qw 1500'
tap_done
