#!/usr/bin/env bash
# `apikey doctor` on a host that is broken in one place: it finds that and nothing else, and its advice repairs it.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

MODULE=/usr/lib/$(gcc -print-multiarch)/security/pam_apikey.so
SETTINGS_OF=(nsswitch.conf pam.d ssh sudoers sudoers.d passwd shadow apikey/policy.yaml)

# findings: what the doctor has to say beside ok; all of it is in $GUEST/doctor, its status in $doctor_status.
findings() {
	doctor_status=0
	apikey doctor >"$GUEST/doctor" 2>"$GUEST/doctor.err" || doctor_status=$?
	sed -nE 's/^(note|attention) +([a-z-]+) +/\1 \2 /p' "$GUEST/doctor"
}

# news: the findings that the whole host does not have.
news() {
	findings >"$GUEST/found"
	grep -vxFf "$GUEST/whole" "$GUEST/found" || :
}

# advice: what stands below the findings that are news.
advice() {
	awk -v whole="$GUEST/whole" '
		BEGIN { while ((getline line <whole) > 0) old[line] = 1 }
		/^[a-z]/ {
			state = $1; check = $2
			sub(/^[a-z]+ +[a-z-]+ +/, "")
			new = state != "ok" && !((state " " check " " $0) in old)
			next
		}
		new { sub(/^ +/, ""); print }' "$GUEST/doctor"
}

# finds STATE CHECK REGEX: the news are of this check and state alone, and one of them matches.
finds() {
	local status=0
	news >"$GUEST/news"
	cat "$GUEST/news" "$GUEST/doctor.err"
	[ "$1" = note ] || status=3
	[ "$doctor_status" -eq "$status" ] && grep -Eq "^$1 $2 .*$3" "$GUEST/news" && ! grep -Evq "^$1 $2 " "$GUEST/news"
}

# repairs: the advice, as printed, is run by the shell; then there is no news.
repairs() {
	local line
	advice >"$GUEST/advice"
	[ -s "$GUEST/advice" ] || return
	while read -r line; do
		printf '$ %s\n' "$line"
		touch -d @0 /run/sshd.pid
		bash -c "$line" </dev/null || return
		[[ $line != *HUP* ]] || wait_until 10 reloaded || return
	done <"$GUEST/advice"
	news >"$GUEST/news"
	cat "$GUEST/news"
	[ ! -s "$GUEST/news" ]
}

# restore: the host as it was, whole.
restore() {
	local name
	for name in "${SETTINGS_OF[@]}"; do
		rm -rf "/etc/${name:?}"
		cp -a "$GUEST/etc/$name" "/etc/$name"
	done
	apikey publish >/dev/null
	reload
}

# reload: sshd reads its files again, and listens. A second HUP before that would end it.
reload() {
	touch -d @0 /run/sshd.pid
	kill -HUP "$(cat /run/sshd.pid)"
	wait_until 10 reloaded
}
reloaded() { [ "$(stat -c %Y /run/sshd.pid)" -gt 0 ] && [ -s /run/sshd.pid ]; }

# broken SENTENCE STATE CHECK REGEX: the host at hand has this finding, and the advice mends it.
broken() {
	holds "$1: $3 says $2" finds "$2" "$3" "$4"
	holds "$1: its advice repairs it" repairs
}

# told SENTENCE STATE CHECK REGEX: the same where a person must decide.
told() {
	holds "$1: $3 says $2" finds "$2" "$3" "$4"
}

# enters SENTENCE: a key gets in by ssh, and by sudo with its token.
enters() {
	holds "$1: then a key gets in by ssh" wait_until 15 key_by_ssh
	equals "$1: and by sudo with its token" root sudo_as chief "$(token chief)" id -un
}
key_by_ssh() { [ "$(login password chief "$(token chief)" id -un)" = chief ]; }

# person SENTENCE: bob gets in as ever.
person() { admits "$1: and bob with his password" password bob bob-pw; }

# --- what a fresh host says ---------------------------------------------------------------------

