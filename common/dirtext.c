#include "dirtext.h"

#include <string.h>

#include "num.h"
#include "token.h"

static const char *const attributes[SLOT_COUNT] = {
    [SLOT_NAME] = "apikeyName",
    [SLOT_BINDING] = "apikeyBinding",
    [SLOT_KEY_ID] = "apikeyId",
    [SLOT_KEY_UID] = "apikeyUidNumber",
    [SLOT_KEY_VERIFIER] = "apikeyVerifier",
    [SLOT_KEY_STATE] = "apikeyState",
    [SLOT_KEY_NOT_BEFORE] = "apikeyNotBefore",
    [SLOT_KEY_EXPIRES] = "apikeyExpires",
    [SLOT_KEY_CREATED_AT] = "apikeyCreatedAt",
    [SLOT_KEY_CREATED_BY] = "apikeyCreatedBy",
    [SLOT_KEY_DESCRIPTION] = "description",
    [SLOT_KEY_OWNER] = "apikeyOwner",
    [SLOT_KEY_GROUP] = "apikeyGroup",
    [SLOT_KEY_FROM] = "apikeyFrom",
};

const char *
dirtext_attribute(enum directory_slot slot)
{
	return (unsigned)slot < SLOT_COUNT ? attributes[slot] : NULL;
}

/* num's RFC 3339 without its punctuation. */
char *
dirtext_print_time(int64_t t, char buf[DIRTEXT_TIME_CAP])
{
	char full[NUM_TIME_CAP];
	struct text out = text_over(buf, DIRTEXT_TIME_CAP);

	for (const char *at = num_print_time(t, full); *at != '\0'; at++)
		if (strchr("-:T", *at) == NULL)
			text_add(&out, "%c", *at);
	return buf;
}

static size_t
count_digits(const char *s)
{
	return strspn(s, "0123456789");
}

/*
 * YYYYMMDDHH[MM[SS]][.f]Z or an offset of four digits, made into RFC 3339 and
 * read by the one reader of times. A fraction is taken of whole seconds alone:
 * nobody writes another.
 */
enum ak_err
dirtext_parse_time(const char *s, int64_t *out)
{
	char full[NUM_TIME_CAP];
	struct text t = text_over(full, sizeof(full));
	size_t n = count_digits(s);
	const char *rest = s + n;

	if (n != 10 && n != 12 && n != 14)
		return AK_ERR_INVALID;
	text_add(&t, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s", s, s + 4, s + 6, s + 8,
	    n > 10 ? s + 10 : "00", n > 12 ? s + 12 : "00");
	if (*rest == '.' || *rest == ',') {
		size_t digits = count_digits(rest + 1);

		if (n != 14 || digits == 0)
			return AK_ERR_INVALID;
		rest += 1 + digits;
	}
	if (strcmp(rest, "Z") == 0)
		text_add(&t, "Z");
	else if ((*rest == '+' || *rest == '-') && count_digits(rest + 1) == 4 &&
		 rest[5] == '\0')
		text_add(&t, "%c%.2s:%.2s", *rest, rest + 1, rest + 3);
	else
		return AK_ERR_INVALID;
	return t.cut ? AK_ERR_INVALID : num_parse_time(full, out);
}

char *
dirtext_print_secret(const struct key_secret *s, const char *id, char buf[DIRTEXT_SECRET_CAP])
{
	struct text t = text_over(buf, DIRTEXT_SECRET_CAP);
	struct verifier v;
	char created[DIRTEXT_TIME_CAP], end[DIRTEXT_TIME_CAP], verifier[VERIFIER_CAP];

	(void)!text_copy(v.id, sizeof(v.id), id);
	memcpy(v.salt, s->salt, sizeof(v.salt));
	memcpy(v.digest, s->digest, sizeof(v.digest));
	text_add(&t, "%u %s %s %s", s->number, dirtext_print_time(s->created_at, created),
	    s->not_after == NUM_NEVER ? "never" : dirtext_print_time(s->not_after, end),
	    token_print_verifier(&v, verifier));
	explicit_bzero(&v, sizeof(v));
	explicit_bzero(verifier, sizeof(verifier));
	return buf;
}

/* The next of four words, up to the blank; NULL when it is too long or missing. */
static const char *
next_word(const char **at, char *buf, size_t cap)
{
	size_t n = strcspn(*at, " ");

	if (n == 0 || n >= cap)
		return NULL;
	memcpy(buf, *at, n);
	buf[n] = '\0';
	*at += n + ((*at)[n] == ' ');
	return buf;
}

enum ak_err
dirtext_parse_secret(const char *text, char id[KEY_ID_LEN + 1], struct key_secret *out)
{
	struct key_secret s = {.not_after = NUM_NEVER};
	char number[16], created[DIRTEXT_TIME_CAP], end[DIRTEXT_TIME_CAP];
	const char *at = text;
	struct verifier v;
	uint64_t n;
	enum ak_err err = AK_ERR_INVALID;

	id[0] = '\0';
	if (next_word(&at, number, sizeof(number)) == NULL ||
	    next_word(&at, created, sizeof(created)) == NULL ||
	    next_word(&at, end, sizeof(end)) == NULL ||
	    num_parse(number, 1, UINT32_MAX, &n) != AK_OK ||
	    dirtext_parse_time(created, &s.created_at) != AK_OK ||
	    (strcmp(end, "never") != 0 && dirtext_parse_time(end, &s.not_after) != AK_OK) ||
	    token_parse_verifier(at, &v) != AK_OK)
		return AK_ERR_INVALID;
	if (text_copy(id, KEY_ID_LEN + 1, v.id) == AK_OK) {
		s.number = (uint32_t)n;
		memcpy(s.salt, v.salt, sizeof(s.salt));
		memcpy(s.digest, v.digest, sizeof(s.digest));
		*out = s;
		err = AK_OK;
	}
	explicit_bzero(&v, sizeof(v));
	explicit_bzero(&s, sizeof(s));
	return err;
}
