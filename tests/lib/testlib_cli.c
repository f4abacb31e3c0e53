#include "testlib_cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index.h"
#include "keyring.h"
#include "num.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"

const char *const CLI_POLICY =
    "version: 1\n"
    "spaces:\n"
    "  production: {}\n"
    "  production-eu: {parent: production}\n"
    "  staging: {}\n"
    "roles:\n"
    "  viewer: {services: [sshd]}\n"
    "  editor: {services: [sshd, sudo], unix_groups: [apikey-editors]}\n"
    "  admin: {services: ['*']}\n";

const char *const CLI_SETTINGS = "version: 1\n"
				 "host: bastion-1\n"
				 "create_home: false\n"
				 "shell: /bin/sh\n";

const char *const CLI_DIRECTORY_SETTINGS =
    "version: 1\n"
    "host: bastion-1\n"
    "create_home: false\n"
    "shell: /bin/sh\n"
    "directory:\n"
    "  uris: ['ldapi:///', 'ldapi://%2Fother']\n"
    "  may_grant: [viewer]\n"
    "  uid_range: 1879048192-1879048199\n"
    "  counter: 'cn=uids,dc=x'\n"
    "  keys: {base: 'ou=keys,dc=x', filter: '(objectClass=apikeyKey)'}\n"
    "  groups: {base: 'ou=groups,dc=x', filter: '(objectClass=groupOfNames)'}\n";

static const char *const no_file = NULL;

static int64_t
fake_now(void *ctx)
{
	return ((struct cli_test *)ctx)->now;
}

static enum ak_err
fake_account(const struct cli_test *t, const char *have, uint32_t have_id, const char *name,
    uint32_t *id)
{
	if (t->accounts_down)
		return AK_ERR_UNAVAILABLE;
	if (have == NULL || strcmp(have, name) != 0)
		return AK_ERR_NOT_FOUND;
	*id = have_id;
	return AK_OK;
}

static enum ak_err
fake_user(void *ctx, const char *name, uint32_t *uid)
{
	const struct cli_test *t = ctx;

	return fake_account(t, t->user, t->user_uid, name, uid);
}

static enum ak_err
fake_group(void *ctx, const char *name, uint32_t *gid)
{
	const struct cli_test *t = ctx;

	return fake_account(t, t->group, t->group_gid, name, gid);
}

static enum ak_err
fake_check_id(void *ctx, uint32_t id)
{
	const struct cli_test *t = ctx;

	if (t->accounts_down)
		return AK_ERR_UNAVAILABLE;
	return t->taken == id ? AK_ERR_EXISTS : AK_OK;
}

static void
fake_who(void *ctx, char *buf, size_t cap)
{
	(void)ctx;
	(void)snprintf(buf, cap, "alice");
}

static void
fake_from(void *ctx, const struct paths *p, char *buf, size_t cap)
{
	const struct cli_test *t = ctx;

	(void)p;
	(void)snprintf(buf, cap, "%s", t->from == NULL ? "" : t->from);
}

static enum ak_err
fake_log(void *ctx, const struct paths *p, const char *line)
{
	struct cli_test *t = ctx;
	size_t len = strlen(t->log);

	(void)p;
	(void)snprintf(t->log + len, sizeof(t->log) - len, "%s\n", line);
	return t->log_err;
}

static uint64_t
users_made_from(const struct cli_test *t)
{
	struct keyring k;
	uint64_t generation = 0;

	if (keyring_open(&t->host.paths, &k) == AK_OK) {
		generation = k.users.local.generation;
		keyring_close(&k);
	}
	return generation;
}

static void
note_call(struct cli_test *t, const struct enforce_how *how)
{
	struct enforce_call *call = &t->calls[t->n_calls++];

	assert_true(t->n_calls < ENFORCE_CALLS_MAX);
	assert_ptr_equal(how->paths, &t->cli.paths);
	*call = (struct enforce_call){.all = how->uids == NULL,
	    .end_all = how->end_all,
	    .end_uid = how->end_uid,
	    .now = how->now,
	    .local = cli_test_generation(t),
	    .users = users_made_from(t),
	    .logged = strlen(t->log)};
	for (size_t i = 0; i < how->n_uids && i < 8; i++)
		call->uids[call->n_uids++] = how->uids[i];
	if (how->end_id != NULL)
		(void)snprintf(call->end_id, sizeof(call->end_id), "%s", how->end_id);
}

