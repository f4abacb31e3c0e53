#include "marks.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "num.h"
#include "procfile.h"
#include "sessions.h"

/* What is gathered of one process. AK_ERR_NOT_FOUND: it has none of that, or has ended. */
struct kind {
	size_t len_b; /* of an entry */
	enum ak_err (*read)(int dir, unsigned char *entry);
};

static enum ak_err
read_audit(int dir, unsigned char *entry)
{
	uint32_t audit;
	enum ak_err err = procfile_audit(dir, &audit);

	memcpy(entry, &audit, sizeof(audit));
	return err == AK_OK && audit == PROC_NO_AUDIT ? AK_ERR_NOT_FOUND : err;
}

static enum ak_err
read_scope(int dir, unsigned char *entry)
{
	char scope[SESSION_SCOPE_CAP] = "";
	enum ak_err err = procfile_scope(dir, scope, sizeof(scope));

	memcpy(entry, scope, sizeof(scope));
	return err == AK_OK && scope[0] == '\0' ? AK_ERR_NOT_FOUND : err;
}

static enum ak_err
read_uids(int dir, unsigned char *entry)
{
	struct procfile_status status;
	enum ak_err err = procfile_status(dir, &status);
	const uid_t uids[2] = {status.real, status.saved};

	memcpy(entry, uids, sizeof(uids));
	return err;
}

static const struct kind audit_kind = {sizeof(uint32_t), read_audit};
static const struct kind scope_kind = {SESSION_SCOPE_CAP, read_scope};
static const struct kind uids_kind = {2 * sizeof(uid_t), read_uids};

/* Processes of one login lie together: few entries, whatever runs. */
static bool
has(const struct marks_list *l, const struct kind *k, const unsigned char *entry)
{
	for (size_t i = l->n; i > 0; i--)
		if (memcmp(l->bytes + (i - 1) * k->len_b, entry, k->len_b) == 0)
			return true;
	return false;
}

static bool
add(struct marks_list *l, const struct kind *k, const unsigned char *entry)
{
	if (has(l, k, entry))
		return true;
	if (l->n == l->cap) {
		size_t cap = l->cap * 2 + 16;
		unsigned char *grown = reallocarray(l->bytes, cap, k->len_b);

		if (grown == NULL)
			return false;
		l->bytes = grown;
		l->cap = cap;
	}
	memcpy(l->bytes + l->n++ * k->len_b, entry, k->len_b);
	return true;
}

/* false: what this process has can't be told. */
static bool
take(struct marks_list *l, const struct kind *k, int proc, const char *pid)
{
	unsigned char entry[SESSION_SCOPE_CAP] = {0};
	int dir;
	enum ak_err err = procfile_open(proc, pid, &dir);

	if (err == AK_OK) {
		err = k->read(dir, entry);
		(void)close(dir);
	}
	return err == AK_OK ? add(l, k, entry) : err == AK_ERR_NOT_FOUND;
}

/* The next entry of /proc; NULL at its end, and where it can't be read on (errno then). */
static const char *
next_name(DIR *dir)
{
	struct dirent *entry;

	errno = 0;
	entry = readdir(dir);
	return entry == NULL ? NULL : entry->d_name;
}

static void
look(struct marks_list *l, const struct kind *k, pid_t without)
{
	DIR *dir = opendir("/proc");
	const char *name = NULL;
	uint64_t pid;

	l->looked = true;
	l->failed = dir == NULL;
	if (dir == NULL)
		return;
	while (!l->failed && (name = next_name(dir)) != NULL)
		if (num_parse(name, 1, INT32_MAX, &pid) == AK_OK && (pid_t)pid != without)
			l->failed = !take(l, k, dirfd(dir), name);
	if (!l->failed && errno != 0)
		l->failed = true;
	(void)closedir(dir);
}

void
marks_clear(struct marks *m)
{
	free(m->audits.bytes);
	free(m->scopes.bytes);
	free(m->uids.bytes);
	*m = MARKS_WITHOUT(0);
}

bool
marks_has_audit(struct marks *m, uint32_t audit)
{
	unsigned char entry[sizeof(audit)];

	memcpy(entry, &audit, sizeof(audit));
	if (!m->audits.looked)
		look(&m->audits, &audit_kind, m->without);
	return m->audits.failed || has(&m->audits, &audit_kind, entry);
}

bool
marks_has_scope(struct marks *m, const char *scope)
{
	unsigned char entry[SESSION_SCOPE_CAP] = {0};

	memcpy(entry, scope, strnlen(scope, sizeof(entry) - 1));
	if (!m->scopes.looked)
		look(&m->scopes, &scope_kind, m->without);
	return m->scopes.failed || has(&m->scopes, &scope_kind, entry);
}

bool
marks_has_uid(struct marks *m, uid_t uid)
{
	uid_t uids[2];

	if (!m->uids.looked)
		look(&m->uids, &uids_kind, m->without);
	for (size_t i = 0; i < m->uids.n; i++) {
		memcpy(uids, m->uids.bytes + i * sizeof(uids), sizeof(uids));
		if (uids[0] == uid || uids[1] == uid)
			return true;
	}
	return m->uids.failed;
}
