#include "args.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "wrap.h"

/* struct args_form, and what it is for. */
struct arg_row {
	const char *name;
	char letter;
	bool several;
	const char *value;
	const char *help;
};

static const struct arg_row rows[ARG_COUNT] = {
    [ARG_HELP] = {"help", 'h', false, NULL, "print this help"},
    [ARG_OUTPUT] = {"output", 'o', false, "json|table", "how the answer is written"},
    [ARG_QUIET] = {"quiet", 'q', false, NULL, "print the token alone"},
    [ARG_NAME] = {"name", 0, false, "NAME", "the key's name, and its login's"},
    [ARG_ROLE] = {"role", 0, true, "BINDING",
	"viewer, editor:spaces:a,b or editor:hosts:a,b; several times for several"},
    [ARG_ROLE_FILTER] = {"role", 0, false, "ROLE", "keys bound directly to this role"},
    [ARG_GROUP] = {"group", 0, true, "GROUP",
	"a group of the identity provider that the key is in, exactly as it is called there; "
	"several times for several"},
    [ARG_GROUP_FILTER] = {"group", 0, false, "GROUP", "keys that list this group"},
    [ARG_FROM] = {"from", 0, true, "CIDR",
	"networks that the key may be used from; several times for several"},
    [ARG_DURATION] = {"duration", 0, false, "TIME",
	"how long the key lives, from now on: 86400, 30d, 4w, never"},
    [ARG_NOT_BEFORE] = {"not-before", 0, false, "TIME",
	"the moment from which on it is valid: 2026-03-04T05:06:07Z"},
    [ARG_DESCRIPTION] = {"description", 0, false, "TEXT", "what the key is for"},
    [ARG_OWNER] = {"owner", 0, false, "TEXT", "who answers for it"},
    [ARG_SHELL] = {"shell", 0, false, "PATH", "its login shell"},
    [ARG_HOME] = {"home", 0, false, "PATH", "its home directory"},
    [ARG_UID] = {"uid", 0, false, "UID", "its uid and gid; by default the next one"},
    [ARG_VERIFIER] = {"verifier", 0, false, "VERIFIER",
	"for a token that was made elsewhere by `apikey token new`"},
    [ARG_ID] = {"id", 0, false, "ID", "the id of the key that the token is for"},
    [ARG_EXPIRED] = {"expired", 0, false, NULL, "keys that have expired"},
    [ARG_EXPIRING] = {"expiring", 0, false, "TIME",
	"keys that have not expired, but will within this time: 14d"},
    [ARG_UNUSED] = {"unused", 0, false, "TIME",
	"keys that were not used on this host for so long: 90d"},
    [ARG_SPACE] = {"space", 0, false, "SPACE",
	"keys with a direct binding that holds in this space"},
    [ARG_OVERLAP] = {"overlap", 0, false, "TIME",
	"let the old token work for so long: 24h; by default it ends at once"},
    [ARG_REMOVE_HOME] = {"remove-home", 0, false, NULL, "remove the home directory too"},
    [ARG_ACCOUNT] = {"account", 0, false, "ACCOUNT",
	"the account to be entered; by default the key's own"},
    [ARG_SERVICE] = {"service", 0, false, "SERVICE", "the PAM service; by default sshd"},
    [ARG_RHOST] = {"rhost", 0, false, "IP", "the address that the login comes from"},
    [ARG_AT] = {"at", 0, false, "TIME", "decide as if it were that moment"},
    [ARG_ORIGIN] = {"origin", 0, false, "IP",
	"the address that the session was opened from, for sudo and cron in it"},
    [ARG_WITHOUT_TOKEN] = {"without-token", 0, false, NULL,
	"the login shows no token: sudo with NOPASSWD, cron, or a public key"},
    [ARG_LOGIN] = {"login", 0, false, "NAME", "the name of a key that need not exist"},
    [ARG_HOST] = {"host", 0, true, "HOST",
	"the host's name; several times for several; by default this one's"},
    [ARG_STANDS_IN] = {"space", 0, false, "SPACE",
	"the space that the host stands in; by default this one's"},
    [ARG_SAMPLE] = {"sample", 0, false, "ID",
	"a decision that was kept: `apikey policy samples`"},
    [ARG_POLICY] = {"policy", 0, false, "FILE", "ask this policy instead of the live one"},
    [ARG_IN] = {"in", 0, false, "local|directory",
	"which keys: those of this host, or with `directory` those in LDAP"},
    [ARG_BIND_DN] = {"bind-dn", 'D', false, "DN", "who you are to the directory"},
    [ARG_ASK_PASSWORD] = {"ask-password", 'W', false, NULL, "ask for the password of -D"},
    [ARG_PASSWORD_FILE] = {"password-file", 'y', false, "FILE",
	"read the password of -D from a file that nobody else can read"},
    [ARG_SASL] = {"sasl", 'Y', false, "EXTERNAL|GSSAPI",
	"bind as this process or by Kerberos; EXTERNAL is the default over ldapi://"},
    [ARG_URI] = {"uri", 'H', false, "URI", "the server, instead of those of directory.uris"},
    [ARG_NOW] = {"now", 0, false, NULL,
	"fetch the directory anew, and wait for it; the default"},
    [ARG_ACCEPT] = {"accept", 0, false, NULL,
	"end the sessions that were held back because they were so many"},
    [ARG_KEY] = {"key", 0, false, "NAME|ID", "of this key alone"},
    [ARG_SINCE] = {"since", 0, false, "TIME", "what is not older than this: 1h"},
    [ARG_DENIED] = {"denied", 0, false, NULL, "what was refused"},
    [ARG_FOLLOW] = {"follow", 'f', false, NULL, "then wait, and print what comes"},
    [ARG_STRICT] = {"strict", 0, false, NULL, "warnings count as errors"},
    [ARG_DRY_RUN] = {"dry-run", 0, false, NULL, "show what would change, and change nothing"},
    [ARG_TRUST_CLOCK] = {"trust-clock", 0, false, NULL,
	"stamp the files by the clock, though they come from its future"},
    [ARG_ACCEPT_ROLLBACK] = {"accept-rollback", 0, false, NULL,
	"take local.idx as it is, though newer keys were lost"},
    [ARG_PRUNE] = {"prune", 0, false, NULL, "delete the keys of this host that are not in FILE"},
    [ARG_NEW_UID] = {"new-uid", 0, false, NULL,
	"give the next uid to a key whose uid is not to be had here"},
    [ARG_OLDER] = {"older", 0, false, "TIME",
	"keys that expired so long ago at least: 30d; by default any"},
    [ARG_SESSIONS] = {"sessions", 0, false, "recheck|none",
	"recheck, the default, ends the sessions that lost their right; none leaves those that "
	"live on the policy before"},
    [ARG_PROMETHEUS] = {"prometheus", 0, false, NULL,
	"as metrics, in the text format of Prometheus"},
    [ARG_END_SESSIONS] = {"end-sessions", 0, false, NULL, "end every session of every key too"},
};

