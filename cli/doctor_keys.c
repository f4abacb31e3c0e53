#include "doctor_checks.h"

#include <string.h>

#include "keys.h"
#include "num.h"
#include "used.h"

#define DAY_S INT64_C(86400)
#define SOON_S (14 * DAY_S)
#define UNUSED_S (90 * DAY_S)

struct count {
	struct doctor *d;
	struct used used;
	uint32_t never, soon, unused, bare;
};

/* Made long ago, and not used since, or never. */
static bool
is_unused(const struct count *c, const struct key_record *k)
{
	int64_t at, now = c->d->now;

	return used_at(&c->used, k, &at) && k->created_at < now - UNUSED_S &&
	       at < now - UNUSED_S;
}

static bool
count_key(void *ctx, const struct key_record *k)
{
	struct count *c = ctx;
	int64_t now = c->d->now;

	if (k->state == KEY_DISABLED || k->expires_at <= now)
		return false;
	c->never += k->expires_at == NUM_NEVER ? 1 : 0;
	c->soon += k->expires_at != NUM_NEVER && k->expires_at - now <= SOON_S ? 1 : 0;
	c->unused += is_unused(c, k) ? 1 : 0;
	c->bare += k->bindings.len_b == 0 && k->groups.len_b == 0 ? 1 : 0;
	return false;
}

static enum ak_err
take_none(void *ctx, const struct key *k)
{
	(void)ctx;
	(void)k;
	return AK_OK;
}

static void
tell(struct doctor *d, const struct count *c)
{
	if (c->never > 0)
		doctor_note(d,
		    "see `apikey list`; an end is set by `apikey set NAME --duration 90d`",
		    "%u keys never expire", c->never);
	if (c->soon > 0)
		doctor_note(
		    d, "apikey list --expiring 14d", "%u keys expire within 14 days", c->soon);
	if (c->unused > 0)
		doctor_note(d, "apikey list --unused 90d",
		    "%u keys were not used on this host for 90 days", c->unused);
	if (c->bare > 0)
		doctor_note(d,
		    "see `apikey list`; a role is given by `apikey role add NAME ROLE`",
		    "%u keys have neither a role nor a group of their own", c->bare);
	if (doctor_count(d) == 0)
		doctor_ok(d, "every key has an end, a role, and is used");
}

/* The keys themselves: nothing here is wrong, and all of it should be known. */
void
doctor_keys(struct doctor *d)
{
	struct diag why = DIAG_INIT, lost = DIAG_INIT;
	struct count c = {.d = d};
	struct keys keys;
	enum ak_err err;

	if ((err = keys_open(&d->c->paths, &keys, &why)) == AK_OK) {
		c.used = used_open(d->c, &why);
		err = keys_each(&keys, count_key, take_none, &c, &lost, &why);
		used_close(&c.used);
		keys_close(&keys);
	}
	if (err == AK_OK)
		tell(d, &c);
	else /* another check says why */
		doctor_ok(d, "not known while the keys can't be read");
}
