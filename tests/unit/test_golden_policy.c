/*
 * test_golden_policy: every tests/golden/policy/NAME.yaml, asked what NAME.in asks, answers NAME.ok.
 *
 * NAME.in has a request on each line, `key: value, key: value` (no value holds
 * a comma); lines with # are comments. What is left out is missing:
 *	login, account, service, space, ip, creator_ip, at (RFC 3339)
 *	binding, group (listed on the key), directory-group, directory-binding,
 *		host: again for each
 *	ms: milliseconds, added to at
 *	uid: of the account; 0 is root's
 *	stale: true, unknown: true, directory-key: true, member: false, favour: true
 * The line `tests` runs the file's own tests. There is no .in for a file that
 * is refused. The host has a directory that may give every role which is not
 * root-equivalent; or what NAME.yaml's first line says (policy_header).
 *
 * NAME.ok has for each request the verdict, and indented what was looked at:
 *	allow, roles: NAME NAME		held on this host, when there is a space
 *	deny by ID ID			every denial that fires
 *	deny unadmitted | no-role | no-space
 * and `kept` or `not kept` where the file samples; for `tests`, `ok NAME` or
 * `FAIL NAME`; for a file that is refused, `error FILE:LINE:COL: SENTENCE`.
 *
 * The verdicts are written by hand, from apikey-policy(5), and first. Then
 * GOLDEN_UPDATE=1 adds what was looked at, and never changes a verdict. Of an
 * error, `error LINE:COL: WORDS` is written by hand; the update makes it a
 * whole sentence, in which these words must stand.
 */
#include "testlib_cmocka.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden_request.h"
#include "policy_header.h"
#include "policy_tests.h"
#include "testlib_tmp.h"

#define FILE_NAME "policy.yaml"

/* --- texts that grow ---------------------------------------------------------------------- */

struct out {
	char *text;
	size_t len;
};

static void put(struct out *o, const char *fmt, ...) AK_PRINTF(2, 3);

static void
put(struct out *o, const char *fmt, ...)
{
	va_list ap;
	char *more = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&more, fmt, ap);
	va_end(ap);
	assert_true(n >= 0);
	o->text = realloc(o->text, o->len + (size_t)n + 1);
	assert_non_null(o->text);
	memcpy(o->text + o->len, more, (size_t)n + 1);
	o->len += (size_t)n;
	free(more);
}

/* --- answers ------------------------------------------------------------------------------ */

struct told {
	struct out lines, fired;
};

static void
take_line(void *ctx, const struct trace_line *line)
{
	static const char *const steps[] = {
	    "gate", "deny", "allow", "role", "request", "decision"};
	struct told *told = ctx;

	put(&told->lines, "  %s %s%s", steps[line->step], line->holds ? "yes" : "no",
	    line->undefined ? "?" : "");
	if (line->file != NULL)
		put(&told->lines, " %s:%u", line->file, line->line);
	put(&told->lines, " %s\n", line->text);
	if (line->step == TRACE_DENY && line->holds)
		put(&told->fired, " %s", line->id);
}

static void
put_roles(struct out *o, const struct image *im, const struct role_set *roles)
{
	bool none = true;

	put(o, ", roles:");
	role_set_for (roles, i) {
		put(o, " %s", image_role(im, i).name);
		none = false;
	}
	if (none)
		put(o, " none");
}

static void
put_kept(struct out *o, const struct image *im, const struct policy_request *req, bool permitted)
{
	bool kept = false;

	assert_err("sample", AK_OK, policy_samples(im, req, permitted, &kept));
	put(o, ", %s", kept ? "kept" : "not kept");
}

/* Nobody asking, and not every rule looked at: the answer is the same. */
static void
check_quick_answer(const struct image *im, const struct policy_request *req, enum ak_err err,
    const struct policy_result *res)
{
	struct policy_result quick = POLICY_RESULT_INIT;

	assert_int_equal(policy_eval(im, req, NULL, &quick), err);
	assert_int_equal(quick.outcome, res->outcome);
	assert_int_equal(quick.deny, res->deny);
	assert_int_equal(quick.allow, res->allow);
	assert_int_equal(quick.permits, res->permits);
	assert_int_equal(quick.n_held, res->n_held);
	for (uint32_t i = 0; i < image_count_roles(im); i++)
		assert_int_equal(role_set_has(&quick.roles, i), role_set_has(&res->roles, i));
	policy_result_clear(&quick);
}

