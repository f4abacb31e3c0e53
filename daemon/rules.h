/* rules: the settings and the policy as the daemon read them last, and whether that is news. */
#ifndef AK_RULES_H
#define AK_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "live.h"
#include "paths.h"

/* RULES_UNREAD: there was no memory to read them; to be read again, and nothing is to be done by what is in live. */
enum rules_news { RULES_SAME, RULES_LOADED, RULES_BROKEN, RULES_UNREAD };

/* In one place from rules_init to rules_clear: live points into itself. */
struct rules {
	const struct paths *paths;
	struct live live;
	bool loaded;
	/* What was told last; was_told: anything was. */
	bool was_told;
	uint64_t told_policy, told_settings;
	char told_problem[DIAG_PRINT_CAP]; /* FILE:LINE:COL: …; "" while nothing is broken */
};

void rules_init(struct rules *r, const struct paths *p);
void rules_clear(struct rules *r);

/* Read them. The answer is news once for each change, though it be read often. */
enum rules_news rules_load(struct rules *r);

/* Are the files those that were read? Not when one could not be. (An edit in place within the clock's grain may hide: read again later.) */
bool rules_is_current(const struct rules *r);

#endif
