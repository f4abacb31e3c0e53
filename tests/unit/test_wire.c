/* What daemon and engine say to each other: whole, or refused. */
#include <stdlib.h>
#include <string.h>

#include "testlib_cmocka.h"
#include "testlib_random.h"
#include "wire.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct directory_settings
some_settings(void)
{
	struct directory_settings d = {.present = true,
	    .bind_dn = "cn=host,dc=example,dc=com",
	    .sasl = DIRECTORY_EXTERNAL,
	    .timeout_s = 5,
	    .poll_s = 60,
	    .reconcile_s = 3600,
	    .max_age_s = 900,
	    .keys = {"ou=keys", "(objectClass=apikeyKey)"},
	    .groups = {"ou=groups", "(objectClass=groupOfNames)"},
	    .principal = {"ou=services", "(uid=%n)"},
	    .group_name = "cn",
	    .role_attribute = "apikeyBinding",
	    .uris_bytes = "ldaps://a\0ldaps://b",
	    .members_bytes = "member\0memberUid"};

	return d;
}

static struct directory_entry
some_entry(void)
{
	struct directory_entry e = {
	    .search = DIRECTORY_GROUPS, .uuid = "0123456789abcde", .dn = "cn=ops,dc=example"};

	e.values[SLOT_NAME] = (struct strv){"ops", 4};
	e.values[SLOT_MEMBER_DN] = (struct strv){"cn=a\0cn=b", 10};
	return e;
}

/* Every kind of message, one after the other. */
static void
put_all(struct pack *from_daemon, struct pack *from_engine)
{
	struct directory_settings d = some_settings();
	struct directory_entry e = some_entry();
	struct wire_start s = {.settings = &d,
	    .ca = {(const unsigned char *)"CA", 2},
	    .password = {(const unsigned char *)"secret", 6},
	    .names = {"ci\0backup", 10},
	    .first = 3};
	static const unsigned char uuids[2 * DIRECTORY_UUID_B] = {1, 2, 3};

	d.uris = (struct strv){d.uris_bytes, sizeof("ldaps://a\0ldaps://b")};
	d.members = (struct strv){d.members_bytes, sizeof("member\0memberUid")};
	s.cookie[DIRECTORY_GROUPS] = (struct wire_blob){(const unsigned char *)"rid=1", 5};
	wire_put_start(from_daemon, &s);
	wire_put_simple(from_daemon, WIRE_PING);
	wire_put_simple(from_daemon, WIRE_REFRESH);
	wire_put_names(from_daemon, s.names);
	wire_put_simple(from_engine, WIRE_PONG);
	wire_put_state(from_engine, &(struct wire_state){WIRE_IDLE, "ldaps://a", "refused"});
	wire_put_begin(from_engine, DIRECTORY_KEYS, 77);
	wire_put_entry(from_engine, &e);
	wire_put_uuids(from_engine, WIRE_PRESENT, DIRECTORY_KEYS, uuids, 2);
	wire_put_uuids(from_engine, WIRE_GONE, DIRECTORY_PRINCIPALS, uuids, 1);
	wire_put_cookie(from_engine, DIRECTORY_KEYS, (const unsigned char *)"c", 1);
	wire_put_end(from_engine,
	    &(struct wire_end){DIRECTORY_GROUPS, true, (const unsigned char *)"xy", 2});
	wire_put_simple(from_engine, WIRE_CONTACT);
	assert_err("", AK_OK, from_daemon->err);
	assert_err("", AK_OK, from_engine->err);
}

/* The next message of these bytes; *at moves past it. */
static void
next(const struct pack *p, size_t *at, bool from_engine, struct wire_message *m)
{
	size_t used;

	assert_err("", AK_OK, wire_take(p->bytes + *at, p->len_b - *at, from_engine, m, &used));
	*at += used;
}

