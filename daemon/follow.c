#include "follow.h"

#include <string.h>

#include "hash.h"
#include "pack.h"

#define MARK_B 8U
#define MARK_VERSION 2U

void
follow_init(struct follow *f, struct model *m)
{
	*f = (struct follow){.model = m, .state = {.phase = WIRE_IDLE}};
	f->state.uri = f->uri;
	f->state.problem = f->problem;
}

/* What a search asks for, as a number. Out of memory: one that no cookie has. */
static uint64_t
mark_of(const struct directory_settings *d, const struct directory_search *s, bool groups)
{
	struct pack p = PACK_INIT;
	uint64_t mark;

	pack_u8(&p, MARK_VERSION);
	pack_str(&p, s->base);
	pack_str(&p, s->filter);
	/* Who else is asked, or asks, sees other entries. */
	pack_strv(&p, d->uris);
	pack_str(&p, d->bind_dn);
	pack_u8(&p, (uint8_t)d->sasl);
	if (groups) {
		pack_str(&p, d->group_name);
		pack_strv(&p, d->members);
		pack_str(&p, d->role_attribute);
	}
	mark = p.err == AK_OK ? hash_sip(0, p.bytes, p.len_b) : 0;
	pack_clear(&p);
	return mark;
}

void
follow_configure(struct follow *f, const struct directory_settings *d)
{
	const struct directory_search *searches[] = {
	    [DIRECTORY_KEYS] = &d->keys,
	    [DIRECTORY_GROUPS] = &d->groups,
	    [DIRECTORY_PRINCIPALS] = &d->principal,
	};

	f->configured = 0;
	for (unsigned s = DIRECTORY_KEYS; s <= DIRECTORY_PRINCIPALS; s++) {
		f->marks[s] = mark_of(d, searches[s], s == DIRECTORY_GROUPS);
		if (d->present && searches[s]->base[0] != '\0')
			f->configured |= FOLLOW_BIT(s);
		else
			model_forget(f->model, s);
	}
	f->whole &= f->configured;
}

void
follow_set_names(struct follow *f, struct strv names)
{
	uint64_t now = wire_names(names);

	if (now != f->names)
		f->whole &= ~FOLLOW_BIT(DIRECTORY_PRINCIPALS);
	f->names = now;
}

void
follow_trust(struct follow *f, unsigned searches)
{
	f->whole |= f->configured & searches & ~FOLLOW_BIT(DIRECTORY_PRINCIPALS);
}

bool
follow_is_whole(const struct follow *f)
{
	return (f->configured & ~f->whole) == 0;
}

/* The principals are few, and depend on which keys this host has: always fetched anew. */
struct wire_blob
follow_cookie(const struct follow *f, enum directory_search_id search)
{
	struct wire_blob none = {.bytes = NULL};
	size_t len_b;
	const unsigned char *bytes = model_borrow_cookie(f->model, search, &len_b);

	if (search == DIRECTORY_PRINCIPALS || len_b <= MARK_B || f->marks[search] == 0 ||
	    le64_load(bytes) != f->marks[search])
		return none;
	return (struct wire_blob){.bytes = bytes + MARK_B, .len_b = len_b - MARK_B};
}

void
follow_restart(struct follow *f)
{
	model_abort(f->model);
	f->begun = f->ended = 0;
	f->pongs = 0;
	f->state.phase = WIRE_IDLE;
	f->uri[0] = f->problem[0] = '\0';
	follow_forget_sync(f);
}

void
follow_await_sync(struct follow *f, uint32_t pings)
{
	f->syncing = true;
	f->sync_open = false;
	f->sync_pong = pings;
	f->sync_begun = f->sync_ended = 0;
}

void
follow_forget_sync(struct follow *f)
{
	f->syncing = f->sync_open = false;
}

static enum ak_err
out_of_order(struct diag *why, const char *what)
{
	return diag_because(why, AK_ERR_CORRUPT, "it sent %s out of order", what);
}

static bool
is_made(const struct follow *f, enum directory_search_id search)
{
	return (f->configured & FOLLOW_BIT(search)) != 0;
}

/* The mark, then the cookie: into the model by set. */
static enum ak_err
with_mark(const struct follow *f, enum directory_search_id search, const unsigned char *cookie,
    size_t len_b, struct pack *out)
{
	unsigned char mark[MARK_B];

	if (len_b == 0)
		return AK_OK;
	le64_store(mark, f->marks[search]);
	pack_bytes(out, mark, sizeof(mark));
	pack_bytes(out, cookie, len_b);
	return out->err;
}

static enum ak_err
take_begin(struct follow *f, const struct wire_message *m, struct diag *why)
{
	enum ak_err err;

	if (!is_made(f, m->search))
		return out_of_order(why, "BEGIN");
	/* One that begins again gave up what it had. */
	if ((err = model_begin(f->model, m->search)) != AK_OK)
		return err;
	f->begun |= FOLLOW_BIT(m->search);
	if (m->search == DIRECTORY_PRINCIPALS)
		f->begun_names = m->begun_names;
	if (f->sync_open) {
		f->sync_begun |= FOLLOW_BIT(m->search);
		f->sync_ended &= ~FOLLOW_BIT(m->search);
	}
	return AK_OK;
}

