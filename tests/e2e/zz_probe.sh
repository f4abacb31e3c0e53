#!/bin/bash
set -euo pipefail
. "$(dirname "$0")/../lib/e2e.sh"
. $TOP/tests/lib/revoke.sh
syslog_start; install_apikey; 
printf 'ALL ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/test
new_key a --role admin; new_key b --role admin
sshd_start
date +%s.%N
live_begin full a "$(token a)" job nohup setsid double stopped root daemon su=b
live_begin ftp a "$(token a)" sftp
live_begin fwd a "$(token a)" forward
live_begin left a "$(token a)" left nohup setsid double root daemon
live_begin tty bob bob-pw terminal job
live_ready full ftp fwd left tty
date +%s.%N
live_tell full ftp fwd left tty
stays 'yes' full ftp fwd left tty
ends 'kill' 1000 left -- pkill -f '^stay left'
ends 'kill' 1000 full:job,shell -- pkill -f '^stay full job'
apikey list -o json | head -3
no_token_anywhere
