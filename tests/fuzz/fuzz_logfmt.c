/* fuzz_logfmt: any bytes as a line of the audit log, and as a value in one: what audit.h writes comes back, and nothing else is taken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "fuzz_check.h"
#include "logfmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

/* The last field of the line is the value, or its beginning where the line says that it was cut. */
static void
check_value(struct audit *a, const char *value)
{
	struct logfmt l;
	const char *got, *mark;

	fuzz_check(logfmt_parse(a->line, a->text.len, &l) == AK_OK, "what was written is read");
	got = logfmt_find(&l, "v");
	if (value[0] == '\0') {
		fuzz_check(got == NULL && l.n == 1, "no value, no field");
		return;
	}
	fuzz_check(got != NULL && l.n == 2, "one value, one field");
	if (strcmp(got, value) == 0)
		return;
	mark = strrchr(got, '(');
	if (mark == NULL || strcmp(mark, "(redacted)") != 0)
		mark = strlen(got) < 3 ? got : got + strlen(got) - 3;
	fuzz_check(strcmp(mark, "(redacted)") == 0 || strcmp(mark, "...") == 0,
	    "what does not come back is marked");
	fuzz_check(
	    strncmp(got, value, (size_t)(mark - got)) == 0, "what was cut is a beginning");
}

static void
write_value(const char *value)
{
	struct audit a;

	audit_start(&a, "e");
	audit_add(&a, "v", value);
	fuzz_check(!a.text.cut, "one value fits");
	check_value(&a, value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	char *line = malloc(len_b + 1);
	struct logfmt l;

	fuzz_check(line != NULL, "there is memory");
	memcpy(line, bytes, len_b);
	line[len_b] = '\0';
	write_value(line);
	if (logfmt_parse(line, len_b, &l) == AK_OK) {
		fuzz_check(l.n > 0, "a line has a field");
		for (unsigned i = 0; i < l.n; i++) {
			fuzz_check(l.fields[i].name[0] != '\0' && l.fields[i].value[0] != '\0',
			    "a field has a name and a value");
			write_value(l.fields[i].value);
		}
	} else {
		fuzz_check(l.n == 0, "what is refused has no fields");
	}
	free(line);
	return 0;
}
