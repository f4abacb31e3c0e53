/* RFC 4533 in bytes: whole, or refused; and what a refresh's end means. */
#include "testlib_cmocka.h"

#include <stdbool.h>
#include <string.h>

#include <ldap.h>

#include "ldapsync.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define UUID "0123456789abcdef"
/* As BER has it: tag, length, 16 bytes. */
#define BER_UUID "\x04\x10" UUID

struct bytes {
	const char *at;
	size_t len_b;
};
#define B(literal)                                                                             \
	{                                                                                      \
		(literal), sizeof(literal) - 1                                                 \
	}

static struct ldapsync_cookie
cookie(const char *text)
{
	return (struct ldapsync_cookie){(const unsigned char *)text, strlen(text)};
}

static void
assert_cookie(const char *row, const char *wanted, struct ldapsync_cookie got)
{
	assert_row(row, got.len_b == strlen(wanted));
	assert_row(row, got.len_b == 0 || memcmp(got.bytes, wanted, got.len_b) == 0);
}

static void
a_request_is_as_the_rfc_has_it(void **state)
{
	struct pack none = PACK_INIT, some = PACK_INIT, big = PACK_INIT;
	static char long_cookie[301];

	(void)state;
	ldapsync_put_request(cookie(""), &none);
	assert_int_equal(none.len_b, 5);
	assert_memory_equal(none.bytes, "\x30\x03\x0a\x01\x03", 5);
	ldapsync_put_request(cookie("rid=1"), &some);
	assert_int_equal(some.len_b, 12);
	assert_memory_equal(some.bytes, "\x30\x0a\x0a\x01\x03\x04\x05rid=1", 12);
	memset(long_cookie, 'x', 300);
	ldapsync_put_request(cookie(long_cookie), &big);
	assert_int_equal(big.len_b, 4 + 3 + 4 + 300);
	assert_memory_equal(big.bytes, "\x30\x82\x01\x33\x0a\x01\x03\x04\x82\x01\x2c", 11);
	pack_clear(&none);
	pack_clear(&some);
	pack_clear(&big);
}

