/* Each allocation of a step of the daemon fails in its turn: nothing is half done, and the next step mends it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "follow.h"
#include "keyring.h"
#include "publisher.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Thousands of writes need not wait for the disk. */
int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

/* ---- the publisher ---- */

struct scene {
	struct host h;
	struct loop loop;
	struct rules rules;
	struct publisher p;
	unsigned done, broken, loaded;
	enum ak_err err;
	bool has_why;
};

static int64_t
now(void *ctx)
{
	(void)ctx;
	return HOST_NOW;
}

static enum ak_err
check_id(void *ctx, uint32_t id)
{
	(void)ctx;
	(void)id;
	return AK_OK;
}

static void
news(void *ctx, enum rules_news what)
{
	struct scene *s = ctx;

	s->broken += what != RULES_LOADED;
	s->loaded += what == RULES_LOADED;
}

static enum ak_err
prepare(void *ctx, struct diag *why)
{
	(void)ctx;
	(void)why;
	return AK_OK;
}

static bool
behind(void *ctx, struct diag *why)
{
	(void)ctx;
	(void)why;
	return false;
}

static void
sources(void *ctx, struct source_id *keys, struct source_id *groups)
{
	(void)ctx;
	*keys = *groups = (struct source_id){.generation = 0};
}

static enum ak_err
note(void *ctx, struct store *store)
{
	(void)ctx;
	(void)store;
	return AK_OK;
}

static void
unread(void *ctx, bool keys, bool groups)
{
	(void)ctx;
	fail_msg("unread: %d %d", keys, groups);
}

static void
done(void *ctx, enum ak_err err, const struct publish_result *res, const struct diag *why)
{
	struct scene *s = ctx;

	(void)res;
	s->done++;
	s->err = err;
	s->has_why = why->text[0] != '\0';
}

static void
begin(struct scene *s)
{
	const struct publisher_host host = {.now = now,
	    .check_id = check_id,
	    .news = news,
	    .prepare = prepare,
	    .behind = behind,
	    .sources = sources,
	    .note = note,
	    .unread = unread,
	    .done = done,
	    .ctx = s};

	s->done = s->broken = s->loaded = 0;
	loop_init(&s->loop);
	rules_init(&s->rules, &s->h.paths);
	publisher_init(&s->p, &s->loop, &s->h.paths, &s->rules, &host);
}

static void
end(struct scene *s)
{
	publisher_stop(&s->p);
	rules_clear(&s->rules);
}

static void
is_published(const char *row, const struct scene *s, const char *dump)
{
	char *seen = host_dump(&s->h);
	struct keyring k;

	assert_err(row, AK_OK, keyring_open(&s->h.paths, &k));
	assert_row(row, keyring_is_published(&k) && k.users.policy != 0);
	assert_row(row, strcmp(seen, dump) == 0);
	keyring_close(&k);
	free(seen);
}

static void
lose_users(struct host *h)
{
	assert_int_equal(unlink(h->paths.users), 0);
}

static void
move_groups(struct host *h)
{
	host_groups(h, "root:x:0:\nsudo:x:27:\nmore:x:1010:\n");
}

static void
move_policy(struct host *h)
{
	host_policy(h, "version: 1\n"
		       "roles:\n"
		       "  editor: {services: [sshd], unix_groups: [apikey-others]}\n");
}

static void
change_nothing(struct host *h)
{
	(void)h;
}

static const struct publishing {
	const char *name;
	void (*moves)(struct host *h);
	bool knew; /* it has read the policy of before */
} rows[] = {
    {"it begins, and all is up to date", change_nothing, false},
    {"it begins without a users.idx", lose_users, false},
    {"users.idx is lost", lose_users, true},
    {"/etc/group moves", move_groups, true},
    {"the policy moves", move_policy, true},
};

/* Two keys, published, the policy trusted. */
static void
fill(struct scene *s, const struct publishing *row)
{
	struct key_record a = key_make("a", 70000), b = key_make("b", 70001);

	host_wipe(&s->h);
	host_policy(&s->h, HOST_POLICY);
	host_groups(&s->h, "root:x:0:\nsudo:x:27:\n");
	key_bind(&a, "viewer");
	key_bind(&b, "editor");
	assert_err("", AK_OK, host_put(&s->h, &a));
	assert_err("", AK_OK, host_put(&s->h, &b));
	host_settle(&s->h);
	assert_err("", AK_OK, host_publish(&s->h, HOST_NOW));
	begin(s);
	if (row->knew)
		publisher_run(&s->p, true);
	s->done = s->loaded = 0;
	row->moves(&s->h);
}

