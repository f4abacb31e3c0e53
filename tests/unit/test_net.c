#include "testlib_cmocka.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "testlib_random.h"

static struct net_addr
addr(const char *text)
{
	struct net_addr a;

	assert_err(text, AK_OK, net_parse_addr(text, &a));
	return a;
}

static void
literal_addresses_are_read(void **state)
{
	static const struct {
		const char *text, *same_as;
	} rows[] = {
	    {"10.9.8.7", "::ffff:10.9.8.7"},
	    {"10.9.8.7", "::ffff:a09:807"},
	    {"2001:db8::1", "2001:DB8:0:0:0:0:0:1"},
	    {"fe80::1%eth0", "fe80::1"},
	    {"fe80::1%3", "fe80::1"},
	    {"::ffff:10.9.8.7%eth0", "10.9.8.7"},
	    {"::", "0:0:0:0:0:0:0:0"},
	    {"0000:0000:0000:0000:0000:ffff:255.255.255.255", "255.255.255.255"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr a = addr(rows[i].text), b = addr(rows[i].same_as);

		assert_row(rows[i].text, memcmp(&a, &b, sizeof(a)) == 0);
	}
}

static void
what_is_no_literal_address_is_refused(void **state)
{
	static const char *const rows[] = {"", "localhost", "UNKNOWN", "10.9.8", "10.9.8.7.6",
	    "010.9.8.7", "0x0a.9.8.7", "10.9.8.256", "10.9.8.7 ", " 10.9.8.7", "10.9.8.7\n",
	    "10.9.8.7%eth0", "167772161", "10.9.8.7/32", "fe80::1%", "%eth0", "[::1]", "::1]",
	    "1::2::3", ":::", "12345::", "::ffff:10.9.8",
	    "g::", "0000:0000:0000:0000:0000:ffff:255.255.255.2555",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr a, zero = {.bytes = {0}};

		memset(&a, 0xff, sizeof(a));
		assert_err(rows[i], AK_ERR_INVALID, net_parse_addr(rows[i], &a));
		assert_row(rows[i], memcmp(&a, &zero, sizeof(a)) == 0);
	}
}

static void
a_block_has_what_is_in_it_alone(void **state)
{
	static const struct {
		const char *block, *address;
		bool has;
	} rows[] = {
	    {"10.0.0.0/8", "10.0.0.0", true},
	    {"10.0.0.0/8", "10.255.255.255", true},
	    {"10.0.0.0/8", "::ffff:10.9.8.7", true},
	    {"10.0.0.0/8", "9.255.255.255", false},
	    {"10.0.0.0/8", "11.0.0.0", false},
	    {"10.0.0.0/8", "::10.9.8.7", false},
	    {"10.0.0.0/8", "2002:a09:807::", false},
	    {"0.0.0.0/0", "255.255.255.255", true},
	    {"0.0.0.0/0", "::1", false},
	    {"::/0", "2001:db8::1", true},
	    {"::/0", "10.9.8.7", false},
	    {"::/0", "::ffff:10.9.8.7", false},
	    {"::ffff:0:0/96", "10.9.8.7", true},
	    {"::ffff:10.0.0.0/104", "10.9.8.7", true},
	    {"192.168.100.128/25", "192.168.100.127", false},
	    {"192.168.100.128/25", "192.168.100.128", true},
	    {"192.168.100.7", "192.168.100.7", true},
	    {"192.168.100.7", "192.168.100.6", false},
	    {"192.168.100.7/32", "192.168.100.7", true},
	    {"192.168.100.6/31", "192.168.100.7", true},
	    {"2001:db8::/32", "2001:db8:ffff::", true},
	    {"2001:db8::/32", "2001:db9::", false},
	    {"2001:db8::/33", "2001:db8:8000::", false},
	    {"2001:db8::1", "2001:db8::1", true},
	    {"2001:db8::1/128", "2001:db8::", false},
	    {"fe80::/10", "fe80::1%eth0", true},
	    {"128.0.0.0/1", "127.255.255.255", false},
	    {"128.0.0.0/1", "128.0.0.1", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_addr a = addr(rows[i].address);
		struct net_block b;
		char row[128];

		(void)snprintf(row, sizeof(row), "%s in %s", rows[i].address, rows[i].block);
		assert_err(row, AK_OK, net_parse_block(rows[i].block, &b));
		assert_row(row, net_block_has(&b, &a) == rows[i].has);
	}
}

static void
a_bad_block_is_refused_and_has_nothing_of_it(void **state)
{
	static const char *const rows[] = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33",
	    "10.0.0.0/-1", "10.0.0.0/8junk", "10.0.0.0/ 8", "10.0.0.0/+8", "10.0.0.0/08",
	    "10.0.0.0/00", "10.0.0.0/8/8", "10.0.0.1/8", "11.0.0.0/7", "10.128.0.0/8",
	    "192.168.1.1/24", "10.0.0.0/255.0.0.0", "::/129", "2001:db8::1/32", "fe80::1%eth0",
	    "fe80::%eth0/64", "10/8", "10.0.0.0/99999999999999999999", "host/8", "10.0.0.0/8\n",
	    "*", "0000:0000:0000:0000:0000:ffff:255.255.255.2555/8",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/8"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_block b;

		assert_err(rows[i], AK_ERR_INVALID, net_parse_block(rows[i], &b));
		assert_int_equal(b.prefix, 128);
	}
}

/* Against shifts of 32-bit numbers. */
static void
addresses_are_printed_as_they_are_written(void **state)
{
	static const char *const rows[] = {
	    "10.9.8.7", "255.255.255.255", "2001:db8::1", "::", "::1", "fe80::1"};
	struct net_addr a;
	char buf[INET6_ADDRSTRLEN], small[7] = "before";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = addr(rows[i]);
		assert_string_equal(net_print_addr(&a, buf, sizeof(buf)), rows[i]);
	}
	a = addr("10.9.8.7");
	assert_string_equal(net_print_addr(&a, small, sizeof(small)), "");
}

