#include "ref_tally.h"

#include <string.h>

#include "testlib_cmocka.h"

enum worth { IS_TRUE, IS_FALSE, IS_UNDEFINED, N_WORTHS };

static const char *const worths[] = {"true", "false", "undefined"};

static struct kind {
	const char *name;
	unsigned n_possible; /* worths, from the first on */
	unsigned long n[N_WORTHS];
} kinds[] = {
    {"login", N_WORTHS, {0}},
    {"group", N_WORTHS, {0}},
    {"service", N_WORTHS, {0}},
    {"account", N_WORTHS, {0}},
    {"member", IS_FALSE + 1, {0}},
    {"from", N_WORTHS, {0}},
    {"creator_from", N_WORTHS, {0}},
    {"time", N_WORTHS, {0}},
    {"is", N_WORTHS, {0}},
    {"not", N_WORTHS, {0}},
    {"any", N_WORTHS, {0}},
    {"all", N_WORTHS, {0}},
    {"always", IS_TRUE + 1, {0}},
    {"decision", IS_FALSE + 1, {0}},
    {"percent", N_WORTHS, {0}},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

void
ref_tally_predicate(const char *kind, bool is_true, bool is_false)
{
	enum worth w = is_true ? IS_TRUE : is_false ? IS_FALSE : IS_UNDEFINED;

	for (size_t i = 0; i < N_KINDS; i++)
		if (strcmp(kinds[i].name, kind) == 0) {
			kinds[i].n[w]++;
			return;
		}
	fail_msg("%s is not counted", kind);
}

void
ref_tally_print(void)
{
	for (size_t i = 0; i < N_KINDS; i++)
		for (unsigned w = 0; w < kinds[i].n_possible; w++)
			print_message(
			    "counted: %s %s %lu\n", kinds[i].name, worths[w], kinds[i].n[w]);
}

bool
ref_tally_is_whole(void)
{
	for (size_t i = 0; i < N_KINDS; i++)
		for (unsigned w = 0; w < N_WORTHS; w++)
			if ((kinds[i].n[w] > 0) != (w < kinds[i].n_possible)) {
				print_error("%s was %s %lu times\n", kinds[i].name, worths[w],
				    kinds[i].n[w]);
				return false;
			}
	return true;
}
