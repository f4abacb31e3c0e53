#include "engine_search.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "engine_impl.h"
#include "ldapconn.h"
#include "ldapentry.h"

/* A server that gives a list in parts for ever is no server. */
#define PARTS_MAX 10000
/* An entry that changes while it is read is read so often, and then the search has failed. */
#define READS_MAX 10
/* All parts of an entry, in timeouts: each alone is within one. */
#define PARTS_TIMEOUTS 10
/* Beside the values of an entry there is little in a frame. */
#define VALUES_MAX_B (WIRE_FRAME_MAX_B - ((size_t)1 << 20))

/* --- what it asks --------------------------------------------------------------------------- */

enum ak_err
engine_search_init(struct engine_search *s, const struct directory_settings *d,
    enum directory_search_id id, const struct wire_blob *cookie, struct diag *why)
{
	const struct directory_search *const where[] = {
	    [DIRECTORY_KEYS] = &d->keys,
	    [DIRECTORY_GROUPS] = &d->groups,
	    [DIRECTORY_PRINCIPALS] = &d->principal,
	};
	enum ak_err err;

	memset(s, 0, sizeof(*s));
	s->id = id;
	s->where = where[id];
	if (!engine_search_is_made(s))
		return AK_OK;
	if ((err = ldapplan_make(d, id, &s->plan, why)) != AK_OK)
		return err;
	pack_bytes(&s->filter, s->where->filter, strlen(s->where->filter) + 1);
	pack_bytes(&s->cookie, cookie->bytes, cookie->len_b);
	return s->filter.err != AK_OK ? s->filter.err : s->cookie.err;
}

void
engine_search_clear(struct engine_search *s)
{
	pack_clear(&s->filter);
	pack_clear(&s->cookie);
	pack_clear(&s->next_cookie);
}

bool
engine_search_is_made(const struct engine_search *s)
{
	return s->where->base[0] != '\0';
}

enum ak_err
engine_search_set_names(struct engine_search *s, struct strv names)
{
	if (!engine_search_is_made(s))
		return AK_OK;
	s->names = wire_names(names);
	pack_clear(&s->filter);
	return ldapplan_name_filter(s->where->filter, names, &s->filter);
}

void
engine_search_drop_cookie(struct engine_search *s)
{
	pack_clear(&s->cookie);
}

const char *
engine_search_words(const struct engine_search *s)
{
	switch (s->id) {
	case DIRECTORY_KEYS:
		return "the search for keys";
	case DIRECTORY_GROUPS:
		return "the search for groups";
	case DIRECTORY_PRINCIPALS:
		break;
	}
	return "the search for principals";
}

/* --- its course ----------------------------------------------------------------------------- */

void
engine_search_stop(struct engine_search *s, LDAP *ld)
{
	if (s->msgid != 0 && ld != NULL)
		(void)ldap_abandon_ext(ld, s->msgid, NULL, NULL);
	s->msgid = 0;
	s->whole = false;
	pack_clear(&s->next_cookie);
}

enum ak_err
engine_search_begin(struct engine_search *s, struct engine_conn *c, struct diag *why)
{
	engine_search_stop(s, c->ld);
	wire_put_begin(&c->link->out, s->id, s->names);
	if (s->filter.bytes[0] == '\0')
		return engine_search_end(s, c, true);
	return c->polled ? engine_poll_send(s, c, why) : engine_sync_send(s, c, why);
}

enum ak_err
engine_search_send(
    struct engine_search *s, struct engine_conn *c, LDAPControl *control, struct diag *why)
{
	LDAPControl *controls[] = {control, NULL};
	int rc = ldap_search_ext(c->ld, s->where->base, LDAP_SCOPE_SUBTREE,
	    (const char *)s->filter.bytes, s->plan.wanted, 0, controls, NULL, NULL,
	    LDAP_NO_LIMIT, &s->msgid);

	if (rc == LDAP_SUCCESS)
		return AK_OK;
	s->msgid = 0;
	(void)ldapconn_fail(c->ld, rc, engine_search_words(s), why);
	return AK_ERR_UNAVAILABLE;
}

enum ak_err
engine_search_end(struct engine_search *s, struct engine_conn *c, bool drop_unnamed)
{
	wire_put_end(&c->link->out, &(struct wire_end){.search = s->id,
					.drop_unnamed = drop_unnamed,
					.cookie = s->next_cookie.bytes,
					.cookie_len_b = s->next_cookie.len_b});
	pack_clear(&s->cookie);
	s->cookie = s->next_cookie;
	s->next_cookie = PACK_INIT;
	s->whole = true;
	return s->cookie.err;
}

enum ak_err
engine_search_take(
    struct engine_search *s, struct engine_conn *c, LDAPMessage *message, struct diag *why)
{
	return c->polled ? engine_poll_take(s, c, message, why)
			 : engine_sync_take(s, c, message, why);
}

/* --- entries -------------------------------------------------------------------------------- */

/* A PONG that was not asked for would be out of order; what was told may be told again. */
static enum ak_err
show_life(struct engine_conn *c)
{
	wire_put_state(&c->link->out,
	    &(struct wire_state){
		.phase = c->told.phase, .uri = c->told.uri, .problem = c->told.problem});
	return engine_link_flush(c->link);
}

