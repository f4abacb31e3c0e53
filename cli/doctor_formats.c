#include "doctor_checks.h"

#include "image_layout.h"
#include "index.h"
#include "newer.h"

/* The truth is never made anew, and who has a session behind a record that nobody reads stays in. */
static void
look_at_local(struct doctor *d)
{
	const struct paths *p = &d->c->paths;
	char said[DIAG_PRINT_CAP];
	struct diag why = DIAG_INIT;

	if (!newer_is(newer_version(p->local, p->owner), INDEX_VERSION))
		return;
	(void)!newer_say(p->local, p->owner, &why);
	doctor_attend(d, "upgrade apikey to the version that wrote it", "%s",
	    diag_print(&why, said, sizeof(said)));
}

/* Which local.idx is the newest, users.idx alone tells. */
static void
look_at_users(struct doctor *d)
{
	const char *path = d->c->paths.users;
	uint32_t version = newer_version(path, d->c->paths.owner);

	if (newer_is(version, INDEX_VERSION))
		doctor_attend(d,
		    "upgrade apikey; or see that local.idx is the newest, and take it by "
		    "'apikey "
		    "doctor --accept-rollback'",
		    "%s was written by a newer apikey (format %u, this one reads %u), so it "
		    "can't be told whether local.idx is the newest",
		    path, version, INDEX_VERSION);
}

static void
look_at(struct doctor *d, const char *path, uint32_t reads, const char *advice)
{
	uint32_t version = newer_version(path, d->c->paths.owner);

	if (newer_is(version, reads))
		doctor_attend(d, advice,
		    "%s was written by a newer apikey (format %u, this one reads %u): it is "
		    "made anew",
		    path, version, reads);
}

/* Was a file written by a version that came after this one? */
void
doctor_formats(struct doctor *d)
{
	const struct paths *p = &d->c->paths;
	bool local = newer_is(newer_version(p->local, p->owner), INDEX_VERSION);

	look_at_local(d);
	if (!local)
		look_at_users(d);
	look_at(d, p->image, IMAGE_VERSION, "apikey publish");
	if (d->live.settings.directory.present) {
		look_at(d, p->directory_keys, INDEX_VERSION, "apikey sync");
		look_at(d, p->directory_groups, INDEX_VERSION, "apikey sync");
		look_at(d, p->freshness, FRESHNESS_VERSION, "apikey sync");
	}
	(void)doctor_needs(d, STATUS_RECORDS, "");
	if (doctor_count(d) == 0)
		doctor_ok(d, "every file is of a format that this version reads");
}
