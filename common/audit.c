#include "audit.h"

#include <stdbool.h>
#include <string.h>

#include "token.h"

void
audit_start(struct audit *a, const char *event)
{
	a->text = text_over(a->line, sizeof(a->line));
	text_add(&a->text, "event=%s", event);
}

/* Needs no quotes: a word of the characters that names, addresses and paths are made of. */
static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if (!((*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') ||
			(*s >= 'a' && *s <= 'z') || strchr("._-:/,@+*%", *s) != NULL))
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

void
audit_add(struct audit *a, const char *name, const char *value)
{
	const char *token;
	size_t len_b, show_b;

	if (value == NULL || value[0] == '\0')
		return;
	len_b = strlen(value);
	token = strstr(value, TOKEN_PREFIX);
	show_b = token != NULL ? (size_t)(token - value) + sizeof(TOKEN_PREFIX) - 1 : len_b;
	if (show_b > AUDIT_VALUE_MAX_B)
		show_b = AUDIT_VALUE_MAX_B;
	if (show_b == len_b && is_plain(value)) {
		text_add(&a->text, " %s=%s", name, value);
		return;
	}
	text_add(&a->text, " %s=\"", name);
	for (size_t i = 0; i < show_b; i++)
		add_char(&a->text, (unsigned char)value[i]);
	if (token != NULL && show_b == (size_t)(token - value) + sizeof(TOKEN_PREFIX) - 1)
		text_add(&a->text, "(redacted)");
	else if (show_b < len_b)
		text_add(&a->text, "...");
	text_add(&a->text, "\"");
}

void
audit_add_number(struct audit *a, const char *name, uint64_t value)
{
	text_add(&a->text, " %s=%llu", name, (unsigned long long)value);
}
