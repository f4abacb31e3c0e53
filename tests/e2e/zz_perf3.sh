set -euo pipefail
. "$(dirname "$0")/../lib/e2e.sh"
syslog_start
install_apikey
cat >/etc/apikey/apikey.yaml <<'Y'
version: 1
host: bastion
create_home: false
Y
apikey publish
strace -c -w -o /tmp/st apikey import $TOP/build/c2/import.jsonl >/dev/null
head -14 /tmp/st
(head -1 $TOP/build/c2/import.jsonl; tail -1 $TOP/build/c2/import.jsonl) > /tmp/empty.jsonl
strace -f -c -w -o /tmp/st apikey import /tmp/empty.jsonl --prune >/dev/null
head -24 /tmp/st
