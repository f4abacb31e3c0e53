/* What the engine may say when, and what becomes of the model. */
#include <stdlib.h>
#include <string.h>

#include "follow.h"
#include "testlib_cmocka.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct directory_settings
some_settings(void)
{
	struct directory_settings d = {.present = true,
	    .keys = {"ou=keys", "(objectClass=apikeyKey)"},
	    .groups = {"ou=groups", "(objectClass=groupOfNames)"},
	    .group_name = "cn"};

	return d;
}

struct scene {
	struct model *model;
	struct follow follow;
	struct follow_news news;
	struct diag why;
};

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct directory_settings d = some_settings();

	assert_non_null(s);
	s->model = model_new();
	assert_non_null(s->model);
	follow_init(&s->follow, s->model);
	follow_configure(&s->follow, &d);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	model_free(&s->model);
	free(s);
	return 0;
}

/* One message, as a line of a table: `search` and `cookie` where it has them; an entry's uuid is all `id`. */
struct say {
	enum wire_type type;
	enum directory_search_id search;
	char id;
	const char *text; /* cookie; of a state, the problem */
	bool drop;
	enum wire_phase phase;
	uint64_t names; /* BEGIN */
};

#define BEGIN(s)                                                                               \
	{                                                                                      \
		.type = WIRE_BEGIN, .search = (s)                                              \
	}
#define END(s, c)                                                                              \
	{                                                                                      \
		.type = WIRE_END, .search = (s), .text = (c), .drop = true                     \
	}
#define PUT(s, i)                                                                              \
	{                                                                                      \
		.type = WIRE_PUT, .search = (s), .id = (i)                                     \
	}
#define GONE(s, i)                                                                             \
	{                                                                                      \
		.type = WIRE_GONE, .search = (s), .id = (i)                                    \
	}
#define PRESENT(s, i)                                                                          \
	{                                                                                      \
		.type = WIRE_PRESENT, .search = (s), .id = (i)                                 \
	}
#define COOKIE(s, c)                                                                           \
	{                                                                                      \
		.type = WIRE_COOKIE, .search = (s), .text = (c)                                \
	}
#define STATE(p, c)                                                                            \
	{                                                                                      \
		.type = WIRE_STATE, .phase = (p), .text = (c)                                  \
	}
#define CONTACT                                                                                \
	{                                                                                      \
		.type = WIRE_CONTACT                                                           \
	}
#define PONG                                                                                   \
	{                                                                                      \
		.type = WIRE_PONG                                                              \
	}
#define K DIRECTORY_KEYS
#define G DIRECTORY_GROUPS
#define P DIRECTORY_PRINCIPALS

static enum ak_err
say(struct scene *s, struct say line)
{
	static struct wire_message m;
	unsigned char uuid[DIRECTORY_UUID_B];
	const char *text = line.text == NULL ? "" : line.text;
	size_t len_b = strlen(text);

	memset(&m, 0, sizeof(m));
	memset(uuid, line.id, sizeof(uuid));
	m.type = line.type;
	m.search = line.search;
	m.begun_names = line.names;
	m.uuids = uuid;
	m.n_uuids = 1;
	m.cookie = (const unsigned char *)text;
	m.cookie_len_b = len_b;
	m.end = (struct wire_end){line.search, line.drop, m.cookie, len_b};
	m.state = (struct wire_state){line.phase, "ldap://a\nb", text};
	m.entry.search = line.search;
	memcpy(m.entry.uuid, uuid, sizeof(uuid));
	m.entry.dn = "cn=x";
	s->why = DIAG_INIT;
	return follow_take(&s->follow, &m, &s->news, &s->why);
}

static void
say_all(struct scene *s, const struct say *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_err("", AK_OK, say(s, lines[i]));
}

#define SAY(s, ...)                                                                            \
	do {                                                                                   \
		static const struct say lines[] = {__VA_ARGS__};                               \
		say_all((s), lines, N(lines));                                                 \
	} while (0)

