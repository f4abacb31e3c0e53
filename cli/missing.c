#include "missing.h"

#include <stdio.h>
#include <string.h>

struct search {
	const struct image *im;
	const struct policy_request *req;
	bool in_deny;
	struct pack *out;
};

static void
note(const struct search *s, const char *word)
{
	if (!strv_has(pack_borrow_strv(s->out), word))
		pack_entry(s->out, word);
}

/* Its group may be known by the key's own list all the same: then the rule is not undefined, and nobody asks. */
static bool
lacks_directory(const struct search *s)
{
	return s->req->unknown || (s->req->stale && !s->req->favour && !s->in_deny);
}

static bool
lacks_origin(const struct policy_request *req)
{
	bool login = req->service != NULL && strcmp(req->service, "sshd") == 0;

	return req->origin == NULL && !(login && req->address != NULL);
}

static void
note_time(const struct search *s, uint32_t number)
{
	uint32_t zone = image_time(s->im, number).zone;
	char word[ZONE_NAME_MAX + 8];

	if (s->req->when == NULL) {
		note(s, "time");
	} else if (zone < s->req->when->n_zones && !s->req->when->zones[zone].known) {
		(void)snprintf(word, sizeof(word), "zone %s", image_zone(s->im, zone).name);
		note(s, word);
	}
}

/* Nodes lie one after the other; only definitions lie elsewhere, and each uses those below it alone. */
static void
search(const struct search *s, struct image_condition when)
{
	for (uint32_t i = when.first; i < when.end; i++) {
		struct image_node node = image_node(s->im, i);

		if (node.op == IMAGE_OP_IS)
			search(s, image_definition(s->im, node.number).when);
		else if (node.op == IMAGE_OP_TIME)
			note_time(s, node.number);
		else if (node.op == IMAGE_OP_FROM && s->req->address == NULL &&
			 s->req->origin == NULL)
			note(s, "address");
		else if (node.op == IMAGE_OP_CREATOR_FROM && lacks_origin(s->req))
			note(s, "origin");
		else if (node.op == IMAGE_OP_GROUP && lacks_directory(s))
			note(s, "directory");
		else if (node.op == IMAGE_OP_SERVICE && s->req->service == NULL)
			note(s, "service");
		else if (node.op == IMAGE_OP_LOGIN && s->req->login == NULL)
			note(s, "login");
	}
}

void
missing_inputs(const struct image *im, const struct policy_request *req, enum image_rules kind,
    uint32_t rule, struct pack *out)
{
	const struct search s = {
	    .im = im, .req = req, .in_deny = kind == IMAGE_DENY_RULES, .out = out};

	search(&s, image_rule(im, kind, rule).when);
}
