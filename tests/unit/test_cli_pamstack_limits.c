/* pamstack: how much it holds, how deep files and substacks lie, and what becomes of what it has no room for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pamline.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
write_text(struct tmp *t, const char *name, const char *text)
{
	file_write(tmp_path(t, name), text, strlen(text), 0644);
}

static struct pamstack
read_stack(struct tmp *t, const char *service, enum pamstack_phase phase)
{
	const char *dirs[] = {t->dir, NULL};
	struct pamstack s;

	assert_int_equal(pamstack_read(dirs, service, phase, &s, NULL), AK_OK);
	return s;
}

/* A service of so many lines, the last of which is another one. */
static void
write_lines(struct tmp *t, const char *name, unsigned n, const char *line, const char *last)
{
	char *text = calloc(n, 64);
	size_t len = 0;

	assert_non_null(text);
	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, 64, "%s", i + 1 == n ? last : line);
	write_text(t, name, text);
	free(text);
}

static void
what_there_is_no_room_for_is_said_and_never_left_out(void **state)
{
	static const char *const last[] = {"auth required b.so\n", "auth required\n",
	    "auth substack no-such\n", "auth include no-such\n"};
	struct tmp *t = *state;
	const char *dirs[] = {t->dir, NULL};
	struct diag why = DIAG_INIT;
	struct pamstack s;

	for (size_t i = 0; i < N(last); i++) {
		bool is_two = i == 2; /* a substack, and a broken line in it */

		write_lines(t, "svc", is_two ? 1023 : 1024, "auth required a.so\n", last[i]);
		assert_err(last[i], AK_OK, pamstack_read(dirs, "svc", PAMSTACK_AUTH, &s, NULL));
		assert_int_equal(s.n, 1024);
		pamstack_clear(&s);
		write_lines(t, "svc", 1025, "auth required a.so\n", last[i]);
		assert_err(
		    last[i], AK_ERR_NOMEM, pamstack_read(dirs, "svc", PAMSTACK_AUTH, &s, &why));
		assert_non_null(strstr(why.text, "svc can't be read"));
		pamstack_clear(&s);
	}
	write_text(t, "in", "auth include svc\n");
	assert_err("in", AK_ERR_NOMEM, pamstack_read(dirs, "in", PAMSTACK_AUTH, &s, NULL));
	pamstack_clear(&s);
}

static void
without_memory_there_is_no_stack(void **state)
{
	struct tmp *t = *state;
	const char *dirs[] = {t->dir, NULL};
	enum ak_err err = AK_ERR_NOMEM;
	struct pamstack s;

	write_text(t, "svc", "auth required a.so\nauth substack in\n");
	write_text(t, "in", "auth required b.so\n");
	for (unsigned n = 1; err != AK_OK; n++) {
		alloc_fail_nth(n);
		err = pamstack_read(dirs, "svc", PAMSTACK_AUTH, &s, NULL);
		assert_err("", alloc_stop() ? AK_ERR_NOMEM : AK_OK, err);
		pamstack_clear(&s);
	}
}

/* As libpam: the service itself is the first. */
static void
sixteen_files_lie_in_each_other_and_no_more(void **state)
{
	char name[16], text[64];
	struct pamstack s;

	for (unsigned i = 1; i <= 17; i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		(void)snprintf(text, sizeof(text), "auth include f%u\n", i + 1);
		write_text(*state, name, i == 17 ? "auth required a.so\n" : text);
	}
	s = read_stack(*state, "f1", PAMSTACK_AUTH);
	assert_true(s.n == 1 && s.v[0].broken);
	pamstack_clear(&s);
	s = read_stack(*state, "f2", PAMSTACK_AUTH);
	assert_true(s.n == 1 && !s.v[0].broken);
	pamstack_clear(&s);
}

