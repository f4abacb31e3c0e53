#!/usr/bin/env bash
# export, import and purge on a host: what was lost comes back, what goes ends, and what it leaves behind is named.
set -euo pipefail
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"
# shellcheck source=tests/lib/shells.sh
. "$TOP/tests/lib/shells.sh"

KEYS=$GUEST/keys.jsonl

# lose_all: the folder of keys is gone, as after a new installation.
lose_all() { rm -rf /var/lib/apikey /run/apikey && change publish; }

# without NAME: the export without that key's line.
without() { grep -v "^{\"name\": \"$1\"" "$KEYS"; }

# says TEXT CMD…: CMD succeeds, and has TEXT on its stderr.
says() {
	local text=$1
	shift
	"$@" 2>"$GUEST/said" >/dev/null || return 1
	grep -qF -- "$text" "$GUEST/said" || { cat "$GUEST/said"; return 1; }
}

# at_job USER: a job of at's, for tomorrow. No atd is there to be told, which at complains of.
at_job() { { run_as "$1" sh -c 'echo true | at now + 1 day' 2>&1 || :; } | grep -q '^job '; }

# imports FILE OPTION…: from a file, for its effect.
imports() { change import "$@"; }

syslog_start
install_apikey
new_key ci-deploy --role viewer --duration 30d
new_key other --role viewer
new_key gone --role viewer
new_key short --role viewer --duration 1
change delete gone
sshd_start

# --- a host that lost its keys --------------------------------------------------------------------

(umask 077 && apikey export >"$KEYS")
holds 'an export has no token' no_token_in "$KEYS"
equals 'an export twice is the same' "$(cat "$KEYS")" apikey export
lose_all
refuses 'a host that lost its keys admits nobody' password ci-deploy "$(token ci-deploy)"
holds 'the export is imported' imports "$KEYS"
admits 'and the token from before opens its key' password ci-deploy "$(token ci-deploy)"
refuses 'a deleted key stays deleted' password gone "$(token gone)"
equals 'the export of the new host is the same' "$(cat "$KEYS")" apikey export
new_key fresh --role viewer
equals 'no uid is given twice' 70004 id -u fresh
change delete fresh

# --- sessions -------------------------------------------------------------------------------------

(umask 077 && apikey export >"$KEYS")
shell_open one password ci-deploy "$(token ci-deploy)"
shell_open two password other "$(token other)"
holds 'an import that changes nothing' imports "$KEYS" --prune
holds 'a dry run that would delete a key' imports <(without ci-deploy) --prune --dry-run
equals 'ends no session: one' ci-deploy ask one 'id -un'
equals 'ends no session: two' other ask two 'id -un'
at_job ci-deploy
at_job short
without ci-deploy >"$GUEST/pruned"
holds 'a key that --prune deletes left an at job behind: it is named' \
	says 'ci-deploy left an at job behind: /var/spool/cron/atjobs/a' apikey import "$GUEST/pruned" --prune
holds 'and its session ended' wait_until 5 shell_gone one
equals 'and no other' other ask two 'id -un'
refuses 'its token opens nothing' password ci-deploy "$(token ci-deploy)"
shows 'it does not come back' 1 'was deleted here at' apikey import "$KEYS"
shows 'nor with another uid' 1 'was deleted here at' apikey import "$KEYS" --new-uid
sed '/"name": "other"/s/"active"/"disabled"/' "$GUEST/pruned" >"$GUEST/disabled"
holds 'a key that is disabled by the file' imports "$GUEST/disabled"
holds 'has no session any more' wait_until 5 shell_gone two
holds 'the audit log tells of each and of all' \
	grep -Eq 'event=keys-imported by=root( from=[^ ]+)? created=0 changed=1 deleted=0 unchanged=1' /var/log/apikey/audit.log
holds 'with what changed' grep -Eq 'event=key-changed key=other .*state_before=active state=disabled' /var/log/apikey/audit.log

# --- what expired ---------------------------------------------------------------------------------

equals 'what expired a month ago is purged: there is none' '' apikey purge --expired --older 30d
holds 'what expired is purged, and the at job that it left is named' \
	says 'short left an at job behind: /var/spool/cron/atjobs/a' apikey purge --expired
exits 'it is gone' 1 apikey show short
sed -n '1p;$p' "$KEYS" >"$KEYS.none"
exits 'a file without keys prunes none' 1 apikey import "$KEYS.none" --prune
holds 'and nothing else' apikey show other
tap_done
