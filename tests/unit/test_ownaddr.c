/* Addresses of this host, which say nothing about where somebody comes from. */
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ownaddr.h"
#include "testlib_cmocka.h"

/* What the kernel is made to say: datagrams, one for each call, until one has no step. */
enum step {
	REAL,
	FAILS,
	INTERRUPTED,
	NOTHING,
	CUT,
	REFUSES,
	STRANGER,
	PEER,
	SHORT,
	LONG,
	ENDS
};
static const enum step *steps;

ssize_t __real_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);

struct said {
	struct nlmsghdr h;
	struct ifaddrmsg m;
	struct rtattr peer_head;
	unsigned char peer[4];
	struct rtattr own_head;
	unsigned char own[4];
};

/* 192.0.2.7 is this host's own, on a line to 198.51.100.1. */
static const struct said peer_line = {
    .h = {.nlmsg_len = sizeof(struct said), .nlmsg_type = RTM_NEWADDR},
    .m = {.ifa_family = AF_INET},
    .peer_head = {.rta_len = RTA_LENGTH(4), .rta_type = IFA_ADDRESS},
    .peer = {198, 51, 100, 1},
    .own_head = {.rta_len = RTA_LENGTH(4), .rta_type = IFA_LOCAL},
    .own = {192, 0, 2, 7}};

static ssize_t
forge(enum step step, struct msghdr *msg)
{
	struct said said = peer_line;

	if (step == REFUSES || step == ENDS)
		said.h.nlmsg_type = step == ENDS ? NLMSG_DONE : NLMSG_ERROR;
	if (step == STRANGER)
		((struct sockaddr_nl *)msg->msg_name)->nl_pid = 4711;
	if (step == CUT)
		msg->msg_flags = MSG_TRUNC;
	if (step == SHORT)
		said.h.nlmsg_len = NLMSG_LENGTH(sizeof(said.m) - 1);
	if (step == LONG)
		said.peer_head.rta_len = said.own_head.rta_len = 200;
	memcpy(msg->msg_iov->iov_base, &said, sizeof(said));
	return sizeof(said);
}

ssize_t
__wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	if (steps == NULL || *steps == REAL)
		return __real_recvmsg(fd, msg, flags);
	switch (*steps) {
	case FAILS:
		errno = EIO;
		return -1;
	case INTERRUPTED:
		steps++;
		errno = EINTR;
		return -1;
	case NOTHING:
		return 0;
	default:
		return forge(*steps++, msg);
	}
}

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

static void
what_the_kernel_says_is_taken_when_it_is_whole_and_the_kernels(void **state)
{
	static const struct {
		const char *row, *address;
		enum step steps[4];
		bool own;
	} rows[] = {
	    {"a failure", "203.0.113.1", {FAILS}, true},
	    {"an end without a word", "203.0.113.1", {NOTHING}, true},
	    {"cut short", "203.0.113.1", {CUT}, true},
	    {"refused", "203.0.113.1", {REFUSES}, true},
	    {"another's words", "192.0.2.7", {STRANGER, ENDS}, false},
	    {"another's words before the kernel's", "192.0.2.7", {STRANGER, PEER}, true},
	    {"a signal", "203.0.113.1", {INTERRUPTED, PEER, INTERRUPTED, ENDS}, false},
	    {"its own on a line", "192.0.2.7", {PEER}, true},
	    {"its peer's on a line", "198.51.100.1", {PEER, ENDS}, false},
	    {"a message too short for an address", "192.0.2.7", {SHORT, ENDS}, false},
	    {"an attribute longer than its message", "192.0.2.7", {LONG, ENDS}, false},
	    {"nobody's", "203.0.113.1", {PEER, PEER, ENDS}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool own;

		steps = rows[i].steps;
		own = is_own(rows[i].address);
		steps = NULL;
		assert_row(rows[i].row, own == rows[i].own);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_address_that_the_c_library_finds_is_own),
	    cmocka_unit_test(all_of_127_8_is_own_and_addresses_of_documents_are_nobodys),
	    cmocka_unit_test(what_the_kernel_says_is_taken_when_it_is_whole_and_the_kernels),
	    cmocka_unit_test(where_the_list_cannot_be_had_any_address_may_be_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