static void
ipv4_blocks_agree_with_arithmetic(void **state)
{
	struct rnd r = rnd_start("ipv4_blocks_agree_with_arithmetic");

	(void)state;
	for (int round = 0; round < 20000; round++) {
		unsigned prefix = (unsigned)rnd_below(&r, 33);
		uint32_t mask = prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
		uint32_t net = (uint32_t)rnd_u64(&r) & mask;
		uint32_t ip = rnd_below(&r, 2) == 0 ? (uint32_t)rnd_u64(&r)
						    : net ^ 1U << rnd_below(&r, 32);
		struct net_block b;
		struct net_addr a;
		char text[40];

		(void)snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", net >> 24, net >> 16 & 255,
		    net >> 8 & 255, net & 255, prefix);
		assert_err(text, AK_OK, net_parse_block(text, &b));
		(void)snprintf(text, sizeof(text), "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255,
		    ip >> 8 & 255, ip & 255);
		a = addr(text);
		assert_row(text, net_block_has(&b, &a) == ((ip & mask) == net));
	}
}

static void
random_texts_are_read_as_inet_pton_reads_them(void **state)
{
	struct rnd r = rnd_start("random_texts_are_read_as_inet_pton_reads_them");

	(void)state;
	for (int round = 0; round < 50000; round++) {
		char text[48];
		unsigned char bytes[16];
		struct net_addr a;
		struct net_block b;
		bool literal;

		rnd_text(&r, "01289af:::...", text, rnd_below(&r, 20));
		literal = inet_pton(AF_INET, text, bytes) == 1 ||
			  inet_pton(AF_INET6, text, bytes) == 1;
		assert_row(text, (net_parse_addr(text, &a) == AK_OK) == literal);
		assert_row(text, (net_parse_block(text, &b) == AK_OK) == literal);
		if (literal)
			assert_row(text, net_block_has(&b, &a));
	}
}

static void
host_names_are_letters_digits_dots_and_dashes(void **state)
{
	static const char *const good[] = {
	    "bastion-1", "a", "9", "db.example.com", "Web_1", "_x", "azAZ09"};
	static const char *const bad[] = {"", "-a", ".a", "a b", "a,b", "a:b", "a/b", "*",
	    "b\xc3\xbc", "a\n", "a`", "a{", "a@", "a["};
	char longest[NET_HOST_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_row(good[i], net_is_host_name(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_row(bad[i], !net_is_host_name(bad[i]));
	memset(longest, 'a', sizeof(longest));
	longest[NET_HOST_MAX + 1] = '\0';
	assert_false(net_is_host_name(longest));
	longest[NET_HOST_MAX] = '\0';
	assert_true(net_is_host_name(longest));
}

static void
hosts_are_compared_without_case(void **state)
{
	(void)state;
	assert_true(net_same_host("Bastion-I", "bastion-i"));
	assert_true(net_same_host("AZ", "az"));
	assert_true(net_same_host("", ""));
	assert_false(net_same_host("a", "ab"));
	assert_false(net_same_host("ab", "a"));
	assert_false(net_same_host("a", "b"));
	assert_false(net_same_host("a@", "a`"));
	assert_false(net_same_host("a[", "a{"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(literal_addresses_are_read),
	    cmocka_unit_test(what_is_no_literal_address_is_refused),
	    cmocka_unit_test(a_block_has_what_is_in_it_alone),
	    cmocka_unit_test(a_bad_block_is_refused_and_has_nothing_of_it),
	    cmocka_unit_test(addresses_are_printed_as_they_are_written),
	    cmocka_unit_test(ipv4_blocks_agree_with_arithmetic),
	    cmocka_unit_test(random_texts_are_read_as_inet_pton_reads_them),
	    cmocka_unit_test(host_names_are_letters_digits_dots_and_dashes),
	    cmocka_unit_test(hosts_are_compared_without_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