/* The entry once more, alone. AK_OK: it is in the answer, which is the caller's to free in any case. */
static enum ak_err
ask_again(struct engine_search *s, struct engine_conn *c, const struct ldapentry *e,
    char **wanted, LDAPMessage **answer, struct diag *why)
{
	struct timeval limit = {.tv_sec = c->timeout_s};
	int rc = ldap_search_ext_s(c->ld, e->dn, LDAP_SCOPE_BASE, "(objectClass=*)", wanted, 0,
	    NULL, NULL, &limit, LDAP_NO_LIMIT, answer);

	if (rc != LDAP_SUCCESS)
		(void)ldapconn_fail(c->ld, rc, engine_search_words(s), why);
	return rc == LDAP_SUCCESS && ldap_first_entry(c->ld, *answer) != NULL ? AK_OK
									      : AK_ERR_CORRUPT;
}

/* The next part of a long list. */
static enum ak_err
fetch_more(struct engine_search *s, struct engine_conn *c, struct ldapentry *e, struct diag *why)
{
	char range[128], usn[] = LDAPPLAN_USN_CHANGED, *wanted[] = {range, usn, NULL};
	struct text t = text_over(range, sizeof(range));
	LDAPMessage *answer = NULL;
	enum ak_err err;

	text_add(&t, "%s;range=%lu-*", e->more_of, e->more_from);
	if ((err = ask_again(s, c, e, wanted, &answer, why)) == AK_OK)
		err = ldapentry_read_more(e, c->ld, ldap_first_entry(c->ld, answer));
	ldap_msgfree(answer);
	return err;
}

/* The entry from its beginning. */
static enum ak_err
fetch_anew(struct engine_search *s, struct engine_conn *c, struct ldapentry *e, struct diag *why)
{
	LDAPMessage *answer = NULL;
	enum ak_err err;

	if ((err = ask_again(s, c, e, s->plan.wanted, &answer, why)) == AK_OK) {
		ldapentry_clear(e);
		err = ldapentry_read(e, &s->plan, c->ld, ldap_first_entry(c->ld, answer));
	}
	ldap_msgfree(answer);
	return err;
}

static size_t
size_of(const struct ldapentry *e)
{
	size_t sum_b = 0;

	for (unsigned i = 1; i < SLOT_COUNT; i++)
		sum_b += e->values[i].len_b;
	return sum_b;
}

/*
 * A member that goes while the parts are read moves another one out of them.
 * What is too large already is read no further: the caller leaves it out,
 * whatever more there is. Each part shows life, so they have one deadline.
 */
static enum ak_err
read_whole(struct engine_search *s, struct engine_conn *c, LDAPMessage *message,
    struct ldapentry *e, struct diag *why)
{
	enum ak_err err = ldapentry_read(e, &s->plan, c->ld, message);
	int64_t until = engine_now_ms() + (int64_t)c->timeout_s * 1000 * PARTS_TIMEOUTS;
	int reads = 1;

	for (int i = 0; err == AK_OK && size_of(e) <= VALUES_MAX_B &&
			(e->moved_on || e->more_of[0] != '\0');
	     i++) {
		if (engine_now_ms() >= until)
			return diag_because(why, AK_ERR_CORRUPT,
			    "%s: the parts of a list take too long: %.300s",
			    engine_search_words(s), e->dn);
		if (i == PARTS_MAX || reads > READS_MAX)
			return diag_because(why, AK_ERR_CORRUPT,
			    "%s: a list has no end, or changes while it is read: %.300s",
			    engine_search_words(s), e->dn);
		if (e->moved_on)
			reads++;
		err = e->moved_on ? fetch_anew(s, c, e, why) : fetch_more(s, c, e, why);
		if (err == AK_OK)
			err = show_life(c);
	}
	return err;
}

/* An entry that can't be passed on is as good as gone: what was known of it must not stay. */
static void
leave_out(struct engine_search *s, struct engine_conn *c, const struct ldapentry *e,
    const unsigned char *uuid, const char *because)
{
	(void)diag_because(&c->problem, AK_ERR_INVALID, "%s: an entry is left out: %s%s%.300s",
	    engine_search_words(s), because, e->dn[0] != '\0' ? ": " : "", e->dn);
	if (uuid != NULL)
		wire_put_uuids(&c->link->out, WIRE_GONE, s->id, uuid, 1);
}

enum ak_err
engine_search_put(struct engine_search *s, struct engine_conn *c, LDAPMessage *message,
    const unsigned char *uuid, struct diag *why)
{
	struct ldapentry e = {.plan = &s->plan};
	struct directory_entry out;
	enum ak_err err = read_whole(s, c, message, &e, why);

	if (err == AK_OK && uuid != NULL) {
		memcpy(e.uuid, uuid, sizeof(e.uuid));
		e.has_uuid = true;
	}
	if (err == AK_ERR_INVALID) {
		leave_out(s, c, &e, uuid, "its name is too long, or none");
		err = AK_OK;
	} else if (err == AK_OK && (err = ldapentry_finish(&e, &out)) == AK_OK) {
		if (e.problem.text[0] != '\0')
			(void)diag_because(&c->problem, AK_ERR_INVALID, "%s", e.problem.text);
		if (e.unusable)
			leave_out(s, c, &e, out.uuid, "a value of it is left out");
		else if (size_of(&e) > VALUES_MAX_B)
			leave_out(s, c, &e, out.uuid, "it is too large");
		else
			wire_put_entry(&c->link->out, &out);
	}
	ldapentry_clear(&e);
	if (err != AK_OK)
		(void)diag_because(
		    why, err, "%s: an entry can't be read", engine_search_words(s));
	return err;
}