static void
a_refresh_counts_at_its_end_and_not_before(void **state)
{
	struct scene *s = *state;

	SAY(s, BEGIN(K), PUT(K, 1), PUT(K, 2));
	assert_false(s->news.changed);
	assert_int_equal(model_count(s->model, K), 0);
	assert_err("", AK_OK, say(s, (struct say)END(K, "c1")));
	assert_true(s->news.changed);
	assert_int_equal(model_count(s->model, K), 2);
	SAY(s, GONE(K, 1));
	assert_true(s->news.changed);
	assert_int_equal(model_count(s->model, K), 1);
	/* What is not named is gone. */
	SAY(s, BEGIN(K), PUT(K, 3), END(K, "c2"));
	assert_int_equal(model_count(s->model, K), 1);
}

static void
abuse_100_an_engine_that_dies_in_a_refresh_changed_nothing(void **state)
{
	struct scene *s = *state;

	SAY(s, BEGIN(K), PUT(K, 1), END(K, "c1"), BEGIN(K), GONE(K, 1), PUT(K, 2));
	follow_restart(&s->follow);
	assert_int_equal(model_count(s->model, K), 1);
	assert_err("its END", AK_ERR_CORRUPT, say(s, (struct say)END(K, "c2")));
	assert_int_equal(follow_cookie(&s->follow, K).len_b, 2);
}

static void
a_connection_that_breaks_in_a_refresh_leaves_nothing_of_it(void **state)
{
	struct scene *s = *state;

	SAY(s, BEGIN(K), PUT(K, 1), STATE(WIRE_IDLE, "reset by peer"));
	assert_err("its END", AK_ERR_CORRUPT, say(s, (struct say)END(K, "c2")));
	SAY(s, BEGIN(K), PUT(K, 2), BEGIN(K), PUT(K, 3), END(K, "c3"));
	assert_int_equal(model_count(s->model, K), 1);
}

static void
what_is_out_of_order_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *name;
		struct say before[4];
		size_t n;
		struct say bad;
	} rows[] = {
	    {"END without BEGIN", {}, 0, END(K, "c")},
	    {"END of another", {BEGIN(G)}, 1, END(K, "c")},
	    {"END twice", {BEGIN(K), END(K, "c")}, 2, END(K, "c")},
	    {"PRESENT without BEGIN", {}, 0, PRESENT(K, 1)},
	    {"PRESENT after END", {BEGIN(K), END(K, "c")}, 2, PRESENT(K, 1)},
	    {"PUT before any refresh", {}, 0, PUT(K, 1)},
	    {"PUT of another", {BEGIN(K), END(K, "c")}, 2, PUT(G, 1)},
	    {"GONE before any refresh", {}, 0, GONE(K, 1)},
	    {"COOKIE before any refresh", {}, 0, COOKIE(K, "c")},
	    {"COOKIE in a refresh", {BEGIN(K), END(K, "c"), BEGIN(K)}, 3, COOKIE(K, "c")},
	    {"a search that is not made", {}, 0, BEGIN(P)},
	    {"its entries", {}, 0, PUT(P, 1)},
	    {"what the daemon says", {}, 0, {.type = WIRE_PING}},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct scene *s = *state;

		follow_restart(&s->follow);
		say_all(s, rows[i].before, rows[i].n);
		assert_err(rows[i].name, AK_ERR_CORRUPT, say(s, rows[i].bad));
		assert_row(rows[i].name, s->why.text[0] != '\0');
	}
}

static void
a_contact_counts_when_every_search_had_its_end_since_the_engine_began(void **state)
{
	struct scene *s = *state;

	SAY(s, BEGIN(K), END(K, "c"), CONTACT);
	assert_false(s->news.contact);
	SAY(s, BEGIN(G), END(G, "c"), CONTACT);
	assert_true(s->news.contact);
	follow_restart(&s->follow);
	SAY(s, CONTACT);
	assert_false(s->news.contact);
	SAY(s, BEGIN(G), END(G, "c"), CONTACT);
	assert_false(s->news.contact);
}

