#include "rules.h"

#include <string.h>

#include "safefile.h"
#include "text.h"

void
rules_init(struct rules *r, const struct paths *p)
{
	*r = (struct rules){.paths = p};
}

void
rules_clear(struct rules *r)
{
	if (r->loaded)
		live_clear(&r->live);
	r->loaded = false;
}

static bool
is_told(const struct rules *r, const char *problem)
{
	return r->told_policy == r->live.policy_id && r->told_settings == r->live.settings_id &&
	       strcmp(r->told_problem, problem) == 0;
}

enum rules_news
rules_load(struct rules *r)
{
	char problem[DIAG_PRINT_CAP] = "";
	bool first = !r->was_told;

	rules_clear(r);
	live_load(r->paths, &r->live);
	r->loaded = true;
	/* That says nothing of the files. */
	if (r->live.err == AK_ERR_NOMEM)
		return RULES_UNREAD;
	if (r->live.image == NULL)
		(void)diag_print(&r->live.problem, problem, sizeof(problem));
	if (!first && is_told(r, problem))
		return RULES_SAME;
	r->was_told = true;
	r->told_policy = r->live.policy_id;
	r->told_settings = r->live.settings_id;
	(void)!text_copy(r->told_problem, sizeof(r->told_problem), problem);
	return r->live.image != NULL ? RULES_LOADED : RULES_BROKEN;
}

static bool
is_same(const char *path, const struct safefile_id *had)
{
	struct safefile_id now;

	(void)!safefile_identify(path, &now);
	return safefile_id_equal(&now, had);
}

bool
rules_is_current(const struct rules *r)
{
	const struct image_sources *had = &r->live.sources;

	return r->loaded && !live_is_lost(&r->live) &&
	       is_same(r->paths->policy, &had->policy) &&
	       is_same(r->paths->config, &had->settings) &&
	       is_same(r->paths->group, &had->group);
}
