#include "verb.h"

#include <limits.h>
#include <string.h>

#include "diropts.h"
#include "verbs.h"

#define COMMON (ARGS(ARG_HELP) | ARGS(ARG_OUTPUT))
#define TOKEN (KEYS | ARGS(ARG_QUIET) | ARGS(ARG_VERIFIER))
#define KEYS (COMMON | ARGS_DIRECTORY)
#define DECIDE                                                                                 \
	(COMMON | ARGS(ARG_ACCOUNT) | ARGS(ARG_SERVICE) | ARGS(ARG_RHOST) | ARGS(ARG_AT) |     \
	    ARGS(ARG_ORIGIN) | ARGS(ARG_WITHOUT_TOKEN))
#define SIMULATE                                                                               \
	(DECIDE | ARGS(ARG_LOGIN) | ARGS(ARG_ROLE) | ARGS(ARG_GROUP) | ARGS(ARG_HOST) |        \
	    ARGS(ARG_STANDS_IN) | ARGS(ARG_SAMPLE) | ARGS(ARG_POLICY))

const struct verb verbs[] = {
    {"create", "", 0, 0, TOKEN | ARGS_SETTABLE | ARGS(ARG_NAME) | ARGS(ARG_UID), false,
	cmd_create, "make a key; its token is shown this once", SECTION_KEYS,
	.about = "The token is printed this once and kept nowhere: -q prints it alone, into a "
		 "file or a secret store. Without a role the key cannot log in yet; without "
		 "--duration it never expires.",
	.examples = {"apikey create --name ci-web --role viewer --duration 30d",
	    "umask 077; apikey create --name ci-web --role viewer --duration 30d -q "
	    ">ci-web.token"}},
    {"ensure", "NAME", 1, 1, TOKEN | ARGS_SETTABLE | ARGS(ARG_UID), false, cmd_ensure,
	"make a key, or give the one that exists these options", SECTION_MANY,
	.about = "For configuration management: run again, it changes nothing and says "
		 "\"changed\": false. There is a token in the answer only when the key was "
		 "made; --duration counts from then.",
	.examples = {"apikey ensure ci-deploy --role viewer --duration 365d"}},
    {"list", "", 0, 0,
	KEYS | ARGS(ARG_EXPIRED) | ARGS(ARG_EXPIRING) | ARGS(ARG_ROLE_FILTER) |
	    ARGS(ARG_SPACE) | ARGS(ARG_GROUP_FILTER) | ARGS(ARG_UNUSED),
	false, cmd_list, "list the keys", SECTION_KEYS,
	.about = "The options narrow the list. An empty list is no error.",
	.examples = {"apikey list --expiring 14d", "apikey list --unused 90d -o json"}},
    {"show", "NAME|ID", 1, 1, KEYS, false, cmd_show, "show one key", SECTION_KEYS,
	.about = "All of it but the token, which nobody has.",
	.examples = {"apikey show ci-deploy"}},
    {"set", "NAME|ID", 1, 1, KEYS | ARGS_SETTABLE, false, cmd_set, "change what `create` set",
	SECTION_KEYS,
	.about = "What is not given stays as it is. --role, --group and --from replace the "
		 "whole list, and '' clears it. --duration counts from now.",
	.examples = {"apikey set ci-deploy --duration 90d --owner 'release team'",
	    "apikey set ci-deploy --from 10.0.0.0/8 --from 2001:db8::/32"}},
    {"rotate", "NAME|ID", 1, 1, TOKEN | ARGS(ARG_OVERLAP), false, cmd_rotate,
	"give a key a new token", SECTION_KEYS,
	.about =
	    "The old token is refused from now on, and the sessions that it opened end, unless "
	    "--overlap lets it work on for a while. Id, uid, roles and expiry stay.",
	.examples = {"umask 077; apikey rotate ci-deploy --overlap 24h -q >ci-deploy.token"}},
    {"disable", "NAME|ID…", 1, INT_MAX, KEYS, false, cmd_disable,
	"refuse keys until they are enabled", SECTION_KEYS,
	.about = "Their sessions end at once.", .examples = {"apikey disable ci-deploy"}},
    {"enable", "NAME|ID…", 1, INT_MAX, KEYS, false, cmd_enable, "admit disabled keys again",
	SECTION_KEYS, .examples = {"apikey enable ci-deploy"}},
    {"delete", "NAME|ID…", 1, INT_MAX, KEYS | ARGS(ARG_REMOVE_HOME), false, cmd_delete,
	"end keys for ever; their uids are never used again", SECTION_KEYS,
	.about = "Their sessions end at once. Homes stay, unless --remove-home is given; what "
		 "else a key left behind is named.",
	.examples = {"apikey delete ci-deploy --remove-home"}},
    {"purge", "", 0, 0, COMMON | ARGS(ARG_EXPIRED) | ARGS(ARG_OLDER) | ARGS(ARG_DRY_RUN), false,
	cmd_purge, "delete the keys of this host that have expired", SECTION_MANY,
	.about = "--expired must be given: no other keys are deleted. Homes stay.",
	.examples = {"apikey purge --expired --older 30d --dry-run"}},
    {"export", "", 0, 0, ARGS(ARG_HELP), false, cmd_export,
	"write all keys of this host, without a token, to stdout", SECTION_MANY,
	.about = "As lines of JSON, with the digests of the tokens: it opens nothing, and is "
		 "for root alone.",
	.examples = {"umask 077; apikey export >keys.jsonl"}, .see = "apikey-formats(5)"},
    {"import", "FILE", 1, 1, COMMON | ARGS(ARG_DRY_RUN) | ARGS(ARG_PRUNE) | ARGS(ARG_NEW_UID),
	false, cmd_import, "make and set keys as a file of `export` says, all or none",
	SECTION_MANY,
	.about = "Keys that FILE does not have stay, unless --prune deletes them. --dry-run "
		 "shows what would change.",
	.examples = {"apikey export >keys.jsonl; apikey import keys.jsonl --dry-run"},
	.see = "apikey-formats(5)"},
    {"role add", "NAME|ID BINDING…", 2, INT_MAX, KEYS, false, cmd_role_add,
	"bind a key to roles", SECTION_ROLES,
	.about = "A binding is a role, everywhere or in spaces or on hosts: viewer, "
		 "editor:spaces:a,b, editor:hosts:a,b.",
	.examples = {"apikey role add ci-deploy editor:hosts:bastion-1"},
	.see = "apikey-policy(5)"},
    {"role remove", "NAME|ID BINDING…", 2, INT_MAX, KEYS, false, cmd_role_remove,
	"take direct bindings from a key", SECTION_ROLES,
	.about = "As they were written; the order of their spaces or hosts does not matter. "
		 "Sessions that lose their right by it end.",
	.examples = {"apikey role remove ci-deploy viewer"}, .see = "apikey-policy(5)"},
    {"role list", "NAME|ID", 1, 1, COMMON, false, cmd_role_list, "list a key's direct bindings",
	SECTION_ROLES, .about = "And whether the policy of this host declares what they name.",
	.examples = {"apikey role list ci-deploy"}, .see = "apikey-policy(5)"},
    {"group add", "NAME|ID GROUP…", 2, INT_MAX, KEYS, false, cmd_group_add,
	"list groups of the identity provider that a key is in", SECTION_ROLES,
	.about = "These are groups of the identity provider, which the policy knows by name, "
		 "and no Unix groups.",
	.examples = {"apikey group add ci-deploy platform-team 'Release Managers'"},
	.see = "apikey-policy(5)"},
    {"group remove", "NAME|ID GROUP…", 2, INT_MAX, KEYS, false, cmd_group_remove,
	"take groups from a key", SECTION_ROLES,
	.examples = {"apikey group remove ci-deploy platform-team"}, .see = "apikey-policy(5)"},
    {"group list", "NAME|ID", 1, 1, COMMON, false, cmd_group_list, "list a key's own groups",
	SECTION_ROLES, .examples = {"apikey group list ci-deploy"}, .see = "apikey-policy(5)"},
    {"check", "", 0, 0, DECIDE, false, cmd_check,
	"read a token from stdin, and show what a login with it would do and why",
	SECTION_LOGINS,
	.about =
	    "From a terminal it is read hidden. Exit status 1 when the login would be refused.",
	.examples = {"apikey check <ci-deploy.token"}, .see = "apikey-policy(5)"},
    {"explain", "NAME|ID", 1, 1, DECIDE, false, cmd_explain,
	"show what a login by a key would do and why", SECTION_LOGINS,
	.about = "As if its token had been typed: each gate, each rule with file and line, "
		 "each role and where it comes from, and the decision. Exit status 1 when that "
		 "is a denial.",
	.examples = {"apikey explain ci-deploy",
	    "apikey explain ci-deploy --rhost 192.0.2.7 --at 2030-01-05T12:00:00Z"},
	.see = "apikey-policy(5)"},
    {"policy check", "FILE", 1, 1, COMMON | ARGS(ARG_STRICT), true, cmd_policy_check,
	"say what is wrong with a policy, and where", SECTION_POLICY,
	.about = "Exit status 1 when there is an error. It need not be the live policy, and "
		 "needs no root.",
	.examples = {"apikey policy check policy.yaml"}, .see = "apikey-policy(5)"},
    {"policy test", "FILE", 1, 1, COMMON, true, cmd_policy_test,
	"run the tests that a policy carries", SECTION_POLICY,
	.about = "Exit status 1 when one fails. It needs no root.",
	.examples = {"apikey policy test policy.yaml"}, .see = "apikey-policy(5)"},
    {"policy apply", "FILE", 1, 1, COMMON | ARGS(ARG_DRY_RUN) | ARGS(ARG_SESSIONS), false,
	cmd_policy_apply,
	"check a policy, show who gains and who loses roles, and make it the live one",
	SECTION_POLICY,
	.about = "Nothing is changed when the policy has an error or a test of it fails. "
		 "Sessions that lose their right by it end; --dry-run shows which.",
	.examples = {"apikey policy apply policy.yaml --dry-run",
	    "apikey policy apply policy.yaml"},
	.see = "apikey-policy(5)"},
    {"policy rollback", "", 0, 0, COMMON | ARGS(ARG_DRY_RUN) | ARGS(ARG_SESSIONS), false,
	cmd_policy_rollback,
	"make the policy before the last apply the live one, and again forward", SECTION_POLICY,
	.examples = {"apikey policy rollback"}, .see = "apikey-policy(5)"},
    {"policy show", "", 0, 0, COMMON, false, cmd_policy_show,
	"show the live policy, and who put it there", SECTION_POLICY,
	.examples = {"apikey policy show"}, .see = "apikey-policy(5)"},
    {"policy samples", "", 0, 0, COMMON, false, cmd_policy_samples,
	"list the decisions that were kept", SECTION_POLICY,
	.about = "The policy's `sample` says which are kept.",
	.examples = {"apikey policy samples"}, .see = "apikey-policy(5)"},
    {"policy simulate", "", 0, 0, SIMULATE, false, cmd_policy_simulate,
	"ask a kept decision again, or a made-up one; exit 1 when the answer differs",
	SECTION_POLICY,
	.about =
	    "--sample asks a decision that was kept again; --login makes up a key, which need "
	    "not exist. --policy asks another policy than the live one, and compares the two.",
	.examples = {"apikey policy simulate --login ci-web --role viewer --rhost 192.0.2.7",
	    "apikey policy simulate --login ci-web --role viewer --policy policy.yaml"},
	.see = "apikey-policy(5)"},
    {"status", "", 0, 0, COMMON | ARGS(ARG_PROMETHEUS), false, cmd_status,
	"show how this host stands; exit 3 when something needs attention", SECTION_HOST,
	.about = "No server is asked. --prometheus is for node_exporter's textfile collector, "
		 "which apikey-metrics.timer feeds.",
	.examples = {"apikey status", "apikey status --prometheus"}, .see = "apikeyd(8)"},
    {"doctor", "", 0, 0, COMMON | ARGS(ARG_ACCEPT_ROLLBACK), false, cmd_doctor,
	"look whether this host is set up; exit 3 when something needs attention", SECTION_HOST,
	.about = "A line for each check, and below what is not in order what to do. It "
		 "changes nothing, unless --accept-rollback is given.",
	.examples = {"apikey doctor"}},
    {"publish", "", 0, 0, COMMON | ARGS(ARG_TRUST_CLOCK), false, cmd_publish,
	"remake what the name service serves", SECTION_HOST,
	.about = "Due after an edit of apikey.yaml, of the policy or of /etc/group: any other "
		 "change does it too.",
	.examples = {"apikey publish"}, .see = "apikey.yaml(5)"},
    {"sessions", "", 0, 0, COMMON | ARGS(ARG_KEY), false, cmd_sessions,
	"list the live sessions of keys", SECTION_LOGINS,
	.examples = {"apikey sessions", "apikey sessions --key ci-deploy -o json"}},
    {"sessions end", "ID…", 0, INT_MAX, COMMON | ARGS(ARG_KEY), false, cmd_sessions_end,
	"end sessions at once, or with --key all of a key's", SECTION_LOGINS,
	.about = "The key can log in again: `apikey disable` keeps it out.",
	.examples = {"apikey sessions end --key ci-deploy"}},
    {"lockdown on", "", 0, 0, COMMON | ARGS(ARG_END_SESSIONS), false, cmd_lockdown_on,
	"refuse every key on this host", SECTION_HOST,
	.about = "For the worst night: humans and root log in as ever. It works when every "
		 "other file is broken. Sessions live on, unless --end-sessions is given.",
	.examples = {"apikey lockdown on --end-sessions"}},
    {"lockdown off", "", 0, 0, COMMON, false, cmd_lockdown_off, "admit keys again",
	SECTION_HOST, .examples = {"apikey lockdown off"}},
    {"sync", "", 0, 0, COMMON | ARGS(ARG_NOW) | ARGS(ARG_ACCEPT), false, cmd_sync,
	"have the directory fetched anew, and wait for it", SECTION_HOST,
	.about = "apikeyd does it by itself; this is for who cannot wait. --accept lets a mass "
		 "ending of sessions go on that was held back.",
	.see = "apikeyd(8)"},
    {"log", "", 0, 0,
	COMMON | ARGS(ARG_KEY) | ARGS(ARG_SINCE) | ARGS(ARG_DENIED) | ARGS(ARG_FOLLOW), true,
	cmd_log, "show what happened: logins, refusals, changes, sessions that were ended",
	SECTION_LOGINS,
	.about = "A login is one row; -o json has every line with every field. For root and "
		 "the group adm.",
	.examples = {"apikey log --key ci-deploy --since 1h", "apikey log --denied"},
	.see = "pam_apikey(8)"},
    {"token new", "", 0, 0, COMMON | ARGS(ARG_QUIET) | ARGS(ARG_ID), true, cmd_token_new,
	"make a token and its verifier, without making a key", SECTION_MANY,
	.about = "So that one token opens many hosts and lies on none of them: make it where "
		 "it will be used, and give its verifier to `create`, `ensure` or `rotate` on "
		 "each host. Needs no root.",
	.examples = {"apikey token new"}},
    {"help", "[VERB [WORD]]", 0, 2, ARGS(ARG_HELP), true, cmd_help, "say how a verb is used",
	SECTION_HOST, .examples = {"apikey help create", "apikey help policy apply"}},
    {.name = NULL},
};

const struct verb_family verb_families[] = {
    {"role", "bind keys to roles"},
    {"group", "groups of the identity provider that keys are in"},
    {"policy", "the rules of this host"},
    {"sessions", "live sessions of keys"},
    {"lockdown", "refuse every key on this host, and admit them again"},
    {"token", "a token that opens many hosts"},
    {.name = NULL},
};
