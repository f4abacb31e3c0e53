#!/usr/bin/env bash
# Inside a private host: installs apikey, starts sshd, then runs one command.
set -euo pipefail
for part in wait guest apikey; do
	# shellcheck source=/dev/null
	. "$TOP/tests/lib/$part.sh"
done
syslog_start
install_apikey
sshd_start
exec "$@"
