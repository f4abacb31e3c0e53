#include "notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "num.h"

enum ak_err
notify_open(struct notify *n, const char *address)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len_b;

	*n = NOTIFY_INIT;
	if (address == NULL)
		return AK_OK;
	len_b = strlen(address);
	if ((address[0] != '/' && address[0] != '@') || len_b < 2 ||
	    len_b >= sizeof(to.sun_path))
		return AK_ERR_INVALID;
	memcpy(to.sun_path, address, len_b);
	if (address[0] == '@')
		to.sun_path[0] = '\0';
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd == -1)
		return AK_ERR_UNAVAILABLE;
	/* An abstract name ends where its length says; a path has its NUL. */
	if (connect(n->fd, (const struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len_b +
			    (address[0] == '/' ? 1 : 0))) == 0)
		return AK_OK;
	notify_close(n);
	return AK_ERR_UNAVAILABLE;
}

void
notify_close(struct notify *n)
{
	if (n->fd != -1)
		(void)close(n->fd);
	*n = NOTIFY_INIT;
}

void
notify_say(const struct notify *n, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int len;

	if (n->fd == -1)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len > 0 && (size_t)len < sizeof(text))
		(void)!send(n->fd, text, (size_t)len, MSG_NOSIGNAL);
}

int64_t
notify_watchdog_ms(const char *usec, const char *pid, pid_t own)
{
	uint64_t n;

	if (pid != NULL && (num_parse(pid, 1, INT32_MAX, &n) != AK_OK || (pid_t)n != own))
		return 0;
	if (usec == NULL || num_parse(usec, 1, INT64_MAX, &n) != AK_OK)
		return 0;
	return n / 2000 > 0 ? (int64_t)(n / 2000) : 1;
}
