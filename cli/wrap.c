#include "wrap.h"

#include <stdbool.h>
#include <string.h>

#define WIDTH 80

void
wrap_print(FILE *f, const char *text, size_t at, size_t indent)
{
	bool first = true;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (!first && at + 1 + len > WIDTH) {
			(void)fprintf(f, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			(void)fputc(' ', f);
			at++;
		}
		(void)fwrite(text, 1, len, f);
		at += len;
		text += len + strspn(text + len, " ");
		first = false;
	}
	(void)fputc('\n', f);
}
