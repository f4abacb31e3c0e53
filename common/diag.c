#include "diag.h"

#include <stdarg.h>
#include <stdio.h>

#include "text.h"

static void say(struct diag *d, const char *file, unsigned line, unsigned col, const char *fmt,
    va_list ap) AK_PRINTF(5, 0);

static void
say(struct diag *d, const char *file, unsigned line, unsigned col, const char *fmt, va_list ap)
{
	if (d == NULL || d->text[0] != '\0')
		return;
	(void)snprintf(d->file, sizeof(d->file), "%s", file == NULL ? "" : file);
	d->line = line;
	d->col = col;
	(void)vsnprintf(d->text, sizeof(d->text), fmt, ap);
	/* What a file or a person wrote must not write lines of its own into a log. */
	text_mask_controls(d->file);
	text_mask_controls(d->text);
}

enum ak_err
diag_say(struct diag *d, enum ak_err err, const char *file, unsigned line, unsigned col,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(d, file, line, col, fmt, ap);
	va_end(ap);
	return err;
}

enum ak_err
diag_because(struct diag *d, enum ak_err err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(d, NULL, 0, 0, fmt, ap);
	va_end(ap);
	return err;
}

char *
diag_print(const struct diag *d, char *buf, size_t cap)
{
	if (d->file[0] == '\0')
		(void)snprintf(buf, cap, "%s", d->text);
	else if (d->line == 0)
		(void)snprintf(buf, cap, "%s: %s", d->file, d->text);
	else if (d->col == 0)
		(void)snprintf(buf, cap, "%s:%u: %s", d->file, d->line, d->text);
	else
		(void)snprintf(buf, cap, "%s:%u:%u: %s", d->file, d->line, d->col, d->text);
	return buf;
}
