#include "ref_ask.h"

#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "policy_header.h"
#include "testlib_cmocka.h"

static struct strv
pack_list(const char *const *list, struct pack *out)
{
	for (; *list != NULL; list++)
		pack_entry(out, *list);
	return pack_borrow_strv(out);
}

static const struct net_addr *
address(const char *text, struct net_addr *room)
{
	return text != NULL && net_parse_addr(text, room) == AK_OK ? room : NULL;
}

void
ref_ask(const struct image *im, const struct ref_request *q, struct ref_asked *a)
{
	*a = (struct ref_asked){.when = MOMENTS_INIT};
	a->req = (struct policy_request){.login = q->login,
	    .bindings = pack_list(q->bindings, &a->bindings),
	    .groups = pack_list(q->own_groups, &a->groups),
	    .directory_groups = pack_list(q->directory_groups, &a->directory_groups),
	    .directory_bindings = pack_list(q->directory_bindings, &a->directory_bindings),
	    .hosts = pack_list(q->hosts, &a->hosts),
	    .stale = q->stale,
	    .unknown = q->unknown,
	    .directory_key = q->directory_key,
	    .not_member = !q->member,
	    .address = address(q->ip, &a->address),
	    .origin = address(q->creator_ip, &a->origin),
	    .space = q->space,
	    .service = q->service,
	    .account = q->account,
	    .account_is_root = q->account_is_root,
	    .favour = q->favour};
	if (!q->has_time)
		return;
	assert_err("moments", AK_OK, moments_resolve(im, ZONE_DIR, q->at_ms, &a->when));
	a->req.when = &a->when;
}

void
ref_asked_clear(struct ref_asked *a)
{
	pack_clear(&a->bindings);
	pack_clear(&a->groups);
	pack_clear(&a->directory_groups);
	pack_clear(&a->directory_bindings);
	pack_clear(&a->hosts);
	moments_clear(&a->when);
}

struct ref_request
ref_own_account(const struct ref_request *q)
{
	struct ref_request own = *q;

	if (own.account == NULL)
		own.account = own.login;
	return own;
}

static void
print_list(const char *what, const char *const *list)
{
	for (; *list != NULL; list++)
		print_error("%s: %s\n", what, *list);
}

static void
print_text(const char *what, const char *text)
{
	if (text != NULL)
		print_error("%s: %s\n", what, text);
}

void
ref_request_print(const struct ref_request *q)
{
	print_text("login", q->login);
	print_list("binding", q->bindings);
	print_list("group", q->own_groups);
	print_list("directory-group", q->directory_groups);
	print_list("directory-binding", q->directory_bindings);
	print_list("host", q->hosts);
	print_text("ip", q->ip);
	print_text("creator_ip", q->creator_ip);
	print_text("service", q->service);
	print_text("account", q->account);
	print_text("space", q->space);
	if (q->has_time)
		print_error("at: %lld ms\n", (long long)q->at_ms);
	print_error("unknown: %d, directory-key: %d\n", q->unknown, q->directory_key);
	print_error("stale: %d, member: %d, account_is_root: %d, favour: %d\n", q->stale,
	    q->member, q->account_is_root, q->favour);
}

bool
ref_subject_make(char *text, struct ref_subject *out, struct diag *why)
{
	struct settings settings;

	*out = (struct ref_subject){.text = text};
	policy_header_settings(text, &settings);
	return yamltree_parse(text, strlen(text), "p", &out->doc, why) == AK_OK &&
	       policy_compile(text, strlen(text), "p", &settings, &out->im, why) == AK_OK;
}

void
ref_subject_clear(struct ref_subject *p)
{
	image_free(&p->im);
	yamltree_free(&p->doc);
	free(p->text);
	*p = (struct ref_subject){.text = NULL};
}

struct ref_subject
ref_subject_of(const struct draft *d)
{
	struct ref_subject p;
	struct diag why = DIAG_INIT;
	char sentence[DIAG_PRINT_CAP];

	if (!ref_subject_make(draft_text(d), &p, &why)) {
		print_error("%s\n%s\n", p.text, diag_print(&why, sentence, sizeof(sentence)));
		fail_msg("a random policy does not compile");
	}
	return p;
}
