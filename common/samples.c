#include "samples.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "image_layout.h"
#include "num.h"
#include "pack.h"
#include "safefile.h"
#include "text.h"

#define SAMPLE_MAGIC UINT32_C(0x53504b41) /* "AKPS" */
#define SAMPLE_VERSION 1U
#define SAMPLE_MAX_B ((size_t)1 << 20)
/* One in so many sweeps. */
#define SWEEP_EVERY 32U
/* What a writer that was killed has left behind. */
#define LEFTOVER_S 60

uint64_t
samples_digest(const struct image *im)
{
	size_t len_b;
	const unsigned char *bytes = image_borrow_bytes(im, &len_b);

	/* Before that: when it was built, and of which files. */
	return hash_sip(0, bytes + IMAGE_HEADER_B, len_b - IMAGE_HEADER_B);
}

static enum ak_err
folder_path(const struct paths *p, const char *id, char out[PATH_CAP * 2])
{
	struct text t = text_over(out, PATH_CAP * 2);

	text_add(&t, "%s/" SAMPLES_FOLDER "%s%s", p->state, id == NULL ? "" : "/",
	    id == NULL ? "" : id);
	return t.cut ? AK_ERR_RANGE : AK_OK;
}

static bool
is_id(const char *s)
{
	return strlen(s) == SAMPLE_ID_LEN && strspn(s, "0123456789abcdef") == SAMPLE_ID_LEN;
}

static void
pack_text(struct pack *p, const char *s)
{
	pack_u8(p, s != NULL);
	pack_str(p, s);
}

static const char *
unpack_text(struct unpack *u)
{
	bool there = unpack_u8(u) != 0;
	const char *s = unpack_str(u);

	return there ? s : NULL;
}

static void
pack_addr(struct pack *p, const struct net_addr *a)
{
	static const struct net_addr none = {{0}};

	pack_u8(p, a != NULL);
	pack_bytes(p, a == NULL ? &none : a, sizeof(*a));
}

static const struct net_addr *
unpack_addr(struct unpack *u, struct net_addr *room)
{
	bool there = unpack_u8(u) != 0;
	const void *bytes = unpack_bytes(u, sizeof(*room));

	if (bytes != NULL)
		memcpy(room, bytes, sizeof(*room));
	return there && bytes != NULL ? room : NULL;
}

/* Of the key what a decision asks for. */
static void
pack_key(struct pack *p, const struct key_record *k)
{
	pack_str(p, k->name);
	pack_str(p, k->id);
	pack_u32(p, k->uid);
	pack_u8(p, (uint8_t)k->state);
	pack_u64(p, (uint64_t)k->not_before);
	pack_u64(p, (uint64_t)k->expires_at);
	pack_strv(p, k->bindings);
	pack_strv(p, k->groups);
	pack_strv(p, k->from);
	pack_u8(p, (uint8_t)k->n_secrets);
	for (unsigned i = 0; i < k->n_secrets; i++) {
		pack_u32(p, k->secrets[i].number);
		pack_u64(p, (uint64_t)k->secrets[i].not_after);
	}
}

static bool
unpack_key(struct unpack *u, struct key_record *k)
{
	const char *name = unpack_str(u), *id = unpack_str(u);

	*k = KEY_RECORD_INIT;
	k->uid = unpack_u32(u);
	k->state = (enum key_state)unpack_u8(u);
	k->not_before = (int64_t)unpack_u64(u);
	k->expires_at = (int64_t)unpack_u64(u);
	k->bindings = unpack_strv(u);
	k->groups = unpack_strv(u);
	k->from = unpack_strv(u);
	k->n_secrets = unpack_u8(u);
	if (u->bad || k->n_secrets > KEY_SECRETS_MAX ||
	    text_copy(k->name, sizeof(k->name), name) != AK_OK ||
	    text_copy(k->id, sizeof(k->id), id) != AK_OK)
		return false;
	for (unsigned i = 0; i < k->n_secrets; i++) {
		k->secrets[i].number = unpack_u32(u);
		k->secrets[i].not_after = (int64_t)unpack_u64(u);
	}
	return !u->bad;
}

