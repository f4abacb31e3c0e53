#include "live_trust.h"

#include <string.h>
#include <time.h>

#include "keyring.h"
#include "safefile.h"
#include "text.h"

/* The clock that files are stamped by moves in steps, shorter than this. */
#define GRAIN_NS INT64_C(50000000)
#define CLOCK_SLACK_NS (INT64_C(1000000000) * KEYRING_CLOCK_SLACK_S)

int64_t
live_clock_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t) == -1)
		return 0;
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

uint64_t
live_digest(const struct safefile_id *id)
{
	return id->ino == 0 ? 0 : safefile_id_digest(id);
}

bool
live_were_settled(const struct image_sources *src)
{
	return src->built_at_ns - src->policy.ctime_ns >= TRUST_AFTER_NS &&
	       src->built_at_ns - src->settings.ctime_ns >= TRUST_AFTER_NS &&
	       src->built_at_ns - src->group.ctime_ns >= TRUST_AFTER_NS;
}

/* Stamps of whole seconds: the file system's own steps are longer than the clock's. */
bool
live_shows_edits(const struct safefile_id *id, int64_t read_at_ns)
{
	int64_t grain_ns = id->ctime_ns % 1000000000 == 0 ? TRUST_AFTER_NS : GRAIN_NS;

	return read_at_ns - id->ctime_ns >= grain_ns;
}

/* The folder's last change: a file that is missing has not been so for longer. 0: it can't be told. */
static int64_t
folder_changed_at(const char *path)
{
	char folder[PATH_CAP];
	const char *slash = strrchr(path, '/');
	struct safefile_id id;
	struct text t = text_over(folder, sizeof(folder));

	text_add(&t, "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
	return safefile_identify(folder, &id) == AK_OK ? id.ctime_ns : 0;
}

/*
 * A file that is missing may be half saved too: an editor has taken the old one
 * away, and the new one comes. Not when the image vouches for that: what changed
 * the folder was older than it, or the writing of the policy itself.
 */
static int64_t
written_at(const struct live *l, const char *path, const struct safefile_id *id)
{
	int64_t at;

	if (id->ino != 0)
		return l->from_store ? 0 : id->ctime_ns;
	at = folder_changed_at(path);
	return l->from_store && at < l->sources.built_at_ns - TRUST_AFTER_NS + GRAIN_NS ? 0 : at;
}

/* A moment well ahead of the clock was before the clock was set back. */
static void
distrust(struct live *l, int64_t written_at_ns, int64_t now_ns)
{
	int64_t at = written_at_ns + TRUST_AFTER_NS;

	if (at <= now_ns || written_at_ns > now_ns + CLOCK_SLACK_NS)
		return;
	l->trusted = false;
	if (at > l->trusted_at_ns)
		l->trusted_at_ns = at;
}

void
live_judge_trust(const struct paths *p, struct live *l, int64_t read_at_ns)
{
	struct safefile_id group = {.dev = 0};

	l->trusted = l->image != NULL;
	distrust(l, written_at(l, p->config, &l->sources.settings), read_at_ns);
	distrust(l, written_at(l, p->policy, &l->sources.policy), read_at_ns);
	distrust(l, written_at(l, p->group, &l->sources.group), read_at_ns);
	if (l->from_store)
		return;
	/* Another than was looked at before it was read? */
	(void)!safefile_identify(p->group, &group);
	if (!safefile_id_equal(&group, &l->sources.group))
		distrust(l, read_at_ns, read_at_ns);
}
