#!/usr/bin/env bash
# What `make install` puts where, and what the two modules show to the programs that load them.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

# shellcheck source=tests/lib/compiled.sh
. "$TOP/tests/lib/compiled.sh"

# installs ARGUMENT…: make install, quietly.
installs() { make -s -C "$TOP/build/plain" install "$@" LIBTOOLFLAGS=--silent; }

# tree DIR: the files below it.
tree() { (cd "$1" && find . -type f -o -type l | sort); }

# exports FILE: the names that it defines for others. needs FILE: the libraries that it asks for.
exports() { nm -D --defined-only --format=posix "$1" | cut -d' ' -f1 | cut -d@ -f1 | sort; }
needs() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort; }
flags() { readelf -d "$1" | grep -E '\((FLAGS|FLAGS_1|BIND_NOW)\)'; }

# entries: of all that we compiled, the functions that another file may call, or call by their address.
entries() {
	local part
	for part in $PARTS; do
		find "$TOP/build/plain/$part" -name '*.o' -exec nm --defined-only -g --format=posix {} +
	done | awk '$2 == "T" { print $1 }' | sort -u
}
# unmarked FILE: those of them in it that do not begin with endbr64; false when none of them is there. The file as a whole can't
# promise it (readelf -n): the linker lets it where all promise that it links, and crti.o of Debian 12 does not. Neither does
# the _init there begin with the mark, so that `-z ibt` would be a false promise.
unmarked() {
	objdump -d --no-show-raw-insn --section=.text "$1" | awk '
		NR == FNR { entry[$1]; next }
		/^[0-9a-f]+ <.*>:$/ { name = substr($2, 2, length($2) - 3); first = 1; next }
		first && NF { first = 0; if (name in entry) { n++; if ($2 != "endbr64") print name } }
		END { exit n == 0 }' "$GUEST/entries" -
}

# compile_lines: how make would compile all that we install, without doing it. of_log CMD…: CMD with these lines.
compile_lines() {
	local source changed=()
	while read -r source; do
		changed+=(-W "$TOP/$source")
	done < <(product_sources)
	make -C "$TOP/build/plain" -n V=1 "${changed[@]}" all
}
of_log() { "$@" <"$GUEST/build.log"; }

# only_from ALLOWED CMD…: CMD prints something, and nothing but lines that match ALLOWED.
only_from() {
	local allowed=$1 got
	shift
	got=$("$@")
	printf '%s\n' "$got"
	[ -n "$got" ] && ! printf '%s\n' "$got" | grep -Evx -- "$allowed"
}

# there ROOT FILE…: these exist below ROOT.
there() {
	local root=$1 file bad=0
	shift
	for file in "$@"; do
		[ -e "$root$file" ] || { echo "missing: $file"; bad=1; }
	done
	[ "$bad" -eq 0 ] || tree "$root"
	return "$bad"
}

LIB=/usr/lib/$(gcc -print-multiarch)
holds 'make install with DESTDIR' installs DESTDIR=/tmp/staged
holds 'puts the modules, the command and its helper where they belong' there /tmp/staged \
	"$LIB/security/pam_apikey.so" "$LIB/libnss_apikey.so.2" /usr/sbin/apikey /usr/bin/apikey-askpass
holds 'and the profile, the policy and the lines for sshd' there /tmp/staged \
	/usr/share/pam-configs/apikey /etc/apikey/policy.yaml /etc/ssh/sshd_config.d/apikey.conf
holds 'and what rotates the audit log, and its folder' there /tmp/staged /etc/logrotate.d/apikey /var/log/apikey
holds 'and what completes in bash' there /tmp/staged /usr/share/bash-completion/completions/apikey
holds 'and the units of the daemon and the metrics' there /tmp/staged /usr/lib/systemd/system/apikeyd.service \
	/usr/lib/systemd/system/apikey-metrics.service /usr/lib/systemd/system/apikey-metrics.timer
exits 'and nothing on the host itself' 1 test -e "$LIB/security/pam_apikey.so"
holds 'other folders are honoured' installs DESTDIR=/tmp/other prefix=/opt/a libdir=/opt/a/lib64 \
	sbindir=/opt/a/root sysconfdir=/opt/a/etc localstatedir=/opt/a/var
holds 'and used' there /tmp/other /opt/a/lib64/security/pam_apikey.so /opt/a/lib64/libnss_apikey.so.2 /opt/a/root/apikey
holds 'in the files too' grep -q '^/opt/a/var/log/apikey/audit.log {' /tmp/other/opt/a/etc/logrotate.d/apikey
holds 'in the units, but where a folder is somebody else'"'"'s' grep -q '^ReadWritePaths=-/var/lib/prometheus/node-exporter -/opt/a/var/log/apikey$' \
	/tmp/other/opt/a/lib/systemd/system/apikey-metrics.service