static void
nothing_is_whole_before_each_search_was_seen_to_its_end(void **state)
{
	struct scene *s = *state;
	struct directory_settings d = some_settings();

	SAY(s, BEGIN(K), END(K, "c"));
	assert_false(follow_is_whole(&s->follow));
	SAY(s, BEGIN(G), END(G, "c"));
	assert_true(follow_is_whole(&s->follow));
	(void)!text_copy(d.principal.base, sizeof(d.principal.base), "ou=x");
	follow_configure(&s->follow, &d);
	assert_false(follow_is_whole(&s->follow));
	follow_trust(&s->follow, FOLLOW_BIT(K));
	assert_false(follow_is_whole(&s->follow));
	follow_trust(&s->follow, FOLLOW_BIT(G) | FOLLOW_BIT(P));
	assert_false(follow_is_whole(&s->follow));
	SAY(s, BEGIN(P), END(P, "c"));
	assert_true(follow_is_whole(&s->follow));
}

/* A key that was made just now must not look like one that is in no group. */
static void
principals_are_whole_for_the_names_that_they_were_asked_for(void **state)
{
	static const struct strv names = {"ci", 3};
	struct scene *s = *state;
	struct directory_settings d = some_settings();

	(void)!text_copy(d.principal.base, sizeof(d.principal.base), "ou=x");
	follow_configure(&s->follow, &d);
	SAY(s, BEGIN(K), END(K, "c"), BEGIN(G), END(G, "c"), BEGIN(P), END(P, "c"));
	assert_true(follow_is_whole(&s->follow));
	SAY(s, BEGIN(P));
	follow_set_names(&s->follow, names);
	assert_false(follow_is_whole(&s->follow));
	SAY(s, END(P, "c"));
	assert_false(follow_is_whole(&s->follow));
	assert_err("", AK_OK,
	    say(s, (struct say){.type = WIRE_BEGIN, .search = P, .names = wire_names(names)}));
	assert_false(follow_is_whole(&s->follow));
	SAY(s, END(P, "c"));
	assert_true(follow_is_whole(&s->follow));
	follow_set_names(&s->follow, names);
	assert_true(follow_is_whole(&s->follow));
}

/* A server that was put back from an older copy names what never came. */
static void
an_entry_that_is_present_and_never_came_is_told(void **state)
{
	struct scene *s = *state;

	SAY(s, BEGIN(K), PUT(K, 1), END(K, "c"));
	assert_false(s->news.lacks);
	assert_true(follow_cookie(&s->follow, K).len_b > 0);
	SAY(s, BEGIN(K), PRESENT(K, 1), PRESENT(K, 2), END(K, "c2"));
	assert_true(s->news.lacks);
	assert_int_equal(follow_cookie(&s->follow, K).len_b, 0);
	SAY(s, BEGIN(K), PUT(K, 1), PUT(K, 2), END(K, "c3"));
	assert_false(s->news.lacks);
	assert_true(follow_cookie(&s->follow, K).len_b > 0);
}

static void
what_settings_take_away_is_told(void **state)
{
	struct scene *s = *state;
	struct directory_settings d = some_settings();

	assert_false(follow_loses(&s->follow, &d));
	d.groups.base[0] = '\0';
	assert_true(follow_loses(&s->follow, &d));
	d = (struct directory_settings){.present = false};
	assert_true(follow_loses(&s->follow, &d));
}

static void
a_cookie_is_good_for_the_search_that_it_came_from(void **state)
{
	struct scene *s = *state;
	struct directory_settings d = some_settings();
	struct wire_blob c;

	SAY(s, BEGIN(K), PUT(K, 1), END(K, "one"), BEGIN(G), PUT(G, 1), END(G, "two"));
	SAY(s, COOKIE(K, "three"));
	c = follow_cookie(&s->follow, K);
	assert_int_equal(c.len_b, 5);
	assert_memory_equal(c.bytes, "three", 5);
	assert_int_equal(follow_cookie(&s->follow, G).len_b, 3);

	/* Another filter: its entries stand until the new ones are whole. */
	(void)!text_copy(d.keys.filter, sizeof(d.keys.filter), "(cn=*)");
	follow_configure(&s->follow, &d);
	assert_int_equal(follow_cookie(&s->follow, K).len_b, 0);
	assert_int_equal(follow_cookie(&s->follow, G).len_b, 3);
	assert_int_equal(model_count(s->model, K), 1);
	assert_true(follow_is_whole(&s->follow));

	/* Other attributes of groups. */
	(void)!text_copy(d.role_attribute, sizeof(d.role_attribute), "apikeyBinding");
	follow_configure(&s->follow, &d);
	assert_int_equal(follow_cookie(&s->follow, G).len_b, 0);

	/* No such search any more: nothing of it stays. */
	d.keys.base[0] = '\0';
	follow_configure(&s->follow, &d);
	assert_int_equal(model_count(s->model, K), 0);
	assert_int_equal(model_count(s->model, G), 1);
}

