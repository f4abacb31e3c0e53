#include "fuzz_second.h"

#include <stdio.h>
#include <string.h>

#include "fuzz_check.h"
#include "hash.h"
#include "ref_compare.h"
#include "testlib_random.h"
#include "zone.h"

#define POLICY_MAX_B 4096
#define STEPS_MAX 3000U
#define PLACES_MAX 500U
#define N_REQUESTS 4U

/* ---- what is judged ---- */

/* Each node once more for each definition that leads to it, as the reference walks them. */
static bool
is_short(const struct yaml_node *policy, const struct yaml_node *node, unsigned *steps)
{
	bool key = node->kind == YAML_MAPPING;
	const char *last = "";

	if (*steps == 0)
		return false;
	--*steps;
	for (const struct yaml_node *c = node->first; c != NULL; c = c->next) {
		if (!is_short(policy, c, steps))
			return false;
		if (key)
			last = c->text;
		else if (node->kind == YAML_MAPPING && strcmp(last, "is") == 0)
			each_item(c, name)
			{
				const struct yaml_node *body =
				    ref_get(ref_get(policy, "define"), name->text);

				if (body != NULL && !is_short(policy, body, steps))
					return false;
			}
		key = node->kind == YAML_MAPPING && !key;
	}
	return true;
}

/* The reference's sets are lists. */
static bool
has_few_places(const struct image *im, const char *policy, size_t len_b)
{
	size_t stars = 0;

	for (size_t i = 0; i < len_b; i++)
		stars += policy[i] == '*';
	return stars * image_count_spaces(im) <= PLACES_MAX;
}

/* ---- what is asked ---- */

#define WORDS_MAX 64U

struct words {
	char text[WORDS_MAX][32];
	size_t n;
};

/* The policy's own, so that what is asked concerns it. A star stands for something, and a network for its first address. */
static void
gather(const struct yaml_node *node, struct words *w)
{
	if (node->kind == YAML_SCALAR) {
		char *word = w->text[w->n % WORDS_MAX];
		size_t len = strcspn(node->text, "/");

		if (len == 0 || len >= sizeof(w->text[0]))
			return;
		for (size_t i = 0; i < len; i++)
			word[i] = (char)(node->text[i] == '*' ? 'x' : node->text[i]);
		word[len] = '\0';
		w->n++;
	}
	for (const struct yaml_node *c = node->first; c != NULL; c = c->next)
		gather(c, w);
}

static void
maybe_word(struct rnd *r, const struct words *w, const char **text)
{
	size_t n = w->n < WORDS_MAX ? w->n : WORDS_MAX;

	if (n > 0 && *text != NULL && rnd_below(r, 2) == 0)
		*text = w->text[rnd_below(r, n)];
}

static struct ref_request
make_request(struct rnd *r, const struct words *w)
{
	struct ref_request q = request_random(r);
	const char **const texts[] = {&q.login, &q.ip, &q.creator_ip, &q.service, &q.account,
	    &q.space, &q.own_groups[0], &q.own_groups[1], &q.directory_groups[0],
	    &q.directory_groups[1], &q.hosts[0]};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		maybe_word(r, w, texts[i]);
	return q;
}

/* A binding of the policy's role, on this host, or where the last of its words says. */
static void
bind(struct rnd *r, const struct image *im, char room[256], const char **binding)
{
	uint32_t n = image_count_roles(im), spaces = image_count_spaces(im);
	const char *role;

	if (n == 0 || *binding == NULL)
		return;
	role = image_role(im, (uint32_t)rnd_below(r, n)).name;
	if (rnd_below(r, 2) == 0)
		(void)snprintf(room, 256, "%s", role);
	else
		(void)snprintf(room, 256, "%s:spaces:%s", role,
		    image_space(im, (uint32_t)rnd_below(r, spaces)).name);
	*binding = room;
}

/* What the clock of one of the policy's zones is ahead. */
static int64_t
offset_s(struct rnd *r, const struct image *im, int64_t at_s)
{
	uint32_t n = image_count_zones(im);
	struct zone *z = NULL;
	int64_t offset = 0;

	if (n > 0 &&
	    zone_load(ZONE_DIR, image_zone(im, (uint32_t)rnd_below(r, n)).name, &z) == AK_OK)
		offset = zone_offset(z, at_s);
	zone_free(&z);
	return offset;
}

/* When one of the policy's windows begins or ends, or just before, on the same day. */
static void
maybe_edge(struct rnd *r, const struct image *im, const struct words *w, int64_t *at_ms)
{
	unsigned at[4];
	const char *word = "";
	int64_t day = *at_ms / 86400000 * 86400, edge;

	maybe_word(r, w, &word);
	if (sscanf(word, "%2u:%2u-%2u:%2u", &at[0], &at[1], &at[2], &at[3]) != 4)
		return;
	edge = day + (rnd_below(r, 2) == 0 ? at[0] * 60 + at[1] : at[2] * 60 + at[3]) * 60;
	*at_ms = (edge - offset_s(r, im, day) - (int64_t)rnd_below(r, 2)) * 1000;
}

static bool
knows_time(const struct image *im, int64_t at_ms)
{
	struct moments when = MOMENTS_INIT;
	bool knows = moments_resolve(im, ZONE_DIR, at_ms, &when) == AK_OK;

	moments_clear(&when);
	return knows;
}

static void
ask(const struct image *im, const struct yaml_node *policy, struct rnd *r,
    const struct words *w, bool all)
{
	static struct ref_difference d;
	struct ref_request q = make_request(r, w);
	char rooms[2][256];

	d.t = text_over(d.text, sizeof(d.text));
	bind(r, im, rooms[0], &q.bindings[0]);
	bind(r, im, rooms[1], &q.directory_bindings[0]);
	maybe_edge(r, im, w, &q.at_ms);
	q.has_time = q.has_time && knows_time(im, q.at_ms);
	ref_compare(&d, im, policy, &q, all);
	if (d.t.len > 0) {
		ref_request_print(&q);
		(void)fprintf(stderr, "%s", d.text);
	}
	fuzz_check(d.t.len == 0, "the evaluators agree");
}

void
fuzz_second(const struct image *im, const char *policy, size_t len_b)
{
	struct rnd r = rnd_from(hash_sip(0, policy, len_b));
	unsigned steps = STEPS_MAX;
	struct yaml_doc *doc = NULL;
	struct words w = {.n = 0};
	const struct yaml_node *root;

	if (len_b > POLICY_MAX_B || !has_few_places(im, policy, len_b))
		return;
	fuzz_check(yamltree_parse(policy, len_b, "p", &doc, NULL) == AK_OK, "it is YAML");
	root = yamltree_root_borrow(doc);
	if (is_short(root, root, &steps)) {
		gather(root, &w);
		for (unsigned i = 0; i < N_REQUESTS; i++)
			ask(im, root, &r, &w, i == 0);
	}
	yamltree_free(&doc);
}