/* What getopt_long answers for a long option: above every letter. */
#define LONG_BASE 256

struct getopt_tables {
	struct option longs[ARG_COUNT + 1];
	char letters[2 * ARG_COUNT + 2];
};

static void
fill_tables(uint64_t allowed, struct getopt_tables *t)
{
	size_t n = 0, l = 0;

	memset(t, 0, sizeof(*t));
	t->letters[l++] = ':'; /* so that a missing value can be told from a wrong option */
	for (int i = 0; i < ARG_COUNT; i++) {
		if ((allowed & ARGS(i)) == 0)
			continue;
		t->longs[n++] = (struct option){.name = rows[i].name,
		    .has_arg = rows[i].value == NULL ? no_argument : required_argument,
		    .val = LONG_BASE + i};
		if (rows[i].letter == 0)
			continue;
		t->letters[l++] = rows[i].letter;
		if (rows[i].value != NULL)
			t->letters[l++] = ':';
	}
}

static enum arg
arg_of(int answer)
{
	if (answer >= LONG_BASE)
		return (enum arg)(answer - LONG_BASE);
	for (int i = 0; i < ARG_COUNT; i++)
		if (rows[i].letter == answer)
			return (enum arg)i;
	return ARG_COUNT;
}

/* getopt's two complaints, in sentences. word: where it stopped. */
static enum ak_err
say_wrong(int answer, const char *word, struct diag *why)
{
	enum arg arg = arg_of(optopt);

	if (answer == ':')
		return diag_because(why, AK_ERR_INVALID, "--%s needs a value: %s",
		    rows[arg].name, rows[arg].value);
	if (optopt >= LONG_BASE)
		return diag_because(why, AK_ERR_INVALID, "--%s takes no value", rows[arg].name);
	if (optopt != 0)
		return diag_because(why, AK_ERR_INVALID, "unknown option -%c", optopt);
	return diag_because(why, AK_ERR_INVALID, "unknown option %.80s", cli_shown(word));
}

