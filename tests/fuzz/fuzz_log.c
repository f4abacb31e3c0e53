/* fuzz_log: any bytes as the audit log: `apikey log' gives JSON, a filter lets through what matches it and nothing else, and no line reaches the terminal's controls. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "fuzz_cli.h"
#include "fuzz_file.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static const char *
member(const json_t *line, const char *name)
{
	const char *text = json_string_value(json_object_get(line, name));

	return text == NULL ? "" : text;
}

/* As apikey(8) says it of --key and --denied. */
static bool
is_wanted(const json_t *line, const char *key, bool denied)
{
	if (denied && strcmp(member(line, "decision"), "deny") != 0)
		return false;
	if (key == NULL)
		return true;
	if (json_object_get(line, "key") == NULL)
		return strcmp(member(line, "user"), key) == 0;
	return strcmp(member(line, "key"), key) == 0 || strcmp(member(line, "id"), key) == 0;
}

static json_t *
all_lines(void)
{
	static const char *const words[] = {"apikey", "log", "-o", "json", NULL};
	struct fuzz_run r = fuzz_cli(words, NULL);
	json_t *all = fuzz_json(&r), *line;
	size_t i;

	fuzz_check(r.status == CLI_DONE && json_is_array(all), "a log is a list");
	fuzz_check_terminal(&r);
	json_array_foreach(all, i, line)
	    fuzz_check(member(line, "event")[0] != '\0', "each of its lines has an event");
	fuzz_run_clear(&r);
	return all;
}

/* The filtered list is the list, filtered. */
static void
check_filter(json_t *all, const char *key, bool denied)
{
	const char *words[8] = {"apikey", "log", "-o", "json"};
	unsigned n = 4;
	struct fuzz_run r;
	json_t *some, *line;
	size_t i, next = 0;

	if (denied)
		words[n++] = "--denied";
	if (key != NULL) {
		words[n++] = "--key";
		words[n++] = key;
	}
	r = fuzz_cli(words, NULL);
	some = fuzz_json(&r);
	json_array_foreach(all, i, line) if (is_wanted(line, key, denied))
	    fuzz_check(json_equal(line, json_array_get(some, next++)),
		"what matches is let through, in its order");
	fuzz_check(next == json_array_size(some), "and nothing else");
	json_decref(some);
	fuzz_run_clear(&r);
}

static void
check_table(size_t n_lines)
{
	static const char *const words[] = {"apikey", "log", NULL};
	struct fuzz_run r = fuzz_cli(words, NULL);
	size_t rows = 0;

	fuzz_check(r.status == CLI_DONE, "a log can be shown");
	fuzz_check_terminal(&r);
	for (const char *at = r.out; (at = strchr(at, '\n')) != NULL; at++)
		rows++;
	fuzz_check(rows >= 1 && rows <= n_lines + 1, "a line has one row at most");
	fuzz_run_clear(&r);
}

/* The same lines again and again, so that lines and files are as long as they may be. */
static void
put_log(const struct fuzz_input *in, unsigned times)
{
	char *all = malloc(in->left_b * times + 1), *at = all;

	fuzz_check(all != NULL, "there is memory");
	for (unsigned i = 0; i < times && in->left_b > 0; i++, at += in->left_b)
		memcpy(at, in->at, in->left_b);
	fuzz_file(fuzz_paths()->audit, all, (size_t)(at - all));
	free(all);
}

static void
check_many(const struct fuzz_input *in, size_t n_once, unsigned times)
{
	json_t *all;

	if (in->left_b == 0 || in->at[in->left_b - 1] != '\n')
		return;
	put_log(in, times);
	all = all_lines();
	fuzz_check(
	    json_array_size(all) == n_once * times, "a line is a line wherever it stands");
	json_decref(all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};
	unsigned times = 1 + fuzz_u8(&in) % 40;
	bool denied = fuzz_u8(&in) % 2 == 1;
	char key[40];
	json_t *all;

	(void)fuzz_line(&in, key, sizeof(key));
	if (key[0] == '-')
		key[0] = '\0';
	put_log(&in, 1);
	all = all_lines();
	check_filter(all, key[0] == '\0' ? NULL : key, denied);
	check_table(json_array_size(all));
	if (len_b * times < 300000)
		check_many(&in, json_array_size(all), times);
	json_decref(all);
	return 0;
}
