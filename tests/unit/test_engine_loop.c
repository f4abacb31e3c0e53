/* The engine between the daemon and servers that are not there. */
#include "testlib_cmocka.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_impl.h"
#include "ldapconn.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define RECONCILE_S 1000

static const char uris[] = "ldapi://%2Fnonexistent%2Fa\0"
			   "ldapi://%2Fnonexistent%2Fb\0"
			   "ldapi://%2Fnonexistent%2Fc";

static const struct directory_settings settings = {
    .present = true,
    .uris = {uris, sizeof(uris)},
    .timeout_s = 5,
    .poll_s = 60,
    .reconcile_s = RECONCILE_S,
    .max_age_s = 600,
    .keys = {"ou=keys", "(objectClass=apikeyKey)"},
    .group_name = "cn",
    .role_attribute = "",
};

/* --- as a process --------------------------------------------------------------------------- */

struct running {
	pid_t pid;
	struct pack in;
	size_t taken_b;
	int fd;
};

/* With these frames read already, as if they had come with the start. */
static _Noreturn void
run(int fd, uint32_t first)
{
	static const struct wire_blob none[4];
	struct engine_config config = {.settings = &settings,
	    .ca_file = "",
	    .cert_file = "",
	    .key_file = "",
	    .password = "",
	    .cookie = none,
	    .first = first};
	struct engine_link link;
	bool ok = engine_link_init(&link, fd) == AK_OK && engine_link_fill(&link) == AK_OK;

	if (ok)
		ok = engine_loop(&config, &link) == AK_ERR_UNAVAILABLE;
	engine_link_clear(&link);
	_exit(ok ? 0 : 1);
}

static void
start(struct running *r, const struct pack *said, uint32_t first)
{
	int pair[2];

	*r = (struct running){.in = PACK_INIT};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(write(pair[0], said->bytes, said->len_b), said->len_b);
	r->fd = pair[0];
	if ((r->pid = fork()) == 0) {
		(void)close(pair[0]);
		run(pair[1], first);
	}
	assert_true(r->pid > 0);
	assert_int_equal(close(pair[1]), 0);
}

/* What it says next. */
static struct wire_message
hear(struct running *r)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	struct wire_message m;
	size_t used;
	enum ak_err err;

	pack_reserve(&r->in, 1);
	while ((err = wire_take(r->in.bytes + r->taken_b, r->in.len_b - r->taken_b, true, &m,
		    &used)) == AK_ERR_RANGE) {
		unsigned char some[4096];
		ssize_t n;

		assert_int_equal(poll(&p, 1, 30000), 1);
		assert_true((n = read(r->fd, some, sizeof(some))) > 0);
		pack_bytes(&r->in, some, (size_t)n);
	}
	assert_err("a frame", AK_OK, err);
	r->taken_b += used;
	return m;
}

static void
stop(struct running *r)
{
	int status = 1;

	assert_int_equal(close(r->fd), 0);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_int_equal(status, 0);
	pack_clear(&r->in);
}

static void
what_came_with_the_start_is_answered_before_a_server_is_tried(void **state)
{
	struct pack said = PACK_INIT;
	struct running r;

	(void)state;
	wire_put_simple(&said, WIRE_PING);
	start(&r, &said, 0);
	assert_int_equal(hear(&r).type, WIRE_PONG);
	stop(&r);
	pack_clear(&said);
}

static void
the_servers_are_tried_from_the_first_that_was_told_and_round(void **state)
{
	static const struct {
		uint32_t first;
		const char *order;
	} rows[] = {{0, "abc"}, {1, "bca"}, {2, "cab"}, {3, "abc"}, {UINT32_MAX, "abc"}};
	struct pack said = PACK_INIT;

	(void)state;
	wire_put_simple(&said, WIRE_PING);
	for (size_t i = 0; i < N(rows); i++) {
		struct running r;
		char order[4] = "";
		size_t n = 0;

		start(&r, &said, rows[i].first);
		assert_int_equal(hear(&r).type, WIRE_PONG);
		while (n < 3) {
			struct wire_message m = hear(&r);

			assert_int_equal(m.type, WIRE_STATE);
			assert_int_equal(m.state.phase, WIRE_CONNECTING);
			order[n++] = m.state.uri[strlen(m.state.uri) - 1];
			assert_int_equal(hear(&r).state.phase, WIRE_IDLE);
		}
		assert_string_equal(order, rows[i].order);
		stop(&r);
	}
	pack_clear(&said);
}

/* --- its clock ------------------------------------------------------------------------------ */

/* One search that asks for nothing, so that no server is needed. */
static void
make(struct engine *e, struct engine_link *link, const struct engine_config *config)
{
	*link = (struct engine_link){.fd = -1};
	*e = (struct engine){.config = config, .link = link, .uri = ""};
	e->conn.link = link;
	e->conn.timeout_s = 5;
	for (int i = 0; i < ENGINE_SEARCHES; i++) {
		e->searches[i].id = (enum directory_search_id)(i + 1);
		e->searches[i].where = i == 0 ? &settings.keys : &settings.groups;
	}
	pack_bytes(&e->searches[0].filter, "", 1);
}

/* When the comparison is due after a refresh with a cookie or without. */
static int64_t
refresh(struct engine *e, bool cookie, bool from_scratch)
{
	struct diag why = DIAG_INIT;

	pack_clear(&e->searches[0].cookie);
	if (cookie)
		pack_bytes(&e->searches[0].cookie, "rid=000", 7);
	assert_err("refresh", AK_OK, engine_refresh_all(e, from_scratch, &why));
	return e->reconcile_at;
}

static void
only_a_refresh_from_scratch_puts_off_the_comparison(void **state)
{
	const struct engine_config config = {.settings = &settings};
	const int64_t every_ms = (int64_t)RECONCILE_S * 1000;
	struct engine_link link;
	struct engine e;
	int64_t begun = engine_now_ms(), due;

	(void)state;
	make(&e, &link, &config);
	due = refresh(&e, true, false);
	assert_true(due >= begun && due <= engine_now_ms() + every_ms);
	for (int i = 0; i < 50; i++)
		assert_int_equal(refresh(&e, true, false), due);
	for (int i = 0; i < 50; i++)
		assert_true(refresh(&e, true, true) >= begun + every_ms / 2);
	e.reconcile_at = due;
	assert_true(refresh(&e, false, false) >= begun + every_ms / 2);
	engine_search_clear(&e.searches[0]);
	engine_link_clear(&link);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_came_with_the_start_is_answered_before_a_server_is_tried),
	    cmocka_unit_test(the_servers_are_tried_from_the_first_that_was_told_and_round),
	    cmocka_unit_test(only_a_refresh_from_scratch_puts_off_the_comparison),
	};

	ldapconn_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
