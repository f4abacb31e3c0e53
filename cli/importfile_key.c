#include <string.h>

#include "cli.h"
#include "importfile_impl.h"
#include "keyopts.h"
#include "keys.h"
#include "net.h"
#include "role.h"

/* What a list's entries are checked for, and where they go. */
struct taking {
	const char *what;
	enum ak_err (*check)(const char *text, struct diag *why);
	struct pack *into;
};

static enum ak_err
take_entry(void *ctx, const char *text, struct diag *why)
{
	const struct taking *t = ctx;
	enum ak_err err = t->check(text, why);

	if (err == AK_OK && strv_has(pack_borrow_strv(t->into), text))
		return diag_because(
		    why, AK_ERR_INVALID, "`%s' has `%.80s' twice", t->what, cli_shown(text));
	pack_entry(t->into, text);
	return err == AK_OK ? t->into->err : err;
}

static struct strv
take_list(struct jsonin *in, const char *name,
    enum ak_err (*check)(const char *text, struct diag *why), struct pack *into)
{
	struct taking t = {.what = name, .check = check, .into = into};

	jsonin_texts(in, name, KEYOPTS_LIST_MAX, take_entry, &t);
	return pack_borrow_strv(into);
}

static enum ak_err
check_binding(const char *text, struct diag *why)
{
	struct binding b;

	return binding_parse(text, &b, why);
}

static enum ak_err
check_network(const char *text, struct diag *why)
{
	struct net_block b;

	if (net_parse_block(text, &b) == AK_OK)
		return AK_OK;
	return diag_because(why, AK_ERR_INVALID,
	    "`%.80s' is no network: write 10.0.0.0/8 or 2001:db8::/32, without host bits",
	    cli_shown(text));
}

/* A text that has to pass a check of the options'. */
static const char *
take_text(struct jsonin *in, const char *name,
    enum ak_err (*check)(const char *what, const char *value, struct diag *why))
{
	const char *text = jsonin_text(in, name);

	if (in->err == AK_OK)
		in->err = check(name, text, in->why);
	return in->err == AK_OK ? text : "";
}

static void
take_name(struct jsonin *in, char name[KEY_NAME_MAX + 1])
{
	const char *text = jsonin_text(in, "name");

	if (in->err == AK_OK)
		in->err = keyopts_check_name(text, in->why);
	if (in->err == AK_OK)
		in->err = text_copy(name, KEY_NAME_MAX + 1, text);
}

static const char *
take_id(struct jsonin *in)
{
	const char *id = jsonin_text(in, "id");

	if (in->err == AK_OK && !keys_is_id(id))
		jsonin_fail(in, "`%.80s' is no id of a key", cli_shown(id));
	return id;
}

/* What no file of keys can hold (record.h). */
static uint32_t
take_number(struct jsonin *in, const char *name)
{
	uint32_t number = (uint32_t)jsonin_number(in, name, 0, UINT32_MAX);

	if (in->err == AK_OK && id_is_reserved(number))
		jsonin_fail(in, "`%s' is %u, which no key or group may have: see apikey.yaml(5)",
		    name, number);
	return number;
}

static enum key_state
take_state(struct jsonin *in)
{
	const char *state = jsonin_text(in, "state");

	if (strcmp(state, "disabled") == 0)
		return KEY_DISABLED;
	if (in->err == AK_OK && strcmp(state, "active") != 0)
		jsonin_fail(in, "`state' is active or disabled, not `%.40s'", cli_shown(state));
	return KEY_ACTIVE;
}

static void
take_secret(void *ctx, struct jsonin *in)
{
	struct key_record *k = ctx;
	struct key_secret *s = &k->secrets[k->n_secrets];
	const struct key_secret *newer = k->n_secrets == 0 ? NULL : s - 1;
	struct verifier v;
	const char *text;

	s->number = (uint32_t)jsonin_number(in, "number", 1, UINT32_MAX);
	s->created_at = jsonin_time(in, "created_at");
	s->not_after = jsonin_time_or_null(in, "not_after", NUM_NEVER);
	text = jsonin_text(in, "verifier");
	if (in->err == AK_OK && token_parse_verifier(text, &v) != AK_OK)
		jsonin_fail(in, "`verifier' is none: write apikey-verifier-1:ID:SALT:DIGEST");
	else if (in->err == AK_OK && strcmp(v.id, k->id) != 0)
		jsonin_fail(in, "the verifier is the key %s's, and not this one's", v.id);
	else if (in->err == AK_OK && newer != NULL && s->number >= newer->number)
		jsonin_fail(in, "the newest secret, of the highest number, comes first");
	else if (in->err == AK_OK && newer != NULL &&
		 memcmp(v.digest, newer->digest, sizeof(v.digest)) == 0 &&
		 memcmp(v.salt, newer->salt, sizeof(v.salt)) == 0)
		jsonin_fail(in, "both secrets are the same");
	if (in->err != AK_OK)
		return;
	memcpy(s->salt, v.salt, sizeof(s->salt));
	memcpy(s->digest, v.digest, sizeof(s->digest));
	k->n_secrets++;
	explicit_bzero(&v, sizeof(v));
}

