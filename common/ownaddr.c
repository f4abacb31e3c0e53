#include "ownaddr.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The kernel fills less into one datagram of a list that was not read from before. */
#define DATAGRAM_B 32768U

/* An address that comes or goes while the list is read interrupts it: what is there may be missing in it. */
#define TRIES 3

/* What the kernel has said so far. */
enum said { SAID_NOTHING, SAID_OWN, SAID_END, SAID_INTERRUPTED, SAID_FAILURE };

/* The interface's own address: where there is a peer, IFA_ADDRESS is the peer's. The macros go below 0 where a length is no multiple of four. */
static enum said
find_address(const struct nlmsghdr *h, const struct rtattr **out)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	const struct rtattr *address = NULL, *local = NULL;
	int left_b = (int)h->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*m));
	const struct rtattr *a = IFA_RTA(m);

	if (left_b < 0)
		return SAID_FAILURE;
	for (; RTA_OK(a, left_b); a = RTA_NEXT(a, left_b)) {
		if (a->rta_type == IFA_ADDRESS)
			address = a;
		else if (a->rta_type == IFA_LOCAL)
			local = a;
	}
	*out = local != NULL ? local : address;
	return left_b > 0 ? SAID_FAILURE : SAID_NOTHING;
}

static enum said
read_address(const struct nlmsghdr *h, const struct net_addr *wanted)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	const struct rtattr *address = NULL;
	enum said said = find_address(h, &address);
	struct net_addr own;

	if (said != SAID_NOTHING || address == NULL)
		return said;
	if (m->ifa_family == AF_INET && RTA_PAYLOAD(address) == 4) {
		memcpy(own.bytes, mapped, sizeof(mapped));
		memcpy(own.bytes + sizeof(mapped), RTA_DATA(address), 4);
	} else if (m->ifa_family == AF_INET6 && RTA_PAYLOAD(address) == sizeof(own.bytes)) {
		memcpy(own.bytes, RTA_DATA(address), sizeof(own.bytes));
	} else {
		return SAID_NOTHING;
	}
	return memcmp(&own, wanted, sizeof(own)) == 0 ? SAID_OWN : SAID_NOTHING;
}

/* The end says with which error the list ended, if with one. */
static enum said
read_end(const struct nlmsghdr *h)
{
	int err = 0;

	if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
		memcpy(&err, NLMSG_DATA(h), sizeof(err));
	return err < 0 ? SAID_FAILURE : SAID_END;
}

static enum said
read_message(const struct nlmsghdr *h, const struct net_addr *wanted)
{
	if ((h->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
		return SAID_INTERRUPTED;
	switch (h->nlmsg_type) {
	case NLMSG_DONE:
		return read_end(h);
	case NLMSG_ERROR:
		return SAID_FAILURE;
	case RTM_NEWADDR:
		return read_address(h, wanted);
	default:
		return SAID_NOTHING;
	}
}

static enum said
look_through(const struct nlmsghdr *h, int len_b, const struct net_addr *wanted)
{
	for (; NLMSG_OK(h, len_b); h = NLMSG_NEXT(h, len_b)) {
		enum said said = read_message(h, wanted);

		if (said != SAID_NOTHING)
			return said;
	}
	return len_b > 0 ? SAID_FAILURE : SAID_NOTHING;
}

static enum said
hear(int fd, const struct net_addr *wanted)
{
	union {
		struct nlmsghdr h;
		char bytes[DATAGRAM_B];
	} buf;
	struct sockaddr_nl from = {.nl_family = AF_NETLINK};
	struct iovec to = {.iov_base = &buf, .iov_len = sizeof(buf)};
	struct msghdr msg = {
	    .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &to, .msg_iovlen = 1};
	ssize_t n;

	do
		n = recvmsg(fd, &msg, 0);
	while (n == -1 && errno == EINTR);
	if (n <= 0 || ((unsigned)msg.msg_flags & MSG_TRUNC) != 0)
		return SAID_FAILURE;
	/* The kernel's port is 0. */
	return from.nl_pid != 0 ? SAID_NOTHING : look_through(&buf.h, (int)n, wanted);
}

static bool
ask(int fd)
{
	const struct {
		struct nlmsghdr h;
		struct ifaddrmsg m;
	} question = {.h = {.nlmsg_len = sizeof(question),
			  .nlmsg_type = RTM_GETADDR,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	    .m = {.ifa_family = AF_UNSPEC}};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t n;

	do
		n = sendto(fd, &question, sizeof(question), 0, (struct sockaddr *)&kernel,
		    sizeof(kernel));
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)sizeof(question);
}

/* One list, on a socket of its own: what is left of an interrupted one is not read as the next. The kernel answers at once, or something is wrong with it. */
static enum said
list(const struct net_addr *wanted)
{
	const struct timeval patience = {.tv_sec = 1};
	enum said said = SAID_FAILURE;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd == -1)
		return SAID_FAILURE;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    ask(fd)) {
		do
			said = hear(fd, wanted);
		while (said == SAID_NOTHING);
	}
	(void)close(fd);
	return said;
}

/* getifaddrs(3) lists the links too, which costs three times as much. An interface names one address of 127/8 alone. */
bool
ownaddr_has(const struct net_addr *addr)
{
	enum said said = SAID_INTERRUPTED;
	struct net_block loopback;

	if (net_parse_block("127.0.0.0/8", &loopback) != AK_OK || net_block_has(&loopback, addr))
		return true;
	for (unsigned i = 0; i < TRIES && said == SAID_INTERRUPTED; i++)
		said = list(addr);
	return said != SAID_END;
}
