#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum ak_err
text_copy(char *dst, size_t cap, const char *src)
{
	size_t len = strlen(src);

	if (cap == 0)
		return AK_ERR_RANGE;
	dst[0] = '\0';
	if (len >= cap)
		return AK_ERR_RANGE;
	memcpy(dst, src, len + 1);
	return AK_OK;
}

void
text_cut(char *dst, size_t cap, const char *src)
{
	size_t len = strnlen(src, cap - 1);

	memcpy(dst, src, len);
	dst[len] = '\0';
}

struct text
text_over(char *buf, size_t cap)
{
	if (cap > 0)
		buf[0] = '\0';
	return (struct text){.buf = buf, .cap = cap, .len = 0, .cut = cap == 0};
}

void
text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->cut)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->cap - t->len) {
		t->cut = true;
		t->len = strlen(t->buf);
		return;
	}
	t->len += (size_t)n;
}

void
text_put(struct text *t, const char *s)
{
	size_t len, room;

	if (t->cut)
		return;
	len = strlen(s);
	room = t->cap - t->len - 1;
	t->cut = len > room;
	len = t->cut ? room : len;
	memcpy(t->buf + t->len, s, len);
	t->len += len;
	t->buf[t->len] = '\0';
}

bool
strv_valid(struct strv v)
{
	if (v.len_b == 0)
		return true;
	if (v.bytes == NULL || v.bytes[0] == '\0' || v.bytes[v.len_b - 1] != '\0')
		return false;
	for (size_t i = 1; i < v.len_b; i++)
		if (v.bytes[i] == '\0' && v.bytes[i - 1] == '\0')
			return false;
	return true;
}

const char *
strv_next(struct strv v, const char *at)
{
	if (v.len_b == 0)
		return NULL;
	if (at == NULL)
		return v.bytes;
	at += strlen(at) + 1;
	return at < v.bytes + v.len_b ? at : NULL;
}

size_t
strv_count(struct strv v)
{
	size_t n = 0;

	strv_for (v, entry)
		n++;
	return n;
}

bool
strv_has(struct strv v, const char *wanted)
{
	strv_for (v, entry)
		if (strcmp(entry, wanted) == 0)
			return true;
	return false;
}

/* Linear in both lengths times the stars' last choice: no recursion, no blow-up. */
bool
text_glob(const char *glob, const char *s)
{
	const char *star = NULL, *resume = NULL;

	while (*s != '\0') {
		if (*glob == '*') {
			star = glob++;
			resume = s;
		} else if (*glob == *s) {
			glob++;
			s++;
		} else if (star != NULL) {
			glob = star + 1;
			s = ++resume;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}

bool
strv_glob(struct strv globs, const char *s)
{
	strv_for (globs, glob)
		if (text_glob(glob, s))
			return true;
	return false;
}

/* Not ctype: a locale must not change what a name is. */
static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name(const char *s, bool (*first)(char), size_t max)
{
	static const bool fits[256] = {
	    ['a' ... 'z'] = true, ['0' ... '9'] = true, ['_'] = true, ['-'] = true};
	size_t len = strlen(s);

	if (len == 0 || len > max || !first(s[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!fits[(unsigned char)s[i]])
			return false;
	return true;
}

static bool
starts_key(char c)
{
	return is_lower(c) || c == '_';
}

static bool
starts_policy(char c)
{
	return is_lower(c) || is_digit(c);
}

bool
text_is_key_name(const char *s)
{
	return is_name(s, starts_key, KEY_NAME_MAX);
}

bool
text_is_policy_name(const char *s)
{
	return is_name(s, starts_policy, POLICY_NAME_MAX);
}

size_t
text_control_len(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;

	if ((c[0] > 0 && c[0] < 0x20) || c[0] == 0x7f)
		return 1;
	return c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f ? 2 : 0;
}

void
text_mask_controls(char *s)
{
	for (; *s != '\0'; s++)
		for (size_t n = text_control_len(s); n > 0; n--)
			s[n - 1] = '?';
}

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* Is one of the eight bytes below n, which is 128 at most? */
static bool
one_is_below(uint64_t word, unsigned char n)
{
	return ((word - EACH_BYTE(n)) & ~word & EACH_BYTE(0x80)) != 0;
}

/* Is one of the eight bytes at s none that a field may hold? */
static bool
are_unfit(const char *s)
{
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	return one_is_below(word, 0x20) || one_is_below(word ^ EACH_BYTE(0x7f), 1) ||
	       one_is_below(word ^ EACH_BYTE(':'), 1);
}

/* Eight bytes a step: a list of all users asks for three fields of each. */
bool
text_is_passwd_field(const char *s)
{
	size_t len = strlen(s);
	char rest[8];

	for (; len >= sizeof(rest); len -= sizeof(rest), s += sizeof(rest))
		if (are_unfit(s))
			return false;
	memset(rest, ' ', sizeof(rest));
	memcpy(rest, s, len);
	return !are_unfit(rest);
}

/* Bytes of the character that begins at s; 0: none does. */
static size_t
utf8_len(const unsigned char *s)
{
	static const struct {
		unsigned char first, last, low, high; /* of the first byte; of the second */
		size_t len;
	} forms[] = {
	    {0x01, 0x7f, 0, 0, 1},
	    {0xc2, 0xdf, 0x80, 0xbf, 2},
	    {0xe0, 0xe0, 0xa0, 0xbf, 3},
	    {0xe1, 0xec, 0x80, 0xbf, 3},
	    {0xed, 0xed, 0x80, 0x9f, 3},
	    {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4},
	    {0xf1, 0xf3, 0x80, 0xbf, 4},
	    {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		size_t i = 1;

		if (s[0] < forms[f].first || s[0] > forms[f].last)
			continue;
		if (forms[f].len > 1 && (s[1] < forms[f].low || s[1] > forms[f].high))
			return 0;
		while (i < forms[f].len && (i == 1 || (s[i] & 0xc0) == 0x80))
			i++;
		return i == forms[f].len ? i : 0;
	}
	return 0;
}

bool
text_is_utf8(const char *s)
{
	const unsigned char *at = (const unsigned char *)s;
	size_t n;

	for (; *at != '\0'; at += n)
		if ((n = utf8_len(at)) == 0)
			return false;
	return true;
}

bool
text_is_line(const char *s, size_t max_b)
{
	const unsigned char *c = (const unsigned char *)s;

	if (*s == '\0' || strlen(s) > max_b || !text_is_utf8(s))
		return false;
	/* C1 controls are C2 80 to C2 9F. */
	for (; *c != '\0'; c++)
		if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0))
			return false;
	return true;
}
