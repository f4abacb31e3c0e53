#include "trail.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

static struct key_record
identity(const struct key_record *k)
{
	struct key_record id = KEY_RECORD_INIT;

	memcpy(id.name, k->name, sizeof(id.name));
	memcpy(id.id, k->id, sizeof(id.id));
	id.uid = k->uid;
	return id;
}

static uint32_t *
bucket_of(const struct trail *t, const struct key_record *k)
{
	return &t->buckets[hash_sip(0, k->id, strlen(k->id)) & (4 * t->cap_found - 1)];
}

/* In LDAP two keys may have one uid, or one id. */
static const struct trail_key *
find(const struct trail *t, const struct key_record *k)
{
	const struct trail_key *f;

	for (uint32_t at = t->n_found == 0 ? 0 : *bucket_of(t, k); at != 0; at = f->next) {
		f = &t->found[at - 1];
		if (strcmp(f->key.id, k->id) == 0 && strcmp(f->key.name, k->name) == 0)
			return f;
	}
	return NULL;
}

static void
link_found(struct trail *t, size_t i)
{
	uint32_t *bucket = bucket_of(t, &t->found[i].key);

	t->found[i].next = *bucket;
	*bucket = (uint32_t)i + 1;
}

/* Thousands are found where a file of keys is imported. */
static enum ak_err
make_room(struct trail *t)
{
	size_t cap = t->cap_found == 0 ? 16 : 2 * t->cap_found;
	struct trail_key *found;
	uint32_t *buckets;

	if (t->n_found < t->cap_found)
		return AK_OK;
	if ((buckets = calloc(4 * cap, sizeof(*buckets))) == NULL)
		return AK_ERR_NOMEM;
	if ((found = reallocarray(t->found, cap, sizeof(*found))) == NULL) {
		free(buckets);
		return AK_ERR_NOMEM;
	}
	free(t->buckets);
	t->buckets = buckets;
	t->found = found;
	t->cap_found = cap;
	for (size_t i = 0; i < t->n_found; i++)
		link_found(t, i);
	return AK_OK;
}

bool
trail_has(const struct trail *t, const struct key_record *k)
{
	return find(t, k) != NULL;
}

enum ak_err
trail_found(struct trail *t, const struct key_record *k)
{
	struct trail_key *fresh;
	enum ak_err err;

	if (trail_has(t, k))
		return AK_OK;
	if ((err = make_room(t)) != AK_OK)
		return err;
	fresh = &t->found[t->n_found];
	fresh->key = identity(k);
	if ((err = fields_take(k, &fresh->fields)) != AK_OK)
		fields_clear(&fresh->fields);
	else
		link_found(t, t->n_found++);
	return err;
}

static enum ak_err
add_changes(struct audit *line, const struct trail_key *before, const struct key_record *k)
{
	struct fields after;
	enum ak_err err = fields_take(k, &after);

	if (err == AK_OK)
		fields_add_changes(line, before == NULL ? NULL : &before->fields, &after);
	fields_clear(&after);
	return err;
}

enum ak_err
trail_stage(struct trail *t, struct cli *c, const char *event, const struct key_record *k,
    bool gone, bool directory)
{
	struct trail_line *grown = reallocarray(t->lines, t->n_lines + 1, sizeof(*grown));
	struct audit line;
	enum ak_err err;

	if (grown == NULL)
		return AK_ERR_NOMEM;
	t->lines = grown;
	audit_start(&line, event);
	audit_add(&line, "key", k->name);
	audit_add(&line, "id", k->id);
	audit_add_number(&line, "uid", k->uid);
	if (directory)
		audit_add(&line, "source", "directory");
	cli_log_who(c, &line);
	if (!gone && (err = add_changes(&line, find(t, k), k)) != AK_OK)
		return err;
	if ((grown[t->n_lines].line = strdup(line.line)) == NULL)
		return AK_ERR_NOMEM;
	grown[t->n_lines++].key = identity(k);
	return AK_OK;
}

void
trail_log(const struct trail *t, struct cli *c,
    bool (*written)(void *ctx, const struct key_record *k), void *ctx)
{
	for (size_t i = 0; i < t->n_lines; i++)
		if (written(ctx, &t->lines[i].key))
			cli_log(c, t->lines[i].line);
}

void
trail_clear(struct trail *t)
{
	for (size_t i = 0; i < t->n_found; i++)
		fields_clear(&t->found[i].fields);
	for (size_t i = 0; i < t->n_lines; i++)
		free(t->lines[i].line);
	free(t->found);
	free(t->buckets);
	free(t->lines);
	*t = TRAIL_INIT;
}