/* fired: " ID ID", as they were looked at. */
static void
check_first(const struct image *im, uint32_t deny, const char *fired)
{
	const char *id = image_rule(im, IMAGE_DENY_RULES, deny).id;

	assert_non_null(fired);
	assert_row(fired, strncmp(fired + 1, id, strlen(id)) == 0);
}

static void
answer(struct out *o, const struct image *im, const struct policy_request *req)
{
	static const char *const words[] = {[POLICY_FAILED] = "failed",
	    [POLICY_PERMITTED] = "allow",
	    [POLICY_NO_SPACE] = "deny no-space",
	    [POLICY_REFUSED] = "deny by",
	    [POLICY_NOT_ADMITTED] = "deny unadmitted",
	    [POLICY_NO_ROLE] = "deny no-role"};
	struct told told = {.lines = {.text = NULL}};
	const struct trace trace = {.take = take_line, .ctx = &told, .every_rule = true};
	struct policy_result res = POLICY_RESULT_INIT;
	enum ak_err err = policy_eval(im, req, &trace, &res);
	bool permitted = res.outcome == POLICY_PERMITTED;

	assert_int_equal(err, permitted ? AK_OK : AK_ERR_DENIED);
	put(o, "%s", words[res.outcome]);
	if (res.outcome == POLICY_REFUSED) {
		check_first(im, res.deny, told.fired.text);
		put(o, "%s", told.fired.text);
	}
	if ((permitted || res.outcome == POLICY_NO_ROLE) && req->space != NULL)
		put_roles(o, im, &res.roles);
	if (image_count_rules(im, IMAGE_SAMPLE_RULES) > 0)
		put_kept(o, im, req, permitted);
	put(o, "\n%s", told.lines.text == NULL ? "" : told.lines.text);
	check_quick_answer(im, req, err, &res);
	policy_result_clear(&res);
	free(told.lines.text);
	free(told.fired.text);
}

static void
take_test(void *ctx, const struct policy_test *test)
{
	struct out *o = ctx;

	put(o, "%s %s\n", test->passed ? "ok" : "FAIL", test->name);
	if (!test->passed)
		put(o, "  %s:%u:%u expected %s\n  got %s\n", test->file, test->line, test->col,
		    test->expected, test->got);
}

/* --- cases -------------------------------------------------------------------------------- */

struct golden {
	char *yaml_path, *in_path, *ok_path, *name;
	char *yaml, *in, *ok;
	size_t yaml_len_b;
};

static void
golden_clear(struct golden *g)
{
	free(g->in_path);
	free(g->ok_path);
	free(g->yaml);
	free(g->in);
	free(g->ok);
}

static char *
with_ending(const char *yaml_path, const char *ending)
{
	struct out o = {.text = NULL};

	put(&o, "%.*s%s", (int)(strlen(yaml_path) - strlen(".yaml")), yaml_path, ending);
	return o.text;
}

static struct golden
golden_read(char *yaml_path)
{
	struct golden g = {.yaml_path = yaml_path};
	size_t len_b;

	g.in_path = with_ending(yaml_path, ".in");
	g.ok_path = with_ending(yaml_path, ".ok");
	g.yaml = file_read(yaml_path, &g.yaml_len_b);
	g.in = file_read(g.in_path, &len_b);
	g.ok = file_read(g.ok_path, &len_b);
	assert_row(yaml_path, g.yaml != NULL && g.ok != NULL);
	return g;
}

/* NULL when it is refused; then why says so. */
static struct image *
compile(const struct golden *g, struct diag *why)
{
	struct settings settings;
	struct image *im = NULL;
	enum ak_err err;

	policy_header_settings(g->yaml, &settings);
	err = policy_compile(g->yaml, g->yaml_len_b, FILE_NAME, &settings, &im, why);
	if (err == AK_OK)
		err = policy_check_host(im, &golden_host, why);
	if (err == AK_OK)
		return im;
	assert_err(g->yaml_path, AK_ERR_INVALID, err);
	image_free(&im);
	return NULL;
}

static void
answer_line(struct out *o, const struct golden *g, const struct image *im, char *line)
{
	struct golden_asked a;
	struct diag why = DIAG_INIT;
	uint32_t n_failed = 0;

	if (line[0] == '#' || line[0] == '\0')
		return;
	if (strcmp(line, "tests") == 0) {
		assert_err(why.text, AK_OK,
		    policy_tests_run(g->yaml, g->yaml_len_b, FILE_NAME, im, ZONE_DIR, take_test,
			o, &n_failed, &why));
		return;
	}
	golden_read_request(im, line, &a);
	answer(o, im, &a.req);
	golden_asked_clear(&a);
}