static int64_t
at_ms_of(const struct decide_request *req)
{
	return req->when != NULL ? req->when->now_ms : req->now * 1000;
}

static void
pack_request(struct pack *p, const struct decide_request *req)
{
	const struct settings *settings = image_borrow_settings(req->policy);

	pack_u64(p, (uint64_t)at_ms_of(req));
	pack_u8(p, req->when != NULL);
	pack_u64(p, samples_digest(req->policy));
	pack_str(p, settings->space);
	pack_u8(p, settings->public_key_logins);
	pack_key(p, req->key);
	pack_strv(p, req->hosts);
	pack_text(p, req->service);
	pack_text(p, req->account);
	pack_u8(p, req->account_is_root);
	pack_strv(p, req->directory_groups);
	pack_u8(p, req->stale);
	pack_addr(p, req->address);
	pack_addr(p, req->origin);
	pack_u64(p, (uint64_t)req->now);
	pack_u8(p, req->time_undefined);
	pack_u8(p, req->lockdown);
	pack_u32(p, req->secret);
	pack_u8(p, req->without_token);
	pack_u8(p, req->favour);
}

static bool
unpack_request(struct unpack *u, struct sample *s)
{
	struct decide_request *req = &s->request;

	s->at_ms = (int64_t)unpack_u64(u);
	s->has_when = unpack_u8(u) != 0;
	s->image = unpack_u64(u);
	s->space = unpack_str(u);
	s->public_key_logins = unpack_u8(u) != 0;
	if (!unpack_key(u, &s->key))
		return false;
	req->key = &s->key;
	req->hosts = unpack_strv(u);
	req->service = unpack_text(u);
	req->account = unpack_text(u);
	req->account_is_root = unpack_u8(u) != 0;
	req->directory_groups = unpack_strv(u);
	req->stale = unpack_u8(u) != 0;
	req->address = unpack_addr(u, &s->address);
	req->origin = unpack_addr(u, &s->origin);
	req->now = (int64_t)unpack_u64(u);
	req->time_undefined = unpack_u8(u) != 0;
	req->lockdown = unpack_u8(u) != 0;
	req->secret = unpack_u32(u);
	req->without_token = unpack_u8(u) != 0;
	req->favour = unpack_u8(u) != 0;
	return !u->bad;
}

static void
pack_verdict(struct pack *p, const struct image *im, const struct verdict *v)
{
	struct pack roles = PACK_INIT;
	struct image_rule rule = {.id = ""};

	/* A gate may have failed before the policy was asked: nothing of it is said then. */
	if (v->reason == REASON_RULE)
		rule = image_rule(im, IMAGE_DENY_RULES, v->policy.deny);
	else if ((v->reason == REASON_PERMITTED || v->reason == REASON_ROLE) &&
		 v->policy.allow != IMAGE_NONE)
		rule = image_rule(im, IMAGE_ALLOW_RULES, v->policy.allow);
	role_set_for (&v->roles, i) {
		pack_entry(&roles, image_role(im, i).name);
	}
	pack_u8(p, v->reason == REASON_PERMITTED);
	pack_str(p, reason_word(v->reason));
	pack_str(p, v->why);
	pack_str(p, rule.id);
	pack_u32(p, rule.line);
	pack_strv(p, pack_borrow_strv(&roles));
	if (roles.err != AK_OK && p->err == AK_OK)
		p->err = roles.err;
	pack_clear(&roles);
}

static bool
unpack_verdict(struct unpack *u, struct sample *s)
{
	s->permitted = unpack_u8(u) != 0;
	s->reason = unpack_str(u);
	s->why = unpack_str(u);
	s->deny = unpack_str(u);
	s->line = unpack_u32(u);
	s->roles = unpack_strv(u);
	return !u->bad && u->left_b == 0;
}

