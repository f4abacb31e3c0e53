/* apikey-askpass: which prompts it answers, and from which files. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "askpass_answer.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
#define TOKEN "apikey_Abcdefghij_0123456789abcdefghijklmnopqrstuvwxyz0123456789abc"

static void
only_password_prompts_of_the_wanted_account_are_answered(void **state)
{
	static const struct {
		const char *prompt, *wanted;
		bool asked;
	} rows[] = {
	    {"ci-deploy@bastion's password: ", NULL, true},
	    {"ci-deploy@bastion's password:", NULL, true},
	    {"ci-deploy@2001:db8::1's password: ", NULL, true},
	    {"(ci-deploy@bastion) Password: ", NULL, true},
	    {"[sudo] password for ci-deploy: ", NULL, true},
	    {"Password: ", NULL, true},
	    {"Password:", NULL, true},

	    {"ci-deploy@bastion's password: ", "ci-deploy@bastion", true},
	    {"(ci-deploy@bastion) Password: ", "ci-deploy@bastion", true},
	    {"[sudo] password for ci-deploy: ", "ci-deploy", true},
	    {"ci-deploy@jump's password: ", "ci-deploy@bastion", false},
	    {"(ci-deploy@jump) Password: ", "ci-deploy@bastion", false},
	    {"root@bastion's password: ", "ci-deploy@bastion", false},
	    {"xci-deploy@bastion's password: ", "ci-deploy@bastion", false},
	    {"ci-deploy@bastion.evil's password: ", "ci-deploy@bastion", false},
	    {"[sudo] password for root: ", "ci-deploy", false},
	    {"[sudo] password for ci-deploy: ", "ci-deploy@bastion", false},
	    {"Password: ", "ci-deploy@bastion", false},
	    {"ci-deploy@bastion's password: ", "", false},

	    {"", NULL, false},
	    {" ", NULL, false},
	    {"The authenticity of host 'bastion (192.0.2.1)' can't be established.\n"
	     "ED25519 key fingerprint is SHA256:x.\n"
	     "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
		NULL, false},
	    {"Please type 'yes', 'no' or the fingerprint: ", NULL, false},
	    {"Enter passphrase for key '/home/a/.ssh/id_ed25519': ", NULL, false},
	    {"Enter PIN for ED25519-SK key /home/a/.ssh/id: ", NULL, false},
	    {"Confirm user presence for key ED25519-SK", NULL, false},
	    {"(ci-deploy@evil) Your other password: ", NULL, false},
	    {"(ci-deploy@evil) ci-deploy@bastion's password: ", NULL, false},
	    {"(ci-deploy@evil) ci-deploy@bastion's password: ", "ci-deploy@bastion", false},
	    {"(ci-deploy@evil) (ci-deploy@bastion) Password: ", "ci-deploy@bastion", false},
	    {"(ci-deploy@bastion) Password: \n", "ci-deploy@bastion", false},
	    {"(ci-deploy@bastion) Verification code: ", "ci-deploy@bastion", false},
	    {"ci-deploy@bastion's old password: ", NULL, false},
	    {"'s password: ", NULL, false},
	    {"() Password: ", NULL, false},
	    {"[sudo] password for : ", NULL, false},
	    {"[sudo] PIN for ci-deploy: ", NULL, false},
	    {"Password: Password: ", NULL, false},
	    {"password: ", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_row(rows[i].prompt,
		    askpass_is_asked(rows[i].prompt, rows[i].wanted) == rows[i].asked);
}

/* What was answered, and said, for free(). */
static int
answer(const char *prompt, const char *file, const char *wanted, char **out, char **err)
{
	size_t out_len, err_len;
	FILE *o = open_memstream(out, &out_len), *e = open_memstream(err, &err_len);
	int code = askpass_answer(prompt, file, wanted, o, e);

	(void)fclose(o);
	(void)fclose(e);
	return code;
}

#define PROMPT "ci-deploy@bastion's password: "

