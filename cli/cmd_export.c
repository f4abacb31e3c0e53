#include <string.h>

#include "exported.h"
#include "keys.h"
#include "out.h"
#include "token.h"
#include "verbs.h"

static enum ak_err
end_line(const struct cli *c, struct out_json **j)
{
	enum ak_err err = out_json_print(j, OUT_ONE_LINE, c->out);

	(void)fputc('\n', c->out);
	return err;
}

static enum ak_err
print_first(const struct cli *c, const struct keys *keys)
{
	struct out_json *j = out_json_new();
	struct local_extra extra = {.uid_high = 0};

	if (!keys->none)
		local_extra_unpack(keys->ring.local.head.extra, &extra);
	out_object(j, NULL);
	out_text(j, "format", EXPORTED_FORMAT);
	out_number(j, "version", EXPORTED_VERSION);
	out_number(j, "uid_high", extra.uid_high);
	out_number(j, "gid_high", extra.gid_high);
	return end_line(c, &j);
}

static enum ak_err
print_last(const struct cli *c)
{
	struct out_json *j = out_json_new();

	out_object(j, NULL);
	out_bool(j, "end", true);
	return end_line(c, &j);
}

static void
add_secrets(struct out_json *j, const struct key_record *k)
{
	char text[VERIFIER_CAP];
	struct verifier v;

	out_list(j, "secrets");
	for (unsigned i = 0; i < k->n_secrets; i++) {
		const struct key_secret *s = &k->secrets[i];

		memcpy(v.id, k->id, sizeof(v.id));
		memcpy(v.salt, s->salt, sizeof(v.salt));
		memcpy(v.digest, s->digest, sizeof(v.digest));
		out_object(j, NULL);
		out_number(j, "number", s->number);
		out_text(j, "verifier", token_print_verifier(&v, text));
		out_time(j, "created_at", s->created_at);
		out_time(j, "not_after", s->not_after);
		out_close(j);
	}
	out_close(j);
	explicit_bzero(&v, sizeof(v));
	explicit_bzero(text, sizeof(text));
}

static void
add_key(struct out_json *j, const struct key_record *k)
{
	out_text(j, "name", k->name);
	out_text(j, "id", k->id);
	out_number(j, "uid", k->uid);
	out_text(j, "state", k->state == KEY_DISABLED ? "disabled" : "active");
	out_text(j, "description", k->description);
	out_text(j, "owner", k->owner);
	out_strv(j, "roles", k->bindings);
	out_strv(j, "groups", k->groups);
	out_strv(j, "from", k->from);
	out_time(j, "not_before", k->not_before == 0 ? NUM_NEVER : k->not_before);
	out_time(j, "expires_at", k->expires_at);
	out_time(j, "created_at", k->created_at);
	out_text(j, "created_by", k->created_by);
	add_secrets(j, k);
	out_text(j, "home", k->home);
	out_text(j, "shell", k->shell);
}

static enum ak_err
print_key(void *ctx, const struct index_view *v)
{
	const struct cli *c = ctx;
	struct key_record k;
	struct out_json *j;
	enum ak_err err = key_record_unpack(v->value, v->value_len_b, &k);

	if (err != AK_OK)
		return err;
	j = out_json_new();
	out_object(j, NULL);
	add_key(j, &k);
	key_record_clear(&k);
	return end_line(c, &j);
}

static enum ak_err
add_spent(struct out_json *j, const struct index_view *v)
{
	struct spent_uid s;
	enum ak_err err = spent_uid_unpack(v->value, v->value_len_b, &s);

	out_number(j, "spent_uid", s.uid);
	out_text(j, "name", s.name);
	out_text(j, "id", s.id);
	out_time(j, "deleted_at", s.deleted_at);
	return err;
}

static enum ak_err
add_role_group(struct out_json *j, const struct index_view *v)
{
	struct role_gid g;
	enum ak_err err = role_gid_unpack(v->value, v->value_len_b, &g);

	out_text(j, "role_group", g.group);
	out_number(j, "gid", g.gid);
	return err;
}

static enum ak_err
print_rest(void *ctx, const struct index_view *v)
{
	const struct cli *c = ctx;
	struct out_json *j = out_json_new();
	enum ak_err err;

	out_object(j, NULL);
	err = v->n_keys > 0 && v->keys[1] == RECORD_ROLE_GROUP ? add_role_group(j, v)
							       : add_spent(j, v);
	if (err == AK_OK)
		return end_line(c, &j);
	out_json_free(&j);
	return err;
}

static enum ak_err
print_all(const struct cli *c, const struct keys *keys, struct diag *why)
{
	struct index_mapping kept[INDEX_ORDERS] = {INDEX_MAPPING_INIT, INDEX_MAPPING_INIT};
	const struct index *local = &keys->ring.local;
	enum ak_err err = print_first(c, keys);

	if (err == AK_OK && !keys->none)
		err = index_each(local, ORDER_KEYS, print_key, (void *)c, &kept[ORDER_KEYS]);
	if (err == AK_OK && !keys->none)
		err = index_each(local, ORDER_REST, print_rest, (void *)c, &kept[ORDER_REST]);
	index_unmap(&kept[ORDER_KEYS]);
	index_unmap(&kept[ORDER_REST]);
	/* Without its last line no import takes the file. */
	if (err == AK_OK)
		err = print_last(c);
	else
		(void)diag_say(why, err, keys->paths->local, 0, 0, "%s", ak_strerror(err));
	return err;
}

static void
tell_left_out(const struct cli *c, const struct keys *keys)
{
	const struct index *ix = &keys->ring.directory;

	if (keys->ring.directory_err == AK_OK && ix->head.order[ORDER_KEYS].count > 0)
		cli_warn(c, "%llu keys live in the directory, and are left out",
		    (unsigned long long)ix->head.order[ORDER_KEYS].count);
}

/* A new host, or one whose keys lie on a disk that is not mounted. */
static void
tell_none(const struct cli *c, const struct keys *keys)
{
	if (keys->none)
		cli_warn(c,
		    "there is no %s, so the file holds no key: if this host has keys, see that "
		    "their disk is mounted, and keep the export from before",
		    c->paths.local);
}

int
cmd_export(struct cli *c, const struct args *a)
{
	struct diag why = DIAG_INIT;
	struct keys keys;
	enum ak_err err;

	(void)a;
	if ((err = keys_open(&c->paths, &keys, &why)) != AK_OK)
		return cli_fail(c, err, &why);
	if ((err = print_all(c, &keys, &why)) == AK_OK) {
		tell_none(c, &keys);
		tell_left_out(c, &keys);
	}
	keys_close(&keys);
	return err == AK_OK ? CLI_DONE : cli_fail(c, err, &why);
}