static void
pack_sample(struct pack *p, const struct decide_request *req, const struct verdict *v)
{
	pack_u32(p, SAMPLE_MAGIC);
	pack_u32(p, SAMPLE_VERSION);
	pack_request(p, req);
	pack_verdict(p, req->policy, v);
	if (p->err == AK_OK)
		pack_u32(p, hash_crc32(0, p->bytes, p->len_b));
}

/* Made when missing; not the owner's, or open to others: nothing is kept. */
static bool
have_folder(const struct paths *p, const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) == 0)
		(void)!chmod(dir, 0700); /* whatever the umask is */
	return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == p->owner &&
	       (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/* What lies in the folder: ids, ascending, and the files of writers that are gone. */
struct listing {
	char (*ids)[SAMPLE_ID_LEN + 1];
	size_t n, cap;
};

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, SAMPLE_ID_LEN);
}

static enum ak_err
listing_add(struct listing *l, const char *id)
{
	size_t cap = l->cap == 0 ? 64 : l->cap * 2;
	void *more;

	if (l->n == l->cap) {
		if ((more = reallocarray(l->ids, cap, sizeof(*l->ids))) == NULL)
			return AK_ERR_NOMEM;
		l->ids = more;
		l->cap = cap;
	}
	memcpy(l->ids[l->n++], id, SAMPLE_ID_LEN + 1);
	return AK_OK;
}

static void
remove_leftover(int at, const char *name)
{
	struct timespec now;
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    clock_gettime(CLOCK_REALTIME, &now) == 0 &&
	    st.st_mtim.tv_sec + LEFTOVER_S < now.tv_sec)
		(void)unlinkat(at, name, 0);
}

static enum ak_err
list_folder(const char *dir, bool sweep, struct listing *l)
{
	enum ak_err err = AK_OK;
	struct dirent *entry;
	DIR *d = opendir(dir);

	*l = (struct listing){.ids = NULL};
	if (d == NULL)
		return errno == ENOENT ? AK_OK : AK_ERR_UNAVAILABLE;
	while (err == AK_OK && (entry = readdir(d)) != NULL) {
		if (is_id(entry->d_name))
			err = listing_add(l, entry->d_name);
		else if (sweep && entry->d_name[0] == '.')
			remove_leftover(dirfd(d), entry->d_name);
	}
	(void)closedir(d);
	if (l->n > 1)
		qsort(l->ids, l->n, sizeof(*l->ids), by_id);
	return err;
}

/* The first of the sorted ids that is to stay. */
static size_t
first_within(const struct listing *l, const struct settings *settings, int64_t now)
{
	size_t first = l->n > settings->samples_max ? l->n - settings->samples_max : 0;
	int64_t oldest_s = 0;
	char oldest[32];

	if (settings->samples_max_age_s < now)
		oldest_s = now - settings->samples_max_age_s;
	(void)snprintf(
	    oldest, sizeof(oldest), "%011llx00000", (unsigned long long)oldest_s * 1000);
	while (first < l->n && memcmp(l->ids[first], oldest, SAMPLE_ID_LEN) < 0)
		first++;
	return first;
}

static void
sweep(const char *dir, const struct settings *settings, int64_t now)
{
	struct listing l;
	size_t first;
	int fd;

	if (list_folder(dir, true, &l) == AK_OK &&
	    (first = first_within(&l, settings, now)) > 0 &&
	    (fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) != -1) {
		for (size_t i = 0; i < first; i++)
			(void)unlinkat(fd, l.ids[i], 0);
		(void)close(fd);
	}
	free(l.ids);
}

