set -euo pipefail
. "$(dirname "$0")/../lib/e2e.sh"
syslog_start
install_apikey
cat >/etc/apikey/apikey.yaml <<'Y'
version: 1
host: bastion
create_home: false
Y
grep -E '^(passwd|group)' /etc/nsswitch.conf
apikey publish
time apikey import $TOP/build/c2/import.jsonl -o json >/tmp/out1; head -6 /tmp/out1
apikey export >/tmp/again.jsonl; cmp <(grep -v format $TOP/build/c2/import.jsonl) <(grep -v -e format -e role_group /tmp/again.jsonl) && echo same
time apikey import /tmp/again.jsonl | tail -1
sed 's/"owner": "team"/"owner": "b"/' /tmp/again.jsonl >/tmp/changed.jsonl
time apikey import /tmp/changed.jsonl | tail -1

(head -1 /tmp/again.jsonl; tail -1 /tmp/again.jsonl) > /tmp/empty.jsonl
time apikey import /tmp/empty.jsonl --prune | tail -1
