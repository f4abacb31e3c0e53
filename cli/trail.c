#include "trail.h"

#include <stdlib.h>
#include <string.h>

static struct key_record
identity(const struct key_record *k)
{
	struct key_record id = KEY_RECORD_INIT;

	memcpy(id.name, k->name, sizeof(id.name));
	memcpy(id.id, k->id, sizeof(id.id));
	id.uid = k->uid;
	return id;
}

/* In LDAP two keys may have one uid, or one id. */
static const struct trail_key *
find(const struct trail *t, const struct key_record *k)
{
	for (size_t i = 0; i < t->n_found; i++)
		if (strcmp(t->found[i].key.id, k->id) == 0 &&
		    strcmp(t->found[i].key.name, k->name) == 0)
			return &t->found[i];
	return NULL;
}

bool
trail_has(const struct trail *t, const struct key_record *k)
{
	return find(t, k) != NULL;
}

enum ak_err
trail_found(struct trail *t, const struct key_record *k)
{
	struct trail_key *grown;
	enum ak_err err;

	if (trail_has(t, k))
		return AK_OK;
	grown = reallocarray(t->found, t->n_found + 1, sizeof(*grown));
	if (grown == NULL)
		return AK_ERR_NOMEM;
	t->found = grown;
	grown[t->n_found].key = identity(k);
	if ((err = fields_take(k, &grown[t->n_found].fields)) != AK_OK)
		fields_clear(&grown[t->n_found].fields);
	else
		t->n_found++;
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
	free(t->lines);
	*t = TRAIL_INIT;
}