exits 'and no others' 1 sh -c 'cd /tmp/other && find . -type f | grep -v "^./opt/a/"'
exits 'no libtool archive is installed' 1 sh -c 'find /tmp/staged -name "*.la" -o -name "*.a" | grep .'

PAM=/tmp/staged$LIB/security/pam_apikey.so
NSS=/tmp/staged$LIB/libnss_apikey.so.2
equals 'pam_apikey.so exports its six entry points alone' "$(printf 'pam_sm_%s\n' acct_mgmt authenticate chauthtok close_session open_session setcred)" \
	exports "$PAM"
holds 'libnss_apikey.so.2 exports its entry points alone' only_from '_nss_apikey_[a-z_]+|APIKEY_[0-9.]+' exports "$NSS"
for entry in getpwnam_r getpwuid_r setpwent getpwent_r endpwent getgrnam_r getgrgid_r setgrent getgrent_r endgrent initgroups_dyn; do
	holds "libnss_apikey.so.2 has $entry" sh -c "nm -D --defined-only '$NSS' | grep -q ' T _nss_apikey_$entry'"
done
holds 'libnss_apikey.so.2 needs the C library alone' only_from 'libc\.so\.6|ld-linux[0-9a-z_-]*\.so\.[0-9]' needs "$NSS"
holds 'pam_apikey.so needs libpam, libgcrypt, libyaml and the C library alone' \
	only_from 'lib(c\.so\.6|pam\.so\.0|gcrypt\.so\.20|yaml-0\.so\.2)|ld-linux[0-9a-z_-]*\.so\.[0-9]' needs "$PAM"
entries >"$GUEST/entries"
PROGRAMS=(/tmp/staged/usr/sbin/apikey{,d} /tmp/staged/usr/libexec/apikey/apikey-engine /tmp/staged/usr/bin/apikey-askpass)
for built in "$PAM" "$NSS" "${PROGRAMS[@]}"; do
	name=$(basename "$built")
	shows "$name is bound when it is loaded" 0 'NOW' flags "$built"
	shows "$name has read-only relocations" 0 'GNU_RELRO' readelf -lW "$built"
	shows "$name lies anywhere in memory" 0 'Type:.*DYN' readelf -hW "$built"
	exits "$name has no writable and executable part" 1 sh -c "readelf -lW '$built' | grep -E 'GNU_STACK.*RWE|LOAD.*RWE'"
	exits "$name has no path of the build machine" 1 sh -c "readelf -d '$built' | grep -E 'RPATH|RUNPATH'"
	holds "$name watches its stack" sh -c "nm -D '$built' | grep -q ' U __stack_chk_fail@'"
	holds "$name has the checked functions of the C library" sh -c "nm -D '$built' | grep -Eq ' U __[a-z_]+_chk@'"
	[ "$(uname -m)" != x86_64 ] || equals "$name marks where calls may go" '' unmarked "$built"
done
compile_lines >"$GUEST/build.log"
equals 'make compiles each of our files' "$(product_sources)" of_log compiled_sources
equals 'with the checks of _FORTIFY_SOURCE=3, and of its stack and its calls' '' of_log unhardened
# In somebody else's program: no answer in a place that threads share, no process, no thread, nothing that is the program's own.
NOT_IN_A_MODULE='(get|set|end)(pw|gr|sp|net|serv|proto|host)(nam|uid|gid|ent|by[a-z]+)|(local|gm|c|asc)time|strtok|strsignal|l?rand(om|48)?'
NOT_IN_A_MODULE+='|(secure_)?getenv|(set|put|unset|clear)env|setlocale|umask|f?chdir|chroot|set(e|re|res)?[ug]id|(open|close)log|alarm|setitimer'
NOT_IN_A_MODULE+='|v?fork|clone|system|popen|exec[a-z]+|posix_spawnp?|pthread_create|dl(open|sym)|signal|_?exit|abort|tmpnam|mktemp|gets|str(n?cpy|n?cat)|v?sprintf'
# The PAM module lifts a limit on descriptors that leaves it none, and puts it back (pam/descriptors.h).
exits 'libnss_apikey.so.2 sets no limit' 1 sh -c "nm -D --undefined-only '$NSS' | grep -q ' U setrlimit'"
for module in "$PAM" "$NSS"; do
	name=$(basename "$module")
	holds "$name calls something" sh -c "nm -D --undefined-only '$module' | grep -q ' U open'"
	exits "$name calls nothing that is not safe among threads or that changes the program" 1 \
		sh -c "nm -D --undefined-only --format=posix '$module' | cut -d' ' -f1 | cut -d@ -f1 | grep -Ex '$NOT_IN_A_MODULE'"
	shows "$name is never unmapped" 0 'NODELETE' flags "$module"
	exits "$name asks the hypervisor nothing when it is loaded" 1 sh -c "objdump -d '$module' | grep -qw cpuid"
	exits "$name runs nothing of ours at load" 1 sh -c "nm '$module' | grep -E ' [tT] .*(_ctor|constructor)'"
