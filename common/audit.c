#include "audit.h"

#include <stdbool.h>
#include <string.h>

#include "token.h"

void
audit_start(struct audit *a, const char *event)
{
	a->text = text_over(a->line, sizeof(a->line));
	text_put(&a->text, "event=");
	text_put(&a->text, event);
}

static bool
is_base62(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Needs no quotes: a word of the characters that names, addresses and paths are made of. */
static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if (!is_base62(*s) && strchr("._-:/,@+*%", *s) == NULL)
			return false;
	return true;
}

/* One character, escaped; bytes above 0x7f too, since a log has no encoding. */
static void
add_char(struct text *t, unsigned char c)
{
	if (c == '"' || c == '\\')
		text_add(t, "\\%c", c);
	else if (c < 0x20 || c >= 0x7f)
		text_add(t, "\\x%02x", c);
	else
		text_add(t, "%c", c);
}

/*
 * How much of a value comes before what no log may hold: what follows the
 * prefix, in whatever case a keyboard typed it, and a run of letters and digits
 * as long as a token's secret, whatever stands before it.
 */
static size_t
before_secret(const char *value)
{
	const char *token = strcasestr(value, TOKEN_PREFIX);
	size_t end =
	    token == NULL ? strlen(value) : (size_t)(token - value) + sizeof(TOKEN_PREFIX) - 1;

	for (size_t i = 0, run = 0; i < end; i++) {
		run = is_base62(value[i]) ? run + 1 : 0;
		if (run >= TOKEN_SECRET_LEN)
			return i + 1 - run;
	}
	return end;
}

static void
add_name(struct audit *a, const char *name)
{
	text_put(&a->text, " ");
	text_put(&a->text, name);
	text_put(&a->text, "=");
}

void
audit_add(struct audit *a, const char *name, const char *value)
{
	size_t len_b, show_b, start;

	if (value == NULL || value[0] == '\0')
		return;
	len_b = strlen(value);
	show_b = before_secret(value);
	if (show_b == len_b && len_b <= AUDIT_VALUE_MAX_B && is_plain(value)) {
		add_name(a, name);
		text_put(&a->text, value);
		return;
	}
	add_name(a, name);
	text_put(&a->text, "\"");
	start = a->text.len;
	for (size_t i = 0; i < show_b; i++) {
		if (a->text.len - start >= AUDIT_VALUE_MAX_B) {
			text_add(&a->text, "...\"");
			return;
		}
		add_char(&a->text, (unsigned char)value[i]);
	}
	text_add(&a->text, "%s\"", show_b < len_b ? "(redacted)" : "");
}

void
audit_add_number(struct audit *a, const char *name, uint64_t value)
{
	text_add(&a->text, " %s=%llu", name, (unsigned long long)value);
}