static void
what_the_daemon_says_arrives(void **state)
{
	struct pack d = PACK_INIT, e = PACK_INIT;
	struct wire_message *m = calloc(1, sizeof(*m));
	size_t at = 0;

	(void)state;
	put_all(&d, &e);
	next(&d, &at, false, m);
	assert_int_equal(m->type, WIRE_START);
	assert_true(strv_has(m->start.settings->uris, "ldaps://b"));
	assert_int_equal(strv_count(m->start.settings->members), 2);
	assert_string_equal(m->start.settings->principal.filter, "(uid=%n)");
	assert_string_equal(m->start.settings->role_attribute, "apikeyBinding");
	assert_int_equal(m->start.settings->sasl, DIRECTORY_EXTERNAL);
	assert_int_equal(m->start.settings->reconcile_s, 3600);
	assert_int_equal(m->start.ca.len_b, 2);
	assert_int_equal(m->start.key.len_b, 0);
	assert_memory_equal(m->start.password.bytes, "secret", 6);
	assert_memory_equal(m->start.cookie[DIRECTORY_GROUPS].bytes, "rid=1", 5);
	assert_true(strv_has(m->start.names, "backup"));
	assert_int_equal(m->start.first, 3);
	next(&d, &at, false, m);
	assert_int_equal(m->type, WIRE_PING);
	next(&d, &at, false, m);
	assert_int_equal(m->type, WIRE_REFRESH);
	next(&d, &at, false, m);
	assert_int_equal(m->type, WIRE_NAMES);
	assert_true(strv_has(m->names, "ci"));
	assert_int_equal(at, d.len_b);
	free(m);
	pack_clear(&d);
	pack_clear(&e);
}

static void
what_the_engine_says_arrives(void **state)
{
	struct pack d = PACK_INIT, e = PACK_INIT;
	struct wire_message *m = calloc(1, sizeof(*m));
	size_t at = 0;

	(void)state;
	put_all(&d, &e);
	next(&e, &at, true, m);
	assert_int_equal(m->type, WIRE_PONG);
	next(&e, &at, true, m);
	assert_int_equal(m->state.phase, WIRE_IDLE);
	assert_string_equal(m->state.uri, "ldaps://a");
	assert_string_equal(m->state.problem, "refused");
	next(&e, &at, true, m);
	assert_int_equal(m->type, WIRE_BEGIN);
	assert_int_equal(m->search, DIRECTORY_KEYS);
	assert_int_equal(m->begun_names, 77);
	next(&e, &at, true, m);
	assert_int_equal(m->type, WIRE_PUT);
	assert_string_equal(m->entry.dn, "cn=ops,dc=example");
	assert_memory_equal(m->entry.uuid, "0123456789abcde", 16);
	assert_int_equal(strv_count(m->entry.values[SLOT_MEMBER_DN]), 2);
	next(&e, &at, true, m);
	assert_int_equal(m->type, WIRE_PRESENT);
	assert_int_equal(m->n_uuids, 2);
	assert_int_equal(m->uuids[2], 3);
	next(&e, &at, true, m);
	assert_int_equal(m->type, WIRE_GONE);
	assert_int_equal(m->search, DIRECTORY_PRINCIPALS);
	next(&e, &at, true, m);
	assert_int_equal(m->cookie_len_b, 1);
	next(&e, &at, true, m);
	assert_int_equal(m->end.search, DIRECTORY_GROUPS);
	assert_true(m->end.drop_unnamed);
	assert_int_equal(m->end.cookie_len_b, 2);
	next(&e, &at, true, m);
	assert_int_equal(m->type, WIRE_CONTACT);
	assert_int_equal(at, e.len_b);
	free(m);
	pack_clear(&d);
	pack_clear(&e);
}

