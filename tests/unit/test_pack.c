/* Numbers and strings to bytes and back. */
#include <stdlib.h>
#include <string.h>

#include "pack.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_random.h"

static void
bytes_lie_as_the_format_says(void **state)
{
	static const unsigned char wanted[] = {0x01, 0x02, 0x01, 0x04, 0x03, 0x02, 0x01, 0x08,
	    0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 2, 0, 'h', 'i', 0, 0, 0, 0, 4, 0, 0, 0,
	    'a', 0, 'b', 0};
	struct pack p = PACK_INIT;

	(void)state;
	pack_u8(&p, 0x01);
	pack_u16(&p, 0x0102);
	pack_u32(&p, 0x01020304);
	pack_u64(&p, 0x0102030405060708);
	pack_str(&p, "hi");
	pack_str(&p, NULL);
	pack_strv(&p, (struct strv){.bytes = "a\0b", .len_b = 4});
	assert_err("", AK_OK, p.err);
	assert_int_equal(p.len_b, sizeof(wanted));
	assert_memory_equal(p.bytes, wanted, sizeof(wanted));
	pack_clear(&p);
	assert_null(p.bytes);
}

/* One random value of each kind in random order, and read in that order. */
static void
what_was_packed_is_unpacked(void **state)
{
	struct rnd r = rnd_start("pack");

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct rnd writing = rnd_from(rnd_u64(&r)), reading = writing;
		struct pack p = PACK_INIT;
		struct unpack u;
		char text[301];
		uint64_t n = rnd_below(&r, 60);

		for (uint64_t i = 0; i < n; i++)
			switch (rnd_below(&writing, 5)) {
			case 0:
				pack_u8(&p, (uint8_t)rnd_u64(&writing));
				break;
			case 1:
				pack_u16(&p, (uint16_t)rnd_u64(&writing));
				break;
			case 2:
				pack_u32(&p, (uint32_t)rnd_u64(&writing));
				break;
			case 3:
				pack_u64(&p, rnd_u64(&writing));
				break;
			default:
				pack_str(&p, rnd_text(&writing, "abc:\n\xff", text,
						 rnd_below(&writing, 300)));
			}
		assert_err("", AK_OK, p.err);
		u = unpack_over(p.bytes, p.len_b);
		for (uint64_t i = 0; i < n; i++)
			switch (rnd_below(&reading, 5)) {
			case 0:
				assert_true(unpack_u8(&u) == (uint8_t)rnd_u64(&reading));
				break;
			case 1:
				assert_true(unpack_u16(&u) == (uint16_t)rnd_u64(&reading));
				break;
			case 2:
				assert_true(unpack_u32(&u) == (uint32_t)rnd_u64(&reading));
				break;
			case 3:
				assert_true(unpack_u64(&u) == rnd_u64(&reading));
				break;
			default:
				assert_string_equal(
				    unpack_str(&u), rnd_text(&reading, "abc:\n\xff", text,
							rnd_below(&reading, 300)));
			}
		assert_false(u.bad);
		assert_int_equal(u.left_b, 0);
		pack_wipe(&p);
	}
}

static void
a_string_may_have_65535_bytes_and_no_more(void **state)
{
	static char text[65537];
	struct pack p = PACK_INIT;
	struct unpack u;

	(void)state;
	memset(text, 'x', 65535);
	pack_str(&p, text);
	assert_err("", AK_OK, p.err);
	u = unpack_over(p.bytes, p.len_b);
	assert_string_equal(unpack_str(&u), text);
	text[65535] = 'x';
	pack_str(&p, text);
	assert_err("", AK_ERR_RANGE, p.err);
	pack_clear(&p);
}