syslog_start
install_apikey
change publish
holds 'a fresh host without a key needs no attention' apikey doctor
sshd_start
holds 'nor does it once sshd runs' apikey doctor
new_key chief --role admin
new_key guest --role viewer
printf '%%apikey-admins ALL=(ALL) ALL\n' >/etc/sudoers.d/test
chmod 440 /etc/sudoers.d/test
useradd -m -s /bin/bash deploy
usermod -p '*' deploy
sed -i 's/^  viewer:/&\n    accounts: [deploy]/' "$POLICY"
printf 'accounts:\n  deploy: {only_keys: true}\n' >>"$POLICY"
change publish
holds 'nor with keys, a shared account and sudo' apikey doctor
findings >"$GUEST/whole"
equals 'how it is reached has one note: about forwarding' 'note sshd' \
	sed -nE 's/^(\w+ (nsswitch|pam|sshd|sudo|shared|caches)) .*/\1/p' "$GUEST/whole"
holds 'in well under two seconds' timeout 2 apikey doctor
mkdir -p "$GUEST/etc/apikey"
for name in "${SETTINGS_OF[@]}"; do cp -a "/etc/$name" "$GUEST/etc/$name"; done
enters 'a whole host'

# --- the name service ---------------------------------------------------------------------------

# nsswitch SENTENCE REGEX SED: a broken nsswitch.conf, repaired; and people are found all the while.
nsswitch() {
	sed -i -E "$3" /etc/nsswitch.conf
	broken "$1" attention nsswitch "$2"
	holds "$1: a second time the advice changes nothing" twice
	enters "$1"
	equals "$1: and a role's group shows its key" chief groups_of_role
	equals "$1: and local users are found" 0 id -u root
	restore
}
# twice: the advice again, and the file stays the same.
twice() {
	cp /etc/nsswitch.conf "$GUEST/nsswitch.once"
	bash -c "$(cat "$GUEST/advice")" && cmp /etc/nsswitch.conf "$GUEST/nsswitch.once"
}
groups_of_role() { id -Gn chief | tr ' ' '\n' | grep -qx apikey-admins && echo chief; }

nsswitch 'passwd without apikey' 'passwd does not have apikey' '/^passwd:/s/ apikey//'
nsswitch 'passwd with apikey first' 'apikey before files' '/^passwd:/s/files apikey/apikey files/'
nsswitch 'passwd that ends behind files' 'ends behind files' '/^passwd:/s/files apikey/files [NOTFOUND=return] apikey/'
nsswitch 'passwd that merges' 'local users are not' '/^passwd:/s/files apikey/files [SUCCESS=merge] apikey/'
nsswitch 'group without apikey' 'group does not have apikey' '/^group:/s/ \[SUCCESS=merge\] apikey//'
nsswitch 'group that does not merge' 'SUCCESS=merge' '/^group:/s/ \[SUCCESS=merge\]//'
nsswitch 'initgroups without apikey' 'initgroups does not come' 's,^group:,initgroups: files\n&,'

rm /etc/nsswitch.conf
broken 'no nsswitch.conf' attention nsswitch 'not found|there is no|looked'
enters 'no nsswitch.conf'
restore
sed -i 's/SUCCESS=merge/SUCCES=merge/' /etc/nsswitch.conf
shows 'a misspelled status, by which glibc finds nobody at all, is named' 3 'SUCCES=merge' apikey doctor
restore

# --- PAM ----------------------------------------------------------------------------------------

# pam SENTENCE REGEX FILE SED: a broken file of pam.d, repaired; keys and people get in.
pam() {
	sed -i -E "$4" "/etc/pam.d/$3"
	broken "$1" attention pam "$2"
	enters "$1"
	person "$1"
	holds "$1: and root by cron" root_by_cron
	restore
}
root_by_cron() {
	rm -f /run/cron-root
	cron_reboot root 'id -un >/run/cron-root'
	wait_until 20 grep -qx root /run/cron-root || :
	cron_stop
	grep -qx root /run/cron-root
}

