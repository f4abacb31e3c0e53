# shellcheck shell=bash
# The packages on a fresh Debian: installing them, who gets in, what is on the disk. Sourced after fresh.sh.

# The packages, in an order in which each finds what it needs, and where they lie in the host.
export PACKAGES=(libnss-apikey libpam-apikey apikey apikey-askpass)
DEBS=/root/debs
# While sshd reads its settings anew nobody listens.
SSH_OPTIONS+=(-o ConnectionAttempts=10)

# apikey is the one of the fresh host, for new_key and change.
apikey() { fresh_run apikey "$@"; }

# debs PACKAGE…: their files in the host, for a shell there, of the version that debs_put put there last.
debs() { printf "$DEBS/%s_*.deb " "$@"; }

# debs_put FOLDER: the host gets these packages.
debs_put() {
	fresh_run rm -rf "$DEBS"
	fresh_put "$1"/*.deb "$DEBS"
}

# debs_of_version FOLDER VERSION: the packages again, as VERSION, into FOLDER.
debs_of_version() {
	local deb was
	mkdir -p "$1"
	for deb in "$TOP"/build/deb/*.deb; do
		rm -rf "$1/tree"
		dpkg-deb -R "$deb" "$1/tree"
		was=$(dpkg-deb -f "$deb" Version)
		sed -i -E "s/^Version: .*/Version: $2/; s/\(= ${was//./\\.}\)/(= $2)/g" "$1/tree/DEBIAN/control"
		dpkg-deb -Znone -b "$1/tree" "$1/$(dpkg-deb -f "$deb" Package)_$2_$(dpkg-deb -f "$deb" Architecture).deb"
	done
	rm -rf "$1/tree"
}

# by_hand CMD…: CMD, words for a shell, at a terminal at which nobody types: whoever asks something waits, until that is
# a failure. answered QUESTION ANSWER CMD…: somebody types ANSWER, once he reads QUESTION, a regular expression.
by_hand() { answered '' '' "$@"; }
answered() {
	local rc=0 typing=$GUEST/typing out=$GUEST/terminal terminal
	rm -f "$typing"
	mkfifo "$typing"
	fresh_in timeout -k 5 120 script -qec "${*:3}" /dev/null <>"$typing" >"$out" 2>&1 &
	terminal=$!
	if [ -n "$1" ]; then
		wait_until 60 grep -Eq -- "$1" "$out"
		printf '%s\r' "$2" 1<>"$typing"
	fi
	wait "$terminal" || rc=$?
	cat "$out"
	return "$rc"
}

# in_state STATE PACKAGE…: does dpkg say this of each? not-installed where it knows none.
in_state() {
	local package got
	for package in "${@:2}"; do
		# shellcheck disable=SC2016 # it is dpkg's
		got=$(fresh_run dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || got=not-installed
		[ "$got" = "$1" ] || { printf '%s is %s\n' "$package" "$got"; return 1; }
	done
}

# --- who gets in ---------------------------------------------------------------------------------

# people_in METHOD: root, bob and alice log in, alice as one who may sudo.
people_in() {
	local secret=() name
	login pubkey root "$GUEST/id_people" id -un
	for name in bob alice; do
		secret=("$name-pw")
		[ "$1" != pubkey ] || secret=("$GUEST/id_people")
		if [ "$name" = bob ]; then
			login "$1" bob "${secret[@]}" id -un
		else
			login "$1" alice "${secret[@]}" 'echo alice-pw | sudo -k -S -p "" id -un'
		fi
	done
}

# people SENTENCE [METHOD]: they all get in.
people() { equals "$1" $'root\nbob\nroot' people_in "${2:-password}"; }

# people_quick SENTENCE: those whose ways in differ: root by public key, alice by password and as one who may sudo.
people_quick() { equals "$1" $'root\nroot' people_in_quickly; }
people_in_quickly() {
	login pubkey root "$GUEST/id_people" id -un
	login password alice alice-pw 'echo alice-pw | sudo -k -S -p "" id -un'
}

# people_during CMD…: CMD, while people come and go; whoever is refused is said, and CMD has failed.
people_during() {
	local rc=0 watcher
	rm -f "$GUEST"/people.{stop,out}
	people_all_the_while </dev/null >"$GUEST/people.log" 2>&1 &
	watcher=$!
	"$@" || rc=$?
	: >"$GUEST/people.stop"
	wait "$watcher" || { cat "$GUEST/people.log"; return 1; }
	return "$rc"
}
people_all_the_while() {
	local times=0
	until [ -e "$GUEST/people.stop" ] && [ "$times" -gt 0 ]; do
		[ "$(people_in password)" = $'root\nbob\nroot' ] || { echo "people were refused, after $times times"; return 1; }
		times=$((times + 1))
	done
}

# --- what is on the disk -------------------------------------------------------------------------

# What differs after the packages came and went, and why that is as it should be:
CHANGES=(
	'/var/log/(apt|journal)(/.*)?' '/var/log/(dpkg|alternatives)\.log' # what happened is told
	'/var/log/(wtmp|btmp|lastlog)' '/var/lib/systemd/timers/.*'       # of logins and timers meanwhile
	'/var/lib/dpkg/(status|status-old|available|available-old|lock|lock-frontend|triggers/.*)' # dpkg's own books
	'/var/lib/apt/(extended_states|lists/.*)' '/var/cache/apt/.*'     # apt's
	'/var/cache/debconf/((config|templates|passwords)\.dat(-old)?|tmp\.ci)' # debconf's
	'/etc/ld\.so\.cache' '/var/cache/ldconfig/aux-cache'              # made anew, with the times of the libraries
	'/var/lib/systemd/catalog/database'                               # made anew
	'/etc/(passwd|shadow|group|gshadow|subuid|subgid)-'               # the state before the last change, for _apikey
	'/etc/\.pwd\.lock'
)

# snapshot FILE: of every path of the host its kind, mode, owner, group and target, and what is in it by hash.
snapshot() {
	# shellcheck disable=SC2016 # it is for the host
	fresh_run sh -c 'find / -xdev -printf "%p\t%y %m %U:%G %l\n"
			find / -xdev -type f -exec sha256sum {} + | sed "s/^\([0-9a-f]*\)  \(.*\)/\2\t\1/"' | sort >"$1"
}

# changes BEFORE AFTER: the paths that differ, without what CHANGES argues.
changes() {
	local argued
	argued=$(IFS='|' && printf '%s' "${CHANGES[*]}")
	diff "$1" "$2" | grep '^[<>]' | grep -Evx "[<>] ($argued)"$'\t''.*' || :
}

# --- states, for the suites in which something goes wrong ----------------------------------------

# What logins go through.
OURS=(libnss-apikey libpam-apikey apikey)
# dpkg by its path: the programs that its scripts start may be ours.
DPKG=/usr/bin/dpkg

dpkg_do() { fresh_run sh -c "DEBIAN_FRONTEND=noninteractive $DPKG $*"; }
from() { FRESH_FROM=$1 fresh_boot ""; }

# best_of_it: dpkg goes on where it was stopped, and all are installed.
best_of_it() { dpkg_do --configure -a && in_state installed "${OURS[@]}"; }

# works SENTENCE: a key is made, and logs in.
works_count=0
works() {
	local name=key-$((++works_count))
	new_key "$name" --role viewer || :
	admits "$1" password "$name" "$(token "$name")"
}

# repaired SENTENCE: that, and then all is well.
repaired() {
	holds "$1: dpkg repairs it" best_of_it
	works "$1: a key logs in"
}

# ready: into $GUEST/ready a host that has all but our packages. unpack_all: the three, not configured.
ready() {
	fresh_boot && fresh_run apt-get -y install libjansson4 libldap-2.5-0 libyaml-0-2 >"$GUEST/apt" 2>&1 || return
	debs_put "$TOP/build/deb"
	fresh_save "$GUEST/ready"
}
unpack_all() { dpkg_do --unpack "$(debs "${OURS[@]}")" >"$GUEST/unpack" 2>&1; }

# failed_units: of the host, none is meant to be.
failed_units() { fresh_run systemctl list-units --failed --plain --no-legend; }
