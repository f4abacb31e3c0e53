/* The model after any change, held against a reference that works everything out anew. */
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "ref_dir.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_ldap.h"
#include "testlib_random.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define UUIDS 14
static const char *const dns[] = {"cn=0", "cn=1", "cn=2", "cn=3", "cn=4", "cn=5", "cn=6",
    "cn=7", "cn=8", "cn=9", "cn=10", "cn=11"};
static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
static const char *const ids[] = {
    "A000000001", "A000000002", "A000000003", "A000000004", "A000000005", "A000000006"};
static const char *const uids[] = {"1879048192", "1879048193", "1879048194", "1879048195",
    "1879048196", "1879048197", "1879048198"};
static const char *const groups[] = {"g1", "g2", "g3", "g4", "g\n", "\xff", "Domain Users"};
static const char *const bindings[] = {"viewer", "editor:spaces:x", "not a role", "admin"};
#define PICK(r, list) ((list)[rnd_below((r), N(list))])

static void
random_key(struct rnd *r, struct ldap_draft *d)
{
	ldap_draft_say(d, SLOT_NAME, PICK(r, names));
	if (rnd_below(r, 20) != 0)
		ldap_draft_say(d, SLOT_KEY_ID, PICK(r, ids));
	ldap_draft_say(d, SLOT_KEY_UID, PICK(r, uids));
	if (rnd_below(r, 2) == 0)
		ldap_draft_say(d, SLOT_KEY_DESCRIPTION, PICK(r, names));
	if (rnd_below(r, 4) == 0)
		ldap_draft_say(d, SLOT_BINDING, "viewer");
}

/* One of two ways to go on: so that entries come again with one side alone changed. */
static struct rnd
few(struct rnd *r, const struct ldap_draft *d)
{
	return rnd_from(d->e.uuid[DIRECTORY_UUID_B - 1] * 2U + rnd_below(r, 2));
}

static void
random_group(struct rnd *of, struct ldap_draft *d)
{
	struct rnd some = few(of, d), *r = &some;

	for (size_t n = rnd_below(r, 3) + (rnd_below(r, 8) != 0); n > 0; n--)
		ldap_draft_say(d, SLOT_NAME, PICK(r, groups));
	some = few(of, d);
	for (size_t n = rnd_below(r, 5); n > 0; n--)
		ldap_draft_say(d, SLOT_MEMBER_DN, PICK(r, dns));
	for (size_t n = rnd_below(r, 4); n > 0; n--)
		ldap_draft_say(d, SLOT_MEMBER_NAME, PICK(r, names));
	for (size_t n = rnd_below(r, 3); n > 0; n--)
		ldap_draft_say(d, SLOT_BINDING, PICK(r, bindings));
}

static void
random_entry(struct rnd *r, struct ldap_draft *d)
{
	static const char *const principals[] = {"A", "b", "C", "d", "Ee", "f"};
	enum directory_search_id s = (enum directory_search_id)(1 + rnd_below(r, 3));

	ldap_draft_start(d, s, (unsigned)rnd_below(r, UUIDS), PICK(r, dns));
	if (s == DIRECTORY_KEYS)
		random_key(r, d);
	else if (s == DIRECTORY_GROUPS)
		random_group(r, d);
	else
		for (size_t n = rnd_below(r, 3); n > 0; n--)
			ldap_draft_say(d, SLOT_NAME, PICK(r, principals));
}

static void
random_host(struct rnd *r, struct ldap_host *h)
{
	size_t n = 0;

	pack_clear(&h->names);
	pack_clear(&h->ids);
	for (size_t i = 0; i < 4; i++)
		if (rnd_below(r, 2) == 0)
			ldap_host_local(h, n++, names[i],
			    i == 3 ? FIRST_UID + 3
				   : 70000U + (uint32_t)(i + rnd_below(r, 2) * 10),
			    ids[i]);
	h->taken_name = rnd_below(r, 3) == 0 ? PICK(r, names) : "";
	h->taken_id = rnd_below(r, 3) == 0 ? FIRST_UID + (uint32_t)rnd_below(r, 3) : 0;
	h->settings.directory.nested = rnd_below(r, 3) != 0;
	h->settings.directory.uids.max = FIRST_UID + 2 + (uint32_t)rnd_below(r, 5);
	/* A version for each answer, or none. */
	h->h.taken_version = 1 + h->taken_id;
	for (size_t i = 0; i < N(names); i++)
		if (strcmp(names[i], h->taken_name) == 0)
			h->h.taken_version += (i + 1) << 32;
	if (rnd_below(r, 4) == 0)
		h->h.taken_version = 0;
}

