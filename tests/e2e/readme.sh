#!/usr/bin/env bash
# Every example of README.md but its recipes, and of the manuals, run as it stands there.
#
# README: see tests/lib/readme.sh; <!-- on: SERVER… --> says on which LDAP servers a block is run.
# Manuals: .\" run: KIND before a display.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/ldap.sh
. "$TOP/tests/lib/ldap.sh"
# shellcheck source=tests/lib/readme.sh
. "$TOP/tests/lib/readme.sh"

# --- what a reader does by other means ----------------------------------------------------------

# says_yes: to apt, and to the question whether keys may go. The database of man(1) is nobody's here.
says_yes() {
	echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/90yes
	echo 'apikey apikey/drop-keys boolean true' | debconf-set-selections
	rm -f /var/lib/man-db/auto-update
}

# people_enter: sshd is reloaded; root and people get in.
people_enter() {
	if [ -n "${sshd_pid:-}" ]; then sshd_with 'PermitRootLogin yes'; else sshd_start; fi
	admits 'bob gets in' password bob bob-pw
	admits 'root gets in' pubkey root "$GUEST/id_root"
	equals 'alice gets to be root' root sudo_as alice alice-pw id -un
}

carry_verifier() { install -m 600 /home/bob/nightly.verifier "$TOP/nightly.verifier"; }

# a_key_enters: one that is made for it.
a_key_enters() {
	new_key newcomer --role viewer
	admits 'README: a key gets in' password newcomer "$(token newcomer)"
}

# policy: the block above it, to root.
policy() { install -m 600 "$last" /root/policy.yaml; }

# reload: sshd reads its files again. only_keys: what is no key stays out of the shared account.
reload() { sshd_with 'PermitRootLogin yes'; }
only_keys() {
	public_key deploy
	shut_out 'README: only_keys: a public key that was left there opens nothing' pubkey deploy "$GUEST/id_deploy"
	printf 'deploy:deploy-pw\n' | chpasswd
	shut_out "README: nor does the account's own password" password deploy deploy-pw
	equals 'README: root enters it' deploy su -c 'id -un' deploy
	log_mark
	admits 'README: and the key' password deploy "$(cat /root/ci-deploy.token)"
	holds 'README: which the log names' log_has 'key=ci-deploy .*user=deploy .*account=deploy'
	apikey group remove ci-deploy platform-team >/dev/null
	shut_out 'README: and not without its role' password deploy "$(cat /root/ci-deploy.token)"
	apikey group add ci-deploy platform-team >/dev/null
}

# --- LDAP servers -------------------------------------------------------------------------------

# on_place SERVER CMD…: CMD there; where both get a copy of the other, the first has the tree before the second begins.
on_place() {
	on_server "$@" || return
	[ "${places[*]}" != 'ldap2 ldap1' ] || [ "$1" = ldap1 ] || wait_until 20 replicated
}

# on_server NAME CMD…: CMD where that server's files are.
on_server() { nsenter --target "$(cat "$GUEST/$1.pid")" --mount -- "${@:2}"; }

