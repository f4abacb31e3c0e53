/* faulty_answer: what the misbehaving LDAP server answers to a search. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "faulty_ldap.h"

/* Active Directory's own limits. */
#define RANGE 1500
#define ENTRIES 1000

struct group {
	char *name, *members;
	bool deleted;
};

/* A line of the faulty_file; false at its end. */
static bool
next_group(FILE *in, struct group *g)
{
	static char *line;
	static size_t cap;

	if (getline(&line, &cap, in) <= 0)
		return false;
	line[strcspn(line, "\n")] = '\0';
	g->deleted = line[0] == '-';
	g->name = line + (g->deleted ? 1 : 0);
	g->members = g->name + strcspn(g->name, " ");
	if (*g->members != '\0')
		*g->members++ = '\0';
	return true;
}

static FILE *
open_groups(void)
{
	FILE *in = fopen(faulty_file == NULL ? "/dev/null" : faulty_file, "re");

	if (in == NULL)
		exit(1);
	return in;
}

static long
count_groups(void)
{
	FILE *in = open_groups();
	struct group g;
	long n = 0;

	while (next_group(in, &g))
		n += g.deleted ? 0 : 1;
	(void)fclose(in);
	return n;
}

/* Members first..last of a group (its own, then the crowd); the number of all of them. */
static long
say_members(BerElement *ber, const struct group *g, long crowd, long first, long last)
{
	char *text = strdup(g->members), *save = NULL, *name, made[32];
	long n = 0, i;

	for (name = strtok_r(text, " ", &save); name != NULL;
	     name = strtok_r(NULL, " ", &save), n++)
		if (ber != NULL && n >= first && n <= last)
			(void)ber_printf(ber, "s", name);
	for (i = 0; i < crowd; i++, n++) {
		(void)snprintf(made, sizeof(made), "crowd-%ld", i);
		if (ber != NULL && n >= first && n <= last)
			(void)ber_printf(ber, "s", made);
	}
	free(text);
	return n;
}

static bool
is_active_directory(void)
{
	return scenario == RANGED || scenario == SHIFTING || scenario == ENDLESS ||
	       scenario == DRIPPING || scenario == PARTIAL;
}

/* How many members the first group has lost: one between its first part and its second, whenever all groups are read. */
static long
lost_of(const struct search *s, const struct group *g)
{
	static char first[64];
	static long lost;

	if (scenario != SHIFTING && scenario != ENDLESS)
		return 0;
	if (first[0] == '\0')
		(void)snprintf(first, sizeof(first), "%s", g->name);
	if (strcmp(first, g->name) != 0)
		return 0;
	if (s->scope != LDAP_SCOPE_BASE && scenario == SHIFTING)
		lost = 0;
	if (s->range_from > 0 && (lost == 0 || scenario == ENDLESS))
		lost++;
	return lost;
}

/* A list of more than RANGE, as Active Directory has it; beside the part stands the attribute without a value. */
static void
say_range(BerElement *ber, const struct search *s, const struct group *g, long crowd, long skip,
    long n)
{
	char attribute[64];
	long first = s->range_from, last = first + RANGE - 1;

	if (scenario == DRIPPING && first > 0)
		(void)nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
	if (last >= n - 1)
		(void)snprintf(attribute, sizeof(attribute), "memberUid;range=%ld-*", first);
	else
		(void)snprintf(
		    attribute, sizeof(attribute), "memberUid;range=%ld-%ld", first, last);
	(void)ber_printf(ber, "{s[]}{s[", "memberUid", attribute);
	(void)say_members(ber, g, crowd, first + skip, last + skip);
	(void)ber_printf(ber, "]}");
}

static void
say_group(const struct search *s, const struct group *g)
{
	BerElement *ber = faulty_reply();
	long crowd = scenario == CROWD || scenario == DRIPPING ? 100000
		     : is_active_directory()                   ? 4000
							       : 0;
	long skip = lost_of(s, g), n, last = 1L << 30;
	char odd_bytes[] = "odd\0value", usn[24];
	struct berval odd = {.bv_len = sizeof(odd_bytes) - 1, .bv_val = odd_bytes};

	if (*g->members == '\0' && scenario != CROWD)
		crowd = 0;
	n = say_members(NULL, g, crowd, 0, last) - skip;
	faulty_begin_entry(ber, s, g->name);
	if (is_active_directory()) {
		(void)snprintf(usn, sizeof(usn), "%ld", 4000 + skip);
		(void)ber_printf(ber, "{s[s]}", "uSNChanged", usn);
	}
	if (is_active_directory() && n > RANGE) {
		say_range(ber, s, g, crowd, skip, n);
	} else if (n > 0 || scenario == NUL_VALUE) {
		(void)ber_printf(ber, "{s[", "memberUid");
		if (scenario == NUL_VALUE)
			(void)ber_printf(ber, "O", &odd);
		(void)say_members(ber, g, crowd, skip, last);
		(void)ber_printf(ber, "]}");
	}
	faulty_end_entry(ber, s, g->name);
}

