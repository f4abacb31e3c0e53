#include "gains.h"

#include <stdio.h>
#include <string.h>

#include "directory_state.h"
#include "eval.h"
#include "keys.h"

struct search {
	const struct paths *paths;
	const struct live *live;
	int64_t now;
	bool time_undefined;
	const struct image *before, *after;
	struct gains *out;
};

/* What one policy makes of one key. */
struct standing {
	const struct image *im;
	struct policy_result roles;
	bool admitted;
	const char *refused_by; /* id of a deny rule; NULL: none */
};

/*
 * Admission with all that is undefined counted for the key: so it is refused
 * only when no hour, address or service would admit it.
 */
static enum ak_err
find_admission(struct standing *s, const struct policy_request *bare)
{
	struct policy_request req = *bare;
	struct policy_result res;
	enum ak_err err;

	req.favour = true;
	err = policy_eval(s->im, &req, NULL, &res);
	s->admitted = err == AK_OK;
	if (res.outcome == POLICY_REFUSED)
		s->refused_by = image_rule(s->im, IMAGE_DENY_RULES, res.deny).id;
	policy_result_clear(&res);
	return err == AK_ERR_DENIED ? AK_OK : err;
}

static enum ak_err
find_standing(const struct image *im, const struct policy_request *asked, struct standing *out)
{
	struct policy_request req = *asked;
	enum ak_err err;

	*out = (struct standing){.im = im, .roles = POLICY_RESULT_INIT};
	if (im == NULL)
		return AK_OK;
	err = policy_eval_unconditional(im, &req, &out->roles);
	if (err == AK_ERR_DENIED) /* the host's space is not declared */
		err = AK_OK;
	return err == AK_OK ? find_admission(out, &req) : err;
}

static bool
holds(const struct standing *s, const char *role)
{
	return s->im != NULL && role_set_has(&s->roles.roles, image_find_role(s->im, role));
}

/* The roles that the one holds and the other does not. */
static void
find_surplus(const struct standing *a, const struct standing *b, struct pack *out)
{
	role_set_for (&a->roles.roles, i) {
		const char *role = image_role(a->im, i).name;

		if (!holds(b, role))
			pack_entry(out, role);
	}
}

static void
add_row(struct out_table *t, const char *key, const char *what, const char *which)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "%s%s%s", what, *which == '\0' ? "" : " ", which);
	out_cell(t, key);
	out_cell(t, line);
}

static void
add_rows(struct gains *g, const struct key_record *k, const struct standing *before,
    const struct standing *after, struct strv gained, struct strv lost)
{
	strv_for (gained, role) {
		add_row(&g->table, k->name, "gains", role);
	}
	strv_for (lost, role) {
		add_row(&g->table, k->name, "loses", role);
	}
	if (before->admitted && !after->admitted)
		add_row(&g->table, k->name, "is refused",
		    after->refused_by == NULL ? "" : after->refused_by);
	if (!before->admitted && after->admitted && before->im != NULL)
		add_row(&g->table, k->name, "is refused no longer", "");
}

static void
add_json(struct gains *g, const struct key_record *k, const struct standing *before,
    const struct standing *after, struct strv gained, struct strv lost)
{
	struct out_json *j = g->json;

	out_object(j, NULL);
	out_text(j, "key", k->name);
	out_text(j, "id", k->id);
	out_strv(j, "gains", gained);
	out_strv(j, "loses", lost);
	out_bool(j, "admitted_before", before->admitted);
	out_bool(j, "admitted", after->admitted);
	out_text(j, "refused_by", after->refused_by);
	out_close(j);
}

static enum ak_err
compare(struct search *s, const struct key_record *k, const struct standing *before,
    const struct standing *after)
{
	struct pack gained = PACK_INIT, lost = PACK_INIT;
	enum ak_err err;

	find_surplus(after, before, &gained);
	find_surplus(before, after, &lost);
	err = gained.err != AK_OK ? gained.err : lost.err;
	if (err == AK_OK && (gained.len_b > 0 || lost.len_b > 0 ||
				(before->im != NULL && before->admitted != after->admitted))) {
		s->out->changed++;
		(s->out->json != NULL ? add_json : add_rows)(s->out, k, before, after,
		    pack_borrow_strv(&gained), pack_borrow_strv(&lost));
	}
	pack_clear(&gained);
	pack_clear(&lost);
	return err;
}

static struct policy_request
request_for(const struct search *s, const struct key *k, const struct directory_state *state)
{
	struct decide_request from = {.key = &k->rec};

	directory_state_fill(state, s->now, s->time_undefined, &from);
	return (struct policy_request){.login = k->rec.name,
	    .bindings = k->rec.bindings,
	    .groups = k->rec.groups,
	    .directory_groups = from.directory_groups,
	    .directory_bindings = from.directory_bindings,
	    .stale = from.stale,
	    .unknown = from.unknown,
	    .directory_key = from.directory_key,
	    .hosts = s->live->hosts,
	    .space = s->live->settings.space};
}

static enum ak_err
take_key(void *ctx, const struct key *k)
{
	struct search *s = ctx;
	struct standing before = {.roles = POLICY_RESULT_INIT},
			after = {.roles = POLICY_RESULT_INIT};
	struct directory_state state;
	struct policy_request req;
	enum ak_err err;

	err = directory_state_load(
	    s->paths, &s->live->settings.directory, k->rec.name, k->directory, &state);
	req = request_for(s, k, &state);
	if (err == AK_OK)
		err = find_standing(s->before, &req, &before);
	s->out->keys++;
	if (err == AK_OK)
		err = find_standing(s->after, &req, &after);
	if (err == AK_OK)
		err = compare(s, &k->rec, &before, &after);
	directory_state_clear(&state);
	policy_result_clear(&before.roles);
	policy_result_clear(&after.roles);
	return err;
}

static bool
is_wanted(void *ctx, const struct key_record *k)
{
	(void)ctx;
	(void)k;
	return true;
}

enum ak_err
gains_find(const struct cli *c, const struct live *live, const struct image *before,
    const struct image *after, struct out_json *json, struct gains *out, struct diag *why)
{
	static const char *const headings[] = {"KEY", "CHANGE", NULL};
	struct search s = {.paths = &c->paths,
	    .live = live,
	    .now = c->host.now(c->host.ctx),
	    .before = before,
	    .after = after,
	    .out = out};
	struct keys keys;
	enum ak_err err;

	*out = (struct gains){.json = json, .table = out_table_init(headings, 0)};
	if ((err = keys_open(&c->paths, &keys, why)) != AK_OK)
		return err;
	s.time_undefined = keyring_time_undefined(&keys.ring, s.now);
	out_list(json, "changes");
	err = keys_each(&keys, is_wanted, take_key, &s, &out->lost, why);
	out_close(json);
	keys_close(&keys);
	return err;
}

void
gains_clear(struct gains *g)
{
	out_table_clear(&g->table);
}
