#include "ref_random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref_item.h"
#include "ref_words.h"
#include "testlib_cmocka.h"

/* --- policies ----------------------------------------------------------------------------- */

static void
add_line(struct draft *d, enum draft_section where, const char *line)
{
	char ***lines = &d->sections[where].lines;
	size_t *n = &d->sections[where].n;

	d->sections[where].is_there = true;
	*lines = realloc(*lines, (*n + 1) * sizeof(**lines));
	assert_non_null(*lines);
	(*lines)[*n] = strdup(line);
	assert_non_null((*lines)[(*n)++]);
}

/* Each space below one before it, or below root. */
static void
draft_spaces(struct rnd *r, struct draft *d)
{
	char line[128];

	for (size_t i = 0; i < N(spaces); i++) {
		size_t parent = rnd_below(r, i + 2);

		if (parent >= i)
			(void)snprintf(line, sizeof(line), "  %s: {%s}", spaces[i],
			    parent == i ? "parent: root" : "");
		else
			(void)snprintf(line, sizeof(line), "  %s: {parent: %s}", spaces[i],
			    spaces[parent]);
		add_line(d, DRAFT_SPACES, line);
	}
}

static void
draft_roles(struct rnd *r, struct draft *d)
{
	char line[1024];

	for (size_t i = 0; i < N(roles); i++) {
		struct text t = text_over(line, sizeof(line));

		text_add(&t, "  %s: {", roles[i]);
		if (!ref_chance(r, 6)) {
			ref_add_key(&t, "services");
			ADD_SOME(r, &t, service_globs);
		}
		if (!ref_chance(r, 3)) {
			ref_add_key(&t, "accounts");
			ADD_SOME(r, &t, account_globs);
		}
		if (ref_chance(r, 3)) {
			ref_add_key(&t, "root_equivalent");
			text_add(&t, "true");
		}
		text_add(&t, "}");
		assert_false(t.cut);
		add_line(d, DRAFT_ROLES, line);
	}
}

/* role: R, and where. */
static void
add_binding(struct rnd *r, struct text *t)
{
	ref_add_key(t, "role");
	text_add(t, "%s", one_of(r, roles));
	switch (rnd_below(r, 5)) {
	case 0:
		break;
	case 1:
		ref_add_key(t, "hosts");
		text_add(t, "%s", ref_chance(r, 2) ? "h0" : "[h1, h2.example.com]");
		break;
	case 2:
		ref_add_key(t, "in");
		text_add(t, "%s", ref_chance(r, 2) ? "'*'" : "root");
		break;
	default:
		ref_add_key(t, "in");
		ADD_SOME(r, t, spaces);
		break;
	}
}

static void
draft_groups(struct rnd *r, struct draft *d)
{
	char line[1024];

	for (size_t i = 0; i < N(groups); i++) {
		struct text t = text_over(line, sizeof(line));
		size_t n = rnd_below(r, 4);

		text_add(&t, "  %s: [", groups[i]);
		for (size_t j = 0; j < n; j++) {
			text_add(&t, "%s{", j == 0 ? "" : ", ");
			add_binding(r, &t);
			text_add(&t, "}");
		}
		text_add(&t, "]");
		assert_false(t.cut);
		add_line(d, DRAFT_GROUPS, line);
	}
}

static void
draft_definitions(struct rnd *r, struct draft *d)
{
	char *line = malloc(REF_ITEM_CAP);

	assert_non_null(line);
	for (size_t i = 0; i < N(definitions); i++) {
		struct text t = text_over(line, REF_ITEM_CAP);
		const struct ref_place p = {.depth = 2, .n_defined = i};

		text_add(&t, "  %s: {", definitions[i]);
		ref_add_condition(r, &t, &p);
		text_add(&t, "}");
		assert_false(t.cut);
		add_line(d, DRAFT_DEFINE, line);
	}
	free(line);
}

void
draft_add(struct rnd *r, struct draft *d, enum draft_section where)
{
	const struct ref_place p = {.depth = 3,
	    .n_defined = d->sections[DRAFT_DEFINE].is_there ? N(definitions) : 0,
	    .in_sample = where == DRAFT_SAMPLE};
	char *line = malloc(REF_ITEM_CAP);
	struct text t;

	assert_non_null(line);
	t = text_over(line, REF_ITEM_CAP);
	text_add(&t, "- {");
	if (where == DRAFT_DENY)
		text_add(&t, "id: x%u, reason: x", d->n_ids++);
	if (where == DRAFT_GRANT)
		add_binding(r, &t);
	ref_add_condition(r, &t, &p);
	text_add(&t, "}");
	assert_false(t.cut);
	add_line(d, where, line);
	free(line);
}

static void
draft_items(struct rnd *r, struct draft *d, enum draft_section where, size_t max)
{
	size_t n = rnd_below(r, max + 1);

	d->sections[where].is_there = n > 0;
	for (size_t i = 0; i < n; i++)
		draft_add(r, d, where);
}

