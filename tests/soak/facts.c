/* facts: see facts.h. */
#include "facts.h"

#include <error.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
read_text(int folder, const char *name, char *text, size_t cap)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd == -1 ? -1 : read(fd, text, cap - 1);

	text[len < 0 ? 0 : len] = '\0';
	if (fd != -1)
		(void)close(fd);
	return len > 0;
}

static enum want
want_of(const char *key, const char *word)
{
	static const char *const words[] = {"either", "in", "out"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return (enum want)i;
	error(2, 0, "what is said of %s is neither in, out nor either: %s", key, word);
	abort();
}

void
fact_read(int folder, const char *key, struct fact *out)
{
	char login[8], name[8];

	if (!read_text(folder, key, out->text, sizeof(out->text)) ||
	    sscanf(out->text, "%15s %7s %7s %127s %127s", out->serial, login, name, out->token,
		out->wrong) != 5)
		error(2, 0, "nothing is said of %s", key);
	out->login = want_of(key, login);
	out->name = want_of(key, name);
}

bool
fact_stands(int folder, const char *key, const struct fact *before)
{
	char text[sizeof(before->text)];

	return read_text(folder, key, text, sizeof(text)) && strcmp(text, before->text) == 0;
}

unsigned long
facts_rounds(int folder)
{
	char text[32], *end;
	unsigned long n;

	if (!read_text(folder, "rounds", text, sizeof(text)))
		return 0;
	n = strtoul(text, &end, 10);
	if (end == text)
		error(2, 0, "the changes came to an early end");
	return n;
}
