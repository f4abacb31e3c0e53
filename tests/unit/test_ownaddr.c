/* Addresses of this host, which say nothing about where somebody comes from. */
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ownaddr.h"
#include "testlib_cmocka.h"

static bool
is_own(const char *text)
{
	struct net_addr a;

	assert_err(text, AK_OK, net_parse_addr(text, &a));
	return ownaddr_has(&a);
}

/* The descriptor that is given next. */
static int
lowest_free(void)
{
	int fd = dup(STDIN_FILENO);

	assert_int_not_equal(fd, -1);
	(void)close(fd);
	return fd;
}

static void
every_address_that_the_c_library_finds_is_own(void **state)
{
	struct ifaddrs *all = NULL;
	char text[NI_MAXHOST];
	unsigned n = 0;

	(void)state;
	assert_int_equal(getifaddrs(&all), 0);
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		socklen_t len_b = sizeof(struct sockaddr_in6);

		if (i->ifa_addr == NULL ||
		    (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			len_b = sizeof(struct sockaddr_in);
		assert_int_equal(getnameinfo(i->ifa_addr, len_b, text, sizeof(text), NULL, 0,
				     NI_NUMERICHOST),
		    0);
		if (!is_own(text))
			fail_msg("%s is this host's", text);
		n++;
	}
	freeifaddrs(all);
	if (n == 0)
		skip();
}

static void
all_of_127_8_is_own_and_addresses_of_documents_are_nobodys(void **state)
{
	static const char *const others[] = {"192.0.2.7", "198.51.100.1", "203.0.113.255",
	    "2001:db8::1", "::ffff:192.0.2.7", "0.0.0.0", "128.0.0.1", "126.255.255.255"};
	int free_fd = lowest_free();

	(void)state;
	assert_true(is_own("127.0.0.1"));
	assert_true(is_own("127.0.0.0"));
	assert_true(is_own("127.255.255.255"));
	assert_true(is_own("127.44.5.6"));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (is_own(others[i]))
			fail_msg("%s is nobody's", others[i]);
	assert_int_equal(lowest_free(), free_fd);
}

static void
where_the_list_cannot_be_had_any_address_may_be_own(void **state)
{
	struct rlimit before, none;

	(void)state;
	assert_false(is_own("192.0.2.7"));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_true(is_own("192.0.2.7"));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_false(is_own("192.0.2.7"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_address_that_the_c_library_finds_is_own),
	    cmocka_unit_test(all_of_127_8_is_own_and_addresses_of_documents_are_nobodys),
	    cmocka_unit_test(where_the_list_cannot_be_had_any_address_may_be_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