static enum ak_err
fake_enforce(
    void *ctx, const struct enforce_how *how, struct enforce_result *out, struct diag *why)
{
	struct cli_test *t = ctx;
	struct lock lock = LOCK_INIT;
	size_t pass = t->n_calls;

	*out = (struct enforce_result){.again_in_ms = -1, .next_at = NUM_NEVER};
	note_call(t, how);
	if (!how->locked)
		assert_int_equal(enforce_lock(how->paths, true, &lock, why), AK_OK);
	lock_release(&lock);
	if (t->during != NULL)
		t->during(t);
	if (t->enforce_err != AK_OK)
		return diag_because(why, t->enforce_err, "no sessions can be read");
	for (size_t i = 0; pass == 0 && i < t->n_ends; i++)
		how->ended(how->ctx, &t->ends[i]);
	if (t->n_results > 0)
		*out = t->results[pass < t->n_results ? pass : t->n_results - 1];
	return AK_OK;
}

static void
fake_wait(void *ctx, int64_t ms)
{
	((struct cli_test *)ctx)->waited_ms += ms;
}

static void
fake_names_changed(void *ctx)
{
	((struct cli_test *)ctx)->flushes++;
}

static int
fake_tool(void *ctx, char *const argv[], char *out, size_t cap)
{
	struct cli_test *t = ctx;

	out[0] = '\0';
	return t->tool == NULL ? -1 : t->tool(t, argv, out, cap);
}

static enum ak_err
fake_load(void *ctx, const char *path, struct diag *why)
{
	struct cli_test *t = ctx;
	const char *said = t->load == NULL ? "" : t->load(t, path);

	if (said[0] == '\0')
		return AK_OK;
	return diag_because(why, AK_ERR_UNAVAILABLE, "%s", said);
}

void
cli_test_make(struct cli_test *t, void **state)
{
	*t = (struct cli_test){.tmp = *state, .now = HOST_NOW};
	host_make(&t->host, t->tmp);
	host_policy(&t->host, CLI_POLICY);
	host_settings(&t->host, CLI_SETTINGS);
	(void)snprintf(t->skel, sizeof(t->skel), "%s", tmp_path(t->tmp, "skel"));
	(void)snprintf(t->crontabs, sizeof(t->crontabs), "%s", tmp_path(t->tmp, "crontabs"));
	(void)snprintf(t->etc, sizeof(t->etc), "%s", tmp_path(t->tmp, "etc"));
	(void)snprintf(t->root, sizeof(t->root), "%s", tmp_path(t->tmp, "root"));
	(void)snprintf(t->atjobs, sizeof(t->atjobs), "%s", tmp_path(t->tmp, "atjobs"));
	(void)snprintf(t->var, sizeof(t->var), "%s", tmp_path(t->tmp, "var"));
	(void)snprintf(t->run, sizeof(t->run), "%s", tmp_path(t->tmp, "run"));
	(void)snprintf(t->proc, sizeof(t->proc), "%s", tmp_path(t->tmp, "proc"));
	t->cli = (struct cli){.paths = t->host.paths,
	    .host = {.ctx = t,
		.now = fake_now,
		.find_user = fake_user,
		.find_group = fake_group,
		.check_id = fake_check_id,
		.who = fake_who,
		.from = fake_from,
		.log = fake_log,
		.enforce = fake_enforce,
		.wait = fake_wait,
		.names_changed = fake_names_changed,
		.directory = &fake_dirserver,
		.tool = fake_tool,
		.load = fake_load,
		.skel = t->skel,
		.crontabs = t->crontabs,
		.atjobs = t->atjobs,
		.etc = t->etc,
		.root = t->root,
		.var = t->var,
		.run = t->run,
		.proc = t->proc,
		.installed = &no_file}};
}

