#!/usr/bin/env bash
# The PAM module as libpam loads it, on a host of its own: tests/integration/pam_driver.c inside a user and mount namespace,
# where root is whoever runs this. Users come from nss_wrapper, stacks from pam_wrapper. `quick' leaves out what takes long.
set -euo pipefail

here=${top_builddir:-$PWD}
driver=$here/tests/integration/pam_driver
module=$here/.libs/pam_apikey.so

skip_all() {
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}

# library NAME: where the linker finds it.
library() {
	local path
	path=$("${CC:-cc}" -print-file-name="$1" 2>/dev/null) && [ -f "$path" ] && printf '%s\n' "$path"
}

pam_wrapper=$(library libpam_wrapper.so) || skip_all 'libpam-wrapper is not installed'
nss_wrapper=$(library libnss_wrapper.so) || skip_all 'libnss-wrapper is not installed'
[ -d "${localstatedir:-/var}" ] || skip_all "$localstatedir is not there"
unshare --map-root-user --mount true 2>/dev/null || skip_all 'no user namespace can be had'

dir=$(mktemp -d /tmp/apikey-pam-XXXXXX)
trap 'rm -rf "$dir"' EXIT

# The driver changes its root folder: what it needs lies in /tmp.
mkdir "$dir/root"
cp "$module" "$dir/pam_apikey.so"
cp "${pam_wrapper%/*}"/pam_wrapper/pam_{set,get}_items.so "$dir"
cp "$driver" "$dir/pam_driver" 2>/dev/null
[ ! -x "$here/tests/integration/.libs/pam_driver" ] || cp "$here/tests/integration/.libs/pam_driver" "$dir/pam_driver"

cat >"$dir/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
toor:x:0:0:root too:/root:/bin/sh
bob:x:1000:1000:Bob:/home/bob:/bin/sh
ci:x:70000:70000:key:/home/ci:/bin/sh
second:x:70001:70001:key:/home/second:/bin/sh
disabled:x:70002:70002:key:/home/key:/bin/sh
expired:x:70003:70003:key:/home/key:/bin/sh
early:x:70004:70004:key:/home/key:/bin/sh
roleless:x:70005:70005:key:/home/key:/bin/sh
sshonly:x:70006:70006:key:/home/key:/bin/sh
bound:x:70007:70007:key:/home/key:/bin/sh
robot:x:1879048192:1879048192:a key of the directory:/home/robot:/bin/sh
deploy:x:1005:1005:shared:/home/deploy:/bin/sh
alias:x:70000:70000:another name of a key's uid:/home/ci:/bin/sh
ghost:x:70009:70009:in the range, and no key:/home/ghost:/bin/sh
END
printf 'root:x:0:\nbob:x:1000:\n' >"$dir/group"

# stack SERVICE WORD…: each phase is our line with these words, and nothing else.
mkdir "$dir/services"
stack() {
	local service=$1 phase
	shift
	for phase in auth account session password; do
		printf '%s required %s/pam_apikey.so %s\n' "$phase" "$dir" "$*"
	done >"$dir/services/$service"
}

# behind SERVICE WORD…: another module asked for the password before us.
behind() {
	stack "$@"
	sed -i "1i auth optional $dir/pam_set_items.so" "$dir/services/$1"
}

for service in sshd sudo sudo-i su su-l cron login systemd-user other; do
	stack "$service"
done
stack words debug prompt=Key:
stack bad-option nullok
stack bad-config config=apikey.yaml
stack own-config config=/etc/other.yaml
stack ignoring ignore_unknown_user
stack ignoring-bad ignore_unknown_user nullok
stack ignoring-sshd ignore_unknown_user
sed -i "1i session optional $dir/pam_set_items.so" "$dir/services/ignoring-sshd"
stack role-opens role=opens
stack role-space role=opens:spaces:elsewhere
stack role-host role=opens:hosts:here,there
stack role-other role=sshonly
stack role-unknown role=nobody-declares-it
stack role-bad role=opens:nowhere:x
stack role-all role=all
stack role-long "role=all:hosts:here$(printf ',host-of-the-fleet-number-%d' {1..20})"
behind try-first try_first_pass
behind use-first use_first_pass
behind ask-first
stack shows
printf 'auth optional %s/pam_get_items.so\n' "$dir" >>"$dir/services/shows"

# A sanitizer's library, where it is one, comes first; and it refuses the wrappers' RTLD_DEEPBIND.
preload=$pam_wrapper:$nss_wrapper
sanitizer=$(ldd "$dir/pam_driver" | awk '/lib(asan|clang_rt\.asan)[^ ]*\.so/ { print $3; exit }')
[ -z "$sanitizer" ] || preload=$sanitizer:$preload
if grep -q __asan_init "$dir/pam_driver"; then
	export {PAM,UID,NSS}_WRAPPER_DISABLE_DEEPBIND=1 # pam_wrapper 1.1.4 reads uid_wrapper's
fi

# For the driver alone: each process that pam_wrapper is loaded into leaves a folder in /tmp when it execs another.
export PAM_WRAPPER_SERVICE_DIR=$dir/services NSS_WRAPPER_PASSWD=$dir/passwd NSS_WRAPPER_GROUP=$dir/group
export ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0
status=0
unshare --map-root-user --mount env PAM_WRAPPER=1 LD_PRELOAD="$preload" "$dir/pam_driver" "$dir/root" "$@" || status=$?
exit "$status"