for phase in auth account session session-noninteractive; do
	pam "common-$phase without our line" 'no line of pam_apikey' "common-$phase" '/pam_apikey/d'
	pam "common-$phase, edited, without our line" 'no line of pam_apikey' "common-$phase" \
		"/pam_apikey/d; /required.*pam_permit/s/^(\\w+).*/&\\n\\1 optional pam_warn.so/"
done
# pam_told SENTENCE REGEX FILE SED: the same where no command is safe.
pam_told() {
	sed -i -E "$4" "/etc/pam.d/$3"
	told "$1" attention pam "$2"
	advice >"$GUEST/advice"
	exits "$1: its advice is no command" 1 grep -qE '^(sed|grep|printf) ' "$GUEST/advice"
	restore
}
pam_told 'auth behind pam_unix' 'common-auth:[0-9]+: auth: stands behind' common-auth \
	'/pam_apikey/{s/success=2/success=1/;h;d}; /pam_unix/{s/success=1/success=2/;G}'
pam_told 'account behind pam_unix' 'common-account:[0-9]+: account: stands behind' common-account \
	'/pam_apikey/{s/success=2/success=1/;h;d}; /pam_unix/{s/success=1/success=2/;G}'
pam_told 'a line that jumps over ours' 'jump over it' common-auth \
	'/pam_apikey/i auth [success = 1 default = ignore] pam_succeed_if.so quiet user = nobody'
pam_told 'a role asked for twice' 'the value of one twice.* \(role=b\)' common-account \
	'/pam_apikey/s/$/ role=a role=b/'
pam_told 'a line of ours that goes on in the next' 'refuses everybody' common-auth \
	'/pam_apikey/s/\[.*\]/required \\\n/'
for phase in auth account; do
	pam "$phase that anybody overrules" "$phase: is not final" "common-$phase" '/pam_apikey/s/default=die/default=ignore/'
	pam "$phase that is sufficient" "$phase: (refuses everybody|is not final|locks root out)" "common-$phase" \
		'/pam_apikey/s/\[.*\]/sufficient/'
	pam "$phase that is required" "$phase: refuses everybody" "common-$phase" '/pam_apikey/s/\[.*\]/required/'
	pam "$phase that jumps too short" "$phase: is not final" "common-$phase" '/pam_apikey/s/success=2/success=1/'
	pam "$phase that locks root out" "$phase: locks root out" "common-$phase" '/pam_apikey/s/module_unknown=ignore//'
done
pam 'auth that ends setcred' 'by keyboard-interactive' common-auth '/pam_apikey/s/ ignore=ignore//'
pam 'session that is optional' 'session: is not final' common-session '/pam_apikey/s/\[.*\]/optional/'
pam 'an option that is none' 'no_such_option' common-auth '/pam_apikey/s/$/ no_such_option/'
pam 'an option with others' 'no_such_option' common-auth '/pam_apikey/s/$/ debug no_such_option/'

printf '%s\n' 'auth required pam_unix.so' 'account required pam_unix.so' 'session required pam_unix.so' >/etc/pam.d/sshd
broken 'a service of its own' attention pam 'pam.d/sshd:1: auth: no line of pam_apikey'
enters 'a service of its own'
person 'a service of its own'
restore
printf '%s\n' 'auth [success=1 default=ignore] pam_succeed_if.so quiet uid = 0' 'auth required pam_unix.so' \
	'auth optional pam_permit.so' 'account required pam_unix.so' 'session required pam_unix.so' >/etc/pam.d/sshd
broken 'a jump across the place of our line' attention pam 'pam.d/sshd:1: auth: no line of pam_apikey'
enters 'a jump across the place of our line'
person 'a jump across the place of our line'
restore
printf '%s\n' 'auth required pam_unix.so' 'account required pam_permit.so' 'session required pam_unix.so' >/etc/pam.d/sshd
public_key chief
admits 'an account phase that asks nobody lets a planted public key in' pubkey chief "$GUEST/id_chief"
broken 'an account phase that asks nobody' attention pam 'lets keys in without asking'
shut_out 'an account phase that asks nobody: then the door is shut' pubkey chief "$GUEST/id_chief"
enters 'an account phase that asks nobody'
restore
printf 'auht required pam_unix.so\n' >>/etc/pam.d/sshd
told 'a misspelled line' attention pam 'pam.conf\(5\) knows'
restore