/* A file's bytes and mode, and what is said of it. */
static void
the_token_comes_from_a_private_file_that_holds_nothing_else(void **state)
{
	static const struct {
		const char *bytes;
		mode_t mode;
		const char *says; /* NULL: it is answered */
	} rows[] = {
	    {TOKEN, 0600, NULL},
	    {TOKEN "\n", 0400, NULL},
	    {TOKEN "\r\n", 0600, NULL},
	    {TOKEN "\n", 0640, "can be used by others"},
	    {TOKEN "\n", 0604, "can be used by others"},
	    {TOKEN "\n", 0620, "can be used by others"},
	    {TOKEN "\n", 0644, "can be used by others"},
	    {"", 0600, "holds no token"},
	    {"hunter2\n", 0600, "holds no token"},
	    {TOKEN "x\n", 0600, "holds no token"},
	    {" " TOKEN, 0600, "holds no token"},
	    {TOKEN TOKEN TOKEN, 0600, "holds no token"},
	    {TOKEN "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
		   "\n\n\n"
		   "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nmore\n",
		0600, "holds no token"},
	    {"root:x:0:0:root:/root:/bin/bash\n01234567890123456789012345678901234567\n", 0600,
		"holds no token"},
	};
	struct tmp *t = *state;
	const char *file = tmp_path(t, "token");
	char *out, *err;

	assert_int_equal(strlen(TOKEN), 67);
	for (size_t i = 0; i < N(rows); i++) {
		file_write(file, rows[i].bytes, strlen(rows[i].bytes), rows[i].mode);
		assert_int_equal(
		    answer(PROMPT, file, NULL, &out, &err), rows[i].says == NULL ? 0 : 1);
		assert_string_equal(out, rows[i].says == NULL ? TOKEN "\n" : "");
		assert_row(
		    rows[i].bytes, rows[i].says == NULL || strstr(err, rows[i].says) != NULL);
		assert_null(strstr(err, "hunter2"));
		free(out);
		free(err);
		(void)unlink(file);
	}
}

static void
what_is_no_file_is_refused(void **state)
{
	struct tmp *t = *state;
	const char *rows[][2] = {{NULL, "set APIKEY_TOKEN_FILE"}, {"", "set APIKEY_TOKEN_FILE"},
	    {t->dir, "no regular file"}, {"/dev/null", "no regular file"},
	    {tmp_path(t, "missing"), "No such file"}, {tmp_path(t, "pipe"), "no regular file"}};
	char *out, *err;

	assert_int_equal(mkfifo(tmp_path(t, "pipe"), 0600), 0);
	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(answer(PROMPT, rows[i][0], NULL, &out, &err), 1);
		assert_string_equal(out, "");
		assert_row(rows[i][1], strstr(err, rows[i][1]) != NULL);
		free(out);
		free(err);
	}
	file_write(tmp_path(t, "token"), TOKEN, strlen(TOKEN), 0600);
	assert_int_equal(
	    answer("Enter passphrase for key 'x': ", tmp_path(t, "token"), NULL, &out, &err), 1);
	assert_string_equal(out, "");
	free(out);
	free(err);
}

/* The program itself, as ssh calls it. */
static int
run_program(const char *prompt, const char *out)
{
	const char *top = getenv("top_builddir");
	char path[512];
	int status;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/apikey-askpass", top == NULL ? "." : top);
	if ((pid = fork()) == 0) {
		if (freopen(out, "w", stdout) != NULL &&
		    freopen("/dev/null", "w", stderr) != NULL)
			(void)execl(path, path, prompt, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
the_program_reads_its_two_variables(void **state)
{
	struct tmp *t = *state;
	char out[2 * TMP_CAP];

	(void)snprintf(out, sizeof(out), "%s", tmp_path(t, "out"));
	file_write(tmp_path(t, "token"), TOKEN "\n", strlen(TOKEN) + 1, 0600);
	assert_int_equal(unsetenv("APIKEY_TOKEN_FILE"), 0);
	assert_int_equal(unsetenv("APIKEY_TOKEN_FOR"), 0);
	assert_int_equal(run_program(PROMPT, out), 1);
	assert_int_equal(setenv("APIKEY_TOKEN_FILE", tmp_path(t, "token"), 1), 0);
	assert_int_equal(run_program(PROMPT, out), 0);
	assert_true(file_holds(out, TOKEN "\n"));
	assert_int_equal(setenv("APIKEY_TOKEN_FOR", "ci-deploy@bastion", 1), 0);
	assert_int_equal(run_program(PROMPT, out), 0);
	assert_int_equal(run_program("root@bastion's password: ", out), 1);
	assert_true(file_holds(out, ""));
	assert_int_equal(run_program(NULL, out), 2);
	assert_true(file_holds(out, ""));
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_password_prompts_of_the_wanted_account_are_answered),
	    T(the_token_comes_from_a_private_file_that_holds_nothing_else),
	    T(what_is_no_file_is_refused),
	    T(the_program_reads_its_two_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
