#include "role.h"

#include <string.h>

#include "net.h"

struct strv
binding_borrow_names(const struct binding *b)
{
	return (struct strv){.bytes = b->names_bytes, .len_b = b->names_len_b};
}

static bool
has_name(const struct binding *b, const char *name)
{
	strv_for (binding_borrow_names(b), have) {
		if (b->scope == ROLE_HOSTS ? net_same_host(have, name) : strcmp(have, name) == 0)
			return true;
	}
	return false;
}

/* One entry of the list, at the end of those that were taken. */
static enum ak_err
add_name(struct binding *b, const char *at, size_t len, const char *text, struct diag *why)
{
	const char *what = b->scope == ROLE_HOSTS ? "host" : "space";
	char *name = b->names_bytes + b->names_len_b;

	if (len == 0)
		return diag_because(why, AK_ERR_INVALID,
		    "binding `%.80s' has an empty place in its list of %ss", text, what);
	/* The list is shorter than the text, which fits. */
	memcpy(name, at, len);
	name[len] = '\0';
	if (b->scope == ROLE_HOSTS ? !net_is_host_name(name) : !text_is_policy_name(name))
		return diag_because(
		    why, AK_ERR_INVALID, "`%.80s' is no name of a %s", name, what);
	if (has_name(b, name))
		return diag_because(why, AK_ERR_INVALID,
		    "%s `%.80s' is named twice in one binding", what, name);
	b->names_len_b += len + 1;
	return AK_OK;
}

static enum ak_err
take_role(struct binding *b, const char *text, size_t len, struct diag *why)
{
	if (len <= POLICY_NAME_MAX) {
		memcpy(b->role, text, len);
		b->role[len] = '\0';
		if (text_is_policy_name(b->role))
			return AK_OK;
	}
	return diag_because(why, AK_ERR_INVALID,
	    "`%.*s' is no name of a role: lower-case letters, digits, - and _",
	    len > 80 ? 80 : (int)len, text);
}

/* "spaces:" or "hosts:"; moves *at past it. */
static bool
take_scope(struct binding *b, const char **at)
{
	static const struct {
		const char *word;
		enum role_scope scope;
	} scopes[] = {{":spaces:", ROLE_SPACES}, {":hosts:", ROLE_HOSTS}};

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
		if (strncmp(*at, scopes[i].word, strlen(scopes[i].word)) == 0) {
			b->scope = scopes[i].scope;
			*at += strlen(scopes[i].word);
			return true;
		}
	return false;
}

static enum ak_err
parse_into(struct binding *b, const char *text, struct diag *why)
{
	const char *at = text + strcspn(text, ":");
	enum ak_err err;

	if (strlen(text) >= BINDING_CAP)
		return diag_because(why, AK_ERR_INVALID,
		    "binding `%.80s...' is longer than %d bytes: use two", text,
		    BINDING_CAP - 1);
	if ((err = take_role(b, text, (size_t)(at - text), why)) != AK_OK)
		return err;
	if (*at == '\0')
		return AK_OK;
	if (!take_scope(b, &at))
		return diag_because(why, AK_ERR_INVALID,
		    "binding `%.80s' is neither ROLE, ROLE:spaces:A,B nor ROLE:hosts:A,B", text);
	for (;;) {
		size_t len = strcspn(at, ",");

		if ((err = add_name(b, at, len, text, why)) != AK_OK || at[len] == '\0')
			return err;
		at += len + 1;
	}
}

enum ak_err
binding_parse(const char *text, struct binding *out, struct diag *why)
{
	enum ak_err err;

	memset(out, 0, sizeof(*out));
	if ((err = parse_into(out, text, why)) != AK_OK)
		memset(out, 0, sizeof(*out));
	return err;
}