cp "$MODULE" "$GUEST/module"
head -c 5000 /dev/urandom >"$MODULE"
told 'a module that is none' attention pam "can't be loaded"
install -m 644 "$GUEST/module" "$MODULE"
sed -i "s/\['\*'\]/[sshd, sudo]/" "$POLICY"
change publish
sed -i 's/@include common-account/account required pam_unix.so/' /etc/pam.d/login
told 'a service that no role opens' note pam 'which no role opens'
restore

# --- sshd ---------------------------------------------------------------------------------------

# sshd_says LINE…: at the top of sshd_config, and sshd reads it.
sshd_says() {
	printf '%s\n' "$@" | cat - "$GUEST/etc/ssh/sshd_config" >/etc/ssh/sshd_config
	reload
}
# sshd STATE SENTENCE REGEX LINE…: sshd_config with these lines first, repaired; a key gets in.
sshd() {
	local state=$1 sentence=$2 regex=$3
	shift 3
	sshd_says "$@"
	broken "$sentence" "$state" sshd "$regex"
	enters "$sentence"
	restore
}

sshd attention 'sshd without PAM' 'sshd_config:1: sshd does not use PAM' 'UsePAM no'
rm /etc/ssh/sshd_config.d/apikey.conf
printf 'Match User deploy\n    PasswordAuthentication yes\n' >>/etc/ssh/sshd_config.d/deploy.conf
sshd attention 'sshd without passwords' 'lets the key .* type no password' 'PasswordAuthentication no'
rm /etc/ssh/sshd_config.d/apikey.conf
printf 'Match User deploy\n    PasswordAuthentication yes\n' >>/etc/ssh/sshd_config.d/deploy.conf
printf 'Match User nobody\n    X11Forwarding no\nMatch all' >/etc/ssh/sshd_config.d/00-apikey.conf
sshd attention 'a file for sshd that ends within a line' 'lets the key .* type no password' 'PasswordAuthentication no'
sshd attention 'sshd with an earlier block' 'lets the key .* type no password' \
	'Match Group apikey' '    PasswordAuthentication no' 'Match all'
sshd attention 'a shared account without passwords' 'the shared account deploy type no password' 'PasswordAuthentication no'
sshd attention 'sshd that wants public keys alone' 'AuthenticationMethods publickey' \
	'AuthenticationMethods publickey'
sshd attention 'sshd that lets some people in' 'AllowUsers keeps' 'AllowUsers alice bob deploy'
sshd attention 'sshd that lets some groups in' 'AllowGroups keeps' 'AllowGroups alice bob deploy'
sshd note 'sshd that takes empty passwords' 'PermitEmptyPasswords' 'PermitEmptyPasswords yes'
sshd note "sshd that takes a user's environment" 'PermitUserEnvironment' 'PermitUserEnvironment yes'

sshd_says 'DenyGroups apikey'
told 'sshd that keeps a group out' attention sshd 'DenyGroups keeps'
restore
sed -i '/^Include/d' /etc/ssh/sshd_config
rm /etc/ssh/sshd_config.d/apikey.conf
printf 'PasswordAuthentication no\nMatch User deploy\n    PasswordAuthentication yes\n' >>/etc/ssh/sshd_config
reload
broken 'sshd without a folder of settings' attention sshd 'type no password'
enters 'sshd without a folder of settings'
restore
printf 'NoSuchWord yes\n' >>/etc/ssh/sshd_config
told 'sshd that cannot read its settings' attention sshd 'NoSuchWord'
restore

findings >/dev/null
sed -n '/forward ports/{n;s/^ *//p}' "$GUEST/doctor" >"$GUEST/advice"
touch -d @0 /run/sshd.pid
holds 'the advice about forwarding runs' bash "$GUEST/advice"
holds 'and sshd reads it' wait_until 10 reloaded
exits 'and then there is no note of it' 1 grep -q 'forward ports' <(findings)
enters 'and without forwarding'
restore

