#!/usr/bin/env bash
# Setuid programs whose caller has set every variable that a library looks at: the same answers, and nothing that he names is read.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

TRAP=/tmp/trap

# trap_make: what bob's variables name. A file that is read has another date of its last reading than 2001; the library
# that is loaded leaves a file.
trap_make() {
	local name
	mkdir -p "$TRAP"/{home,tmp,zones/Europe,locale/tr_TR,gconv,bin}
	chmod 1777 "$TRAP" "$TRAP/tmp"
	printf '__attribute__((constructor)) static void f(void) { fclose(fopen("%s/loaded", "w")); }\n' "$TRAP" |
		gcc -shared -fPIC -include stdio.h -x c -o "$TRAP/evil.so" -
	cp "$TRAP/evil.so" "$TRAP/libgcrypt.so.20"
	cp "$TRAP/evil.so" "$TRAP/libc.so.6"
	for name in ldap.conf ldaprc home/.ldaprc home/ldaprc home/.pam_environment; do
		printf 'URI ldap://10.99.0.2\nTLS_REQCERT never\n' >"$TRAP/$name"
	done
	cp /usr/share/zoneinfo/Asia/Tokyo "$TRAP/zone"
	cp "$TRAP/zone" "$TRAP/zones/Europe/Berlin"
	cp "$TRAP/zone" "$TRAP/zones/UTC"
	printf 'localhost 10.99.0.2\n' >"$TRAP/hosts"
	printf 'ci:x:0:0::/root:/bin/bash\n' >"$TRAP/passwd"
	turkish "$TRAP/locale"
	printf 'module UTF-8// INTERNAL evil 1\n' >"$TRAP/gconv/gconv-modules"
	printf '#!/bin/sh\n: >%s/loaded\n' "$TRAP" | tee "$TRAP"/bin/{unix_chkpwd,id,true} >/dev/null
	chmod 755 "$TRAP"/bin/*
	trap_set
}
trap_set() { find "$TRAP" -type f -exec touch -a -d 2001-01-01 {} +; }
trap_sprung() { find "$TRAP" -type f '(' -newerat 2001-01-02 -o -name loaded -o -name 'debug*' ')'; }

# turkish FOLDER: a locale in which the small letter of I is no i; localedef warns of what else a locale has.
turkish() {
	{
		printf '<comment_char> %%\n<escape_char> /\nCHARMAP\n'
		awk 'BEGIN { for (i = 0; i < 256; i++) printf "<U%04X> /x%02x letter\n", i == 253 ? 305 : i == 221 ? 304 : i, i }'
		printf 'END CHARMAP\n'
	} >"$1/charmap"
	printf '%s\n' 'escape_char /' LC_CTYPE 'upper <U0041>..<U005A>;<U0130>' 'lower <U0061>..<U007A>;<U0131>' 'space <U0020>;<U0009>' \
		'toupper (<U0069>,<U0130>);(<U0131>,<U0049>)' 'tolower (<U0049>,<U0131>);(<U0130>,<U0069>)' 'END LC_CTYPE' >"$1/source"
	localedef -c -f "$1/charmap" -i "$1/source" "$1/tr_TR" >"$GUEST/localedef.out" 2>&1 || :
}

HOSTILE=(LD_PRELOAD="$TRAP/evil.so" LD_LIBRARY_PATH="$TRAP" LD_AUDIT="$TRAP/evil.so" LD_DEBUG=all LD_DEBUG_OUTPUT="$TRAP/debug"
	LDAPCONF="$TRAP/ldap.conf" LDAPRC="$TRAP/ldaprc" LDAPURI=ldap://10.99.0.2 LDAPTLS_REQCERT=never
	HOME="$TRAP/home" TMPDIR="$TRAP/tmp" PATH="$TRAP/bin:/usr/bin:/bin"
	LANG=tr_TR LC_ALL=tr_TR LOCPATH="$TRAP/locale" GCONV_PATH="$TRAP/gconv" NLSPATH="$TRAP/%N"
	LIBGCRYPT_FORCE_FIPS_MODE=1 GCRYPT_BARRETT=1 TZ=":$TRAP/zone" TZDIR="$TRAP/zones"
	HOSTALIASES="$TRAP/hosts" RES_OPTIONS=debug LOCALDOMAIN=example.com NSS_WRAPPER_PASSWD="$TRAP/passwd"
	MALLOC_CHECK_=3 MALLOC_PERTURB_=165 GLIBC_TUNABLES=glibc.malloc.perturb=165
	APIKEY_NAME=root APIKEY_ROLES=admin APIKEY_HANDLE=00000000000000000000000000000000 PAM_AUTHTOK=x PAM_RHOST=10.0.0.1)

# as WHO ANSWER VARIABLE… -- COMMAND…: what COMMAND says and ends with, and what our module has logged of it.
as() {
	local who=$1 answer=$2 env=() rc=0
	shift 2
	while [ "$1" != -- ]; do
		env+=("$1")
		shift
	done
	shift
	log_mark
	printf '%s\n' "$answer" | run_as "$who" env "${env[@]}" "$@" 2>&1 || rc=$?
	printf 'ends with %d\n' "$rc"
	logger -t environment end
	log_has ' environment: end' >/dev/null
	log_new | sed -nE 's/ session=[^ ]*//; s/.*(event=[a-z_]* decision=[a-z]* .*)/\1/p'
}