/* One step of both, that may fail in the model alone when an allocation does. */
struct step {
	unsigned what;
	struct ldap_draft d;
	enum directory_search_id search;
	unsigned char uuids[3][DIRECTORY_UUID_B];
	size_t n;
	bool drop;
};

static enum ak_err
step_model(struct model *m, const struct step *s)
{
	switch (s->what) {
	case 0:
		return model_begin(m, s->search);
	case 1:
		return model_end(m, s->search, s->drop, s->uuids[0], s->n * 4);
	case 2:
		model_abort(m);
		return AK_OK;
	case 3:
		return model_present(m, s->search, s->uuids[0], s->n);
	case 4:
	case 5:
		return model_gone(m, s->search, s->uuids[0], s->n);
	case 6:
		model_forget(m, s->search);
		return AK_OK;
	default:
		return model_put(m, &s->d.e);
	}
}

static void
step_reference(struct ref_dir *ref, const struct step *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->what == 3)
			ref_dir_present(ref, s->search, s->uuids[i]);
		if (s->what == 4 || s->what == 5)
			ref_dir_gone(ref, s->search, s->uuids[i]);
	}
	if (s->what == 0)
		ref_dir_begin(ref, s->search);
	else if (s->what == 1)
		ref_dir_end(ref, s->search, s->drop);
	else if (s->what == 2)
		ref_dir_abort(ref);
	else if (s->what == 6)
		ref_dir_forget(ref, s->search);
	else if (s->what > 6)
		ref_dir_put(ref, &s->d.e);
}

static void
random_step(struct rnd *r, const struct ref_dir *ref, struct step *s)
{
	s->what = (unsigned)rnd_below(r, 16);
	s->search = (enum directory_search_id)(1 + rnd_below(r, 3));
	if ((s->what == 2 || s->what == 6) && rnd_below(r, 8) != 0)
		s->what = 15;
	if ((s->what == 1 || s->what == 3) && !ref->open[s->search])
		s->what = 0;
	s->n = 1 + rnd_below(r, N(s->uuids));
	s->drop = rnd_below(r, 2) == 0;
	memset(s->uuids, 0, sizeof(s->uuids));
	for (size_t i = 0; i < s->n; i++) {
		s->uuids[i][DIRECTORY_UUID_B - 1] = (unsigned char)rnd_below(r, UUIDS);
	}
	random_entry(r, &s->d);
}

/* What the model hands out, in its order, held against the reference's. */
struct comparing {
	const struct ref_dir *ref;
	size_t at;
	uint32_t last;
};

static enum ak_err
compare_key(void *ctx, const struct key_record *k)
{
	struct comparing *c = ctx;
	struct pack p = PACK_INIT;
	size_t i = 0;

	assert_true(k->uid > c->last);
	c->last = k->uid;
	while (i < c->ref->n_keys && strcmp(c->ref->key[i].name, k->name) != 0)
		i++;
	assert_true(i < c->ref->n_keys && !c->ref->key[i].local);
	key_record_pack(k, &p);
	assert_int_equal(p.len_b, c->ref->key[i].record.len_b);
	assert_memory_equal(p.bytes, c->ref->key[i].record.bytes, p.len_b);
	pack_clear(&p);
	c->at++;
	return AK_OK;
}

static enum ak_err
compare_membership(void *ctx, const char *name, struct strv in, struct strv bound)
{
	struct comparing *c = ctx;
	struct pack p = PACK_INIT;

	/* One that two principals claim has none. */
	while (c->at < c->ref->n_keys && c->ref->key[c->at].membership.len_b == 0)
		c->at++;
	assert_true(c->at < c->ref->n_keys);
	assert_string_equal(name, c->ref->key[c->at].name);
	membership_pack(in, bound, &p);
	assert_int_equal(p.len_b, c->ref->key[c->at].membership.len_b);
	assert_memory_equal(p.bytes, c->ref->key[c->at].membership.bytes, p.len_b);
	pack_clear(&p);
	c->at++;
	return AK_OK;
}

static enum ak_err
count_entry(void *ctx, const struct directory_entry *e)
{
	size_t *n = ctx;

	n[e->search]++;
	return AK_OK;
}

