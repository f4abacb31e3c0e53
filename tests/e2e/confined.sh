#!/usr/bin/env bash
# Do AppArmor's and SELinux's rules of ours allow what the modules do, and no more? Both are compiled, and compared
# with what the modules are seen to open in real logins. (Whether this kernel enforces them does not matter.)
set -euo pipefail
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/lib/host.sh
. "$TOP/tests/lib/host.sh"
host_extra confined apparmor checkpolicy semodule-utils strace
host_extra selinux selinux-policy-default
# shellcheck source=tests/lib/e2e.sh
. "$TOP/tests/lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/follow.sh
. "$TOP/tests/lib/follow.sh"

# --- what the modules do ------------------------------------------------------------------------

TRACES=$GUEST/traces
mkdir "$TRACES"
# Each call with the stack that led to it, and descriptors with their paths; a file for each process.
STRACE=(strace -ff -k -y -qq -e 'trace=%file,socket,fchmod,fchown')

# traced NAME CMD…: CMD, watched; what it prints is nobody's concern.
traced() {
	local name=$1
	shift
	bounded "${STRACE[@]}" -o "$TRACES/$name" -- "$@" >"$GUEST/traced.out" 2>&1 || { cat "$GUEST/traced.out"; return 1; }
}

# sshd_watched: from now on all that the listener starts; sshd_unwatched: no more.
sshd_watched() {
	"${STRACE[@]}" -o "$TRACES/sshd" -p "$sshd_pid" >"$GUEST/strace.out" 2>&1 &
	strace_pid=$!
	wait_until 10 grep -q '^TracerPid:.*[1-9]' "/proc/$sshd_pid/status"
}
sshd_unwatched() {
	kill "$strace_pid"
	wait "$strace_pid" || :
}

