#include "marks.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "num.h"
#include "procfile.h"
#include "sessions.h"

/* What is gathered of one process; false: nothing. */
struct kind {
	size_t len_b; /* of an entry */
	bool (*read)(int dir, unsigned char *entry);
};

static bool
read_audit(int dir, unsigned char *entry)
{
	const uint32_t audit = procfile_audit(dir);

	memcpy(entry, &audit, sizeof(audit));
	return audit != PROC_NO_AUDIT;
}

static bool
read_scope(int dir, unsigned char *entry)
{
	char scope[SESSION_SCOPE_CAP] = "";

	procfile_scope(dir, scope, sizeof(scope));
	memcpy(entry, scope, sizeof(scope));
	return scope[0] != '\0';
}

static const struct kind audit_kind = {sizeof(uint32_t), read_audit};
static const struct kind scope_kind = {SESSION_SCOPE_CAP, read_scope};

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

static bool
take(struct marks_list *l, const struct kind *k, int proc, const char *pid)
{
	unsigned char entry[SESSION_SCOPE_CAP] = {0};
	bool marked;
	int dir;

	if (procfile_open(proc, pid, &dir) != AK_OK)
		return true;
	marked = k->read(dir, entry);
	(void)close(dir);
	return !marked || add(l, k, entry);
}

static void
look(struct marks_list *l, const struct kind *k, pid_t without)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	uint64_t pid;

	l->looked = true;
	l->failed = dir == NULL;
	while (!l->failed && (entry = readdir(dir)) != NULL)
		if (num_parse(entry->d_name, 1, INT32_MAX, &pid) == AK_OK &&
		    (pid_t)pid != without)
			l->failed = !take(l, k, dirfd(dir), entry->d_name);
	if (dir != NULL)
		(void)closedir(dir);
}

void
marks_clear(struct marks *m)
{
	free(m->audits.bytes);
	free(m->scopes.bytes);
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
