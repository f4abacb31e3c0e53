#include "dirtext.h"

#include <string.h>

#include "net.h"
#include "num.h"
#include "role.h"
#include "token.h"

#define LIST_MAX 256U /* bindings, groups, networks, each: as for a local key */
#define TEXT_MAX_B 255U

static enum ak_err
refuse(struct diag *why, enum directory_slot slot, const char *value)
{
	/* A verifier is nobody's business. */
	if (slot == SLOT_KEY_VERIFIER)
		return diag_because(
		    why, AK_ERR_INVALID, "%s is malformed", dirtext_attribute(slot));
	return diag_because(why, AK_ERR_INVALID, "%s: `%.80s' can't be used",
	    dirtext_attribute(slot), text_is_line(value, 1024) ? value : "(not a line of text)");
}

/* The one value of a slot; "" where there is none. Two are refused: which of them would count? */
static enum ak_err
one(const struct directory_entry *e, enum directory_slot slot, bool needed, const char **out,
    struct diag *why)
{
	size_t n = strv_count(e->values[slot]);

	*out = "";
	if (n > 1)
		return diag_because(why, AK_ERR_INVALID, "%s has %zu values: there can be one",
		    dirtext_attribute(slot), n);
	if (n == 0 && needed)
		return diag_because(
		    why, AK_ERR_INVALID, "%s is missing", dirtext_attribute(slot));
	if (n == 1)
		*out = strv_next(e->values[slot], NULL);
	return AK_OK;
}

static enum ak_err
take_identity(const struct directory_entry *e, struct key_record *k, struct diag *why)
{
	const char *name, *id, *uid;
	uint64_t number;
	enum ak_err err;

	if ((err = one(e, SLOT_NAME, true, &name, why)) != AK_OK ||
	    (err = one(e, SLOT_KEY_ID, true, &id, why)) != AK_OK ||
	    (err = one(e, SLOT_KEY_UID, true, &uid, why)) != AK_OK)
		return err;
	if (!text_is_key_name(name) || text_copy(k->name, sizeof(k->name), name) != AK_OK)
		return refuse(why, SLOT_NAME, name);
	if (!token_is_id(id) || text_copy(k->id, sizeof(k->id), id) != AK_OK)
		return refuse(why, SLOT_KEY_ID, id);
	if (num_parse(uid, 1, UINT32_MAX, &number) != AK_OK || id_is_reserved((uint32_t)number))
		return refuse(why, SLOT_KEY_UID, uid);
	k->uid = (uint32_t)number;
	return AK_OK;
}

/* Newest first, each number once, each for this key's id. */
static enum ak_err
take_secrets(const struct directory_entry *e, struct key_record *k, struct diag *why)
{
	struct key_secret s, swap;
	char id[KEY_ID_LEN + 1];

	strv_for (e->values[SLOT_KEY_VERIFIER], text) {
		if (k->n_secrets == KEY_SECRETS_MAX)
			return diag_because(why, AK_ERR_INVALID, "%s has more than %d values",
			    dirtext_attribute(SLOT_KEY_VERIFIER), KEY_SECRETS_MAX);
		if (dirtext_parse_secret(text, id, &s) != AK_OK || strcmp(id, k->id) != 0)
			return refuse(why, SLOT_KEY_VERIFIER, "");
		k->secrets[k->n_secrets++] = s;
		explicit_bzero(&s, sizeof(s));
	}
	if (k->n_secrets == 2 && k->secrets[0].number == k->secrets[1].number)
		return refuse(why, SLOT_KEY_VERIFIER, "");
	if (k->n_secrets == 2 && k->secrets[0].number < k->secrets[1].number) {
		swap = k->secrets[0];
		k->secrets[0] = k->secrets[1];
		k->secrets[1] = swap;
		explicit_bzero(&swap, sizeof(swap));
	}
	return AK_OK;
}

static enum ak_err
take_time(
    const struct directory_entry *e, enum directory_slot slot, int64_t *out, struct diag *why)
{
	const char *text;
	enum ak_err err = one(e, slot, false, &text, why);

	if (err != AK_OK || text[0] == '\0')
		return err;
	return dirtext_parse_time(text, out) == AK_OK ? AK_OK : refuse(why, slot, text);
}

static enum ak_err
take_state(const struct directory_entry *e, struct key_record *k, struct diag *why)
{
	const char *state;
	enum ak_err err = one(e, SLOT_KEY_STATE, false, &state, why);

	if (err != AK_OK)
		return err;
	if (state[0] == '\0' || strcmp(state, "active") == 0)
		k->state = KEY_ACTIVE;
	else if (strcmp(state, "disabled") == 0)
		k->state = KEY_DISABLED;
	else
		return refuse(why, SLOT_KEY_STATE, state);
	return AK_OK;
}

static enum ak_err
take_text(const struct directory_entry *e, enum directory_slot slot, const char **out,
    struct diag *why)
{
	enum ak_err err = one(e, slot, false, out, why);

	if (err == AK_OK && **out != '\0' && !text_is_line(*out, TEXT_MAX_B))
		err = refuse(why, slot, *out);
	return err;
}

