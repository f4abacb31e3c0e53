/* Addresses of this host, which say nothing about where somebody comes from. */
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
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
	ODD,
	ODD_ATTRIBUTE,
	TAIL,
	CHANGED,
	ENDS,
	ENDS_WELL,
	ENDS_BADLY,
	ENDS_CHANGED
};
static const enum step *steps;
/* How many sockets it was said on, and the last one. */
static unsigned n_sockets;
static uint64_t last_socket;

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

static size_t
end_with(struct said *said, const int *err)
{
	said->h.nlmsg_type = NLMSG_DONE;
	said->h.nlmsg_len = NLMSG_LENGTH(err == NULL ? 0 : sizeof(*err));
	if (err != NULL)
		memcpy(&said->m, err, sizeof(*err));
	return said->h.nlmsg_len;
}

/* The bytes that a datagram has; behind those of an odd one lies what it has not. */
static size_t
forge(enum step step, struct said *said, struct msghdr *msg)
{
	static const int well = 0, badly = -EMSGSIZE;

	switch (step) {
	case REFUSES:
		said->h.nlmsg_type = NLMSG_ERROR;
		return sizeof(*said);
	case STRANGER:
		((struct sockaddr_nl *)msg->msg_name)->nl_pid = 4711;
		return sizeof(*said);
	case CUT:
		msg->msg_flags = MSG_TRUNC;
		return sizeof(*said);
	case SHORT:
		return said->h.nlmsg_len = NLMSG_LENGTH(sizeof(said->m) - 1);
	case LONG:
		said->peer_head.rta_len = said->own_head.rta_len = 200;
		return sizeof(*said);
	case ODD:
		said->h.nlmsg_type = NLMSG_NOOP;
		return said->h.nlmsg_len = sizeof(*said) - 1;
	case ODD_ATTRIBUTE:
		said->peer_head.rta_len--;
		return said->h.nlmsg_len = offsetof(struct said, own_head) - 1;
	case TAIL:
		return sizeof(*said) + 8;
	case CHANGED:
		said->h.nlmsg_flags = NLM_F_DUMP_INTR;
		return sizeof(*said);
	case ENDS_CHANGED:
		said->h.nlmsg_flags = NLM_F_DUMP_INTR;
		return end_with(said, &well);
	case ENDS_WELL:
		return end_with(said, &well);
	case ENDS_BADLY:
		return end_with(said, &badly);
	case ENDS:
		return end_with(said, NULL);
	default:
		return sizeof(*said);
	}
}

static ssize_t
say(enum step step, struct msghdr *msg)
{
	struct said two[2] = {peer_line, peer_line};
	size_t len_b = forge(step, &two[0], msg);

	if (step == TAIL)
		memset(&two[1], 0, sizeof(two[1]));
	memcpy(msg->msg_iov->iov_base, two, sizeof(two));
	return (ssize_t)len_b;
}

/* Nobody waits on it for ever. */
static void
look_at_socket(int fd)
{
	struct timeval patience = {.tv_sec = 0};
	uint64_t cookie = 0;
	socklen_t len_b = sizeof(patience);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, &len_b), 0);
	assert_int_equal(patience.tv_sec, 1);
	len_b = sizeof(cookie);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len_b), 0);
	n_sockets += cookie != last_socket;
	last_socket = cookie;
}

ssize_t
__wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	look_at_socket(fd);
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
		return say(*steps++, msg);
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
		enum step steps[6];
		bool own;
		unsigned n_sockets;
	} rows[] = {
	    {"a failure", "203.0.113.1", {FAILS}, true, 1},
	    {"an end without a word", "203.0.113.1", {NOTHING}, true, 1},
	    {"cut short", "203.0.113.1", {CUT}, true, 1},
	    {"refused", "203.0.113.1", {REFUSES}, true, 1},
	    {"another's words", "192.0.2.7", {STRANGER, ENDS}, false, 1},
	    {"another's words before the kernel's", "192.0.2.7", {STRANGER, PEER}, true, 1},
	    {"a signal", "203.0.113.1", {INTERRUPTED, PEER, INTERRUPTED, ENDS}, false, 1},
	    {"its own on a line", "192.0.2.7", {PEER}, true, 1},
	    {"its peer's on a line", "198.51.100.1", {PEER, ENDS}, false, 1},
	    {"a message too short for an address", "203.0.113.1", {SHORT, ENDS}, true, 1},
	    {"an attribute longer than its message", "203.0.113.1", {LONG, ENDS}, true, 1},
	    {"nobody's", "203.0.113.1", {PEER, PEER, ENDS}, false, 1},
	    {"a length that is no multiple of four", "192.0.2.7", {ODD, ENDS}, false, 1},
	    {"such a one of an attribute", "192.0.2.7", {ODD_ATTRIBUTE, ENDS}, false, 1},
	    {"bytes that are no message", "203.0.113.1", {TAIL, ENDS}, true, 1},
	    {"an end without an error", "203.0.113.1", {PEER, ENDS_WELL}, false, 1},
	    {"an end with one", "203.0.113.1", {PEER, ENDS_BADLY}, true, 1},
	    {"interrupted, and then its own", "192.0.2.7", {CHANGED, PEER}, true, 2},
	    {"interrupted, and then nobody's", "192.0.2.7", {CHANGED, ENDS}, false, 2},
	    {"interrupted at its end", "203.0.113.1", {PEER, ENDS_CHANGED, PEER, ENDS}, false,
		2},
	    {"interrupted twice", "203.0.113.1", {CHANGED, PEER, ENDS_CHANGED, ENDS}, false, 3},
	    {"always interrupted", "203.0.113.1", {CHANGED, CHANGED, CHANGED, ENDS}, true, 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool own;

		steps = rows[i].steps;
		n_sockets = 0;
		own = is_own(rows[i].address);
		steps = NULL;
		assert_row(rows[i].row, own == rows[i].own);
		assert_row(rows[i].row, n_sockets == rows[i].n_sockets);
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