static void
what_the_callers_bytes_do_not_hold_is_not_written(void **state)
{
	unsigned char bytes[8] = {0};
	struct pack p = pack_over(bytes, 7);

	(void)state;
	pack_u32(&p, 0x04030201);
	pack_u16(&p, 0x0605);
	assert_err("", AK_OK, p.err);
	assert_ptr_equal(p.bytes, bytes);
	pack_u16(&p, 0x0807);
	assert_err("", AK_ERR_RANGE, p.err);
	pack_u8(&p, 7);
	assert_int_equal(p.len_b, 6);
	assert_memory_equal(bytes, "\1\2\3\4\5\6\0\0", sizeof(bytes));
}

static void
the_first_failure_stays_and_nothing_more_is_written(void **state)
{
	struct pack p = PACK_INIT;

	(void)state;
	pack_u8(&p, 1);
	pack_entry(&p, "");
	assert_err("", AK_ERR_INVALID, p.err);
	pack_u64(&p, 2);
	pack_str(&p, "x");
	pack_reserve(&p, SIZE_MAX);
	assert_err("", AK_ERR_INVALID, p.err);
	assert_int_equal(p.len_b, 1);
	pack_clear(&p);
	pack_reserve(&p, SIZE_MAX);
	assert_err("", AK_ERR_NOMEM, p.err);
	pack_wipe(&p);
}

static void
entries_become_a_list(void **state)
{
	struct pack p = PACK_INIT;

	(void)state;
	assert_int_equal(strv_count(pack_borrow_strv(&p)), 0);
	pack_entry(&p, "a");
	pack_entry(&p, "bcd");
	assert_true(strv_valid(pack_borrow_strv(&p)));
	assert_int_equal(strv_count(pack_borrow_strv(&p)), 2);
	assert_true(strv_has(pack_borrow_strv(&p), "bcd"));
	pack_clear(&p);
}

static void
what_does_not_fit_is_bad_and_stays_bad(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len_b;
		char what; /* 1 2 4 8: a number, s: a string, v: a list, b: 3 bytes */
	} rows[] = {
	    {"no byte", "", 0, '1'},
	    {"half a u16", "\1", 1, '2'},
	    {"most of a u32", "\1\1\1", 3, '4'},
	    {"most of a u64", "\1\1\1\1\1\1\1", 7, '8'},
	    {"bytes past the end", "\1\1", 2, 'b'},
	    {"a string without its length", "\1", 1, 's'},
	    {"a string that ends too early", "\2\0a", 3, 's'},
	    {"a string without its NUL", "\1\0a", 3, 's'},
	    {"a string with another byte for its NUL", "\1\0ab", 4, 's'},
	    {"a string with a NUL within", "\2\0a\0\0", 5, 's'},
	    {"an empty string that is not terminated", "\0\0x", 3, 's'},
	    {"a string of 65,535 bytes",
		"\xff\xff"
		"aaaaaa",
		8, 's'},
	    {"a list that ends too early", "\3\0\0\0a\0", 6, 'v'},
	    {"a list of 4 GiB",
		"\xff\xff\xff\xff"
		"a\0",
		6, 'v'},
	    {"a list with an empty entry", "\3\0\0\0a\0\0", 7, 'v'},
	    {"a list that is not terminated", "\2\0\0\0ab", 6, 'v'},
	    {"a list of one NUL", "\1\0\0\0\0", 5, 'v'},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* On the heap and exact, so that a byte too many is noticed. */
		unsigned char *bytes = malloc(rows[i].len_b + 1);
		struct unpack u;
		struct strv v = STRV_EMPTY;
		uint64_t number = 0;
		const char *s = "";
		const void *b = NULL;

		assert_non_null(bytes);
		memcpy(bytes + 1, rows[i].bytes, rows[i].len_b);
		u = unpack_over(bytes + 1, rows[i].len_b);
		switch (rows[i].what) {
		case '1':
			number = unpack_u8(&u);
			break;
		case '2':
			number = unpack_u16(&u);
			break;
		case '4':
			number = unpack_u32(&u);
			break;
		case '8':
			number = unpack_u64(&u);
			break;
		case 's':
			s = unpack_str(&u);
			break;
		case 'v':
			v = unpack_strv(&u);
			break;
		default:
			b = unpack_bytes(&u, 3);
		}
		assert_row(rows[i].name, u.bad);
		assert_row(rows[i].name, number == 0 && *s == '\0' && v.len_b == 0 && b == NULL);
		assert_row(rows[i].name, unpack_u8(&u) == 0 && unpack_u16(&u) == 0);
		assert_row(rows[i].name, unpack_u32(&u) == 0 && unpack_u64(&u) == 0);
		assert_row(rows[i].name, *unpack_str(&u) == '\0' && unpack_strv(&u).len_b == 0);
		assert_row(rows[i].name, unpack_bytes(&u, 0) == NULL && u.bad);
		free(bytes);
	}
}

