#include "verb.h"

#include <string.h>

const char *
verb_word(const struct verb *v)
{
	const char *blank = strchr(v->name, ' ');

	return blank == NULL ? v->name : blank + 1;
}

bool
verb_is_of(const struct verb *v, const char *family)
{
	size_t len = strlen(family);

	return strncmp(v->name, family, len) == 0 && v->name[len] == ' ';
}

const struct verb *
verb_first_of(const char *family)
{
	for (const struct verb *v = verbs; v->name != NULL; v++)
		if (verb_is_of(v, family))
			return v;
	return NULL;
}

const struct verb *
verb_find(const char *first, const char *second)
{
	for (const struct verb *v = verbs; v->name != NULL; v++)
		if (second == NULL ? strcmp(v->name, first) == 0
				   : verb_is_of(v, first) && strcmp(verb_word(v), second) == 0)
			return v;
	return NULL;
}

const char *
verb_section_title(enum verb_section section)
{
	static const char *const titles[SECTION_COUNT] = {[SECTION_KEYS] = "Keys",
	    [SECTION_ROLES] = "Roles and groups",
	    [SECTION_LOGINS] = "Who may enter, and who did",
	    [SECTION_POLICY] = "Policy",
	    [SECTION_HOST] = "This host",
	    [SECTION_MANY] = "Many keys, many hosts"};

	return titles[section];
}

/* No word of the table is longer, and what is much longer is near to none. */
#define WORD_MAX 24

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to put in, leave out, replace, or exchange with the next one. */
static size_t
distance(const char *a, size_t len_a, const char *b, size_t len_b)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1];

	if (len_a > WORD_MAX || len_b > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= len_a; i++)
		for (size_t j = 0; j <= len_b; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = least(d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1),
			    least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[len_a][len_b];
}

const struct verb *
verb_nearest(const char *family, const char *word)
{
	size_t len = strlen(word), d;
	/* Two letters of a short word make it another one. */
	size_t best_d = len < 5 ? 2 : 3;
	const struct verb *best = NULL;

	for (const struct verb *v = verbs; v->name != NULL; v++) {
		const char *candidate = family == NULL ? v->name : verb_word(v);

		if (family != NULL && !verb_is_of(v, family))
			continue;
		d = distance(word, len, candidate, strcspn(candidate, " "));
		if (d < best_d) {
			best = v;
			best_d = d;
		}
	}
	return best;
}