static void
fail_each(struct scene *s, const struct publishing *row)
{
	bool failed = true;
	char *dump;
	unsigned n;

	fill(s, row);
	publisher_run(&s->p, false);
	assert_err(row->name, AK_OK, s->err);
	dump = host_dump(&s->h);
	end(s);
	for (n = 1; failed; n++) {
		fill(s, row);
		alloc_fail_nth(n);
		publisher_run(&s->p, false);
		failed = alloc_stop();
		assert_row(row->name, s->done == 1);
		assert_row(row->name, s->err == AK_OK || (failed && s->has_why));
		/* It comes again by itself, and needs no other event. */
		assert_row(row->name, s->p.due.armed == (s->err != AK_OK));
		if (s->err != AK_OK)
			publisher_run(&s->p, false);
		assert_err(row->name, AK_OK, s->err);
		is_published(row->name, s, dump);
		/* The policy was read once, and never broken. */
		if (s->broken != 0 || s->loaded != (!row->knew || row->moves == move_policy))
			fail_msg("%s, allocation %u: %u times broken, %u loaded", row->name, n,
			    s->broken, s->loaded);
		end(s);
	}
	print_message("%s: %u allocations\n", row->name, n - 2);
	assert_row(row->name, n > 2);
	free(dump);
}

static void
abuse_128_the_publisher_takes_want_of_memory_for_no_broken_policy(void **state)
{
	static struct scene s;

	host_make(&s.h, *state);
	for (size_t i = 0; i < N(rows); i++)
		fail_each(&s, &rows[i]);
}

/* ---- what the engine says ---- */

struct heard {
	enum wire_type type;
	char id;
	const char *cookie;
};

static enum ak_err
hear(struct follow *f, const struct heard *line)
{
	static struct wire_message m;
	struct follow_news news;
	struct diag why = DIAG_INIT;
	unsigned char uuid[DIRECTORY_UUID_B];

	memset(&m, 0, sizeof(m));
	memset(uuid, line->id, sizeof(uuid));
	m.type = line->type;
	m.search = DIRECTORY_KEYS;
	m.uuids = uuid;
	m.n_uuids = 1;
	m.cookie = (const unsigned char *)line->cookie;
	m.cookie_len_b = line->cookie == NULL ? 0 : strlen(line->cookie);
	m.end = (struct wire_end){DIRECTORY_KEYS, true, m.cookie, m.cookie_len_b};
	m.entry.search = DIRECTORY_KEYS;
	memcpy(m.entry.uuid, uuid, sizeof(uuid));
	m.entry.dn = "cn=x";
	return follow_take(f, &m, &news, &why);
}

/* Where it fails the engine is begun anew, and says what there is by then. */
static void
abuse_128_a_message_without_memory_begins_the_refresh_anew(void **state)
{
	static const struct heard first[] = {{WIRE_BEGIN, 0, NULL}, {WIRE_PUT, 'a', NULL},
	    {WIRE_PUT, 'b', NULL}, {WIRE_END, 0, "one"}},
				  second[] = {{WIRE_BEGIN, 0, NULL}, {WIRE_PUT, 'c', NULL},
				      {WIRE_PRESENT, 'a', NULL}, {WIRE_END, 0, "two"},
				      {WIRE_GONE, 'a', NULL}, {WIRE_PUT, 'd', NULL},
				      {WIRE_COOKIE, 0, "three"}},
				  anew[] = {{WIRE_BEGIN, 0, NULL}, {WIRE_PUT, 'c', NULL},
				      {WIRE_PUT, 'd', NULL}, {WIRE_END, 0, "three"}};
	const struct directory_settings d = {
	    .present = true, .keys = {"ou=keys", "(objectClass=apikeyKey)"}};
	bool failed = true;
	unsigned n;

	(void)state;
	for (n = 1; failed; n++) {
		struct model *m = model_new();
		struct follow f;
		enum ak_err err = AK_OK;
		struct wire_blob cookie;

		assert_non_null(m);
		follow_init(&f, m);
		follow_configure(&f, &d);
		for (size_t i = 0; i < N(first); i++)
			assert_err("", AK_OK, hear(&f, &first[i]));
		alloc_fail_nth(n);
		for (size_t i = 0; i < N(second) && err == AK_OK; i++)
			err = hear(&f, &second[i]);
		failed = alloc_stop();
		assert_true(err == AK_OK || (failed && err == AK_ERR_NOMEM));
		if (err != AK_OK) {
			follow_restart(&f);
			for (size_t i = 0; i < N(anew); i++)
				assert_err("", AK_OK, hear(&f, &anew[i]));
		}
		assert_int_equal(model_count(m, DIRECTORY_KEYS), 2);
		cookie = follow_cookie(&f, DIRECTORY_KEYS);
		assert_int_equal(cookie.len_b, 5);
		assert_memory_equal(cookie.bytes, "three", 5);
		model_free(&m);
	}
	assert_true(n > 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		abuse_128_the_publisher_takes_want_of_memory_for_no_broken_policy, tmp_setup,
		tmp_teardown),
	    cmocka_unit_test(abuse_128_a_message_without_memory_begins_the_refresh_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
