#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor_checks.h"
#include "text.h"

#define FILE_MAX_B ((size_t)1 << 20)

/* In the order in which a reader should mend: what lies below first. */
static const struct {
	const char *name;
	void (*run)(struct doctor *d);
} checks[] = {
    {"nsswitch", doctor_nsswitch},
    {"pam", doctor_pam},
    {"sshd", doctor_sshd},
    {"sudo", doctor_sudo},
    {"shared", doctor_shared},
    {"caches", doctor_caches},
    {"formats", doctor_formats},
    {"files", doctor_files},
    {"clock", doctor_clock},
    {"ids", doctor_ids},
    {"keys", doctor_keys},
    {"leftovers", doctor_leftovers},
    {"directory", doctor_directory},
    {"daemon", doctor_daemon},
    {"host", doctor_host},
};

enum ak_err
doctor_run(const struct cli *c, struct doctor *out)
{
	enum ak_err err;

	*out = (struct doctor){.c = c, .now = c->host.now(c->host.ctx)};
	live_load(&c->paths, &out->live);
	if (out->live.err == AK_ERR_NOMEM || out->live.stored_err == AK_ERR_NOMEM)
		return AK_ERR_NOMEM;
	if ((err = status_find(c, &out->status)) != AK_OK)
		return err;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		out->check = checks[i].name;
		checks[i].run(out);
	}
	return out->err;
}

void
doctor_clear(struct doctor *d)
{
	live_clear(&d->live);
	status_clear(&d->status);
	free(d->v);
	d->v = NULL;
	d->n = d->cap = 0;
}

const char *
doctor_state_name(enum doctor_state s)
{
	static const char *const names[] = {
	    [DOCTOR_OK] = "ok", [DOCTOR_NOTE] = "note", [DOCTOR_ATTENTION] = "attention"};

	return names[s];
}

static void add(struct doctor *d, enum doctor_state state, const char *advice, const char *fmt,
    va_list ap) AK_PRINTF(4, 0);

static void
add(struct doctor *d, enum doctor_state state, const char *advice, const char *fmt, va_list ap)
{
	struct doctor_finding *grown, *f;

	if (d->n == d->cap) {
		grown = realloc(d->v, (d->cap + 32) * sizeof(*d->v));
		if (grown == NULL) {
			d->err = AK_ERR_NOMEM;
			return;
		}
		d->v = grown;
		d->cap += 32;
	}
	f = &d->v[d->n++];
	*f = (struct doctor_finding){.check = d->check, .state = state};
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	(void)snprintf(f->advice, sizeof(f->advice), "%s", advice);
}

void
doctor_ok(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, DOCTOR_OK, "", fmt, ap);
	va_end(ap);
}

void
doctor_note(struct doctor *d, const char *advice, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, DOCTOR_NOTE, advice, fmt, ap);
	va_end(ap);
}

void
doctor_attend(struct doctor *d, const char *advice, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, DOCTOR_ATTENTION, advice, fmt, ap);
	va_end(ap);
}

void
doctor_advise(struct doctor *d, const char *fmt, ...)
{
	struct doctor_finding *f;
	va_list ap;

	if (d->n == 0 || d->err != AK_OK)
		return;
	f = &d->v[d->n - 1];
	va_start(ap, fmt);
	(void)vsnprintf(f->advice, sizeof(f->advice), fmt, ap);
	va_end(ap);
}

size_t
doctor_needs(struct doctor *d, enum status_about about, const char *advice)
{
	size_t told = 0;

	for (size_t i = 0; i < d->status.n_needs; i++) {
		const struct status_need *n = &d->status.needs[i];

		if (n->about != about)
			continue;
		doctor_attend(d, n->advice[0] == '\0' ? advice : n->advice, "%s", n->text);
		told++;
	}
	return told;
}

size_t
doctor_count(const struct doctor *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += d->v[i].check == d->check && d->v[i].state != DOCTOR_OK ? 1 : 0;
	return n;
}

/* A quote within quotes is the one thing that can't stand there as it is. */
const char *
doctor_word(const char *path, char buf[DOCTOR_WORD_CAP])
{
	struct text t = text_over(buf, DOCTOR_WORD_CAP);
	bool plain = path[0] != '\0' && path[strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
							  "abcdefghijklmnopqrstuvwxyz"
							  "0123456789_./,:@%+=-")] == '\0';

	text_add(&t, "%s", plain ? "" : "'");
	for (const char *at = path; *at != '\0'; at++)
		if (*at == '\'')
			text_add(&t, "'\\''");
		else
			text_add(&t, "%c", *at);
	text_add(&t, "%s", plain ? "" : "'");
	return buf;
}

bool
doctor_etc(const struct doctor *d, const char *name, char out[PATH_CAP])
{
	struct text path = text_over(out, PATH_CAP);

	text_add(&path, "%s/%s", d->c->host.etc, name);
	return !path.cut;
}

/* What is no regular file might never end, or never begin. */
static enum ak_err
read_whole(int fd, char **out)
{
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return AK_ERR_UNAVAILABLE;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_MAX_B)
		return AK_ERR_UNSAFE;
	if ((*out = malloc((size_t)st.st_size + 1)) == NULL)
		return AK_ERR_NOMEM;
	while (len < (size_t)st.st_size &&
	       (n = read(fd, *out + len, (size_t)st.st_size - len)) != 0) {
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			return AK_ERR_UNAVAILABLE;
	}
	(*out)[len] = '\0';
	return AK_OK;
}

char *
doctor_read(const struct doctor *d, const char *name, enum ak_err *err)
{
	char path[PATH_CAP], *text = NULL;
	int fd;

	*err = AK_ERR_RANGE;
	if (!doctor_etc(d, name, path))
		return NULL;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) == -1) {
		*err = errno == ENOENT ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE;
		return NULL;
	}
	*err = read_whole(fd, &text);
	(void)close(fd);
	if (*err != AK_OK) {
		free(text);
		text = NULL;
	}
	return text;
}

int
doctor_tool(const struct doctor *d, char *const argv[], char *out, size_t cap)
{
	return d->c->host.tool(d->c->host.ctx, argv, out, cap);
}
