#include "testlib_doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "testlib_cmocka.h"

static const char *
member(const json_t *finding, const char *name)
{
	const char *text = json_string_value(json_object_get(finding, name));

	return text == NULL ? "" : text;
}

/* One that no quotes are around: they begin behind a blank, as words do. */
static bool
has_open_backquote(const char *advice)
{
	bool quoted = false;

	for (const char *at = advice; *at != '\0'; at++) {
		if (*at == '\'')
			quoted = !quoted && (at == advice || at[-1] == ' ');
		if (*at == '`' && !quoted)
			return true;
	}
	return false;
}

bool
doctor_says(struct cli_test *t, const char *check, const char *state, const char *text,
    char advice[ADVICE_CAP])
{
	const json_t *f;
	bool found = false;
	json_t *j;
	size_t i;

	(void)run(t, "doctor", "-o", "json");
	j = cli_test_json(t);
	json_array_foreach(j, i, f)
	{
		/* Pasted, a sentence must run nothing. */
		if (has_open_backquote(member(f, "advice")))
			fail_msg("a backquote: %s", member(f, "advice"));
		if (found || strcmp(member(f, "check"), check) != 0 ||
		    strcmp(member(f, "state"), state) != 0 ||
		    strstr(member(f, "text"), text) == NULL)
			continue;
		found = true;
		/* Who has something to mend is told how. */
		assert_true((strcmp(state, "ok") == 0) == (member(f, "advice")[0] == '\0'));
		if (advice != NULL)
			(void)snprintf(advice, ADVICE_CAP, "%s", member(f, "advice"));
	}
	json_decref(j);
	return found;
}

size_t
doctor_said(const struct cli_test *t, const char *check, const char *state)
{
	json_t *j = cli_test_json(t);
	const json_t *f;
	size_t i, n = 0;

	json_array_foreach(j, i, f)
	{
		n += (check == NULL || strcmp(member(f, "check"), check) == 0) &&
		     strcmp(member(f, "state"), state) == 0;
	}
	json_decref(j);
	return n;
}

void
doctor_follow(struct cli_test *t, const char *advice)
{
	char line[ADVICE_CAP], *rest = NULL;
	const char *words[16];
	size_t n = 0;

	if (strncmp(advice, "apikey ", 7) != 0) {
		if (system(advice) != 0)
			fail_msg("`%s' fails", advice);
		return;
	}
	(void)snprintf(line, sizeof(line), "%s", advice);
	for (char *w = strtok_r(line, " ", &rest); w != NULL && n < 15;
	     w = strtok_r(NULL, " ", &rest))
		words[n++] = w;
	words[n] = NULL;
	if (cli_test_run(t, words) != CLI_DONE)
		fail_msg("`%s' fails: %s", advice, t->err);
}

void
doctor_put(struct cli_test *t, const char *name, const char *text)
{
	const char *path = tmp_path(t->tmp, name);
	char folder[TMP_CAP * 2];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		(void)mkdir(folder, 0755);
	}
	file_write(path, text, strlen(text), 0644);
}
