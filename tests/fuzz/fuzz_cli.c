#include "fuzz_cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_check.h"
#include "fuzz_file.h"
#include "procs.h"
#include "text.h"

static const char *tools;

enum ak_err __wrap_procs_look(struct procs *out);

/* In procs_look's place (targets.txt): what runs on the made-up host, and not what runs on this one, which is other each time, and slow to read. */
enum ak_err
__wrap_procs_look(struct procs *out)
{
	static const struct procs_one v[] = {
	    {.id = {.pid = 1, .start = 1}, .audit = PROC_NO_AUDIT},
	    {.id = {.pid = 77, .start = 9}, .parent = 1, .audit = PROC_NO_AUDIT, .real = 1001}};

	*out = (struct procs){.v = malloc(sizeof(v)), .n = sizeof(v) / sizeof(v[0])};
	fuzz_check(out->v != NULL, "there is memory");
	memcpy(out->v, v, sizeof(v));
	return AK_OK;
}

static int64_t
now(void *ctx)
{
	(void)ctx;
	return 1800000000;
}

static enum ak_err
no_account(void *ctx, const char *name, uint32_t *id)
{
	(void)ctx;
	(void)name;
	(void)id;
	return AK_ERR_NOT_FOUND;
}

static enum ak_err
no_id(void *ctx, uint32_t id)
{
	(void)ctx;
	(void)id;
	return AK_OK;
}

static void
who(void *ctx, char *buf, size_t cap)
{
	(void)ctx;
	(void)!text_copy(buf, cap, "alice");
}

static void
from(void *ctx, const struct paths *p, char *buf, size_t cap)
{
	(void)p;
	(void)ctx;
	(void)!text_copy(buf, cap, "");
}

static enum ak_err
no_log(void *ctx, const struct paths *p, const char *line)
{
	(void)ctx;
	(void)p;
	(void)line;
	return AK_OK;
}

static enum ak_err
no_enforce(
    void *ctx, const struct enforce_how *how, struct enforce_result *out, struct diag *why)
{
	(void)ctx;
	(void)how;
	(void)why;
	*out = (struct enforce_result){.again_in_ms = -1, .next_at = NUM_NEVER};
	return AK_OK;
}

static void
no_wait(void *ctx, int64_t ms)
{
	(void)ctx;
	(void)ms;
}

static void
names_changed(void *ctx)
{
	(void)ctx;
}

/* They all say the same, and succeed: who is asked something else finds nonsense. */
static int
tool(void *ctx, char *const argv[], char *out, size_t cap)
{
	size_t len = tools == NULL ? 0 : strnlen(tools, cap - 1);

	(void)ctx;
	(void)argv;
	if (len > 0)
		memcpy(out, tools, len);
	out[len] = '\0';
	return tools == NULL ? -1 : 0;
}

static enum ak_err
load(void *ctx, const char *path, struct diag *why)
{
	(void)ctx;
	(void)path;
	(void)why;
	return AK_OK;
}

static struct cli
machine(void)
{
	static const char *const installed[] = {NULL};
	static char root[128], etc[160];

	(void)!text_copy(etc, sizeof(etc), fuzz_path("etc"));
	(void)!text_copy(root, sizeof(root), fuzz_path("root"));
	return (struct cli){.paths = *fuzz_paths(),
	    .in = STDIN_FILENO,
	    .host = {.now = now,
		.find_user = no_account,
		.find_group = no_account,
		.check_id = no_id,
		.who = who,
		.from = from,
		.log = no_log,
		.enforce = no_enforce,
		.wait = no_wait,
		.names_changed = names_changed,
		.tool = tool,
		.load = load,
		.skel = root,
		.crontabs = root,
		.atjobs = root,
		.etc = etc,
		.root = root,
		.var = root,
		.run = root,
		.proc = root,
		.installed = installed}};
}

struct fuzz_run
fuzz_cli(const char *const *words, const char *tools_say)
{
	struct cli c = machine();
	struct fuzz_run r = {.out = NULL};
	char *argv[16] = {NULL};
	int n = 0;

	json_object_seed(1); /* not by chance, which is the rule */
	tools = tools_say;
	for (; words[n] != NULL && n < 15; n++)
		fuzz_check((argv[n] = strdup(words[n])) != NULL, "there is memory");
	c.out = open_memstream(&r.out, &r.out_b);
	c.err = open_memstream(&r.err, &r.err_b);
	fuzz_check(c.out != NULL && c.err != NULL, "there is memory");
	r.status = cli_run(&c, n, argv);
	(void)fclose(c.out);
	(void)fclose(c.err);
	while (n-- > 0)
		free(argv[n]);
	fuzz_check(r.status >= CLI_DONE && r.status <= CLI_FAILED, "a run has a status");
	fuzz_check(r.status != CLI_USAGE, "and was no wrong use");
	return r;
}

void
fuzz_run_clear(struct fuzz_run *r)
{
	free(r->out);
	free(r->err);
	*r = (struct fuzz_run){.out = NULL};
}

json_t *
fuzz_json(const struct fuzz_run *r)
{
	json_t *j = json_loadb(r->out, r->out_b, JSON_REJECT_DUPLICATES, NULL);

	fuzz_check(j != NULL, "what is said to programs is JSON");
	return j;
}

static void
check_stream(const char *text, size_t len_b)
{
	fuzz_check(strlen(text) == len_b, "what is said is text");
	for (const char *at = text; *at != '\0'; at++)
		fuzz_check(*at == '\n' || text_control_len(at) == 0,
		    "nothing that is said controls a terminal");
}

void
fuzz_check_terminal(const struct fuzz_run *r)
{
	check_stream(r->out, r->out_b);
	check_stream(r->err, r->err_b);
}
