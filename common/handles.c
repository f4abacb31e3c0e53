#include "handles.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "proc.h"
#include "rundir.h"

#define FOLDER "handles"

/* As it is written: what it stands for, and who may redeem it. */
struct slip {
	struct handle what;
	struct proc_id issuer, parent;
	uint64_t namespace;
	int64_t issued_s; /* handles_now */
};

int64_t
handles_now(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_BOOTTIME, &t) == 0 ? (int64_t)t.tv_sec : -1;
}

static void
slip_pack(const struct slip *s, struct pack *out)
{
	pack_u32(out, s->what.uid);
	pack_str(out, s->what.key);
	pack_u32(out, s->what.secret);
	pack_str(out, s->what.account);
	pack_str(out, s->what.rhost);
	pack_u32(out, (uint32_t)s->issuer.pid);
	pack_u64(out, s->issuer.start);
	pack_u32(out, (uint32_t)s->parent.pid);
	pack_u64(out, s->parent.start);
	pack_u64(out, s->namespace);
	pack_u64(out, (uint64_t)s->issued_s);
}

static enum ak_err
slip_unpack(const unsigned char *bytes, size_t len_b, struct slip *out)
{
	struct unpack u = unpack_over(bytes, len_b);
	const char *key, *account, *rhost;

	memset(out, 0, sizeof(*out));
	out->what.uid = unpack_u32(&u);
	key = unpack_str(&u);
	out->what.secret = unpack_u32(&u);
	account = unpack_str(&u);
	rhost = unpack_str(&u);
	out->issuer.pid = (pid_t)unpack_u32(&u);
	out->issuer.start = unpack_u64(&u);
	out->parent.pid = (pid_t)unpack_u32(&u);
	out->parent.start = unpack_u64(&u);
	out->namespace = unpack_u64(&u);
	out->issued_s = (int64_t)unpack_u64(&u);
	if (u.bad || u.left_b != 0 || !text_is_key_name(key) ||
	    text_copy(out->what.key, sizeof(out->what.key), key) != AK_OK ||
	    text_copy(out->what.account, sizeof(out->what.account), account) != AK_OK ||
	    text_copy(out->what.rhost, sizeof(out->what.rhost), rhost) != AK_OK) {
		memset(out, 0, sizeof(*out));
		return AK_ERR_CORRUPT;
	}
	return AK_OK;
}

static enum ak_err
read_slip(int dir, const char *name, uid_t owner, struct slip *out)
{
	unsigned char buf[RUNDIR_MAX_B];
	size_t len_b;
	enum ak_err err = rundir_read(dir, name, owner, buf, &len_b);

	return err == AK_OK ? slip_unpack(buf, len_b, out) : err;
}

static bool
is_dated(const struct slip *s, int64_t now_s)
{
	return s->issued_s >= 0 && now_s >= s->issued_s;
}

/* Is there nobody left who may redeem it? Of processes that can't be seen from here its time tells. */
static bool
is_over(const struct slip *s, int64_t now_s)
{
	if (!is_dated(s, now_s))
		return true;
	if (now_s - s->issued_s <= HANDLE_TTL_S)
		return false;
	return s->namespace != proc_namespace() ||
	       (!proc_is_alive(&s->issuer) && !proc_is_alive(&s->parent));
}

struct sweep {
	int dir;
	uid_t owner;
	int64_t now_s;
};

static enum ak_err
sweep_one(void *ctx, const char *name)
{
	const struct sweep *w = ctx;
	struct slip s;
	enum ak_err err = read_slip(w->dir, name, w->owner, &s);

	if (err != AK_ERR_UNAVAILABLE && (err != AK_OK || is_over(&s, w->now_s)))
		(void)!rundir_remove(w->dir, name);
	return AK_OK;
}

static enum ak_err
draw_name(char out[HANDLE_CAP])
{
	unsigned char bits[HANDLE_LEN / 2];
	struct text t = text_over(out, HANDLE_CAP);

	if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return AK_ERR_UNAVAILABLE;
	for (size_t i = 0; i < sizeof(bits); i++)
		text_add(&t, "%02x", bits[i]);
	return AK_OK;
}

/* A parent outside of this pid namespace is no process here, and redeems nothing. */
static enum ak_err
fill_slip(const struct handle *h, int64_t now_s, struct slip *s)
{
	struct proc own, above = {.id = {.pid = 0}};
	enum ak_err err = proc_read(getpid(), &own);

	if (err == AK_OK && own.parent != 0)
		err = proc_read(own.parent, &above);
	if (err != AK_OK || now_s < 0)
		return AK_ERR_UNAVAILABLE;
	*s = (struct slip){.what = *h,
	    .issuer = own.id,
	    .parent = above.id,
	    .namespace = proc_namespace(),
	    .issued_s = now_s};
	return AK_OK;
}

enum ak_err
handles_issue(const struct paths *p, const struct handle *h, int64_t now_s, char out[HANDLE_CAP])
{
	unsigned char buf[RUNDIR_MAX_B];
	struct pack bytes = pack_over(buf, sizeof(buf));
	struct slip s;
	enum ak_err err;
	int dir;

	out[0] = '\0';
	if ((err = rundir_open(p->run, FOLDER, p->owner, &dir)) != AK_OK)
		return err;
	(void)!rundir_each(dir, sweep_one, &(struct sweep){dir, p->owner, now_s});
	err = fill_slip(h, now_s, &s);
	if (err == AK_OK)
		err = draw_name(out);
	if (err == AK_OK) {
		slip_pack(&s, &bytes);
		err = rundir_write(dir, out, &bytes);
	}
	(void)close(dir);
	if (err != AK_OK)
		out[0] = '\0';
	return err;
}

/* Was it issued here, or by a child of this process? */
static enum ak_err
ask_whose(const struct slip *s)
{
	struct proc_id own;

	if (proc_find(getpid(), &own) != AK_OK)
		return AK_ERR_UNAVAILABLE;
	if (s->namespace == proc_namespace() &&
	    ((s->issuer.pid == own.pid && s->issuer.start == own.start) ||
		(s->parent.pid == own.pid && s->parent.start == own.start)))
		return AK_OK;
	return AK_ERR_DENIED;
}

static bool
is_handle(const char *s)
{
	return strlen(s) == HANDLE_LEN && strspn(s, "0123456789abcdef") == HANDLE_LEN;
}

enum ak_err
handles_redeem(const struct paths *p, const char *handle, const char *account,
    const char *rhost, int64_t now_s, bool take, struct handle *out)
{
	struct slip s;
	enum ak_err err;
	int dir;

	memset(out, 0, sizeof(*out));
	if (!is_handle(handle))
		return AK_ERR_NOT_FOUND;
	if ((err = rundir_open(p->run, FOLDER, p->owner, &dir)) != AK_OK)
		return err;
	err = read_slip(dir, handle, p->owner, &s);
	/* Who can't take it away can't have taken it once. */
	if (take && err == AK_OK)
		err = rundir_remove(dir, handle);
	(void)close(dir);
	if (err == AK_OK)
		err = ask_whose(&s);
	if (err != AK_OK)
		return err;
	if (!is_dated(&s, now_s) || strcmp(s.what.account, account) != 0 ||
	    strcmp(s.what.rhost, rhost) != 0)
		return AK_ERR_DENIED;
	*out = s.what;
	return AK_OK;
}
