#include "logfmt.h"

#include <stdbool.h>
#include <string.h>

static bool
is_small(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_name(char c)
{
	return is_small(c) || c == '_' || c == '-';
}

/* What audit.c leaves without quotes. */
static bool
is_plain(char c)
{
	return is_small(c) || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("._-:/,@+*%", c) != NULL);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What \xNN stands for: a byte that may not stand for itself; else -1. */
static int
take_hex(const char **s)
{
	int high = hex_digit((*s)[0]), low = high < 0 ? -1 : hex_digit((*s)[1]), byte;

	if (low < 0)
		return -1;
	*s += 2;
	byte = high * 16 + low;
	return byte == 0 || (byte >= 0x20 && byte < 0x7f) ? -1 : byte;
}

/* The next character between quotes; -1: none that may stand there. */
static int
take_char(const char **s)
{
	unsigned char c = (unsigned char)*(*s)++;

	if (c < 0x20 || c >= 0x7f)
		return -1;
	if (c != '\\')
		return c;
	c = (unsigned char)*(*s)++;
	if (c == '"' || c == '\\')
		return c;
	return c == 'x' ? take_hex(s) : -1;
}

/* Both: the value at *s is written to the same place, and *s is then what stands behind it. */
static bool
take_quoted(char **s)
{
	const char *from = *s + 1;
	char *to = *s;
	int c;

	for (; *from != '"'; *to++ = (char)c)
		if ((c = take_char(&from)) == -1)
			return false;
	if (to == *s)
		return false;
	*to = '\0';
	*s += from + 1 - *s;
	return true;
}

static bool
take_value(char **s)
{
	const char *from = *s;

	if (*from == '"')
		return take_quoted(s);
	while (is_plain(**s))
		++*s;
	return *s > from;
}

static bool
take_field(char **s, struct logfmt_field *out)
{
	out->name = *s;
	while (is_name(**s))
		++*s;
	if (*s == out->name || **s != '=')
		return false;
	*(*s)++ = '\0';
	out->value = *s;
	return take_value(s);
}

enum ak_err
logfmt_parse(char *line, size_t len_b, struct logfmt *out)
{
	char *s = line, *end = line + len_b;

	for (out->n = 0; out->n < LOGFMT_FIELDS_MAX; *s++ = '\0') {
		if (!take_field(&s, &out->fields[out->n]))
			break;
		out->n++;
		if (s == end)
			return AK_OK;
		if (*s != ' ')
			break;
	}
	out->n = 0;
	return AK_ERR_INVALID;
}

const char *
logfmt_find(const struct logfmt *l, const char *name)
{
	for (unsigned i = l->n; i > 0; i--)
		if (strcmp(l->fields[i - 1].name, name) == 0)
			return l->fields[i - 1].value;
	return NULL;
}