done
for program in "${PROGRAMS[@]}"; do
	shows "$(basename "$program") is a position-independent program" 0 'PIE' flags "$program"
done
equals 'libnss_apikey.so.2 has its name as glibc asks for it' libnss_apikey.so.2 \
	sh -c "readelf -d '$NSS' | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p'"

holds 'make install, on the host' installs
printf '# mine\n' >>"$POLICY"
holds 'make install again' installs
shows "keeps the administrator's policy" 0 '# mine' cat "$POLICY"

# The audit log: who may read it, and its rotation.
LOG=/var/log/apikey/audit.log
# who FILE: its mode, owner and group.
who() { stat -c '%a %U:%G' "$1"; }
# as_bob GROUPS CMD…: CMD as bob, in these groups.
as_bob() { setpriv --reuid bob --regid bob --groups "$1" -- "${@:2}"; }
rotate() { logrotate --force --state "$GUEST/logrotate.state" /etc/logrotate.d/apikey; }
# told: what `apikey log` tells of keys, a line each.
told() { apikey log | awk '$3 == "key" { print $4, $5 }'; }

equals 'the folder of the audit log is for root, and for adm to read' '2750 root:adm' who /var/log/apikey
holds 'a key is made' new_key before
equals 'its line makes the file' '640 root:adm' who "$LOG"
equals 'the log tells it' 'created before' told
shows 'whoever is in the group adm reads it' 0 'key created +before' as_bob adm apikey log
shows 'others are told who may' 1 'for root and the group adm' as_bob bob apikey log
shows 'who may not read it may ask for help' 0 'usage: apikey log' as_bob bob apikey log --help
holds 'logrotate takes our file' rotate
exits 'and makes no file: a login might make one meanwhile' 1 test -e "$LOG"
holds 'another key is made' new_key after
equals 'its line makes the file, as the old one' '640 root:adm' who "$LOG"
exits 'its line is not in the old file' 1 grep -q after "$LOG.1"
holds 'it is in the new one' grep -q 'event=key-created key=after' "$LOG"
equals 'the log tells both, the older first' "$(printf 'created before\ncreated after')" told
holds 'logrotate once more' rotate
equals 'the files are two' "$(printf '%s\n' "$LOG.1" "$LOG.2")" sh -c "ls $LOG*"
equals 'and nothing is lost' "$(printf 'created before\ncreated after')" told
printf '# mine\n' >>/etc/logrotate.d/apikey
holds 'make install, where somebody edited what rotates' installs
holds 'keeps it, with ours beside it' test -e /etc/logrotate.d/apikey.dpkg-new
shows 'which logrotate does not read' 0 "rotating pattern: $LOG" logrotate --debug /etc/logrotate.conf
exits 'nor takes for the same file twice' 1 sh -c "logrotate --debug /etc/logrotate.conf 2>&1 | grep -i duplicate"
rm -r /var/log/apikey
shows 'a folder that is missing is told' 3 'install -d -m 2750 -g adm /var/log/apikey' apikey log
holds 'systemd-tmpfiles makes it' systemd-tmpfiles --create /usr/lib/tmpfiles.d/apikey.conf
equals 'as it was' '2750 root:adm' who /var/log/apikey
equals 'with the file' '640 root:adm' who "$LOG"
rm "$LOG"
holds 'logrotate misses no file' rotate
stack_save
pam-auth-update --package
for phase in auth account; do
	shows "pam-auth-update puts our $phase line first" 0 'pam_apikey\.so' \
		sh -c "grep -v '^#' /etc/pam.d/common-$phase | grep -m 1 ."
done
exits 'and no password line' 1 grep -q pam_apikey /etc/pam.d/common-password
holds 'a session line, with and without a terminal' grep -q pam_apikey /etc/pam.d/common-session /etc/pam.d/common-session-noninteractive
holds 'taking the profile away' pam-auth-update --package --remove apikey
for phase in auth account session session-noninteractive password; do
	holds "leaves common-$phase as it was" cmp "$GUEST/stock/common-$phase" "/etc/pam.d/common-$phase"
done
holds 'make uninstall' make -s -C "$TOP/build/plain" uninstall
exits 'leaves no module, command or profile behind' 1 \
	sh -c "ls $LIB/security/pam_apikey.so $LIB/libnss_apikey.so.2 /usr/sbin/apikey /usr/share/pam-configs/apikey \
	/etc/logrotate.d/apikey.dpkg-new /usr/share/bash-completion/completions/apikey /usr/lib/systemd/system/apikey* \
	2>/dev/null | grep ."
tap_done