# --- sudo ---------------------------------------------------------------------------------------

# sudoers STATE SENTENCE REGEX LINE: one more file of sudoers, repaired.
sudoers() {
	printf '%s\n' "$4" >/etc/sudoers.d/broken
	broken "$2" "$1" sudo "$3"
	enters "$2"
	shows "$2: and a viewer's sudo is refused" 1 'sudo' sudo_as guest "$(token guest)" true
	restore
}
for word in rootpw targetpw runaspw; do
	sudoers attention "sudo with $word" "sudoers.d/broken:1: $word" "Defaults $word"
done
printf %s "$(cat "$GUEST/etc/sudoers")" >/etc/sudoers
sudoers attention 'sudoers that ends within a line' 'rootpw' 'Defaults rootpw'
sudoers attention 'sudo with rootpw for a group of a role' 'rootpw' 'Defaults:bob, %apikey-admins rootpw'
sudoers attention 'sudo that asks nobody in account' '!pam_acct_mgmt' 'Defaults env_reset, !pam_acct_mgmt'
sudoers attention 'sudo as another service' 'pam_service' 'Defaults pam_service="su"'
sudoers note 'sudo without a token' '!authenticate' 'Defaults !authenticate'
printf 'Defaults:bob rootpw\n' >/etc/sudoers.d/broken
equals 'what sudoers says of a person is nobody else'\''s' '' news
restore
printf 'Defaults!/bin/true rootpw\n' >/etc/sudoers.d/broken
told 'sudo with rootpw for a command' attention sudo 'rootpw'
restore
printf 'what is this\n' >/etc/sudoers.d/broken
told 'sudoers that cannot be read' attention sudo 'broken:1'
restore
sed -i '/root_equivalent/d' "$POLICY"
change publish
told "a role that is root's" note sudo 'apikey-admins may do all that root may'
restore

# --- shared accounts ----------------------------------------------------------------------------

# shared STATE SENTENCE REGEX CMD…: after CMD, repaired; a key enters the account.
shared() {
	local state=$1 sentence=$2 regex=$3
	shift 3
	"$@"
	broken "$sentence" "$state" shared "$regex"
	admits "$sentence: and a key enters it" password deploy "$(token guest)"
	restore
}
admits 'a key enters a shared account' password deploy "$(token guest)"
shared attention 'an account that has expired' 'has expired' usermod -e 1970-01-02 deploy
shared attention 'an account without a shell' 'has no shell' usermod -s /usr/sbin/nologin deploy
shared note 'an account of keys with a password' 'a password' usermod -p "$(openssl passwd -6 deploy-pw)" deploy
public_key deploy
told 'an account of keys with public keys' note shared 'authorized_keys'
holds 'which its own user moves away' runuser -u deploy -- mv /home/deploy/.ssh/authorized_keys /home/deploy/.ssh/authorized_keys.off
equals 'and that is all' '' news
admits 'a key enters it all the same' password deploy "$(token guest)"
restore
rm -rf /home/deploy/.ssh
usermod -L deploy
equals 'a locked password is no finding' '' news
admits 'and locks no key out' password deploy "$(token guest)"
restore
userdel deploy 2>/dev/null
change publish
told 'an account that is not there' note shared 'does not have'
restore
cron_reboot deploy true
told 'an account with a crontab' note shared 'crontabs/deploy'
cron_stop

# --- hosts without the one or the other ---------------------------------------------------------

mv /usr/sbin/sshd "$GUEST/sshd"
mv /usr/bin/sudo "$GUEST/sudo"
equals 'a host without sshd and sudo has nothing to mend' '' news
holds 'and says so' grep -q 'no sshd here' "$GUEST/doctor"
mv "$GUEST/sshd" /usr/sbin/sshd
mv "$GUEST/sudo" /usr/bin/sudo
equals 'and after all this the host is whole' '' news
enters 'and after all this'
tap_done
