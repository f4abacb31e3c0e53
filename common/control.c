#include "control.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* One message each way; the first byte is the protocol's version. */
#define PROTOCOL 1U
#define REPLY_MAX_B 8192U

void
control_ask_pack(enum control_ask ask, struct pack *out)
{
	pack_u8(out, PROTOCOL);
	pack_u8(out, (uint8_t)ask);
}

enum ak_err
control_ask_unpack(const void *bytes, size_t len_b, enum control_ask *out)
{
	struct unpack u = unpack_over(bytes, len_b);
	uint8_t version = unpack_u8(&u), ask = unpack_u8(&u);

	if (version != PROTOCOL || ask < CONTROL_STATUS || ask > CONTROL_ACCEPT || u.bad ||
	    u.left_b != 0)
		return AK_ERR_CORRUPT;
	*out = ask;
	return AK_OK;
}

void
control_reply_pack(const struct control_reply *r, struct pack *out)
{
	pack_u8(out, PROTOCOL);
	pack_u8(out, (uint8_t)r->err);
	pack_str(out, r->text);
	pack_u32(out, r->pid);
	pack_u64(out, (uint64_t)r->started_at);
	pack_u8(out, r->has_directory);
	pack_u8(out, r->phase);
	pack_str(out, r->uri);
	pack_str(out, r->problem);
	pack_str(out, r->policy_problem);
	pack_u64(out, (uint64_t)r->contact_at);
	pack_u64(out, (uint64_t)r->changed_at);
	pack_u32(out, r->keys);
	pack_u32(out, r->groups);
	pack_u32(out, r->principals);
	pack_u32(out, r->skipped);
	pack_u32(out, r->held_back);
	pack_u32(out, r->ended);
}

static void
take_text(struct unpack *u, char *dst, size_t cap)
{
	if (text_copy(dst, cap, unpack_str(u)) != AK_OK)
		u->bad = true;
}

enum ak_err
control_reply_unpack(const void *bytes, size_t len_b, struct control_reply *out)
{
	struct unpack u = unpack_over(bytes, len_b);
	uint8_t version = unpack_u8(&u), err = unpack_u8(&u);

	memset(out, 0, sizeof(*out));
	out->err = err;
	take_text(&u, out->text, sizeof(out->text));
	out->pid = unpack_u32(&u);
	out->started_at = (int64_t)unpack_u64(&u);
	out->has_directory = unpack_u8(&u) != 0;
	out->phase = unpack_u8(&u);
	take_text(&u, out->uri, sizeof(out->uri));
	take_text(&u, out->problem, sizeof(out->problem));
	take_text(&u, out->policy_problem, sizeof(out->policy_problem));
	out->contact_at = (int64_t)unpack_u64(&u);
	out->changed_at = (int64_t)unpack_u64(&u);
	out->keys = unpack_u32(&u);
	out->groups = unpack_u32(&u);
	out->principals = unpack_u32(&u);
	out->skipped = unpack_u32(&u);
	out->held_back = unpack_u32(&u);
	out->ended = unpack_u32(&u);
	if (version == PROTOCOL && err <= AK_ERR_NOMEM && !u.bad && u.left_b == 0)
		return AK_OK;
	memset(out, 0, sizeof(*out));
	return AK_ERR_CORRUPT;
}

static enum ak_err
connect_to(const struct paths *p, int *fd, struct diag *why)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (text_copy(at.sun_path, sizeof(at.sun_path), p->control) != AK_OK)
		return diag_because(
		    why, AK_ERR_UNAVAILABLE, "%s is too long for a socket", p->control);
	if ((*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return diag_because(why, AK_ERR_UNAVAILABLE, "no socket: %s", strerror(errno));
	if (connect(*fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return AK_OK;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return diag_because(why, AK_ERR_NOT_FOUND,
		    "apikeyd is not running: start it by `systemctl start apikeyd`");
	return diag_because(
	    why, AK_ERR_UNAVAILABLE, "apikeyd can't be reached: %s", strerror(errno));
}

static int64_t
now_ms(void)
{
	struct timespec t = {.tv_sec = 0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until it can be read, whatever signals come. */
static enum ak_err
wait_for(int fd, int timeout_s, struct diag *why)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t end = now_ms() + (int64_t)timeout_s * 1000, left;
	int n;

	do {
		left = end - now_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n == -1 && errno == EINTR);
	if (n > 0)
		return AK_OK;
	return diag_because(
	    why, AK_ERR_UNAVAILABLE, "apikeyd gave no answer for %d seconds", timeout_s);
}

static enum ak_err
exchange(
    int fd, const struct pack *ask, int timeout_s, struct control_reply *out, struct diag *why)
{
	unsigned char reply[REPLY_MAX_B];
	ssize_t n;
	enum ak_err err;

	if (send(fd, ask->bytes, ask->len_b, MSG_NOSIGNAL) != (ssize_t)ask->len_b)
		return diag_because(
		    why, AK_ERR_UNAVAILABLE, "apikeyd can't be asked: %s", strerror(errno));
	if ((err = wait_for(fd, timeout_s, why)) != AK_OK)
		return err;
	if ((n = recv(fd, reply, sizeof(reply), 0)) <= 0)
		return diag_because(why, AK_ERR_UNAVAILABLE, "apikeyd gave no answer");
	if (control_reply_unpack(reply, (size_t)n, out) != AK_OK)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "apikeyd's answer is not understood: is it another version? Restart it by "
		    "`systemctl restart apikeyd`");
	return AK_OK;
}

enum ak_err
control_call(const struct paths *p, enum control_ask ask, int timeout_s,
    struct control_reply *out, struct diag *why)
{
	struct pack bytes = PACK_INIT;
	int fd = -1;
	enum ak_err err;

	memset(out, 0, sizeof(*out));
	control_ask_pack(ask, &bytes);
	if ((err = bytes.err) == AK_OK && (err = connect_to(p, &fd, why)) == AK_OK)
		err = exchange(fd, &bytes, timeout_s, out, why);
	if (fd != -1)
		(void)close(fd);
	pack_clear(&bytes);
	return err;
}
