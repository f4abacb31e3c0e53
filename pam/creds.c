#include "creds.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define EXTRA_MAX 64U

struct extra {
	gid_t gids[EXTRA_MAX];
	char names[EXTRA_MAX][KEY_NAME_MAX + 1];
	unsigned n;
	bool incomplete; /* some can't be given */
	bool untold; /* a file can't be read: there may be more */
};

/* A role's group means the local one of that name, else ours (users.idx). */
static enum ak_err
find_gid(const struct scene *sc, const char *group, gid_t *gid)
{
	uint32_t found = 0;
	enum ak_err err = live_local_gid(sc->paths.group, group, &found);

	if (err == AK_ERR_NOT_FOUND)
		err = keyring_find_gid_in(&sc->ring.users_file, group, &found);
	*gid = found;
	return err == AK_OK && found == 0 ? AK_ERR_NOT_FOUND : err;
}

static void
add_role(const struct scene *sc, const struct image_role *role, struct extra *out)
{
	strv_for (role->unix_groups, group) {
		enum ak_err err = AK_ERR_FULL;

		if (out->n < EXTRA_MAX)
			err = find_gid(sc, group, &out->gids[out->n]);
		out->untold |= err != AK_OK && err != AK_ERR_NOT_FOUND && err != AK_ERR_FULL;
		if (err == AK_OK)
			err = text_copy(out->names[out->n], sizeof(out->names[0]), group);
		if (err == AK_OK)
			out->n++;
		else
			out->incomplete = true;
	}
}

/* Does each role come from what asks neither when nor where from? Then the name service serves it. */
static bool
asks_nothing(const struct verdict *v)
{
	role_set_for (&v->roles, r) {
		bool held = false;

		for (uint32_t i = 0; i < v->policy.n_held && !held; i++)
			held = v->policy.held[i].role == r && v->policy.held[i].here &&
			       v->policy.held[i].source != POLICY_FROM_GRANT;
		if (!held)
			return false;
	}
	return true;
}

/* What a judgement that permits holds, less what the name service serves for the key's own account. */
static void
gather(struct scene *sc, const struct judgement *j, struct extra *out)
{
	const struct image *im = scene_live(sc)->image;
	struct policy_result served = POLICY_RESULT_INIT;
	struct policy_request req;

	if (im == NULL || judge_is_roots_su(sc) ||
	    (sc->subject == SUBJECT_KEY && asks_nothing(&j->verdict)))
		return;
	req = decide_policy_request(&j->request);
	if (sc->subject == SUBJECT_KEY && policy_eval_unconditional(im, &req, &served) != AK_OK)
		out->incomplete = out->untold = true;
	role_set_for (&j->verdict.roles, r) {
		struct image_role role = image_role(im, r);

		if (served.roles.bits == NULL || !role_set_has(&served.roles, r))
			add_role(sc, &role, out);
	}
	policy_result_clear(&served);
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
	struct extra extra = {.n = 0};
	struct judgement j;

	if (sc->sudo || !sc->have_key || ((unsigned)sc->flags & PAM_DELETE_CRED) != 0)
		return PAM_SUCCESS;
	if (judge_scene(sc, sc->secret, false, &j) == AK_OK)
		gather(sc, &j, &extra);
	judge_clear(&j);
	if (extra.n > 0 && !give(&extra))
		extra.incomplete = true;
	if (extra.incomplete)
		(void)report_decision(sc, PAM_SUCCESS, NULL, sc->secret,
		    "some groups of the key's roles could not be given");
	return PAM_SUCCESS;
}

/* A gid once. */
static enum ak_err
list_group(struct session *s, uint32_t gid, const char *name)
{
	struct session_group *g = &s->groups[s->n_groups];

	for (uint32_t i = 0; i < s->n_groups; i++)
		if (s->groups[i].gid == gid)
			return AK_OK;
	if (s->n_groups == SESSION_GROUPS_MAX)
		return AK_ERR_FULL;
	g->gid = gid;
	s->n_groups++;
	return text_copy(g->name, sizeof(g->name), name);
}

struct served {
	struct session *session;
	const char *keys_group; /* every key's, and by no role */
};

static enum ak_err
take_served(void *ctx, uint32_t gid, const char *name)
{
	const struct served *to = ctx;

	return strcmp(name, to->keys_group) == 0 ? AK_OK : list_group(to->session, gid, name);
}

enum ak_err
creds_list(struct scene *sc, const struct judgement *j, struct session *s)
{
	struct served to = {s, scene_live(sc)->settings.keys_group};
	struct extra extra = {.n = 0};
	enum ak_err err = AK_OK;

	if (sc->subject == SUBJECT_KEY)
		err = keyring_user_groups(
		    &sc->ring.users_file, &sc->paths, s->uid, s->since, take_served, &to);
	if (err != AK_OK && err != AK_ERR_NOT_FOUND)
		return err;
	if (j != NULL)
		gather(sc, j, &extra);
	/* A group that could not be told now may be had at setcred: the record would lack it. */
	err = extra.untold ? AK_ERR_UNAVAILABLE : AK_OK;
	for (unsigned i = 0; i < extra.n && err == AK_OK; i++)
		err = list_group(s, extra.gids[i], extra.names[i]);
	return err;
}