/* Handed in with its sid, a cookie makes a server keep its own changes from us. */
static void
a_cookie_goes_back_without_the_server_that_gave_it(void **state)
{
	static const struct {
		const char *given, *sent;
	} rows[] = {
	    {"rid=000,sid=002,csn=1;2", "rid=000,csn=1;2"},
	    {"rid=000,csn=1,sid=002", "rid=000,csn=1"},
	    {"rid=000,sid=002", "rid=000"},
	    {"rid=000,csn=1", "rid=000,csn=1"},
	    {"x,sid=002,csn=1", "x,sid=002,csn=1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pack out = PACK_INIT;
		size_t len_b = strlen(rows[i].sent);

		ldapsync_put_request(cookie(rows[i].given), &out);
		assert_row(rows[i].given, out.len_b == 7 + len_b);
		assert_row(rows[i].given, memcmp(out.bytes + 7, rows[i].sent, len_b) == 0);
		pack_clear(&out);
	}
}

static void
states_are_read(void **state)
{
	static const struct {
		const char *row;
		struct bytes value;
		enum ldapsync_what what;
		const char *cookie;
	} rows[] = {
	    {"present", B("\x30\x15\x0a\x01\x00" BER_UUID), LDAPSYNC_PRESENT, ""},
	    {"add", B("\x30\x15\x0a\x01\x01" BER_UUID), LDAPSYNC_ADD, ""},
	    {"modify with a cookie", B("\x30\x19\x0a\x01\x02" BER_UUID "\x04\x02xy"),
		LDAPSYNC_MODIFY, "xy"},
	    {"delete with an empty cookie", B("\x30\x17\x0a\x01\x03" BER_UUID "\x04\x00"),
		LDAPSYNC_DELETE, ""},
	    {"a longer length than needed", B("\x30\x81\x15\x0a\x01\x00" BER_UUID),
		LDAPSYNC_PRESENT, ""},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct ldapsync_state s;

		assert_err(rows[i].row, AK_OK,
		    ldapsync_take_state(rows[i].value.at, rows[i].value.len_b, &s));
		assert_row(rows[i].row, s.what == rows[i].what);
		assert_row(rows[i].row, memcmp(s.uuid, UUID, 16) == 0);
		assert_cookie(rows[i].row, rows[i].cookie, s.cookie);
	}
}

/* Trap: the end of a delete phase and the end of a present phase, told apart by their tags. */
static void
infos_are_told_apart(void **state)
{
	static const struct {
		const char *row;
		struct bytes value;
		enum ldapsync_kind kind;
		const char *cookie;
		bool done, gone;
		size_t uuids;
	} rows[] = {
	    {"new cookie", B("\x80\x02xy"), LDAPSYNC_NEW_COOKIE, "xy", false, false, 0},
	    {"end of deletes", B("\xa1\x00"), LDAPSYNC_REFRESH_DELETE, "", true, false, 0},
	    {"end of presents", B("\xa2\x00"), LDAPSYNC_REFRESH_PRESENT, "", true, false, 0},
	    {"with a cookie", B("\xa1\x04\x04\x02xy"), LDAPSYNC_REFRESH_DELETE, "xy", true,
		false, 0},
	    {"deletes follow", B("\xa2\x07\x04\x02xy\x01\x01\x00"), LDAPSYNC_REFRESH_PRESENT,
		"xy", false, false, 0},
	    {"done in words", B("\xa2\x03\x01\x01\xff"), LDAPSYNC_REFRESH_PRESENT, "", true,
		false, 0},
	    {"an empty set", B("\xa3\x02\x31\x00"), LDAPSYNC_ID_SET, "", false, false, 0},
	    {"two present", B("\xa3\x26\x31\x24" BER_UUID BER_UUID), LDAPSYNC_ID_SET, "", false,
		false, 2},
	    {"one gone", B("\xa3\x1b\x04\x02xy\x01\x01\xff\x31\x12" BER_UUID), LDAPSYNC_ID_SET,
		"xy", false, true, 1},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct ldapsync_info info;

		assert_err(rows[i].row, AK_OK,
		    ldapsync_take_info(rows[i].value.at, rows[i].value.len_b, &info));
		assert_row(rows[i].row, info.kind == rows[i].kind);
		assert_cookie(rows[i].row, rows[i].cookie, info.cookie);
		assert_row(rows[i].row, info.refresh_done == rows[i].done);
		assert_row(rows[i].row, info.gone == rows[i].gone);
		assert_row(rows[i].row, info.uuids.len_b == rows[i].uuids * 16);
		assert_row(
		    rows[i].row, rows[i].uuids == 0 || memcmp(info.uuids.bytes, UUID, 16) == 0);
		pack_clear(&info.uuids);
	}
}

static void
what_is_malformed_is_refused(void **state)
{
	static const struct bytes states[] = {
	    B(""),
	    B("\x30"),
	    B("\x30\x00"),
	    B("\x31\x15\x0a\x01\x00" BER_UUID),
	    B("\x30\x15\x0a\x01\x04" BER_UUID),
	    B("\x30\x16\x0a\x02\x00\x01" BER_UUID),
	    B("\x30\x14\x0a\x00" BER_UUID),
	    B("\x30\x14\x0a\x01\x00\x04\x0f"
	      "0123456789abcde"),
	    B("\x30\x16\x0a\x01\x00\x04\x11"
	      "0123456789abcdefg"),
	    B("\x30\x15\x0a\x01\x00" BER_UUID "x"),
	    B("\x30\x16\x0a\x01\x00" BER_UUID "x"),
	    B("\x30\x14\x0a\x01\x00" BER_UUID),
	    B("\x30\x16\x0a\x01\x00" BER_UUID),
	    B("\x30\x80\x0a\x01\x00" BER_UUID "\x00\x00"),
	    B("\x30\x85\x00\x00\x00\x00\x15\x0a\x01\x00" BER_UUID),
	    B("\x30\x84\xff\xff\xff\xff\x0a\x01\x00" BER_UUID),
	    B("\x30\x17\x0a\x01\x00" BER_UUID "\x04\x01"),
	};
	static const struct bytes infos[] = {
	    B(""),
	    B("\x80"),
	    B("\x80\x02x"),
	    B("\x80\x02xyz"),
	    B("\xa0\x00"),
	    B("\xa4\x00"),
	    B("\x81\x00"),
	    B("\xa1\x01"),
	    B("\xa1\x02\x01\x00"),
	    B("\xa1\x04\x01\x02\xff\xff"),
	    B("\xa1\x02\x04\x01"),
	    B("\xa2\x03\x02\x01\xff"),
	    B("\xa3\x00"),
	    B("\xa3\x03\x31\x01\x04"),
	    B("\xa3\x13\x31\x11\x04\x0f"
	      "0123456789abcde"),
	    B("\xa3\x15\x31\x13" BER_UUID "x"),
	    B("\xa3\x15\x31\x12" BER_UUID "x"),
	    B("\xa3\x14\x30\x12" BER_UUID),
	    B("\xa3\x14\x31\x12\x05\x10" UUID),
	};
	struct ldapsync_state s;
	struct ldapsync_info info;

	(void)state;
	for (size_t i = 0; i < N(states); i++) {
		assert_err("state", AK_ERR_CORRUPT,
		    ldapsync_take_state(states[i].at, states[i].len_b, &s));
		assert_null(s.cookie.bytes);
	}
	for (size_t i = 0; i < N(infos); i++) {
		assert_err("info", AK_ERR_CORRUPT,
		    ldapsync_take_info(infos[i].at, infos[i].len_b, &info));
		assert_null(info.cookie.bytes);
		assert_null(info.uuids.bytes);
	}
}

static void
a_cookie_without_measure_is_refused(void **state)
{
	static unsigned char value[LDAPSYNC_COOKIE_MAX_B + 5];
	struct ldapsync_info info;
	size_t len = LDAPSYNC_COOKIE_MAX_B;

	(void)state;
	memcpy(value, "\x80\x83\x01\x00\x00", 5);
	assert_err("most", AK_OK, ldapsync_take_info(value, len + 5, &info));
	memcpy(value, "\x80\x83\x01\x00\x01", 5);
	assert_err("more", AK_ERR_CORRUPT, ldapsync_take_info(value, len + 5, &info));
}

/* Taking one end for the other wipes the store at a reconnect, or keeps what was revoked. */
static void
what_was_not_named_goes_after_a_present_phase_or_without_a_cookie(void **state)
{
	static const struct {
		struct ldapsync_refresh refresh;
		bool drop;
	} rows[] = {
	    {{.with_cookie = true, .present_phase = false}, false},
	    {{.with_cookie = true, .present_phase = true}, true},
	    {{.with_cookie = false, .present_phase = false}, true},
	    {{.with_cookie = false, .present_phase = true}, true},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_int_equal(ldapsync_drops_unnamed(&rows[i].refresh), rows[i].drop);
}

/* A garbage cookie is accepted, and means that all is sent: but it ends like "only what changed". */
static void
a_server_that_took_the_cookie_for_none_is_seen_by_its_own(void **state)
{
	static const struct {
		const char *sent, *got;
		bool present_phase, entries, ignored;
	} rows[] = {
	    {"rid=000,csn=20261121", "rid=000,csn=20261122;20261121", false, true, false},
	    {"rid=000,csn=20261121", "", false, false, false},
	    {"garbage", "", false, true, true},
	    {"garbage", "rid=000,csn=20261121", false, false, true},
	    {"garbage", "rid=000,csn=20261121", true, true, false},
	    {"garbage", "", true, true, false},
	    {"ldap.example.com:389#cn=x#1", "rid=000,csn=20261121", false, true, true},
	    {"rid=", "rid=000", false, true, false},
	    {"123", "456", false, true, false},
	    {"123", "x456", false, true, true},
	    {"", "rid=000", false, true, false},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct ldapsync_refresh r = {.with_cookie = rows[i].sent[0] != '\0',
		    .present_phase = rows[i].present_phase,
		    .entries = rows[i].entries};

		assert_row(rows[i].sent, ldapsync_ignored_cookie(&r, cookie(rows[i].sent),
					     cookie(rows[i].got)) == rows[i].ignored);
	}
}

static void
results_say_what_to_do(void **state)
{
	static const struct {
		int rc;
		bool may_restart;
		enum ldapsync_verdict verdict;
	} rows[] = {
	    {LDAP_SYNC_REFRESH_REQUIRED, true, LDAPSYNC_FROM_SCRATCH},
	    {LDAP_SYNC_REFRESH_REQUIRED, false, LDAPSYNC_GIVE_UP},
	    {LDAP_UNWILLING_TO_PERFORM, true, LDAPSYNC_FROM_SCRATCH},
	    {LDAP_UNWILLING_TO_PERFORM, false, LDAPSYNC_GIVE_UP},
	    {LDAP_UNAVAILABLE_CRITICAL_EXTENSION, true, LDAPSYNC_UNKNOWN},
	    {LDAP_UNAVAILABLE_CRITICAL_EXTENSION, false, LDAPSYNC_UNKNOWN},
	    {LDAP_SIZELIMIT_EXCEEDED, true, LDAPSYNC_GIVE_UP},
	    {LDAP_TIMELIMIT_EXCEEDED, true, LDAPSYNC_GIVE_UP},
	    {LDAP_BUSY, true, LDAPSYNC_GIVE_UP},
	    {LDAP_NO_SUCH_OBJECT, true, LDAPSYNC_GIVE_UP},
	    {LDAP_SUCCESS, true, LDAPSYNC_GIVE_UP},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_int_equal(
		    ldapsync_judge_result(rows[i].rc, rows[i].may_restart), rows[i].verdict);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_is_as_the_rfc_has_it),
	    cmocka_unit_test(a_cookie_goes_back_without_the_server_that_gave_it),
	    cmocka_unit_test(states_are_read),
	    cmocka_unit_test(infos_are_told_apart),
	    cmocka_unit_test(what_is_malformed_is_refused),
	    cmocka_unit_test(a_cookie_without_measure_is_refused),
	    cmocka_unit_test(what_was_not_named_goes_after_a_present_phase_or_without_a_cookie),
	    cmocka_unit_test(a_server_that_took_the_cookie_for_none_is_seen_by_its_own),
	    cmocka_unit_test(results_say_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