static void
compare(const struct model *m, const struct ref_dir *ref)
{
	struct comparing c = {.ref = ref};
	size_t n[4] = {0}, n_served, wanted[4] = {0}, n_local = 0;

	assert_err("", AK_OK, model_each_membership(m, compare_membership, &c));
	while (c.at < ref->n_keys && ref->key[c.at].membership.len_b == 0)
		c.at++;
	assert_int_equal(c.at, ref->n_keys);
	c.at = 0;
	assert_err("", AK_OK, model_each_key(m, compare_key, &c));
	n_served = c.at;
	for (size_t i = 0; i < ref->n_keys; i++)
		n_local += ref->key[i].local;
	assert_int_equal(n_served + n_local, ref->n_keys);
	for (size_t i = 0; i < ref->now.n; i++)
		wanted[ref->now.v[i].e.search] += ref->now.v[i].is;
	for (int s = DIRECTORY_KEYS; s <= DIRECTORY_PRINCIPALS; s++) {
		assert_err("", AK_OK,
		    model_each_entry(m, (enum directory_search_id)s, count_entry, n));
		assert_int_equal(n[s], wanted[s]);
		assert_int_equal(model_count(m, (enum directory_search_id)s), wanted[s]);
	}
	assert_int_equal(model_count_skipped(m), wanted[DIRECTORY_KEYS] - n_served);
}

/* over: a settle that failed may have told of changes that another has taken back. */
static void
compare_changes(const struct model_changes *got, const struct ref_dir *ref, bool over)
{
	size_t found = 0;

	for (size_t i = 0; i < got->n_uids; i++)
		for (size_t j = 0; j < ref->n_uids; j++)
			found += got->uids[i] == ref->uids[j];
	assert_int_equal(found, ref->n_uids);
	if (!over)
		assert_int_equal(got->n_uids, ref->n_uids);
	assert_true(got->keys || !ref->records_differ);
	assert_true(got->groups || !ref->memberships_differ);
}

/* Until nothing fails: failing allocations leave the model as if they had not been tried. */
static void
do_step(struct rnd *r, struct model *m, struct ref_dir *ref, bool starve)
{
	struct step s;
	enum ak_err err;

	random_step(r, ref, &s);
	for (unsigned n = 1; starve; n++) {
		alloc_fail_nth(n);
		err = step_model(m, &s);
		if (!alloc_stop())
			goto done;
		if (err == AK_OK)
			goto done; /* a table that did not grow */
		assert_err("", AK_ERR_NOMEM, err);
	}
	assert_err("", AK_OK, step_model(m, &s));
done:
	step_reference(ref, &s);
	ldap_draft_end(&s.d);
}

static void
do_settle(struct rnd *r, struct model *m, struct ref_dir *ref, struct ldap_host *h, bool starve)
{
	struct model_changes changes;
	enum ak_err err = AK_ERR_NOMEM;
	bool failed = false;

	for (unsigned n = 1; starve && err != AK_OK; n++) {
		alloc_fail_nth(n);
		err = model_settle(m, ldap_host_look(h), &changes);
		(void)alloc_stop();
		assert_true(err == AK_OK || err == AK_ERR_NOMEM);
		failed |= err != AK_OK;
		/* What comes in between must not trip over what is half done. */
		if (err != AK_OK && rnd_below(r, 4) == 0)
			do_step(r, m, ref, false);
	}
	if (!starve)
		assert_err("", AK_OK, model_settle(m, ldap_host_look(h), &changes));
	ref_dir_settle(ref, ldap_host_look(h));
	compare(m, ref);
	compare_changes(&changes, ref, failed);
}

static void
run_world(const char *name, unsigned rounds, bool starve)
{
	struct rnd r = rnd_start(name);
	struct ref_dir *ref = calloc(1, sizeof(*ref));
	struct model *m = model_new();
	struct model_changes changes;
	struct ldap_host h;

	ldap_host_start(&h);
	for (unsigned i = 0; i < rounds; i++) {
		for (size_t n = rnd_below(&r, 4); n > 0; n--)
			do_step(&r, m, ref, starve);
		if (rnd_below(&r, 12) == 0)
			random_host(&r, &h);
		do_settle(&r, m, ref, &h, starve);
		if (i % 16 == 0) {
			assert_err("", AK_OK, model_settle(m, ldap_host_look(&h), &changes));
			assert_false(changes.keys || changes.groups || changes.n_uids > 0);
			ref_dir_settle(ref, ldap_host_look(&h));
		}
	}
	model_free(&m);
	assert_null(m);
	ref_dir_clear(ref);
	free(ref);
	ldap_host_end(&h);
}

static void
every_change_comes_to_what_all_of_it_anew_would(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++)
		run_world("model", 300, false);
}

static void
a_failed_allocation_at_any_place_changes_nothing_but_the_answer(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		run_world("model without memory", 120, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_change_comes_to_what_all_of_it_anew_would),
	    cmocka_unit_test(a_failed_allocation_at_any_place_changes_nothing_but_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