static void
answer_all(struct out *o, const struct golden *g, const struct image *im)
{
	char *save = NULL, *lines = strdup(g->in);

	assert_non_null(lines);
	for (char *line = strtok_r(lines, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		answer_line(o, g, im, line);
	free(lines);
}

/* The lines that do not begin with a blank: the verdicts. For free(). */
static char *
verdicts_of(const char *text)
{
	struct out o = {.text = NULL};

	put(&o, "%s", "");
	while (*text != '\0') {
		int len = (int)strcspn(text, "\n");

		if (text[0] != ' ')
			put(&o, "%.*s\n", len, text);
		text += len + (text[len] == '\n');
	}
	return o.text;
}

/* "error 3:4: words", by hand, against what was said. */
static bool
is_meant(const char *by_hand, const struct diag *why)
{
	unsigned line, col;
	int at = 0;
	char words[512];

	if (sscanf(by_hand, "error %u:%u: %n%511[^\n]", &line, &col, &at, words) < 2 || at == 0)
		return false;
	if (by_hand[at] == '\n' || by_hand[at] == '\0')
		words[0] = '\0';
	return line == why->line && col == why->col && strstr(why->text, words) != NULL;
}

static bool
may_update(
    const struct golden *g, const struct image *im, const struct diag *why, const char *got)
{
	char *wanted = verdicts_of(g->ok), *have = verdicts_of(got);
	bool may = strcmp(wanted, have) == 0 || (im == NULL && is_meant(g->ok, why));

	free(wanted);
	free(have);
	return may;
}

static void
one_case(void **state)
{
	struct golden g = golden_read(*state);
	struct diag why = DIAG_INIT;
	struct image *im = compile(&g, &why);
	struct out got = {.text = NULL};
	char sentence[DIAG_PRINT_CAP];
	bool same;

	put(&got, "%s", "");
	if (im == NULL)
		put(&got, "error %s\n", diag_print(&why, sentence, sizeof(sentence)));
	else if (g.in == NULL)
		put(&got, "no error\n");
	else
		answer_all(&got, &g, im);
	same = strcmp(got.text, g.ok) == 0;
	if (!same && getenv("GOLDEN_UPDATE") != NULL && may_update(&g, im, &why, got.text)) {
		file_write(g.ok_path, got.text, got.len, 0644);
		same = true;
	}
	if (!same)
		print_error("--- %s\n%s--- got\n%s---\n", g.ok_path, g.ok, got.text);
	assert_true(same);
	free(got.text);
	image_free(&im);
	golden_clear(&g);
}

/* What no file is kept for. */
static void
abuse_050_more_than_8_mib_are_refused(void **state)
{
	const size_t len_b = 10U << 20;
	struct diag why = DIAG_INIT;
	struct settings settings;
	struct image *im = NULL;
	char *text = malloc(len_b);

	(void)state;
	assert_non_null(text);
	memset(text, '#', len_b);
	memcpy(text, "version: 1\n", 11);
	settings_default(&settings);
	assert_err("10 MiB", AK_ERR_INVALID,
	    policy_compile(text, len_b, FILE_NAME, &settings, &im, &why));
	assert_string_equal(why.text, "larger than 8 MiB");
	assert_null(im);
	assert_err(
	    "8 MiB", AK_OK, policy_compile(text, 8U << 20, FILE_NAME, &settings, &im, NULL));
	image_free(&im);
	free(text);
}

int
main(void)
{
	const char *top = getenv("top_srcdir");
	struct out pattern = {.text = NULL};
	struct CMUnitTest *tests;
	glob_t files;
	int failed;

	put(&pattern, "%s/tests/golden/policy/*.yaml", top == NULL ? "." : top);
	if (glob(pattern.text, 0, NULL, &files) != 0) {
		print_error("no %s\n", pattern.text);
		return 1;
	}
	if ((tests = calloc(files.gl_pathc + 1, sizeof(*tests))) == NULL)
		return 1;
	for (size_t i = 0; i < files.gl_pathc; i++)
		tests[i] = (struct CMUnitTest){.name = strrchr(files.gl_pathv[i], '/') + 1,
		    .test_func = one_case,
		    .initial_state = files.gl_pathv[i]};
	tests[files.gl_pathc] =
	    (struct CMUnitTest)cmocka_unit_test(abuse_050_more_than_8_mib_are_refused);
	failed = _cmocka_run_group_tests("golden/policy", tests, files.gl_pathc + 1, NULL, NULL);
	free(tests);
	globfree(&files);
	free(pattern.text);
	return failed;
}