# ldap_servers: two as Debian's package leaves them, each with files of its own and an address of loopback.
ldap_servers() {
	local n=0 server
	mkdir -p "$LDAP/tls"
	authority ca
	(umask 077; printf %s admin-pw >/root/admin.password; printf %s reader-pw >/root/reader.password)
	for server in ldap1 ldap2; do
		n=$((n + 1))
		printf '127.0.2.%s\t%s.example.com\n' "$n" "$server" >>/etc/hosts
		signed ca "$server" "DNS:$server.example.com"
		unshare --mount --propagation private --kill-child --fork -- tail -f /dev/null </dev/null >/dev/null 2>&1 &
		printf '%s\n' "$!" >"$GUEST/$server.outer"
		wait_until 10 server_process "$server"
		on_server "$server" bash -euc "$(declare -f server_files); server_files $server" >"$GUEST/$server.log" 2>&1 ||
			cat "$GUEST/$server.log" >&2
		nsenter --target "$(cat "$GUEST/$server.pid")" --mount -- slapd -d 0 -u openldap -g openldap -F /etc/ldap/slapd.d \
			-h "ldapi:/// ldaps://$server.example.com" </dev/null >>"$GUEST/$server.log" 2>&1 &
		printf '%s\n' "$!" >"$GUEST/$server.slapd"
		wait_until 20 on_server "$server" ldapsearch -Q -Y EXTERNAL -H ldapi:/// -s base -b '' 1.1 || cat "$GUEST/$server.log" >&2
	done
}
server_process() {
	local pid
	pid=$(cat "/proc/$(cat "$GUEST/$1.outer")/task"/*/children) && [ -n "$pid" ] && printf '%s\n' "${pid%% *}" >"$GUEST/$1.pid"
}

# server_files SERVER: inside it: what the package and the administrator put there.
server_files() {
	local dir
	for dir in /etc/ldap/slapd.d /var/lib/ldap /run/slapd /etc/ldap/tls; do
		mkdir -p "$dir"
		mount -t tmpfs -o mode=755 tmpfs "$dir"
	done
	cp "/run/test/ldap/tls/ca.pem" /etc/ldap/tls/ca.pem
	cp "/run/test/ldap/tls/$1.pem" /etc/ldap/tls/server.pem
	cp "/run/test/ldap/tls/$1.key" /etc/ldap/tls/server.key
	sed "s/@SUFFIX@/dc=example,dc=com/g; s/@PASSWORD@/admin-pw/g; s/@BACKEND@/mdb/g; s/@BACKENDOBJECTCLASS@/olcMdbConfig/g" \
		/usr/share/slapd/slapd.init.ldif | slapadd -n 0 -F /etc/ldap/slapd.d
	printf 'dn: dc=example,dc=com\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: example\n' |
		slapadd -n 1 -F /etc/ldap/slapd.d
	chown -R openldap:openldap /etc/ldap/slapd.d /var/lib/ldap /run/slapd /etc/ldap/tls
}

# replicated: the tree is on ldap2.
replicated() {
	on_server ldap2 ldapsearch -x -D cn=admin,dc=example,dc=com -y /root/admin.password -H ldapi:/// \
		-s base -b ou=keys,dc=example,dc=com 1.1
}

# host_files: the authority's certificate and the password, carried over by a way that one trusts.
host_files() {
	install -m 644 "$LDAP/tls/ca.pem" /etc/apikey/ca.pem
	install -m 600 /root/reader.password /etc/apikey/ldap.password
}

# daemon: as the unit starts it.
daemon() {
	cp /etc/apikey/apikey.yaml "$GUEST/fleet.yaml"
	apikeyd -f </dev/null >"$GUEST/apikeyd.log" 2>&1 &
	apikeyd_pid=$!
	holds 'README: apikeyd follows the directory' wait_until 20 sh -c 'apikey status | grep -q following' || cat "$GUEST/apikeyd.log" >&2
}
arrived() {
	holds 'README: a key of the directory is a user' wait_until 10 getent passwd mirror
	admits 'README: and logs in' password mirror "$(cat /root/mirror.token)"
}
member() {
	holds 'README: a group of the directory arrives' wait_until 10 sh -c 'apikey explain mirror | grep -q platform-team'
}
servers_gone() {
	local server
	for server in ldap1 ldap2; do
		kill "$(cat "$GUEST/$server.slapd")"
	done
	holds 'README: that the servers are gone shows' wait_until 20 sh -c '! apikey status'
	admits 'README: and keys log in all the same' password mirror "$(cat /root/mirror.token)"
}

# fleet_end: the host as it was before that section.
fleet_end() {
	sed -i '/^directory:/,$d' /etc/apikey/apikey.yaml
	kill "$apikeyd_pid"
	wait "$apikeyd_pid" || :
	rm -f "$STATE"/directory-*.idx "$STATE/freshness"
	apikey publish >/dev/null
}

# example_directory: an apikey.yaml that is read, and asks for nothing but what it names.
example_directory() {
	cp "$1" "$SETTINGS"
	holds "${1##*/}: the settings are taken" apikey publish
}