static void
words_that_do_not_fit_are_left_out_and_that_is_known(void **state)
{
	static const struct {
		size_t len;
		bool fits;
	} rows[] = {{PAMSTACK_ARGS_CAP - 4, true}, {PAMSTACK_ARGS_CAP - 3, true},
	    {PAMSTACK_ARGS_CAP - 2, false}, {PAMSTACK_ARGS_CAP, false}, {1000, false}};
	char word[1001], text[1100];

	for (size_t i = 0; i < N(rows); i++) {
		struct pamstack s;

		memset(word, 'w', sizeof(word));
		word[rows[i].len] = '\0';
		(void)snprintf(text, sizeof(text), "auth required a.so v %s\n", word);
		write_text(*state, "svc", text);
		s = read_stack(*state, "svc", PAMSTACK_AUTH);
		assert_true(s.n == 1 && !s.v[0].broken && strv_has(pamstack_args(&s.v[0]), "v"));
		assert_int_equal(strv_has(pamstack_args(&s.v[0]), word), rows[i].fits);
		assert_int_equal(s.v[0].continued, !rows[i].fits);
		pamstack_clear(&s);
		if (rows[i].len < PAMSTACK_ARGS_CAP)
			continue;
		/* What stands behind it is there still. */
		(void)snprintf(text, sizeof(text), "auth required a.so %s v\n", word);
		write_text(*state, "svc", text);
		s = read_stack(*state, "svc", PAMSTACK_AUTH);
		assert_true(s.v[0].continued && strv_has(pamstack_args(&s.v[0]), "v"));
		pamstack_clear(&s);
	}
}

/* ---- a disk that fails ---- */

static bool disk_fails;

int __real_ferror(FILE *f);
int __wrap_ferror(FILE *f);

int
__wrap_ferror(FILE *f)
{
	return disk_fails ? 1 : __real_ferror(f);
}

static void
what_cannot_be_read_to_its_end_is_no_stack(void **state)
{
	struct tmp *t = *state;
	const char *dirs[] = {t->dir, NULL};
	char text[300] = "auth include ";
	struct pamstack s;

	write_text(t, "svc", "auth required a.so\n");
	disk_fails = true;
	assert_err("", AK_ERR_UNAVAILABLE, pamstack_read(dirs, "svc", PAMSTACK_AUTH, &s, NULL));
	disk_fails = false;
	pamstack_clear(&s);
	/* Nor is a file whose name has no room. */
	memset(text + strlen(text), 'x', sizeof(text) - strlen(text) - 2);
	text[sizeof(text) - 2] = '\n';
	write_text(t, "svc", text);
	s = read_stack(t, "svc", PAMSTACK_AUTH);
	assert_true(s.n == 1 && s.v[0].broken);
	pamstack_clear(&s);
}

/* ---- running ---- */

static int
always_yes(void *ctx, const struct pamstack_line *l)
{
	(void)ctx;
	(void)l;
	return PAMSTACK_SUCCESS;
}

/* As many lines as there is room for at first: none is looked at behind the last. */
static void
a_stack_ends_with_its_last_line(void **state)
{
	static const struct {
		const char *line, *last;
		enum pamline_fault fault;
		bool passes;
	} rows[] = {
	    {"auth sufficient yes.so\n", "auth sufficient yes.so\n", PAMLINE_MISSING, true},
	    {"auth [success=1 default=ignore] yes.so\n", "auth required yes.so\n",
		PAMLINE_MISSING, false},
	    {"auth required pam_env.so\n", "auth required pam_env.so\n", PAMLINE_OPEN, true},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct pamstack s;

		write_lines(*state, "svc", 32, rows[i].line, rows[i].last);
		s = read_stack(*state, "svc", PAMSTACK_AUTH);
		assert_true(s.n == 32 && s.cap == 32);
		assert_row(
		    rows[i].line, pamstack_passes(&s, always_yes, NULL) == rows[i].passes);
		assert_row(
		    rows[i].line, pamline_judge(&s, PAMSTACK_AUTH).fault == rows[i].fault);
		assert_int_equal(pamline_judge(&s, PAMSTACK_AUTH).other->line, 1);
		pamstack_clear(&s);
	}
}

static void
substacks_are_seventeen_deep_at_most(void **state)
{
	struct pamstack_line *lines = calloc(18, sizeof(*lines));
	struct pamstack s = {.v = lines, .n = 17};

	(void)state;
	assert_non_null(lines);
	for (unsigned i = 0; i < 18; i++) {
		lines[i].level = i;
		lines[i].actions[PAMSTACK_SUCCESS] = PAMSTACK_DO_OK;
		(void)snprintf(lines[i].module, sizeof(lines[i].module), "yes.so");
	}
	assert_true(pamstack_passes(&s, always_yes, NULL));
	s.n = 18;
	assert_false(pamstack_passes(&s, always_yes, NULL));
	free(lines);
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_there_is_no_room_for_is_said_and_never_left_out),
	    T(without_memory_there_is_no_stack),
	    T(sixteen_files_lie_in_each_other_and_no_more),
	    T(words_that_do_not_fit_are_left_out_and_that_is_known),
	    T(what_cannot_be_read_to_its_end_is_no_stack),
	    T(a_stack_ends_with_its_last_line),
	    T(substacks_are_seventeen_deep_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