static void
keep(const struct paths *p, const struct live *live, const struct decide_request *req,
    const struct pack *bytes)
{
	char dir[PATH_CAP * 2], path[PATH_CAP * 2], id[32];
	uint32_t chance;
	uint64_t ms = at_ms_of(req) < 0 ? 0 : (uint64_t)at_ms_of(req);

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != (ssize_t)sizeof(chance))
		return;
	(void)snprintf(id, sizeof(id), "%011llx%05x",
	    (unsigned long long)(ms & UINT64_C(0xfffffffffff)), chance & 0xfffffU);
	if (folder_path(p, NULL, dir) != AK_OK || folder_path(p, id, path) != AK_OK ||
	    !have_folder(p, dir))
		return;
	(void)!safefile_replace(path, 0600, bytes->bytes, bytes->len_b, 0, NULL);
	if ((chance >> 20) % SWEEP_EVERY == 0)
		sweep(dir, &live->settings, req->now);
}

void
samples_keep(const struct paths *p, const struct live *live, const struct decide_request *req,
    const struct verdict *v)
{
	struct pack bytes = PACK_INIT;
	struct policy_request ask;
	bool wanted = false;

	if (req->policy == NULL || live->settings.samples_max == 0 ||
	    image_count_rules(req->policy, IMAGE_SAMPLE_RULES) == 0)
		return;
	ask = decide_policy_request(req);
	if (policy_samples(req->policy, &ask, v->reason == REASON_PERMITTED, &wanted) !=
		AK_OK ||
	    !wanted)
		return;
	pack_sample(&bytes, req, v);
	if (bytes.err == AK_OK && bytes.len_b <= SAMPLE_MAX_B)
		keep(p, live, req, &bytes);
	pack_clear(&bytes);
}

static enum ak_err
unpack_sample(struct sample *s, size_t len_b)
{
	struct unpack u = unpack_over(s->bytes, len_b < 4 ? 0 : len_b - 4);

	if (len_b < 12 || le32_load(s->bytes + len_b - 4) != hash_crc32(0, s->bytes, len_b - 4))
		return AK_ERR_CORRUPT;
	if (unpack_u32(&u) != SAMPLE_MAGIC || unpack_u32(&u) != SAMPLE_VERSION ||
	    !unpack_request(&u, s) || !unpack_verdict(&u, s))
		return AK_ERR_CORRUPT;
	return AK_OK;
}

enum ak_err
samples_load(const struct paths *p, const char *id, struct sample *out)
{
	struct safefile file;
	char path[PATH_CAP * 2];
	enum ak_err err;

	memset(out, 0, sizeof(*out));
	if (!is_id(id))
		return AK_ERR_NOT_FOUND;
	if ((err = folder_path(p, id, path)) != AK_OK ||
	    (err = safefile_read(path, p->owner, SAMPLE_MAX_B, &file, NULL)) != AK_OK)
		return err;
	memcpy(out->id, id, sizeof(out->id));
	out->bytes = (unsigned char *)file.bytes;
	if ((err = unpack_sample(out, file.len_b)) != AK_OK)
		sample_clear(out);
	return err;
}

void
sample_clear(struct sample *s)
{
	free(s->bytes);
	memset(s, 0, sizeof(*s));
}

enum ak_err
samples_each(const struct paths *p, const struct settings *settings, int64_t now,
    enum ak_err (*take)(void *ctx, const struct sample *s), void *ctx)
{
	char dir[PATH_CAP * 2];
	struct listing l = {.ids = NULL};
	struct sample s;
	enum ak_err err = folder_path(p, NULL, dir);

	if (err == AK_OK)
		err = list_folder(dir, false, &l);
	for (size_t i = err == AK_OK ? first_within(&l, settings, now) : l.n;
	     i < l.n && err == AK_OK; i++) {
		err = samples_load(p, l.ids[i], &s);
		if (err == AK_OK) {
			err = take(ctx, &s);
			sample_clear(&s);
		} else if (err != AK_ERR_NOMEM) {
			err = AK_OK;
		}
	}
	free(l.ids);
	return err;
}