static void
abuse_099_a_cookie_that_is_not_ours_is_none(void **state)
{
	static const char *const rows[] = {"", "short", "garbage that is long enough"};
	struct scene *s = *state;

	for (size_t i = 0; i < N(rows); i++) {
		assert_err("set", AK_OK,
		    model_set_cookie(
			s->model, K, (const unsigned char *)rows[i], strlen(rows[i])));
		assert_row(rows[i], follow_cookie(&s->follow, K).len_b == 0);
	}
}

static void
a_refresh_that_is_waited_for_begins_after_it_was_asked_for(void **state)
{
	struct scene *s = *state;

	SAY(s, BEGIN(K), END(K, "c"), BEGIN(G), END(G, "c"), PONG);
	follow_await_sync(&s->follow, 2);
	SAY(s, BEGIN(K), END(K, "c"), CONTACT); /* of before */
	assert_false(s->news.synced);
	SAY(s, BEGIN(G), PONG, END(G, "c"), CONTACT); /* likewise */
	assert_false(s->news.synced);
	SAY(s, BEGIN(K), BEGIN(G), END(K, "c"), CONTACT);
	assert_false(s->news.synced);
	SAY(s, END(G, "c"));
	assert_false(s->news.synced);
	SAY(s, CONTACT);
	assert_true(s->news.synced);
	follow_forget_sync(&s->follow);
	SAY(s, CONTACT);
	assert_false(s->news.synced);
}

static void
a_refresh_that_fails_is_told_to_whom_waits(void **state)
{
	struct scene *s = *state;

	SAY(s, STATE(WIRE_IDLE, "refused"));
	assert_false(s->news.sync_failed);
	follow_await_sync(&s->follow, 1);
	SAY(s, STATE(WIRE_IDLE, "refused")); /* it had not heard of it yet */
	assert_false(s->news.sync_failed);
	SAY(s, PONG, STATE(WIRE_CONNECTING, ""), STATE(WIRE_IDLE, "refused again"));
	assert_true(s->news.sync_failed);
	assert_string_equal(s->follow.state.problem, "refused again");
}

static void
what_the_engine_writes_is_one_line_for_logs_and_managers(void **state)
{
	struct scene *s = *state;
	static char longest[4000];

	SAY(s, STATE(WIRE_IDLE, "down\nREADY=1\r\033[2J"));
	assert_string_equal(s->follow.problem, "down?READY=1??[2J");
	assert_string_equal(s->follow.uri, "ldap://a?b");
	memset(longest, 'x', sizeof(longest) - 1);
	assert_err("long", AK_OK, say(s, (struct say)STATE(WIRE_IDLE, longest)));
	assert_true(strlen(s->follow.problem) < sizeof(s->follow.problem));
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_refresh_counts_at_its_end_and_not_before),
	    T(abuse_100_an_engine_that_dies_in_a_refresh_changed_nothing),
	    T(a_connection_that_breaks_in_a_refresh_leaves_nothing_of_it),
	    T(what_is_out_of_order_is_refused_with_a_sentence),
	    T(a_contact_counts_when_every_search_had_its_end_since_the_engine_began),
	    T(nothing_is_whole_before_each_search_was_seen_to_its_end),
	    T(principals_are_whole_for_the_names_that_they_were_asked_for),
	    T(an_entry_that_is_present_and_never_came_is_told),
	    T(what_settings_take_away_is_told),
	    T(a_cookie_is_good_for_the_search_that_it_came_from),
	    T(abuse_099_a_cookie_that_is_not_ours_is_none),
	    T(a_refresh_that_is_waited_for_begins_after_it_was_asked_for),
	    T(a_refresh_that_fails_is_told_to_whom_waits),
	    T(what_the_engine_writes_is_one_line_for_logs_and_managers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
