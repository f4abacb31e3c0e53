#include "doctor_checks.h"

#include <string.h>

#include "num.h"
#include "zone.h"

/* 2020-01-01: no file of ours is older. */
#define BEGINNING INT64_C(1577836800)

static void
look_at_zones(struct doctor *d)
{
	const struct image *im = d->live.image;

	for (uint32_t i = 0; im != NULL && i < image_count_zones(im); i++) {
		struct image_zone z = image_zone(im, i);
		struct zone *zone = NULL;
		enum ak_err err = zone_load(ZONE_DIR, z.name, &zone);

		zone_free(&zone);
		if (err != AK_OK)
			doctor_attend(d, "apt-get install --reinstall tzdata",
			    "the policy names the time zone %s (%s:%u), and %s/%s: %s", z.name,
			    d->c->paths.policy, z.line, ZONE_DIR, z.name, ak_strerror(err));
	}
}

/* Where systemd knows. */
static void
look_at_service(struct doctor *d)
{
	char tool[] = "/usr/bin/timedatectl", show[] = "show", wanted[] = "-pNTP";
	char and[] = "-pNTPSynchronized", *argv[] = {tool, show, wanted, and, NULL};
	char said[256];

	if (doctor_tool(d, argv, said, sizeof(said)) == 0 && strstr(said, "NTP=no") != NULL &&
	    strstr(said, "NTPSynchronized=no") != NULL)
		doctor_note(d, "timedatectl set-ntp true",
		    "no time service keeps this clock, which says when keys expire");
}

/* The clock: keys, windows and the directory's freshness go by it. */
void
doctor_clock(struct doctor *d)
{
	char at[NUM_TIME_CAP];

	if (d->now < BEGINNING)
		doctor_attend(d, "set the clock", "the clock says %s, which can't be",
		    num_print_time(d->now, at));
	(void)doctor_needs(d, STATUS_CLOCK, "");
	look_at_zones(d);
	if (doctor_count(d) == 0)
		doctor_ok(d, "the clock says %s, and is not behind our files",
		    num_print_time(d->now, at));
	look_at_service(d);
}
