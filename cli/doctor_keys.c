#include "doctor_checks.h"

static void
tell(struct doctor *d, uint32_t n, const char *advice, const char *what)
{
	if (n > 0)
		doctor_note(d, advice, "%u keys %s", n, what);
}

/* The keys themselves: nothing here is wrong, and all of it should be known. */
void
doctor_keys(struct doctor *d)
{
	const struct status_keys *k = &d->status.keys;

	_Static_assert(STATUS_EXPIRING_D == 14 && STATUS_UNUSED_D == 90, "as the texts say");
	if (!d->status.keys_known) { /* another check says why */
		doctor_ok(d, "not known while the keys can't be read");
		return;
	}
	tell(d, k->endless,
	    "see 'apikey list'; an end is set by 'apikey set NAME --duration 90d'",
	    "never expire");
	tell(d, k->expiring, "apikey list --expiring 14d", "expire within 14 days");
	tell(d, k->unused, "apikey list --unused 90d", "were not used on this host for 90 days");
	tell(d, k->bare, "see 'apikey list'; a role is given by 'apikey role add NAME ROLE'",
	    "have neither a role nor a group of their own");
	if (doctor_count(d) == 0)
		doctor_ok(d, "every key has an end, a role, and is used");
}