static enum ak_err
take_end(struct follow *f, const struct wire_end *e, struct follow_news *news, struct diag *why)
{
	unsigned bit = FOLLOW_BIT(e->search);
	struct pack cookie = PACK_INIT;
	enum ak_err err;

	if ((f->begun & bit) == 0)
		return out_of_order(why, "END");
	err = with_mark(f, e->search, e->cookie, e->cookie_len_b, &cookie);
	if (err == AK_OK)
		err =
		    model_end(f->model, e->search, e->drop_unnamed, cookie.bytes, cookie.len_b);
	pack_clear(&cookie);
	if (err != AK_OK)
		return err;
	f->begun &= ~bit;
	f->ended |= bit;
	if (e->search != DIRECTORY_PRINCIPALS || f->begun_names == f->names)
		f->whole |= bit;
	f->sync_ended |= f->sync_begun & bit;
	news->lacks = model_lacks(f->model, e->search);
	return AK_OK;
}

bool
follow_loses(const struct follow *f, const struct directory_settings *d)
{
	const struct directory_search *searches[] = {
	    [DIRECTORY_KEYS] = &d->keys,
	    [DIRECTORY_GROUPS] = &d->groups,
	    [DIRECTORY_PRINCIPALS] = &d->principal,
	};

	for (unsigned s = DIRECTORY_KEYS; s <= DIRECTORY_PRINCIPALS; s++)
		if (is_made(f, s) && (!d->present || searches[s]->base[0] == '\0'))
			return true;
	return false;
}

static enum ak_err
take_cookie(struct follow *f, const struct wire_message *m, struct diag *why)
{
	struct pack cookie = PACK_INIT;
	enum ak_err err;

	/* Within a refresh it is END's; before the first one it belongs to nothing. */
	if ((f->ended & FOLLOW_BIT(m->search)) == 0 || (f->begun & FOLLOW_BIT(m->search)) != 0)
		return out_of_order(why, "COOKIE");
	err = with_mark(f, m->search, m->cookie, m->cookie_len_b, &cookie);
	if (err == AK_OK)
		err = model_set_cookie(f->model, m->search, cookie.bytes, cookie.len_b);
	pack_clear(&cookie);
	return err;
}

static enum ak_err
take_uuids(struct follow *f, const struct wire_message *m, struct diag *why)
{
	unsigned bit = FOLLOW_BIT(m->search);

	if (m->type == WIRE_PRESENT)
		return (f->begun & bit) == 0
			   ? out_of_order(why, "PRESENT")
			   : model_present(f->model, m->search, m->uuids, m->n_uuids);
	if (((f->begun | f->ended) & bit) == 0)
		return out_of_order(why, "GONE");
	return model_gone(f->model, m->search, m->uuids, m->n_uuids);
}

/* An entry: gathered within a refresh, else only behind one. */
static enum ak_err
take_put(struct follow *f, const struct directory_entry *e, struct diag *why)
{
	if (((f->begun | f->ended) & FOLLOW_BIT(e->search)) == 0)
		return out_of_order(why, "PUT");
	return model_put(f->model, e);
}

/* It is shown to people and written to logs: one line, of bounded length. */
static void
keep_text(char *dst, size_t cap, const char *src)
{
	struct diag d = DIAG_INIT;
	struct text t = text_over(dst, cap);

	(void)diag_because(&d, AK_OK, "%s", src);
	text_add(&t, "%.*s", (int)cap - 1, d.text);
}

static void
take_state(struct follow *f, const struct wire_state *s, struct follow_news *news)
{
	f->state.phase = s->phase;
	keep_text(f->uri, sizeof(f->uri), s->uri);
	keep_text(f->problem, sizeof(f->problem), s->problem);
	news->state = true;
	if (s->phase != WIRE_IDLE)
		return;
	/* The connection is gone, and with it what it had not finished. */
	model_abort(f->model);
	f->begun = 0;
	news->sync_failed = f->sync_open && f->problem[0] != '\0';
}

static void
take_contact(struct follow *f, struct follow_news *news)
{
	if ((f->configured & ~f->ended) != 0)
		return;
	news->contact = true;
	news->synced = f->sync_open && (f->configured & ~f->sync_ended) == 0;
}

static bool
is_gathered(const struct follow *f, enum directory_search_id search)
{
	return (f->begun & FOLLOW_BIT(search)) != 0;
}

enum ak_err
follow_take(
    struct follow *f, const struct wire_message *m, struct follow_news *news, struct diag *why)
{
	enum ak_err err = AK_OK;

	*news = (struct follow_news){.changed = false};
	switch (m->type) {
	case WIRE_PONG:
		f->pongs++;
		if (f->syncing && f->pongs >= f->sync_pong)
			f->sync_open = true;
		break;
	case WIRE_STATE:
		take_state(f, &m->state, news);
		break;
	case WIRE_BEGIN:
		err = take_begin(f, m, why);
		break;
	case WIRE_PUT:
		news->changed = !is_gathered(f, m->entry.search);
		err = take_put(f, &m->entry, why);
		break;
	case WIRE_PRESENT:
	case WIRE_GONE:
		news->changed = !is_gathered(f, m->search);
		err = take_uuids(f, m, why);
		break;
	case WIRE_COOKIE: /* of no use but at the next start */
		err = take_cookie(f, m, why);
		break;
	case WIRE_END:
		news->changed = true;
		err = take_end(f, &m->end, news, why);
		break;
	case WIRE_CONTACT:
		take_contact(f, news);
		break;
	default:
		err = out_of_order(why, "a message");
		break;
	}
	return err;
}
