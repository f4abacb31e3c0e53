#include "eval.h"

#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "net.h"
#include "role.h"

#define WORD_BITS 64U

/* What the steps hand on to each other. */
struct eval {
	const struct image *im;
	const struct policy_request *req;
	const struct trace *trace;
	struct role_set *roles;
	uint32_t space; /* where this host stands */
};

void
role_set_clear(struct role_set *s)
{
	free(s->bits);
	*s = ROLE_SET_INIT;
}

bool
role_set_has(const struct role_set *s, uint32_t role)
{
	return role < s->n_roles && (s->bits[role / WORD_BITS] >> role % WORD_BITS & 1) != 0;
}

uint32_t
role_set_next(const struct role_set *s, uint32_t from)
{
	uint32_t at = from;

	while (at < s->n_roles) {
		uint64_t rest = s->bits[at / WORD_BITS] >> at % WORD_BITS;

		if (rest != 0)
			return at + (uint32_t)__builtin_ctzll(rest);
		at = (at / WORD_BITS + 1) * WORD_BITS;
	}
	return IMAGE_NONE;
}

static enum ak_err
make_empty(struct role_set *s, uint32_t n_roles)
{
	*s = ROLE_SET_INIT;
	if (n_roles == 0)
		return AK_OK;
	if ((s->bits = calloc(n_roles / WORD_BITS + 1, sizeof(*s->bits))) == NULL)
		return AK_ERR_NOMEM;
	s->n_roles = n_roles;
	return AK_OK;
}

/* A line about a role; IMAGE_NONE when it is about none. */
static void
tell(const struct eval *e, enum trace_step step, bool holds, uint32_t role, const char *text)
{
	struct trace_line line = {.step = step, .holds = holds, .text = text};

	if (e->trace == NULL)
		return;
	if (role != IMAGE_NONE) {
		line.file = image_policy_file(e->im);
		line.line = image_role(e->im, role).line;
	}
	e->trace->take(e->trace->ctx, &line);
}

/* Is the host's space this one, or below it? The image has no cycles. */
static bool
stands_in(const struct eval *e, uint32_t space)
{
	uint32_t at = e->space;

	while (at != space && at != IMAGE_NONE)
		at = image_space(e->im, at).parent;
	return at == space;
}

/* Does it hold in one of its spaces? *unknown: one that is not declared, or NULL. */
static bool
holds_in_spaces(const struct eval *e, const struct binding *b, const char **unknown)
{
	bool holds = false;

	strv_for (binding_borrow_names(b), name) {
		uint32_t space = image_find_space(e->im, name);

		if (space == IMAGE_NONE)
			*unknown = name;
		else if (stands_in(e, space))
			holds = true;
	}
	return holds;
}

static bool
holds_on_hosts(const struct eval *e, const struct binding *b)
{
	strv_for (binding_borrow_names(b), name) {
		strv_for (e->req->hosts, host) {
			if (net_same_host(name, host))
				return true;
		}
	}
	return false;
}

static void
tell_binding(const struct eval *e, const struct binding *b, const char *written, bool holds,
    uint32_t role, const char *unknown)
{
	char buf[BINDING_CAP + 512];
	struct text t = text_over(buf, sizeof(buf));

	if (e->trace == NULL)
		return;
	text_add(&t, "role %s, bound directly as %s", b->role, written);
	if (role == IMAGE_NONE)
		text_add(&t, ": the policy declares no such role");
	else if (!holds && b->scope == ROLE_SPACES)
		text_add(&t, ": this host stands in %s", e->req->space);
	else if (!holds)
		text_add(&t, ": this host has another name");
	if (unknown != NULL)
		text_add(&t, ": the policy declares no space %s", unknown);
	tell(e, TRACE_ROLE, holds, role, buf);
}

static void
take_binding(const struct eval *e, const char *written)
{
	const char *unknown = NULL;
	struct diag why = DIAG_INIT;
	struct binding b;
	uint32_t role;
	bool holds;

	if (binding_parse(written, &b, &why) != AK_OK) {
		tell(e, TRACE_ROLE, false, IMAGE_NONE, why.text);
		return;
	}
	role = image_find_role(e->im, b.role);
	holds =
	    b.scope == ROLE_GLOBAL ||
	    (b.scope == ROLE_SPACES ? holds_in_spaces(e, &b, &unknown) : holds_on_hosts(e, &b));
	holds = holds && role != IMAGE_NONE;
	if (holds)
		e->roles->bits[role / WORD_BITS] |= UINT64_C(1) << role % WORD_BITS;
	tell_binding(e, &b, written, holds, role, unknown);
}

/* Step 4: the union; order never matters. */
static void
unite_roles(const struct eval *e)
{
	strv_for (e->req->bindings, written) {
		take_binding(e, written);
	}
}

/* systemd-user runs beside the services that log in: it comes with any of them. */
static bool
role_permits(const struct image_role *role, const char *service)
{
	if (strcmp(service, "systemd-user") == 0 && role->services.len_b > 0)
		return true;
	strv_for (role->services, glob) {
		if (text_glob(glob, service))
			return true;
	}
	return false;
}

static void
tell_request(const struct eval *e, const struct image_role *role, uint32_t number, bool permits)
{
	char buf[256];
	struct text t = text_over(buf, sizeof(buf));

	if (e->trace == NULL)
		return;
	text_add(&t, "role %s %s %.120s", role->name, permits ? "permits" : "does not permit",
	    e->req->service);
	tell(e, TRACE_REQUEST, permits, number, buf);
}

/* Step 5: the request itself. No role opens an account other than the key's own. */
static bool
permits_request(const struct eval *e)
{
	bool permitted = false;

	if (e->req->account != NULL && strcmp(e->req->account, e->req->login) != 0) {
		tell(e, TRACE_REQUEST, false, IMAGE_NONE,
		    "no role opens another account than the key's own");
		return false;
	}
	role_set_for(e->roles, i)
	{
		struct image_role role = image_role(e->im, i);
		bool permits = role_permits(&role, e->req->service);

		tell_request(e, &role, i, permits);
		permitted = permitted || permits;
	}
	return permitted;
}

enum ak_err
policy_eval(const struct image *im, const struct policy_request *req, const struct trace *trace,
    struct role_set *roles)
{
	struct eval e = {.im = im, .req = req, .trace = trace, .roles = roles};
	enum ak_err err;

	if ((err = make_empty(roles, image_count_roles(im))) != AK_OK)
		return err;
	if ((e.space = image_find_space(im, req->space)) == IMAGE_NONE)
		return AK_ERR_NOT_FOUND;
	unite_roles(&e);
	if (req->service == NULL)
		return AK_OK;
	return permits_request(&e) ? AK_OK : AK_ERR_DENIED;
}