# accesses MODULE: "PATH PERMISSIONS", or "netlink r", for each call that MODULE, or a library that it calls, made. Those of
# the name service on its way through PAM are not PAM's. What only looks (stat, O_PATH) needs no permission.
accesses() {
	cat "$TRACES"/* | awk -v module="$1" '
		function say(path, perms) { gsub(/\/+/, "/", path); gsub(/\/\.\/?$/, "/", path); print path, perms }
		function path_of(text,   dir, name) {
			dir = name = text
			sub(/^[^<]*</, "", dir); sub(/>.*/, "", dir)
			sub(/^[^"]*"/, "", name); sub(/".*/, "", name)
			return name ~ /^\// ? name : dir "/" name
		}
		function flush(   perms, text) {
			text = call
			if (!ours || text == "") return
			if (text ~ /^socket\(AF_NETLINK/) print "netlink r"
			else if (text ~ /^fch(mod|own)\(/) { sub(/^[^<]*</, "", text); sub(/>.*/, "", text); say(text, "w") }
			else if (text ~ /^(unlink|unlinkat|fchmodat|chmod)\(/) say(path_of(text), "w")
			else if (text ~ /^mkdir(at)?\(/ && text !~ /EEXIST/) say(path_of(text) "/", "w")
			else if (text ~ /^rename(at|at2)?\(/) {
				say(path_of(text), "rw")
				sub(/^[^"]*"[^"]*", /, "", text)
				say(path_of(text), "w")
			} else if (text ~ /^openat\(/ && text !~ /O_PATH/) {
				perms = text ~ /O_WRONLY/ ? "w" : text ~ /O_RDWR/ ? "rw" : "r"
				if (text ~ /O_CREAT/ && perms !~ /w/) perms = perms "w"
				say(path_of(text) (text ~ /O_DIRECTORY/ ? "/" : ""), perms)
			} else if (text !~ /^(openat|mkdir|mkdirat|stat|lstat|newfstatat|access|faccessat|faccessat2|readlink|getcwd|socket)\(/)
				print "unknown call: " text
		}
		/^ > / {
			if (first == "" && $2 !~ /\/libc\.so/) first = $2
			if (first ~ module || (first ~ /\/lib(gcrypt|yaml)/ && $2 ~ module)) ours = 1
			next
		}
		{ flush(); call = $0; ours = 0; first = "" }
		END { flush() }' | sort -u | awk '
		# The path of a folder ends with a slash, for AppArmor.
		{ path[NR] = $1; perms[NR] = $2; is[$1] = 1 }
		END { for (i = 1; i <= NR; i++) print path[i] ((path[i] "/") in is ? "/" : ""), perms[i] }' |
		# One process, session and handle stand for all.
		sed -E 's,^/proc/[0-9]+,/proc/1,; s/[0-9a-f]{16,32}(\.[0-9]+)?/0/' | sort -u
}

syslog_start
install_directory
useradd -m -s /bin/bash deploy
policy_write 'roles:' \
	'  viewer: {services: [sshd]}' \
	'  editor: {services: [sshd, sudo, su], unix_groups: [key-editors], accounts: [deploy]}' \
	'define:' '  always: {time: {hours: "00:00-24:00", zone: Europe/Berlin}}' \
	'grant:' '- {role: viewer, login: by-night, is: always}' \
	'groups:' '  team: [{role: editor}]' \
	'sample:' '- {decision: deny}'
new_key ci
new_key by-night
printf 'ci ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
chmod 440 /etc/sudoers.d/test
HOST_SETTINGS='host: bastion'
directory_settings
slapd_start one
{
	principal_ldif ci by-night
	group_ldif groupOfNames team
} | ldap_change one
printf 'KbdInteractiveAuthentication yes\n' >"$GUEST/sshd.conf"
sshd_start "$GUEST/sshd.conf"
daemon_start
follows
group_change one add team ci
holds 'a key has its role through LDAP' soon_may ci sudo
# As after the weekly rotation, and before any login: the modules make what is missing.
rm -rf /var/log/apikey/audit.log "$STATE/lastused" "$STATE/samples" /run/apikey/sessions /run/apikey/handles

holds 'users and groups are looked up' \
	traced nss sh -c 'getent passwd ci; getent passwd; id ci; getent group; getent group key-editors; getent initgroups ci'
sshd_watched
admits 'a key logs in by password' password ci "$(token ci)"
admits 'and by keyboard-interactive' kbd ci "$(token ci)"
admits 'and as the account that its role opens' password deploy "$(token ci)"
admits 'a key whose role hangs on the time logs in' password by-night "$(token by-night)"
refuses 'one that the account is not open to does not' password deploy "$(token by-night)"
admits 'a local user logs in' password bob bob-pw
sshd_unwatched
holds 'a key uses sudo' traced sudo setpriv --reuid ci --regid ci --init-groups sudo -n id
daemon_stop
printf '# edited\n' | tee -a "$SETTINGS" >>"$POLICY"
holds 'root becomes the key by su, after an edit that nobody has compiled' traced su su - ci -c id

# --- AppArmor -----------------------------------------------------------------------------------

host_extra_install confined

# profile FILE ABSTRACTION…: a profile of a program that does no more than these abstractions allow.
profile() {
	local file=$1 name
	shift
	{
		printf 'abi <abi/3.0>,\ninclude <tunables/global>\nprofile test /usr/bin/test-program {\n'
		for name in "$@"; do printf '  include <abstractions/%s>\n' "$name"; done
		printf '}\n'
	} >"$file"
}

# rules PROFILE: its file rules as "REGEX PERMISSIONS", one a line, with every include and variable put in.
rules() {
	apparmor_parser -QTK -p "$1" 2>"$GUEST/parser.err" | sed -E 's/#.*//; s/^[[:space:]]*//; s/[[:space:]]*,[[:space:]]*$//' | awk '
		function regex(path) {
			gsub(/@\{PROC\}/, "/proc", path); gsub(/@\{run\}/, "(/run|/var/run)", path)
			gsub(/@\{etc_ro\}/, "(/etc|/usr/etc)", path); gsub(/@\{pids?\}/, "[0-9]+", path)
			gsub(/\./, "\\.", path); gsub(/\*\*/, "\001", path); gsub(/\*/, "[^/]*", path); gsub(/\001/, ".*", path)
			gsub(/\{/, "(", path); gsub(/\}/, ")", path); gsub(/,/, "|", path)
			return path
		}
		/^(network netlink raw)$/ { print "netlink r"; next }
		/^(\/|@\{(PROC|run|etc_ro)\})[^ ]* +[a-z]+$/ && $1 !~ /@\{(multiarch|HOME|sys|uid|tid)/ { print regex($1), $2 }'
}

# lacking RULES ACCESSES: those of the accesses that no rule allows.
lacking() {
	local path perms regex may missing rule rules
	mapfile -t rules <"$1"
	while read -r path perms; do
		missing=$perms
		for rule in "${rules[@]}"; do
			regex=${rule% *} may=${rule##* }
			[[ ! $path =~ ^${regex}$ ]] || missing=${missing//[$may]/}
		done
		[ -z "$missing" ] || printf '%s %s\n' "$path" "$missing"
	done <"$2"
}

# idle FILE ACCESSES: paths of our own file that no access is about: rules that nothing needs.
idle() {
	local path regex
	while read -r path; do
		regex=$(sed -E 's/\./\\./g; s/\*/[^\/]*/g; s/@\{PROC\}/\/proc/; s/@\{run\}/\/run/; s/@\{etc_ro\}/\/etc/; s/@\{pids\}/[0-9]+/' <<<"$path")
		grep -Eq "^$regex " "$2" || printf '%s\n' "$path"
	done < <(sed -n -E 's/^ +([@/][^ ]+) [rw]+,$/\1/p' "$1")
}

accesses libnss_apikey >"$GUEST/nss"
accesses pam_apikey >"$GUEST/pam"
cd /etc/apparmor.d
profile looks base nameservice
profile logs-in base authentication
rules looks >"$GUEST/nss.rules"
rules logs-in >"$GUEST/pam.rules"
holds 'a profile that includes nameservice compiles with our rules in it' apparmor_parser -QTK looks
holds 'and one that includes authentication' apparmor_parser -QTK logs-in
shows 'our rules are in what is compiled' 0 '/var/lib/apikey/users' sh -c 'apparmor_parser -QTK -D rule-exprs looks 2>&1'
shows 'the name service module was seen at work' 0 '^/var/lib/apikey/users.idx r$' cat "$GUEST/nss"
shows 'and the PAM module' 0 '^/run/apikey/sessions/\.?0 rw$' cat "$GUEST/pam"
equals 'AppArmor lets every program look up users' '' lacking "$GUEST/nss.rules" "$GUEST/nss"
equals 'and no rule of nameservice.d is for nothing' '' idle abstractions/nameservice.d/apikey "$GUEST/nss"
equals 'AppArmor lets every program that runs PAM use the PAM module' '' lacking "$GUEST/pam.rules" "$GUEST/pam"
equals 'and no rule of authentication.d is for nothing' '' idle abstractions/authentication.d/apikey "$GUEST/pam"
# secrets: what none but PAM's programs may open.
secrets() {
	printf '%s r\n' "$STATE"/{local,directory-keys,directory-groups}.idx "$STATE/policy.image" "$STATE/lastused" \
		"$STATE/samples/0" /run/apikey/sessions/0 /run/apikey/handles/0 /var/log/apikey/audit.log
}
secrets >"$GUEST/secrets"
equals 'and it gives them no secret, record or log' "$(secrets)" lacking "$GUEST/nss.rules" "$GUEST/secrets"
equals 'nor does authentication give the password of the directory' '/etc/apikey/ldap.password r' \
	lacking "$GUEST/pam.rules" <(echo /etc/apikey/ldap.password r)

# --- SELinux ------------------------------------------------------------------------------------

# selinux_policy: Debian's modules that are about users and logins, and ours, made into one policy: $SELINUX/policy.
SELINUX=$GUEST/selinux RULES=/usr/share/apikey/selinux
selinux_policy() {
	local module
	mkdir -p "$SELINUX"
	dpkg-deb -x "$TOP"/build/host/debs-selinux/selinux-policy-default_*.deb "$SELINUX/debian"
	for module in base ssh cron sudo su unconfined unprivuser ntp bind cups; do
		bzcat "$SELINUX/debian/usr/share/selinux/default/$module.pp.bz2" >"$SELINUX/$module.pp"
	done
	cd "$SELINUX"
	checkmodule -M -m -o apikey.mod "$RULES/apikey.te"
	semodule_package -o apikey.pp -m apikey.mod -f "$RULES/apikey.fc"
	mv base.pp base
	semodule_link -o linked base ./*.pp && semodule_expand linked policy
}

# selinux_says QUESTION…: the answers of checkpolicy's questioner, each a line.
selinux_says() { printf '%s\n' "$@" q | checkpolicy -M -b -d "$SELINUX/policy" 2>/dev/null | grep -Eo '(sid [0-9]+|allowed \{.*\}|.*_t:s0.*)$'; }

# may_selinux USER:ROLE:DOMAIN TYPE CLASS [USER]: the rights of that domain, in one line, to objects that USER made.
may_selinux() {
	local first
	first=$(selinux_says 2 "$1:s0" | sed 's/sid //')
	selinux_says 2 "$1:s0" 2 "${4:-system_u}:object_r:$2:s0" 0 "$first" $((first + 1)) "$3" | sed -n 's/^allowed { \?\(.*\)}$/\1/p'
}

# labelled PATH: the type that apikey.fc gives it; the last line that matches counts.
labelled() {
	local regex type
	while read -r regex type; do
		[[ ! $1 =~ ^${regex}$ ]] || printf '%s\n' "$type"
	done < <(sed -E 's/\t--\t/\t/; s/system_u:object_r:(.*):s0/\1/' "$RULES/apikey.fc") | tail -n 1
}

# selinux_lacks DOMAIN FILE: accesses in our folders that it may not do.
selinux_lacks() {
	local path perms type class may want
	while read -r path perms; do
		type=$(labelled "${path%/}")
		[ -n "$type" ] || continue
		class=file want=''
		[[ $path != */ ]] || class=dir
		[[ $perms != *r* ]] || want+=' open read'
		case $perms:$type in *w*:apikey_log_t) want+=' append create' ;; *w*) want+=' create write' ;; esac
		may=" $(may_selinux "$1" "$type" "$class") "
		# Who makes a file makes it as its own user.
		[[ " $(may_selinux "$1" "$type" "$class" "${1%%:*}") " != *" create "* ]] || may+=' create '
		for perms in $want; do
			[[ $may == *" $perms "* ]] || printf '%s: %s %s\n' "$path" "$type" "$perms"
		done
	done <"$2"
}

holds "the SELinux module compiles and goes into Debian's policy" selinux_policy
for path in "$STATE"/{users.idx,.users.idx.new,freshness,.freshness.new}; do
	equals "what the name service reads has its own type: ${path##*/}" apikey_users_t labelled "$path"
done
for path in "$STATE" "$STATE"/{local.idx,local.idx.prev,.local.idx.new,directory-keys.idx,policy.image,lastused,lock,samples/0}; do
	equals "what it does not read has that of secrets: ${path##*/}" apikey_secret_t labelled "$path"
done
for domain in system_u:system_r:{chkpwd_t,cupsd_t,named_t,ntpd_t,systemd_logind_t}; do
	name=${domain##*:}
	equals "$name looks up users" '' selinux_lacks "$domain" "$GUEST/nss"
	equals "$name reads no secret" '' may_selinux "$domain" apikey_secret_t file
	equals "$name reads no settings" '' may_selinux "$domain" apikey_conf_t file
	equals "$name reads no record of a session" '' may_selinux "$domain" apikey_runtime_t file
done
# transitions NAME: which domains make a file of that name in our folder as what the name service reads, sorted.
transitions() {
	checkpolicy -M -b -F -o "$SELINUX/policy.conf" "$SELINUX/policy" >/dev/null 2>&1
	sed -n "s/^type_transition \\([a-z_]*\\) apikey_secret_t:file apikey_users_t \"$1\";/\\1/p" "$SELINUX/policy.conf"
}
for name in .users.idx.new .freshness.new; do
	equals "whoever writes $name gives it that type" "$(printf '%s\n' initrc_t sysadm_t unconfined_t)" \
		sh -c "printf '%s\n' '$(transitions "$name")' | grep -Ex 'initrc_t|sysadm_t|unconfined_t' | sort"
done
for domain in system_u:system_r:initrc_t unconfined_u:unconfined_r:unconfined_t sysadm_u:sysadm_r:sysadm_t; do
	shows "${domain##*:} makes keys" 0 '\<write\>.*\<create\>.*\<rename\>' may_selinux "$domain" apikey_secret_t file "${domain%%:*}"
done
for domain in system_u:system_r:{sshd_t,crond_t,local_login_t} user_u:user_r:user_sudo_t; do
	equals "${domain##*:} runs the PAM module" '' selinux_lacks "$domain" "$GUEST/pam"
done
tap_done