void
cli_test_clear(struct cli_test *t)
{
	free(t->out);
	free(t->err);
	t->out = t->err = NULL;
}

static int
open_input(struct cli_test *t)
{
	const char *path = tmp_path(t->tmp, "input"), *text = t->input == NULL ? "" : t->input;
	int fd;

	file_write(path, text, strlen(text), 0600);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd != -1);
	return fd;
}

#define WORDS_MAX 40

int
cli_test_run(struct cli_test *t, const char *const *words)
{
	char *argv[WORDS_MAX + 1] = {NULL};
	size_t out_len, err_len;
	FILE *out, *err;
	int argc, code;

	for (argc = 0; words[argc] != NULL; argc++) {
		assert_true(argc < WORDS_MAX);
		assert_non_null(argv[argc] = strdup(words[argc]));
	}
	cli_test_clear(t);
	assert_non_null(out = open_memstream(&t->out, &out_len));
	assert_non_null(err = open_memstream(&t->err, &err_len));
	t->cli.err = t->err_to == NULL ? err : t->err_to;
	t->cli.out = t->out_to == NULL ? out : t->out_to;
	t->cli.in = open_input(t);
	{
		char *reordered[WORDS_MAX + 1];

		memcpy(reordered, argv, sizeof(argv));
		if (t->fail_nth != 0)
			alloc_fail_nth(t->fail_nth);
		code = cli_run(&t->cli, argc, reordered);
		t->alloc_failed = alloc_stop();
	}
	(void)close(t->cli.in);
	(void)fclose(out);
	assert_ptr_equal(t->cli.err, t->err_to == NULL ? err : t->err_to);
	(void)fclose(err);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return code;
}

void
cli_test_assert(
    struct cli_test *t, int wanted, const char *says, int got, const char *file, int line)
{
	bool said = says == NULL ? t->err[0] == '\0' : strstr(t->err, says) != NULL;

	if (got == wanted && said)
		return;
	print_error("exit %d, wanted %d; said `%s', wanted `%s'\n", got, wanted, t->err,
	    says == NULL ? "" : says);
	_fail(file, line);
}

json_t *
cli_test_json(const struct cli_test *t)
{
	json_error_t why;
	json_t *j = json_loads(t->out, JSON_REJECT_DUPLICATES, &why);

	if (j == NULL)
		fail_msg("no JSON (%s): %s", why.text, t->out);
	return j;
}

static const json_t *
step_into(const json_t *at, const char *word)
{
	uint64_t i;

	if (json_is_array(at) && num_parse(word, 0, 10000, &i) == AK_OK)
		return json_array_get(at, (size_t)i);
	return json_object_get(at, word);
}

const char *
cli_test_member(const struct cli_test *t, const char *path)
{
	static char shown[4096];
	json_t *j = cli_test_json(t);
	const json_t *at = j;
	char words[256], *rest = NULL;
	size_t n;

	(void)snprintf(words, sizeof(words), "%s", path);
	for (char *w = strtok_r(words, ".", &rest); w != NULL; w = strtok_r(NULL, ".", &rest))
		at = step_into(at, w);
	n = at == NULL
		? 0
		: json_dumpb(at, shown, sizeof(shown) - 1, JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(j);
	if (n == 0 || n >= sizeof(shown))
		return "(none)";
	shown[n] = '\0';
	return shown;
}

void
cli_test_create(struct cli_test *t, const char *name, const char *role, char tok[80])
{
	int code = role == NULL ? run(t, "create", "--name", name, "-q")
				: run(t, "create", "--name", name, "--role", role, "-q");

	if (code != CLI_DONE)
		fail_msg("create %s: %s", name, t->err);
	assert_int_equal(strlen(t->out), TOKEN_LEN + 1);
	if (tok != NULL)
		(void)snprintf(tok, 80, "%.*s", (int)TOKEN_LEN, t->out);
}

uint64_t
cli_test_generation(const struct cli_test *t)
{
	struct index ix;
	uint64_t generation;

	if (index_open(t->host.paths.local, t->host.paths.owner, &ix) != AK_OK)
		return 0;
	generation = ix.head.generation;
	index_close(&ix);
	return generation;
}