static enum ak_err
take_output(struct args *a, const char *value, struct diag *why)
{
	static const char *const outputs[] = {[OUTPUT_TABLE] = "table", [OUTPUT_JSON] = "json"};

	for (unsigned i = OUTPUT_TABLE; i <= OUTPUT_JSON; i++)
		if (strcmp(value, outputs[i]) == 0) {
			a->output = (enum args_output)i;
			return AK_OK;
		}
	return diag_because(
	    why, AK_ERR_INVALID, "--output is json or table, not `%.40s'", value);
}

/* value NULL: the option has none. */
static enum ak_err
take(struct args *a, enum arg arg, const char *value, struct diag *why)
{
	const char *kept = value == NULL ? "" : value;

	if (!rows[arg].several && args_has(a, arg)) {
		if (value == NULL)
			return AK_OK;
		return diag_because(why, AK_ERR_INVALID, "--%s is given twice", rows[arg].name);
	}
	a->seen[a->n_seen++] = (struct arg_seen){.arg = arg, .value = kept};
	return arg == ARG_OUTPUT ? take_output(a, kept, why) : AK_OK;
}

enum ak_err
args_parse(uint64_t allowed, int argc, char **argv, struct args *out, struct diag *why)
{
	struct getopt_tables tables;
	enum ak_err err = AK_OK;
	int answer;

	*out = ARGS_INIT;
	/* A value takes an argument of its own, or its option's; flags are kept once. */
	if ((out->seen = calloc((size_t)argc + ARG_COUNT, sizeof(*out->seen))) == NULL)
		return AK_ERR_NOMEM;
	fill_tables(allowed, &tables);
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	while (err == AK_OK &&
	       (answer = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		if (answer == '?' || answer == ':')
			err = say_wrong(answer, argv[optind - 1], why);
		else
			err = take(out, arg_of(answer), optarg, why);
	}
	out->operands = argv + optind;
	out->n_operands = argc - optind;
	return err;
}

void
args_clear(struct args *a)
{
	free(a->seen);
	*a = ARGS_INIT;
}

const char *
args_next(const struct args *a, enum arg arg, size_t *at)
{
	for (; *at < a->n_seen; (*at)++)
		if (a->seen[*at].arg == arg)
			return a->seen[(*at)++].value;
	return NULL;
}

const char *
args_value(const struct args *a, enum arg arg)
{
	size_t at = 0;

	return args_next(a, arg, &at);
}

bool
args_has(const struct args *a, enum arg arg)
{
	return args_value(a, arg) != NULL;
}

struct args_form
args_form(enum arg arg)
{
	const struct arg_row *r = &rows[arg];

	return (struct args_form){
	    .name = r->name, .letter = r->letter, .several = r->several, .value = r->value};
}

/* Where what an option is for begins. */
#define HELP_COLUMN 33

void
args_print_help(uint64_t allowed, FILE *f)
{
	char left[64];

	for (int i = 0; i < ARG_COUNT; i++) {
		const struct arg_row *r = &rows[i];

		if ((allowed & ARGS(i)) == 0)
			continue;
		(void)snprintf(left, sizeof(left), "%c%c%s --%s%s%s", r->letter == 0 ? ' ' : '-',
		    r->letter == 0 ? ' ' : r->letter, r->letter == 0 ? " " : ",", r->name,
		    r->value == NULL ? "" : " ", r->value == NULL ? "" : r->value);
		(void)fprintf(f, "  %-*s ", HELP_COLUMN - 3, left);
		wrap_print(f, r->help, HELP_COLUMN, HELP_COLUMN);
	}
}