# steady SENTENCE WANT WHO ANSWER COMMAND…: WANT matches what it says, and with the variables it says the same.
steady() {
	local sentence=$1 want=$2 who=$3 answer=$4 plain
	shift 4
	plain=$(as "$who" "$answer" -- "$@")
	shows "$sentence" 0 "$want" printf '%s\n' "$plain"
	trap_set
	equals "$sentence, with the caller's variables (abuse 112)" "$plain" as "$who" "$answer" "${HOSTILE[@]}" -- "$@"
	equals "$sentence: nothing that they name was read (abuse 112)" '' trap_sprung
}

syslog_start
install_apikey
new_key ci --role admin
new_key other --role admin
printf 'ci ALL=(ALL) ALL\n' >/etc/sudoers.d/test
for program in pamtester getent id; do
	install -o root -g root -m 4755 "$(command -v "$program")" "/usr/bin/suid-$program"
done
trap_make
equals 'a file that is read is found' "$TRAP/ldaprc" sh -c "cat $TRAP/ldaprc >/dev/null; find $TRAP -type f -newerat 2001-01-02"
holds 'a program that is not setuid loads the library' sh -c "LD_PRELOAD=$TRAP/evil.so /bin/true; test -e $TRAP/loaded"
rm "$TRAP/loaded"
equals 'the locale is a Turkish one' tr_TR sh -c "LOCPATH=$TRAP/locale LC_ALL=tr_TR locale 2>&1 | sed -n 's/^LC_ALL=//p'"

steady 'su to a key with its token' 'ends with 0' bob "$(token ci)" /usr/bin/su -s /bin/true ci
steady "su to a key with another's token" 'ends with 1' bob "$(token other)" /usr/bin/su -s /bin/true ci
steady 'su to alice with her password' 'ends with 0' bob alice-pw /usr/bin/su -s /bin/true alice
steady 'sudo of a key with its token' 'ends with 0' ci "$(token ci)" /usr/bin/sudo -k -S -p '' /bin/true
steady "sudo of a key with another's token" 'ends with 1' ci "$(token other)" /usr/bin/sudo -k -S -p '' /bin/true
for service in sshd login; do
	steady "a setuid program, $service: a key with its token" 'successfully authenticated' \
		bob "$(token ci)" /usr/bin/suid-pamtester "$service" ci authenticate acct_mgmt setcred
	steady "a setuid program, $service: a key with another's" 'Authentication failure' \
		bob "$(token other)" /usr/bin/suid-pamtester "$service" ci authenticate
	steady "a setuid program, $service: bob with his password" 'successfully authenticated' \
		bob bob-pw /usr/bin/suid-pamtester "$service" bob authenticate acct_mgmt
	steady "a setuid program, $service: root with a token" 'Authentication failure' \
		bob "$(token ci)" /usr/bin/suid-pamtester "$service" root authenticate
done
steady 'a setuid program looks a key up' '^ci:x:70000:' bob '' /usr/bin/suid-getent passwd ci
steady 'by its uid' '^ci:x:70000:' bob '' /usr/bin/suid-getent passwd 70000
steady 'and its groups' 'uid=70000\(ci\)' bob '' /usr/bin/suid-id ci
steady 'and nobody who has capitals' 'ends with 2' bob '' /usr/bin/suid-getent passwd CI

# What root's own locale changes for the command: nothing (abuse 117).
sed -i 's/^group:.*/group: files [SUCCESS=CONTINUE] apikey/' /etc/nsswitch.conf
doctor() { { env "$@" apikey doctor 2>&1 || :; } | grep " nsswitch "; }
equals 'doctor says the same in a Turkish locale (abuse 117)' "$(doctor LC_ALL=C)" doctor LOCPATH="$TRAP/locale" LC_ALL=tr_TR
tap_done
