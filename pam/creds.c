#include "creds.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "judge.h"
#include "report.h"

#define EXTRA_MAX 64U

struct extra {
	gid_t gids[EXTRA_MAX];
	unsigned n;
	bool incomplete;
};

/* A role's group means the local one of that name, else ours (users.idx). */
static bool
find_gid(const struct scene *sc, const char *group, gid_t *gid)
{
	uint32_t found = 0;
	enum ak_err err = live_local_gid(sc->paths.group, group, &found);

	if (err == AK_ERR_NOT_FOUND)
		err = keyring_find_gid(&sc->paths, group, &found);
	*gid = found;
	return err == AK_OK && found != 0;
}

static void
add_role(const struct scene *sc, const struct image_role *role, struct extra *out)
{
	strv_for (role->unix_groups, group) {
		gid_t gid;

		if (out->n == EXTRA_MAX || !find_gid(sc, group, &gid))
			out->incomplete = true;
		else
			out->gids[out->n++] = gid;
	}
}

/* Held now, less what the name service serves for the key's own account. */
static void
gather(struct scene *sc, struct extra *out)
{
	const struct image *im = scene_live(sc)->image;
	struct policy_result served = POLICY_RESULT_INIT;
	struct judgement j;

	*out = (struct extra){.n = 0};
	if (im == NULL)
		return;
	if (judge_scene(sc, sc->secret, false, &j) == AK_OK && !judge_is_roots_su(sc)) {
		struct policy_request req = decide_policy_request(&j.request);

		if (sc->subject == SUBJECT_KEY &&
		    policy_eval_unconditional(im, &req, &served) != AK_OK)
			out->incomplete = true;
		role_set_for (&j.verdict.roles, r) {
			struct image_role role = image_role(im, r);

			if (served.roles.bits == NULL || !role_set_has(&served.roles, r))
				add_role(sc, &role, out);
		}
	}
	policy_result_clear(&served);
	judge_clear(&j);
}

static bool
has(const gid_t *gids, size_t n, gid_t gid)
{
	for (size_t i = 0; i < n; i++)
		if (gids[i] == gid)
			return true;
	return false;
}

/* setcred may be called twice: what is there already is not added again. */
static bool
give(const struct extra *extra)
{
	int n = getgroups(0, NULL);
	size_t have = n < 0 ? 0 : (size_t)n;
	gid_t *all = calloc(have + extra->n, sizeof(*all));
	bool given = false;

	if (n >= 0 && all != NULL && getgroups(n, all) == n) {
		for (unsigned i = 0; i < extra->n; i++)
			if (!has(all, have, extra->gids[i]))
				all[have++] = extra->gids[i];
		given = have == (size_t)n || setgroups(have, all) == 0;
	}
	free(all);
	return given;
}

int
creds_run(struct scene *sc)
{
	struct extra extra;

	if (sc->sudo || !sc->have_key || ((unsigned)sc->flags & PAM_DELETE_CRED) != 0)
		return PAM_SUCCESS;
	gather(sc, &extra);
	if (extra.n > 0 && !give(&extra))
		extra.incomplete = true;
	if (extra.incomplete)
		report_decision(sc, PAM_SUCCESS, NULL, sc->secret,
		    "some groups of the key's roles could not be given");
	return PAM_SUCCESS;
}

void
creds_list(struct scene *sc, struct session *s)
{
	struct extra extra;

	gather(sc, &extra);
	for (unsigned i = 0; i < extra.n && s->n_groups < SESSION_GROUPS_MAX; i++)
		s->groups[s->n_groups++].gid = extra.gids[i];
}
