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
rm -rf /var/lib/apikey
apikey publish
rm -rf /var/lib/apikey
sed -i s/false/true/ /etc/apikey/apikey.yaml
apikey publish
ls -la /etc/skel
time apikey import $TOP/build/c2/import.jsonl | tail -1
ls /home | wc -l
