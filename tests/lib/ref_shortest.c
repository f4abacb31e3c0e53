/* ref_shortest: what differs, without all that does not matter. */
#include "ref_compare.h"

#include <stdlib.h>
#include <string.h>

#include "testlib_cmocka.h"

/* Takes text. */
static bool
differs(char *text, const struct ref_request *q, struct ref_difference *d)
{
	struct ref_subject p;
	bool compiles = ref_subject_make(text, &p, NULL);

	d->t = text_over(d->text, sizeof(d->text));
	if (compiles)
		ref_compare(d, p.im, yamltree_root_borrow(p.doc), q, true);
	ref_subject_clear(&p);
	return d->t.len > 0;
}

/* Without the line at `at`, of len bytes; for free(). */
static char *
without_line(const char *text, size_t at, size_t len)
{
	char *shorter = strdup(text);

	assert_non_null(shorter);
	memmove(shorter + at, shorter + at + len, strlen(shorter + at + len) + 1);
	return shorter;
}

/* Line after line goes where that changes nothing; text is replaced. */
static void
shorten_policy(char **text, const struct ref_request *q)
{
	struct ref_difference d;
	bool shorter = true;

	while (shorter) {
		shorter = false;
		for (size_t at = 0; (*text)[at] != '\0';) {
			size_t len = strcspn(*text + at, "\n") + 1;

			if (differs(without_line(*text, at, len), q, &d)) {
				char *less = without_line(*text, at, len);

				free(*text);
				*text = less;
				shorter = true;
			} else {
				at += len;
			}
		}
	}
}

static void
shorten_list(const char *text, struct ref_request *q, const char **list)
{
	struct ref_difference d;

	for (size_t i = 0; list[i] != NULL;) {
		const char *kept[REF_LIST_MAX + 1];

		memcpy(kept, list, sizeof(kept));
		memmove(&list[i], &list[i + 1], (REF_LIST_MAX - i) * sizeof(*list));
		if (!differs(strdup(text), q, &d)) {
			memcpy(list, kept, sizeof(kept));
			i++;
		}
	}
}

static void
shorten_request(const char *text, struct ref_request *q)
{
	const char **const texts[] = {
	    &q->login, &q->ip, &q->creator_ip, &q->service, &q->account, &q->space};
	struct ref_difference d;
	bool *const flags[] = {&q->has_time, &q->stale, &q->unknown, &q->directory_key,
	    &q->account_is_root, &q->favour};

	shorten_list(text, q, q->bindings);
	shorten_list(text, q, q->own_groups);
	shorten_list(text, q, q->directory_groups);
	shorten_list(text, q, q->directory_bindings);
	shorten_list(text, q, q->hosts);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *kept = *texts[i];

		*texts[i] = NULL;
		if (!differs(strdup(text), q, &d))
			*texts[i] = kept;
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		bool kept = *flags[i];

		*flags[i] = false;
		if (kept && !differs(strdup(text), q, &d))
			*flags[i] = kept;
	}
}

void
ref_fail_shortest(const char *policy, struct ref_request q)
{
	char *text = strdup(policy);
	struct ref_difference d;

	assert_non_null(text);
	shorten_policy(&text, &q);
	shorten_request(text, &q);
	shorten_policy(&text, &q);
	if (!differs(strdup(text), &q, &d))
		print_error("it differs only once\n");
	print_error("--- policy\n%s--- request\n", text);
	ref_request_print(&q);
	print_error("---\n%s", d.text);
	free(text);
	fail_msg("the evaluators do not agree");
}