static bool
is_binding(const char *s)
{
	struct binding b;

	return binding_parse(s, &b, NULL) == AK_OK;
}

static bool
is_group(const char *s)
{
	return text_is_line(s, IDP_GROUP_MAX_B);
}

static bool
is_network(const char *s)
{
	struct net_block b;

	return net_parse_block(s, &b) == AK_OK;
}

static enum ak_err
take_list(const struct directory_entry *e, enum directory_slot slot,
    bool (*valid)(const char *), struct strv *out, struct diag *why)
{
	if (strv_count(e->values[slot]) > LIST_MAX)
		return diag_because(why, AK_ERR_INVALID, "%s has more than %u values",
		    dirtext_attribute(slot), LIST_MAX);
	strv_for (e->values[slot], value) {
		if (!valid(value))
			return refuse(why, slot, value);
	}
	*out = e->values[slot];
	return AK_OK;
}

static enum ak_err
take_all(const struct directory_entry *e, struct key_record *k, struct diag *why)
{
	enum ak_err err;

	if ((err = take_identity(e, k, why)) != AK_OK ||
	    (err = take_secrets(e, k, why)) != AK_OK || (err = take_state(e, k, why)) != AK_OK ||
	    (err = take_time(e, SLOT_KEY_NOT_BEFORE, &k->not_before, why)) != AK_OK ||
	    (err = take_time(e, SLOT_KEY_EXPIRES, &k->expires_at, why)) != AK_OK ||
	    (err = take_time(e, SLOT_KEY_CREATED_AT, &k->created_at, why)) != AK_OK ||
	    (err = take_text(e, SLOT_KEY_CREATED_BY, &k->created_by, why)) != AK_OK ||
	    (err = take_text(e, SLOT_KEY_DESCRIPTION, &k->description, why)) != AK_OK ||
	    (err = take_text(e, SLOT_KEY_OWNER, &k->owner, why)) != AK_OK ||
	    (err = take_list(e, SLOT_BINDING, is_binding, &k->bindings, why)) != AK_OK ||
	    (err = take_list(e, SLOT_KEY_GROUP, is_group, &k->groups, why)) != AK_OK)
		return err;
	/* A network that can't be read must not become "from anywhere". */
	return take_list(e, SLOT_KEY_FROM, is_network, &k->from, why);
}

enum ak_err
dirtext_key_of_entry(const struct directory_entry *e, struct key_record *out, struct diag *why)
{
	enum ak_err err;

	*out = KEY_RECORD_INIT;
	if ((err = take_all(e, out, why)) != AK_OK)
		key_record_clear(out);
	return err;
}

static void
put_text(struct pack *out, const char *s)
{
	if (s[0] != '\0')
		pack_entry(out, s);
}

static void
put_time(struct pack *out, int64_t t)
{
	char buf[DIRTEXT_TIME_CAP];

	if (t > 0 && t != NUM_NEVER)
		pack_entry(out, dirtext_print_time(t, buf));
}

static void
put_number(struct pack *out, uint32_t n)
{
	char buf[16];
	struct text t = text_over(buf, sizeof(buf));

	text_add(&t, "%u", n);
	pack_entry(out, buf);
}

static void
put_secrets(struct pack *out, const struct key_record *k)
{
	char buf[DIRTEXT_SECRET_CAP];

	for (unsigned i = 0; i < k->n_secrets && i < KEY_SECRETS_MAX; i++)
		pack_entry(out, dirtext_print_secret(&k->secrets[i], k->id, buf));
	explicit_bzero(buf, sizeof(buf));
}

static void
put_list(struct pack *out, struct strv list)
{
	strv_for (list, entry) {
		pack_entry(out, entry);
	}
}

void
dirtext_values_of_key(const struct key_record *k, enum directory_slot slot, struct pack *out)
{
	switch (slot) {
	case SLOT_NAME:
		put_text(out, k->name);
		break;
	case SLOT_KEY_ID:
		put_text(out, k->id);
		break;
	case SLOT_KEY_UID:
		put_number(out, k->uid);
		break;
	case SLOT_KEY_VERIFIER:
		put_secrets(out, k);
		break;
	case SLOT_KEY_STATE:
		put_text(out, k->state == KEY_ACTIVE ? "active" : "disabled");
		break;
	case SLOT_KEY_NOT_BEFORE:
		put_time(out, k->not_before);
		break;
	case SLOT_KEY_EXPIRES:
		put_time(out, k->expires_at);
		break;
	case SLOT_KEY_CREATED_AT:
		put_time(out, k->created_at);
		break;
	case SLOT_KEY_CREATED_BY:
		put_text(out, k->created_by);
		break;
	case SLOT_KEY_DESCRIPTION:
		put_text(out, k->description);
		break;
	case SLOT_KEY_OWNER:
		put_text(out, k->owner);
		break;
	case SLOT_KEY_GROUP:
		put_list(out, k->groups);
		break;
	case SLOT_KEY_FROM:
		put_list(out, k->from);
		break;
	case SLOT_BINDING:
		put_list(out, k->bindings);
		break;
	case SLOT_MEMBER_DN:
	case SLOT_MEMBER_NAME:
	case SLOT_COUNT:
		break;
	}
}