void
draft_random(struct rnd *r, struct draft *out)
{
	static const char *const strategies[] = {NULL, NULL, "both", "direct", "policy"};

	*out = (struct draft){.header = one_of(r, headers), .strategy = one_of(r, strategies)};
	draft_spaces(r, out);
	draft_roles(r, out);
	draft_groups(r, out);
	draft_definitions(r, out);
	draft_items(r, out, DRAFT_ALLOW, 4);
	draft_items(r, out, DRAFT_DENY, 3);
	draft_items(r, out, DRAFT_GRANT, 8);
	draft_items(r, out, DRAFT_SAMPLE, 2);
	/* There, and empty. */
	if (ref_chance(r, 20))
		out->sections[DRAFT_ALLOW].is_there = true;
}

void
draft_clear(struct draft *d)
{
	for (size_t s = 0; s < DRAFT_N; s++) {
		for (size_t i = 0; i < d->sections[s].n; i++)
			free(d->sections[s].lines[i]);
		free(d->sections[s].lines);
	}
	*d = (struct draft){.strategy = NULL};
}

void
draft_shuffle(struct rnd *r, struct draft *d)
{
	for (size_t s = 0; s < DRAFT_N; s++)
		for (size_t i = d->sections[s].n; i > 1; i--) {
			size_t j = rnd_below(r, i);
			char *other = d->sections[s].lines[j];

			d->sections[s].lines[j] = d->sections[s].lines[i - 1];
			d->sections[s].lines[i - 1] = other;
		}
}

char *
draft_text(const struct draft *d)
{
	static const char *const names[] = {
	    "spaces", "roles", "groups", "define", "allow", "deny", "grant", "sample"};
	char *text = NULL;
	size_t len_b = 0;
	FILE *f = open_memstream(&text, &len_b);

	assert_non_null(f);
	(void)fprintf(f, "%s\nversion: 1\n", d->header);
	if (d->strategy != NULL)
		(void)fprintf(f, "strategy: %s\n", d->strategy);
	for (size_t s = 0; s < DRAFT_N; s++) {
		if (d->sections[s].is_there)
			(void)fprintf(f, "%s:\n", names[s]);
		for (size_t i = 0; i < d->sections[s].n; i++)
			(void)fprintf(f, "%s\n", d->sections[s].lines[i]);
	}
	assert_int_equal(fclose(f), 0);
	return text;
}

/* --- requests ----------------------------------------------------------------------------- */

/* At most three of the list, different ones. */
static void
take_some(struct rnd *r, const char *const *list, size_t n, const char **out)
{
	size_t count = rnd_below(r, 4), at = rnd_below(r, n);

	for (size_t i = 0; i < count && i < n; i++)
		out[i] = list[(at + i) % n];
}

#define MAYBE(r, list) (ref_chance((r), 4) ? NULL : one_of((r), (list)))

/* On quarters of an hour, or a second or a few milliseconds off; often where a zone changes. */
static int64_t
random_moment_ms(struct rnd *r)
{
	int64_t s = ref_chance(r, 2) ? one_of(r, edges_s)
		    : ref_chance(r, 3)
			? (int64_t)rnd_below(r, UINT64_C(10000000000)) - INT64_C(2000000000)
			: INT64_C(1735689600) + (int64_t)rnd_below(r, 400 * 96) * 900;

	s += ((int64_t)rnd_below(r, 400) - 200) * 900 * (int64_t)rnd_below(r, 2);
	s += (int64_t)rnd_below(r, 3) - 1;
	return s * 1000 + (int64_t)rnd_below(r, 1000);
}

struct ref_request
request_random(struct rnd *r)
{
	struct ref_request q = {.login = ref_chance(r, 20) ? NULL : one_of(r, logins),
	    .stale = ref_chance(r, 4),
	    .unknown = ref_chance(r, 8),
	    .directory_key = ref_chance(r, 4),
	    .member = !ref_chance(r, 5),
	    .ip = MAYBE(r, addresses),
	    .creator_ip = MAYBE(r, addresses),
	    .has_time = !ref_chance(r, 4),
	    .service = MAYBE(r, services),
	    .account = ref_chance(r, 2) ? NULL : one_of(r, accounts),
	    .account_is_root = ref_chance(r, 15),
	    .space = ref_chance(r, 20) ? NULL : one_of(r, spaces),
	    .favour = ref_chance(r, 5)};

	if (ref_chance(r, 15))
		q.space = ref_chance(r, 2) ? "root" : "nowhere";
	q.at_ms = random_moment_ms(r);
	take_some(r, bindings, N(bindings), q.bindings);
	take_some(r, groups, N(groups), q.own_groups);
	take_some(r, groups, N(groups), q.directory_groups);
	take_some(r, bindings, N(bindings), q.directory_bindings);
	take_some(r, hosts, N(hosts), q.hosts);
	return q;
}

static void
shuffle_list(struct rnd *r, const char **list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	for (; n > 1; n--) {
		size_t j = rnd_below(r, n);
		const char *other = list[j];

		list[j] = list[n - 1];
		list[n - 1] = other;
	}
}

void
request_shuffle(struct rnd *r, struct ref_request *req)
{
	shuffle_list(r, req->bindings);
	shuffle_list(r, req->own_groups);
	shuffle_list(r, req->directory_groups);
	shuffle_list(r, req->directory_bindings);
	shuffle_list(r, req->hosts);
}