/* A prefix is waited for; it is never taken for a message. */
static void
abuse_100_a_cut_message_is_waited_for(void **state)
{
	struct pack d = PACK_INIT, e = PACK_INIT;
	struct wire_message *m = calloc(1, sizeof(*m));
	size_t at = 0, used;

	(void)state;
	put_all(&d, &e);
	while (at < e.len_b) {
		size_t whole;

		assert_err("", AK_OK, wire_take(e.bytes + at, e.len_b - at, true, m, &whole));
		for (size_t n = 0; n < whole; n++) {
			unsigned char *cut = malloc(n + 1);

			memcpy(cut, e.bytes + at, n);
			assert_err("", AK_ERR_RANGE, wire_take(cut, n, true, m, &used));
			assert_int_equal(used, 0);
			free(cut);
		}
		at += whole;
	}
	free(m);
	pack_clear(&d);
	pack_clear(&e);
}

static void
abuse_100_what_is_out_of_order_is_refused(void **state)
{
	static const struct {
		const char *row;
		bool from_engine;
		unsigned char bytes[12];
		size_t len_b;
	} rows[] = {
	    {"an empty frame", true, {0, 0, 0, 0}, 4},
	    {"a frame of 4 GiB", true, {255, 255, 255, 255}, 4},
	    {"a frame one byte above the limit", true, {1, 0, 0, 4}, 4},
	    {"an engine that gives orders", true, {1, 0, 0, 0, WIRE_PING}, 5},
	    {"a daemon that answers", false, {1, 0, 0, 0, WIRE_PONG}, 5},
	    {"an unknown type", true, {1, 0, 0, 0, 200}, 5},
	    {"an unknown type, before it is whole", true, {9, 0, 0, 0, 200}, 5},
	    {"more than belongs to it", true, {2, 0, 0, 0, WIRE_PONG, 0}, 6},
	    {"an unknown search", true, {2, 0, 0, 0, WIRE_BEGIN, 4}, 6},
	    {"search 0", true, {2, 0, 0, 0, WIRE_BEGIN, 0}, 6},
	    {"half a uuid", true, {4, 0, 0, 0, WIRE_GONE, 1, 7, 7}, 8},
	    {"a cookie longer than its frame", true,
		{7, 0, 0, 0, WIRE_COOKIE, 1, 9, 0, 0, 0, 0}, 11},
	    {"an end that is neither", true, {7, 0, 0, 0, WIRE_END, 1, 2, 0, 0, 0, 0}, 11},
	    {"a phase that is none", true, {8, 0, 0, 0, WIRE_STATE, 9, 0, 0, 0, 0, 0, 0}, 12},
	    {"an empty entry", true, {1, 0, 0, 0, WIRE_PUT}, 5},
	};
	struct wire_message *m = calloc(1, sizeof(*m));
	size_t used;

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_err(rows[i].row, AK_ERR_CORRUPT,
		    wire_take(rows[i].bytes, rows[i].len_b, rows[i].from_engine, m, &used));
	free(m);
}

/* Whatever bit is flipped: an answer, and no byte outside of the frame is read (the sanitizers see to that). */
static void
abuse_100_flipped_bits_break_nothing(void **state)
{
	struct pack d = PACK_INIT, e = PACK_INIT;
	struct wire_message *m = calloc(1, sizeof(*m));

	(void)state;
	put_all(&d, &e);
	for (int from_engine = 0; from_engine < 2; from_engine++) {
		struct pack *p = from_engine ? &e : &d;

		for (size_t bit = 0; bit < p->len_b * 8; bit++) {
			unsigned char *copy = malloc(p->len_b);
			size_t at = 0, used = 0;

			memcpy(copy, p->bytes, p->len_b);
			copy[bit / 8] ^= (unsigned char)(1U << (bit % 8));
			while (at < p->len_b && wire_take(copy + at, p->len_b - at,
						    from_engine != 0, m, &used) == AK_OK) {
				assert_true(used > 0);
				at += used;
			}
			free(copy);
		}
	}
	free(m);
	pack_clear(&d);
	pack_clear(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_the_daemon_says_arrives),
	    cmocka_unit_test(what_the_engine_says_arrives),
	    cmocka_unit_test(abuse_100_a_cut_message_is_waited_for),
	    cmocka_unit_test(abuse_100_what_is_out_of_order_is_refused),
	    cmocka_unit_test(abuse_100_flipped_bits_break_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
