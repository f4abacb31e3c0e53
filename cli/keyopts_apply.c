#include <string.h>

#include "keyopts.h"
#include "net.h"
#include "num.h"
#include "role.h"

static bool
apply_text(const char **field, const char *value)
{
	if (value == NULL || strcmp(*field, value) == 0)
		return false;
	*field = value;
	return true;
}

static bool
apply_time(int64_t *field, bool given, int64_t value)
{
	if (!given || *field == value)
		return false;
	*field = value;
	return true;
}

/* As sets: the order of bindings and networks never matters. */
static bool
same_set(struct strv a, struct strv b, bool (*same)(const char *, const char *))
{
	if (strv_count(a) != strv_count(b))
		return false;
	strv_for (a, wanted) {
		bool found = false;

		strv_for (b, have) {
			found = found || same(wanted, have);
		}
		if (!found)
			return false;
	}
	return true;
}

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool
keyopts_same_binding(const char *a, const char *b)
{
	struct binding x, y;

	if (binding_parse(a, &x, NULL) != AK_OK || binding_parse(b, &y, NULL) != AK_OK)
		return strcmp(a, b) == 0;
	return strcmp(x.role, y.role) == 0 && x.scope == y.scope &&
	       same_set(binding_borrow_names(&x), binding_borrow_names(&y),
		   x.scope == ROLE_HOSTS ? net_same_host : same_text);
}

static bool
apply_list(struct strv *field, bool given, const struct pack *value,
    bool (*same)(const char *, const char *))
{
	if (!given || same_set(*field, pack_borrow_strv(value), same))
		return false;
	*field = pack_borrow_strv(value);
	return true;
}

bool
keyopts_apply(const struct keyopts *o, int64_t from, struct key_record *k)
{
	int64_t expires_at = o->duration_s == NUM_NEVER ? NUM_NEVER : from + o->duration_s;
	bool changed = apply_list(&k->bindings, o->has_roles, &o->roles, keyopts_same_binding);

	changed |= apply_list(&k->groups, o->has_groups, &o->groups, same_text);
	changed |= apply_list(&k->from, o->has_from, &o->from, same_text);
	changed |= apply_time(&k->expires_at, o->has_duration, expires_at);
	changed |= apply_time(&k->not_before, o->has_not_before, o->not_before);
	changed |= apply_text(&k->description, o->description);
	changed |= apply_text(&k->owner, o->owner);
	changed |= apply_text(&k->shell, o->shell);
	changed |= apply_text(&k->home, o->home);
	return changed;
}