static void
take_times(struct jsonin *in, struct key_record *k)
{
	k->not_before = jsonin_time_or_null(in, "not_before", 0);
	k->expires_at = jsonin_time_or_null(in, "expires_at", NUM_NEVER);
	k->created_at = jsonin_time(in, "created_at");
	if (in->err == AK_OK && k->not_before >= k->expires_at)
		jsonin_fail(in, "%s would expire before it is valid", k->name);
}

/* A record that has passed is one that can be stored, and read again. */
static void
store(struct jsonin *in, struct importline *out, const struct key_record *k)
{
	if (in->err != AK_OK)
		return;
	key_record_pack(k, &out->bytes);
	if ((in->err = out->bytes.err) == AK_OK &&
	    key_record_unpack(out->bytes.bytes, out->bytes.len_b, &out->key) != AK_OK)
		jsonin_fail(in, "is no key that can be stored");
}

void
importfile_take_key(struct jsonin *in, struct importline *out)
{
	struct pack roles = PACK_INIT, groups = PACK_INIT, from = PACK_INIT;
	struct key_record k = KEY_RECORD_INIT;

	take_name(in, k.name);
	(void)!text_copy(k.id, sizeof(k.id), take_id(in));
	k.uid = take_number(in, "uid");
	k.state = take_state(in);
	k.description = take_text(in, "description", keyopts_check_text);
	k.owner = take_text(in, "owner", keyopts_check_text);
	k.created_by = take_text(in, "created_by", keyopts_check_text);
	k.home = take_text(in, "home", keyopts_check_path);
	k.shell = take_text(in, "shell", keyopts_check_path);
	k.bindings = take_list(in, "roles", check_binding, &roles);
	k.groups = take_list(in, "groups", keyopts_check_group, &groups);
	k.from = take_list(in, "from", check_network, &from);
	take_times(in, &k);
	jsonin_objects(in, "secrets", KEY_SECRETS_MAX, take_secret, &k);
	jsonin_end(in);
	store(in, out, &k);
	key_record_clear(&k);
	pack_clear(&roles);
	pack_clear(&groups);
	pack_clear(&from);
}

/* Its id may be one that no key has: where it was lost, zeros stand in its place. */
static const char *
take_spent_id(struct jsonin *in)
{
	const char *id = jsonin_text(in, "id");

	if (in->err == AK_OK && !keys_is_id(id) && strcmp(id, "0000000000") != 0)
		jsonin_fail(in, "`%.80s' is no id of a key", cli_shown(id));
	return id;
}

void
importfile_take_spent(struct jsonin *in, struct importline *out)
{
	char name[KEY_NAME_MAX + 1] = "";
	struct spent_uid s = {.uid = take_number(in, "spent_uid"), .name = name};

	take_name(in, name);
	s.id = take_spent_id(in);
	s.deleted_at = jsonin_time(in, "deleted_at");
	jsonin_end(in);
	if (in->err != AK_OK)
		return;
	spent_uid_pack(&s, &out->bytes);
	if ((in->err = out->bytes.err) == AK_OK &&
	    spent_uid_unpack(out->bytes.bytes, out->bytes.len_b, &out->spent) != AK_OK)
		jsonin_fail(in, "is no spent uid that can be stored");
}

void
importfile_take_role_group(struct jsonin *in, struct importline *out)
{
	struct role_gid g = {.group = jsonin_text(in, "role_group")};

	g.gid = take_number(in, "gid");
	jsonin_end(in);
	if (in->err == AK_OK && !text_is_group_name(g.group))
		jsonin_fail(in, "`%.80s' is no name of a Unix group", cli_shown(g.group));
	if (in->err != AK_OK)
		return;
	role_gid_pack(&g, &out->bytes);
	if ((in->err = out->bytes.err) == AK_OK &&
	    role_gid_unpack(out->bytes.bytes, out->bytes.len_b, &out->role_group) != AK_OK)
		jsonin_fail(in, "is no group that can be stored");
}