# --- the manuals --------------------------------------------------------------------------------

# manual_blocks PAGE: the marked displays of a manual, a file each: NNN.KIND.
manual_blocks() {
	awk -v dir="$BLOCKS/$1" '
		/^\.\\" run: / { kind = $3 }
		/^\.Bd / && kind != "" { on = 1; file = sprintf("%s/%03d.%s", dir, ++n, kind); print file; next }
		/^\.Ed/ { on = 0; kind = ""; next }
		on { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print >file }' "$TOP/man/$1"
}

# page PAGE: its examples, in order.
page() {
	local file name=$1
	mkdir -p "$BLOCKS/$name"
	while read -r -u 3 file; do
		case $file in
		*.sh | *.user) block "$name" "${file##*.}" "$file" ;;
		*) "example_${file##*.}" "$file" ;;
		esac
	done 3< <(manual_blocks "$name")
}

example_settings() { cp "$1" "$SETTINGS"; }
example_policy() {
	holds "${1#"$BLOCKS/"}: apply takes it" apikey policy apply "$1"
	holds "${1#"$BLOCKS/"}: in place it is as good" sh -c "cp '$1' '$POLICY' && apikey publish"
}
example_ssh_config() {
	install -o bob -g bob -m 600 "$1" /home/bob/.ssh/config
	printf 'ssh bastion id -un\n' >"$GUEST/probe"
	expected='^ci-deploy$'
	block "${1##*/}" user "$GUEST/probe"
}
example_nsswitch() {
	sed -i -E '/^(passwd|group):/d' /etc/nsswitch.conf
	cat "$1" >>/etc/nsswitch.conf
}
example_sshd() {
	cp "$1" /etc/ssh/sshd_config.d/apikey.conf
	sshd_with 'PasswordAuthentication no'
	admits 'pam_apikey.8: with these lines a key types its token' password ci-deploy "$(cat /root/ci-deploy.token)"
	refuses 'pam_apikey.8: and bob does not type his password' password bob bob-pw
	sshd_with 'PermitRootLogin yes'
}

# example_sshd-shared: for the account that README has made; people still type no password.
example_sshd-shared() {
	cp "$1" /etc/ssh/sshd_config.d/deploy.conf
	sshd_with 'PasswordAuthentication no'
	admits 'pam_apikey.8: with these lines a key enters the shared account' password deploy "$(cat /root/ci-deploy.token)"
	refuses 'pam_apikey.8: and bob does not type his password' password bob bob-pw
	rm /etc/ssh/sshd_config.d/deploy.conf
	sshd_with 'PasswordAuthentication no'
	refuses 'pam_apikey.8: without them it does not' password deploy "$(cat /root/ci-deploy.token)"
	sshd_with 'PermitRootLogin yes'
}

# example_pam: by hand, in the place of the profile's lines.
example_pam() {
	local phase line
	cp -a /etc/pam.d "$GUEST/pam.d"
	for phase in auth account session; do
		sed -i '/pam_apikey/d; s/success=2/success=1/' "/etc/pam.d/common-$phase"
		line=$(grep "^$phase" "$1")
		printf '%s\n' "$line" | cat - "/etc/pam.d/common-$phase" >"$GUEST/stack"
		cat "$GUEST/stack" >"/etc/pam.d/common-$phase"
	done
	people_enter
	admits 'pam_apikey.8: by hand: a key gets in' password ci-deploy "$(cat /root/ci-deploy.token)"
	apikey disable ci-deploy
	refuses 'pam_apikey.8: by hand: a disabled one does not' password ci-deploy "$(cat /root/ci-deploy.token)"
	apikey enable ci-deploy
	cp -a "$GUEST"/pam.d/common-* /etc/pam.d/
}

