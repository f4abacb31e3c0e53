#!/usr/bin/env bash
# Makes a private host into a freshly installed Debian server with two people on it, and writes
# what that changed, as a tar, to descriptor 3.
#
# usage: layer-install.sh --download-only DEBS PACKAGE…   on the machine: fetches into the folder DEBS, no more
#        layer-install.sh --no-download DEBS PACKAGE…     inside a private host that has no layer yet
set -euo pipefail
step=$1 debs=$2
shift 2
packages=("$@")

# apt_step: fetches or installs those packages that the machine lacks.
apt_step() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends --no-upgrade install "$step" \
		-o Dir::Cache::archives="$debs" -o APT::Sandbox::User=root -o Debug::NoLocking=1 \
		-o DPkg::Options::=--force-unsafe-io -o DPkg::Options::=--force-confnew "${packages[@]}"
}

# install_packages: with no service started.
install_packages() {
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
	apt_step
	rm /usr/sbin/policy-rc.d
}

# forget_people: the machine's own people, keys and passwords are no part of a private host.
forget_people() {
	local system
	system=$(awk -F: '$3 < 1000 || $3 == 65534 { print $1 }' /etc/passwd)
	keep_lines /etc/passwd "$system"
	keep_lines /etc/shadow "$system"
	system=$(awk -F: '$3 < 1000 || $3 == 65534 { print $1 }' /etc/group)
	keep_lines /etc/group "$system"
	keep_lines /etc/gshadow "$system"
	sed -i 's/:[^:]*$/:/' /etc/group /etc/gshadow
	sed -i 's/^\([^:]*\):[^:]*:/\1:!:/' /etc/shadow
	: >/etc/subuid
	: >/etc/subgid
	rm -rf /var/spool/cron/crontabs/* /etc/ssh/ssh_host_*
}

# keep_lines FILE NAMES: FILE without the lines of any other name.
keep_lines() {
	awk -F: 'NR == FNR { keep[$1]; next } $1 in keep' <(printf '%s\n' "$2") "$1" >"$1.new"
	cat "$1.new" >"$1"
	rm "$1.new"
}

# stock_settings: PAM, sshd, sudo and the name service as Debian installs them.
stock_settings() {
	rm -f /etc/pam.d/common-* /var/lib/pam/*
	echo RESET libpam-runtime/profiles | debconf-communicate >/dev/null
	pam-auth-update --package --force
	rm -f /etc/pam.d/common-*.pam-old
	rm -rf /etc/ssh/sshd_config.d/* /etc/ssh/ssh_config.d/* /etc/sudoers.d/*
	cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
	cat >/etc/sudoers <<-'SUDOERS'
		Defaults	env_reset
		Defaults	mail_badpass
		Defaults	secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
		Defaults	use_pty
		root	ALL=(ALL:ALL) ALL
		%sudo	ALL=(ALL:ALL) ALL
		@includedir /etc/sudoers.d
	SUDOERS
	chmod 440 /etc/sudoers
	cp /usr/share/libc-bin/nsswitch.conf /etc/nsswitch.conf
	ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
	ssh-keygen -q -t rsa -b 2048 -N '' -f /etc/ssh/ssh_host_rsa_key
}

[ "$step" = --no-download ] || { apt_step; exit; }
install_packages >&2
forget_people
stock_settings >&2
bash "$(dirname "$0")/people.sh"
rm -rf /etc/{passwd,shadow,group,gshadow,subuid,subgid}- /var/cache/apt /var/cache/man /var/log/*.log /var/lib/dpkg/*-old
tar -c --xattrs --xattrs-include='*' -p -C /run/host/upper etc usr var home root >&3