static void
nothing_at_all_can_be_unpacked(void **state)
{
	struct unpack u = unpack_over(NULL, 0);

	(void)state;
	(void)unpack_bytes(&u, 0);
	assert_false(u.bad);
	assert_int_equal(unpack_u8(&u), 0);
	assert_true(u.bad);
}

static void
random_bytes_never_lead_past_their_end(void **state)
{
	struct rnd r = rnd_start("unpack");

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t len_b = rnd_below(&r, 64), seen_b = 0;
		unsigned char *bytes = malloc(len_b + 1);
		struct unpack u;

		assert_non_null(bytes);
		rnd_bytes(&r, bytes, len_b);
		for (size_t i = 0; i < len_b; i++)
			if (rnd_below(&r, 2) == 0)
				bytes[i] &= 3;
		u = unpack_over(bytes, len_b);
		while (!u.bad && seen_b < 1000)
			switch (rnd_below(&r, 3)) {
			case 0:
				seen_b += strlen(unpack_str(&u)) + 1;
				break;
			case 1:
				strv_for (unpack_strv(&u), entry)
					seen_b += strlen(entry);
				break;
			default:
				seen_b += unpack_u32(&u) & 1;
			}
		free(bytes);
	}
}

static void
loads_and_stores_work_at_any_alignment(void **state)
{
	unsigned char b[16];

	(void)state;
	for (size_t at = 0; at < 8; at++) {
		le32_store(b + at, 0xfedcba98);
		assert_int_equal(le32_load(b + at), 0xfedcba98);
		assert_int_equal(b[at], 0x98);
		le64_store(b + at, 0xfedcba9876543210);
		assert_true(le64_load(b + at) == 0xfedcba9876543210);
		assert_int_equal(b[at], 0x10);
	}
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	static const char chunk[200];

	(void)state;
	for (unsigned n = 1;; n++) {
		struct pack p = PACK_INIT;

		alloc_fail_nth(n);
		for (int i = 0; i < 100; i++)
			pack_bytes(&p, chunk, sizeof(chunk));
		if (!alloc_stop()) {
			assert_err("", AK_OK, p.err);
			assert_int_equal(p.len_b, 100 * sizeof(chunk));
			assert_true(n > 3);
			pack_clear(&p);
			return;
		}
		assert_err("", AK_ERR_NOMEM, p.err);
		assert_true(p.len_b < 100 * sizeof(chunk));
		pack_wipe(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_lie_as_the_format_says),
	    cmocka_unit_test(what_was_packed_is_unpacked),
	    cmocka_unit_test(a_string_may_have_65535_bytes_and_no_more),
	    cmocka_unit_test(what_the_callers_bytes_do_not_hold_is_not_written),
	    cmocka_unit_test(the_first_failure_stays_and_nothing_more_is_written),
	    cmocka_unit_test(entries_become_a_list),
	    cmocka_unit_test(what_does_not_fit_is_bad_and_stays_bad),
	    cmocka_unit_test(nothing_at_all_can_be_unpacked),
	    cmocka_unit_test(random_bytes_never_lead_past_their_end),
	    cmocka_unit_test(loads_and_stores_work_at_any_alignment),
	    cmocka_unit_test(abuse_128_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