# example_pam-sudo: the prompt, and that it is the key's token that opens.
example_pam-sudo() {
	cp -a /etc/pam.d/sudo "$GUEST/sudo.pam"
	sed -i "1r $1" /etc/pam.d/sudo
	printf '%%apikey-editors ALL=(root) /usr/bin/id\n' >/etc/sudoers.d/example
	shows 'pam_apikey.8: sudo asks with that prompt' 0 '^API token: uid=0' \
		sh -c 'setpriv --reuid ci-deploy --regid ci-deploy --init-groups -- sudo -k -S id </root/ci-deploy.token'
	cp -a "$GUEST/sudo.pam" /etc/pam.d/sudo
	rm /etc/sudoers.d/example
}

# vector NAME: a line of the test vector in apikey-formats(5).
vector() { sed -n -E "s/^$1 +([^ ]+)\$/\1/p" "$TOP/man/apikey-formats.5"; }

# number FILE OFFSET SIZE: a little-endian number in a file.
number() { od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }

# formats: what apikey-formats(5) says of tokens and of headers, held against the real ones.
formats() {
	apikey create --name vector --role viewer --duration 1d --verifier "$(vector verifier)" >/dev/null
	admits 'the test vector opens the key that was made with its verifier' password vector "$(vector token)"
	apikey delete vector
	for file in local.idx users.idx; do
		equals "$file: its magic" APIKEYIX head -c 8 "$STATE/$file"
		equals "$file: its version" 1 number "$STATE/$file" 8 4
		equals "$file: its size" "$(stat -c %s "$STATE/$file")" number "$STATE/$file" 40 8
	done
	equals 'users.idx: the range of uids' '70000 99999' sh -c "echo $(number "$STATE/users.idx" 128 4) $(number "$STATE/users.idx" 132 4)"
	equals 'users.idx: the generation of local.idx' "$(number "$STATE/local.idx" 16 8)" number "$STATE/users.idx" 168 8
	equals 'policy.image: its magic' APIKEYPI head -c 8 "$STATE/policy.image"
	equals 'policy.image: its size' "$(stat -c %s "$STATE/policy.image")" number "$STATE/policy.image" 16 8
	for file in local.idx:600 local.idx.prev:600 users.idx:644 policy.image:600 policy.applied:600 samples:700 lock:600; do
		equals "${file%:*}: its mode" "${file#*:} root" stat -c '%a %U' "$STATE/${file%:*}"
	done
}

# manuals: all of them, on a host whose keys are those of their examples.
manuals() {
	apikey delete ci-deploy nightly release --remove-home >/dev/null
	rm -f /home/bob/.ssh/config
	page apikey.8
	apikey role add ci-deploy editor >/dev/null
	apikey group add ci-deploy platform-team >/dev/null
	carry ci-deploy
	page apikey-askpass.1
	page nss_apikey.8
	page pam_apikey.8
	formats
	page apikey-formats.5
	cp -a /etc/apikey "$GUEST/apikey"
	page apikey.yaml.5
	cp -a "$GUEST"/apikey/* /etc/apikey/
	page apikey-policy.5
	cp -a "$GUEST"/apikey/* /etc/apikey/
	apikey publish >/dev/null
}

syslog_start
mkdir -p /run/sshd
public_key root
for verb in demo check build lint format host; do
	shows "README: ./dev has the verb $verb" 0 "^  $verb( |\$)" "$TOP/dev" help
done

readme_run '' '^Recipes|From source$'
exits 'taken out, no key is a user' 2 getent passwd ci-deploy
exits 'and no PAM line is ours' 1 grep -rq pam_apikey /etc/pam.d
holds 'nothing of ours is left' test ! -e /etc/apikey -a ! -e "$STATE" -a ! -e /usr/sbin/apikey
readme_run '^Installing: From source$'
readme_run '^Taking it out: From source$'
exits 'what make installed taken out, no key is a user' 2 getent passwd newcomer
exits 'no PAM line is ours' 1 grep -rq pam_apikey /etc/pam.d
# Where apikey(8)'s reader makes a token of his own: the folder that he is in.
CANARY_KEPT+=(/run/host/upper/checkout/nightly.json)
tap_done
