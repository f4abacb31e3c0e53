#include "used.h"

#include <string.h>

#include "text.h"

struct used
used_open(const struct cli *c, struct diag *why)
{
	struct used u = {.file = {.fd = -1}};
	enum ak_err err = lastused_open(&c->paths, &u.file);

	u.known = err == AK_OK;
	if (!u.known)
		(void)diag_say(why, err, c->paths.lastused, 0, 0,
		    "%s, so it is not known when keys were used last", ak_strerror(err));
	return u;
}

void
used_close(struct used *u)
{
	lastused_close(&u->file);
}

bool
used_at(const struct used *u, const struct key_record *k, int64_t *at)
{
	struct lastused use;

	lastused_find(&u->file, k, &use);
	*at = use.at;
	return u->known && !use.unknown;
}

void
used_json(struct out_json *j, const struct used *u, const struct key_record *k)
{
	struct lastused use;

	lastused_find(&u->file, k, &use);
	if (use.at == 0) {
		out_text(j, "last_used", NULL);
		return;
	}
	out_object(j, "last_used");
	out_time(j, "at", use.at);
	out_text(j, "from", use.from[0] == '\0' ? NULL : use.from);
	out_text(j, "service", use.service);
	out_text(j, "account", use.account);
	out_close(j);
}

const char *
used_print_at(const struct used *u, const struct key_record *k, char buf[NUM_TIME_CAP])
{
	int64_t at;

	if (!used_at(u, k, &at))
		return "unknown";
	return at == 0 ? "never" : num_print_time(at, buf);
}

const char *
used_print(const struct used *u, const struct key_record *k, char buf[USED_CAP])
{
	struct text t = text_over(buf, USED_CAP);
	char at[NUM_TIME_CAP];
	struct lastused use;

	lastused_find(&u->file, k, &use);
	text_add(&t, "%s", used_print_at(u, k, at));
	if (use.at == 0)
		return buf;
	if (use.from[0] != '\0')
		text_add(&t, ", from %s", use.from);
	text_add(&t, ", by %s", use.service);
	if (strcmp(use.account, k->name) != 0)
		text_add(&t, " into %s", use.account);
	return buf;
}