/* A set of entryUUIDs: of those that are there, or of those that were deleted. */
static void
say_set(const struct search *s, bool deleted)
{
	FILE *in = open_groups();
	struct group g;
	char uuid[16];
	BerElement *value = faulty_reply();

	(void)ber_printf(value, "t{b[", LDAP_TAG_SYNC_ID_SET, deleted ? 1 : 0);
	while (next_group(in, &g)) {
		if (g.deleted != deleted)
			continue;
		faulty_uuid_of(g.name, uuid);
		(void)ber_printf(value, "o", uuid, (ber_len_t)sizeof(uuid));
	}
	(void)ber_printf(value, "]}");
	faulty_say_info(s, value);
	(void)fclose(in);
}

/* ---- searches ---------------------------------------------------------------------------- */

static void
say_root(const struct search *s)
{
	BerElement *ber = faulty_reply();

	(void)ber_printf(ber, "{it{s{{s[s]}{s[s", s->id, LDAP_RES_SEARCH_ENTRY, "",
	    "objectClass", "top", "supportedControl", LDAP_CONTROL_PAGEDRESULTS);
	if (scenario != PLAIN && !is_active_directory())
		(void)ber_printf(ber, "s", LDAP_CONTROL_SYNC);
	(void)ber_printf(ber, "]}");
	if (is_active_directory())
		(void)ber_printf(
		    ber, "{s[s]}", "isSynchronized", scenario == PARTIAL ? "FALSE" : "TRUE");
	(void)ber_printf(ber, "}}}");
	faulty_send(ber);
	faulty_say_result(s->id, LDAP_RES_SEARCH_RESULT, LDAP_SUCCESS);
}

static void
say_reference(const struct search *s)
{
	BerElement *ber = faulty_reply();

	(void)ber_printf(ber, "{it{s}}", s->id, LDAP_RES_SEARCH_REFERENCE,
	    "ldap://192.0.2.1/ou=more," GROUPS_DN);
	faulty_send(ber);
}

/* All groups, or as many as the scenario lets through, or a page of them; where the next page begins. */
static long
say_groups(const struct search *s)
{
	FILE *in = open_groups();
	long n = 0, half = count_groups() / 2, first = s->page_from;
	long last = s->pages && s->page_size > 0 ? first + s->page_size : 1L << 30;
	struct group g;
	char dn[512];

	if (is_active_directory() && last > first + ENTRIES)
		last = first + ENTRIES;
	if (scenario == RESET || scenario == CUT)
		last = half;
	while (next_group(in, &g)) {
		(void)snprintf(dn, sizeof(dn), "cn=%s," GROUPS_DN, g.name);
		if (g.deleted || (s->scope == LDAP_SCOPE_BASE && strcasecmp(dn, s->base) != 0))
			continue;
		if (n >= first && n < last)
			say_group(s, &g);
		n++;
	}
	(void)fclose(in);
	return n > last ? last : 0;
}

/* The end of a refresh phase: tag says of which. */
static void
say_refreshed(const struct search *s, ber_tag_t tag)
{
	BerElement *value = faulty_reply();

	(void)ber_printf(value, "t{s}", tag, "rid=000,csn=1");
	faulty_say_info(s, value);
}

/* What a search gets that has a cookie, where the scenario makes a difference; false: what one without gets. */
static bool
answer_cookie(const struct search *s, bool groups)
{
	if (scenario == AHEAD || scenario == REFRESH) {
		faulty_say_done(s,
		    scenario == AHEAD ? LDAP_UNWILLING_TO_PERFORM : LDAP_SYNC_REFRESH_REQUIRED,
		    0);
		return true;
	}
	if (scenario != DELETES && scenario != PRESENTS)
		return false;
	if (groups)
		say_set(s, scenario == DELETES);
	say_refreshed(s,
	    scenario == DELETES ? LDAP_TAG_SYNC_REFRESH_DELETE : LDAP_TAG_SYNC_REFRESH_PRESENT);
	if (!s->persists)
		faulty_say_done(s, LDAP_SUCCESS, 0);
	return true;
}

void
faulty_answer(const struct search *s)
{
	bool groups = strcasestr(s->base, GROUPS_DN) != NULL;
	long next = 0;

	if (scenario == MUTE)
		(void)poll(NULL, 0, -1);
	if (s->base[0] == '\0') {
		say_root(s);
		return;
	}
	if (scenario == BUSY || (scenario == REFERRAL && groups)) {
		faulty_say_result(s->id, LDAP_RES_SEARCH_RESULT,
		    scenario == BUSY ? LDAP_BUSY : LDAP_REFERRAL);
		return;
	}
	if (s->syncs && (scenario == PLAIN || is_active_directory())) {
		faulty_say_result(
		    s->id, LDAP_RES_SEARCH_RESULT, LDAP_UNAVAILABLE_CRITICAL_EXTENSION);
		return;
	}
	if (s->has_cookie && answer_cookie(s, groups))
		return;
	if (groups && scenario == REFERENCES)
		say_reference(s);
	if (groups)
		next = say_groups(s);
	if (groups && scenario == RESET)
		exit(0);
	if (groups && (scenario == CUT || (next > 0 && !s->pages)))
		faulty_say_done(s, LDAP_SIZELIMIT_EXCEEDED, 0);
	else if (s->persists)
		say_refreshed(s, s->has_cookie ? LDAP_TAG_SYNC_REFRESH_PRESENT
					       : LDAP_TAG_SYNC_REFRESH_DELETE);
	else
		faulty_say_done(s, LDAP_SUCCESS, next);
}
