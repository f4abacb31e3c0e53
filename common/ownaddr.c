#include "ownaddr.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel fills less into one datagram of a list that was not read from before. */
#define DATAGRAM_B 32768U

/* What the kernel has said so far. */
enum said { SAID_NOTHING, SAID_OWN, SAID_END, SAID_FAILURE };

/* The interface's own address: where there is a peer, IFA_ADDRESS is the peer's. */
static bool
is_address(const struct nlmsghdr *h, const struct net_addr *wanted)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	const struct rtattr *address = NULL, *local = NULL;
	size_t left_b = h->nlmsg_len - NLMSG_LENGTH(sizeof(*m));
	struct net_addr own;

	for (const struct rtattr *a = IFA_RTA(m); RTA_OK(a, left_b); a = RTA_NEXT(a, left_b)) {
		if (a->rta_type == IFA_ADDRESS)
			address = a;
		else if (a->rta_type == IFA_LOCAL)
			local = a;
	}
	if (local != NULL)
		address = local;
	if (address == NULL)
		return false;
	if (m->ifa_family == AF_INET && RTA_PAYLOAD(address) == 4) {
		memcpy(own.bytes, mapped, sizeof(mapped));
		memcpy(own.bytes + sizeof(mapped), RTA_DATA(address), 4);
	} else if (m->ifa_family == AF_INET6 && RTA_PAYLOAD(address) == sizeof(own.bytes)) {
		memcpy(own.bytes, RTA_DATA(address), sizeof(own.bytes));
	} else {
		return false;
	}
	return memcmp(&own, wanted, sizeof(own)) == 0;
}

static enum said
look_through(const struct nlmsghdr *h, size_t len_b, const struct net_addr *wanted)
{
	for (; NLMSG_OK(h, len_b); h = NLMSG_NEXT(h, len_b)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return SAID_END;
		if (h->nlmsg_type == NLMSG_ERROR)
			return SAID_FAILURE;
		if (h->nlmsg_type == RTM_NEWADDR &&
		    h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)) &&
		    is_address(h, wanted))
			return SAID_OWN;
	}
	return SAID_NOTHING;
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
	return from.nl_pid != 0 ? SAID_NOTHING : look_through(&buf.h, (size_t)n, wanted);
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

/* getifaddrs(3) lists the links too, which costs three times as much. An interface names one address of 127/8 alone. */
bool
ownaddr_has(const struct net_addr *addr)
{
	struct net_block loopback;
	enum said said = SAID_FAILURE;
	int fd;

	if (net_parse_block("127.0.0.0/8", &loopback) != AK_OK ||
	    net_block_has(&loopback, addr) ||
	    (fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) == -1)
		return true;
	if (ask(fd)) {
		do
			said = hear(fd, addr);
		while (said == SAID_NOTHING);
	}
	(void)close(fd);
	return said != SAID_END;
}
