#include "settings.h"

#include <string.h>

#include "num.h"
#include "settings_shape.h"
#include "settings_table.h"
#include "yamlread.h"

/* The mappings that options stand in. */
static const char *const sections[] = {
    "", "samples", "directory", "directory.keys", "directory.groups", "directory.principal"};

#define N_SECTIONS (sizeof(sections) / sizeof(sections[0]))
/* More than stand in any one of them. */
#define N_NAMES_MAX 32U

static bool
parse_range(const char *text, struct id_range *out)
{
	char low[16];
	const char *dash = strchr(text, '-');
	uint64_t min, max;

	if (dash == NULL || (size_t)(dash - text) >= sizeof(low))
		return false;
	memcpy(low, text, (size_t)(dash - text));
	low[dash - text] = '\0';
	if (num_parse(low, 0, UINT32_MAX, &min) != AK_OK ||
	    num_parse(dash + 1, 0, UINT32_MAX, &max) != AK_OK)
		return false;
	*out = (struct id_range){.min = (uint32_t)min, .max = (uint32_t)max};
	return true;
}

static enum ak_err
read_list(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    struct settings *s)
{
	struct pack p = PACK_INIT;
	enum ak_err err;

	if ((err = yamlread_list(r, node, o->name, o->valid, o->shape, &p)) == AK_OK &&
	    !option_set_list(s, o, pack_borrow_strv(&p)))
		err = yamlread_refuse(
		    r, node, "%s: more than fits into %zu bytes", o->name, o->size_b);
	pack_clear(&p);
	return err;
}

static enum ak_err
read_text(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    const char *text, struct settings *s)
{
	if (o->kind == KIND_TEXT_OR_NONE && strcmp(text, "none") == 0)
		text = "";
	else if (!o->valid(text))
		return yamlread_refuse(
		    r, node, "%s: `%.80s' is not %s", o->name, text, o->shape);
	if (o->kind == KIND_SASL)
		*(enum directory_sasl *)option_field(s, o) = DIRECTORY_EXTERNAL;
	else if (o->kind != KIND_TLS && text_copy(option_field(s, o), o->size_b, text) != AK_OK)
		return yamlread_refuse(
		    r, node, "%s is longer than %zu bytes", o->name, o->size_b - 1);
	return AK_OK;
}

static enum ak_err
read_range(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    const char *text, struct settings *s)
{
	struct id_range *range = option_field(s, o);
	char why[80];
	struct text t = text_over(why, sizeof(why));

	if (!parse_range(text, range))
		return yamlread_refuse(r, node,
		    "%s: `%.80s' is no range of ids (two numbers, as 70000-99999)", o->name,
		    text);
	if (!shape_is_range(*range, &t))
		return yamlread_refuse(r, node, "%s: %.40s %s", o->name, text, why);
	return AK_OK;
}

static enum ak_err
read_choice(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    const char *text, struct settings *s)
{
	bool *field = option_field(s, o);

	for (int i = 0; i < 2; i++)
		if (strcmp(text, o->words[i]) == 0) {
			*field = i == 1;
			return AK_OK;
		}
	return yamlread_refuse(
	    r, node, "%s is %s or %s, not `%.80s'", o->name, o->words[1], o->words[0], text);
}

static enum ak_err
read_duration(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    const char *text, struct settings *s)
{
	int64_t *field = option_field(s, o);

	if (num_parse_duration(text, field) == AK_OK && option_allows_duration(o, *field))
		return AK_OK;
	return yamlread_refuse(r, node, "%s: `%.80s' is no duration (%s)", o->name, text,
	    o->shape != NULL ? o->shape : "as 90d; units s m h d w; or never");
}

static enum ak_err
read_count(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    const char *text, struct settings *s)
{
	uint32_t *field = option_field(s, o);
	uint64_t count;

	if (num_parse(text, 0, (uint64_t)o->most, &count) != AK_OK)
		return yamlread_refuse(r, node, "%s: `%.80s' is no whole number from 0 to %u",
		    o->name, text, (unsigned)o->most);
	*field = (uint32_t)count;
	return AK_OK;
}

static enum ak_err
read_option(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    struct settings *s)
{
	const char *text;
	enum ak_err err;

	if (o->kind == KIND_LIST)
		return read_list(r, o, node, s);
	if ((err = yamlread_text(r, node, o->name, &text)) != AK_OK)
		return err;
	switch (o->kind) {
	case KIND_TEXT:
	case KIND_TEXT_OR_NONE:
	case KIND_SASL:
	case KIND_TLS:
		return read_text(r, o, node, text, s);
	case KIND_RANGE:
		return read_range(r, o, node, text, s);
	case KIND_BOOL:
	case KIND_CHOICE:
		return read_choice(r, o, node, text, s);
	case KIND_DURATION:
		return read_duration(r, o, node, text, s);
	case KIND_COUNT:
		return read_count(r, o, node, text, s);
	case KIND_LIST:
		break;
	}
	return AK_ERR_INVALID;
}

/* The table's own text: "[a, b]", or nothing. It fits: a test holds that, and that every default is taken. */
static void
default_list(const struct option *o, struct settings *s)
{
	char *start = option_field(s, o), *to = start;
	const char *from = o->fallback + strspn(o->fallback, "[");

	while (*from != '\0') {
		size_t len = strcspn(from, ",]");

		memcpy(to, from, len);
		to[len] = '\0';
		to += len + 1;
		from += len + strspn(from + len, ",] ");
	}
	option_borrow_list(s, o, (size_t)(to - start));
}

void
settings_default(struct settings *out)
{
	const struct yamlread nobody = {.file = NULL};
	const struct option *o;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; (o = settings_option(i)) != NULL; i++) {
		struct yaml_node node = {
		    .kind = YAML_SCALAR, .plain = true, .text = o->fallback};

		if (o->kind == KIND_LIST)
			default_list(o, out);
		else if (o->fallback[0] != '\0')
			(void)!read_option(&nobody, o, &node, out);
	}
}

/* What stands in a section ("": in the file itself): its name there; NULL when it stands elsewhere. */
static const char *
name_within(const char *name, const char *section)
{
	const char *dot = strrchr(name, '.');
	size_t len = dot == NULL ? 0 : (size_t)(dot - name);

	if (name[0] == '\0' || strlen(section) != len || strncmp(name, section, len) != 0)
		return NULL;
	return dot == NULL ? name : dot + 1;
}

/* The node of an option or section by its dotted name; NULL: the file is silent. */
static const struct yaml_node *
find_node(const struct yaml_node *root, const char *name)
{
	const struct yaml_node *at = root;
	char part[64];

	while (name[0] != '\0' && at != NULL) {
		size_t len = strcspn(name, ".");
		struct text t = text_over(part, sizeof(part));

		text_add(&t, "%.*s", (int)len, name);
		at = yamlread_get(at, part);
		name += len + (name[len] == '.');
	}
	return at;
}

static enum ak_err
check_names(const struct yamlread *r, const struct yaml_node *node, const char *section)
{
	const char *known[N_NAMES_MAX + 1];
	const struct option *o;
	size_t n = 0;

	if (section[0] == '\0')
		known[n++] = "version";
	for (size_t i = 0; i < N_SECTIONS && n < N_NAMES_MAX; i++)
		if ((known[n] = name_within(sections[i], section)) != NULL)
			n++;
	for (size_t i = 0; (o = settings_option(i)) != NULL && n < N_NAMES_MAX; i++)
		if ((known[n] = name_within(o->name, section)) != NULL)
			n++;
	known[n] = NULL;
	return yamlread_keys(r, node, section[0] == '\0' ? "apikey.yaml" : section, known);
}

static enum ak_err
read_section(const struct yamlread *r, const struct yaml_node *node, const char *section,
    struct settings *out)
{
	const struct yaml_node *value;
	const struct option *o;
	enum ak_err err;

	if ((err = check_names(r, node, section)) != AK_OK)
		return err;
	for (size_t i = 0; (o = settings_option(i)) != NULL; i++) {
		const char *name = name_within(o->name, section);

		if (name != NULL && (value = yamlread_get(node, name)) != NULL &&
		    (err = read_option(r, o, value, out)) != AK_OK)
			return err;
	}
	return AK_OK;
}

/* A search that is written down and has no base would never be made. */
static enum ak_err
check_bases(const struct yamlread *r, const struct yaml_node *root)
{
	const struct yaml_node *directory = yamlread_get(root, "directory"), *node;

	for (size_t i = 0; i < N_SECTIONS; i++) {
		const char *name = name_within(sections[i], "directory");

		if (name != NULL && (node = yamlread_get(directory, name)) != NULL &&
		    yamlread_get(node, "base") == NULL)
			return yamlread_refuse(r, node,
			    "%s.base is missing: where does the search begin?", sections[i]);
	}
	return AK_OK;
}

static enum ak_err
check_tls(const struct yamlread *r, const struct yaml_node *root)
{
	const struct yaml_node *uris = find_node(root, "directory.uris");
	const struct yaml_node *tls = find_node(root, "directory.tls"), *uri;

	if (tls == NULL || uris == NULL)
		return AK_OK;
	for (uri = uris->kind == YAML_SEQUENCE ? uris->first : uris; uri != NULL;
	     uri = uris->kind == YAML_SEQUENCE ? uri->next : NULL)
		if (!shape_uri_is(uri->text, tls->text))
			return yamlread_refuse(r, uri,
			    "directory.uris: `%.80s' is not what `tls: %s' says: ldap:// is "
			    "starttls, ldaps:// ldaps, ldapi:// ldapi",
			    uri->text, tls->text);
	return AK_OK;
}

static enum ak_err
check_together(
    const struct yamlread *r, const struct yaml_node *root, const struct settings *out)
{
	const struct settings_fault *fault = settings_check(out);
	const struct yaml_node *node = NULL;

	if (fault == NULL)
		return AK_OK;
	for (size_t i = 0; i < 2 && node == NULL && fault->at[i] != NULL; i++)
		node = find_node(root, fault->at[i]);
	return yamlread_refuse(r, node == NULL ? root : node, "%s", fault->says);
}

static enum ak_err
read_all(const struct yamlread *r, const struct yaml_node *root, struct settings *out)
{
	const struct yaml_node *node;
	enum ak_err err = AK_OK;

	for (size_t i = 0; i < N_SECTIONS && err == AK_OK; i++) {
		if ((node = find_node(root, sections[i])) != NULL)
			err = read_section(r, node, sections[i], out);
		if (i == 0 && err == AK_OK)
			err = yamlread_version(r, root);
	}
	out->directory.present = yamlread_get(root, "directory") != NULL;
	if (err == AK_OK)
		err = check_bases(r, root);
	if (err == AK_OK)
		err = check_tls(r, root);
	return err == AK_OK ? check_together(r, root, out) : err;
}

void
settings_copy(struct settings *dst, const struct settings *src)
{
	const struct option *o;

	*dst = *src;
	for (size_t i = 0; (o = settings_option(i)) != NULL; i++)
		if (o->kind == KIND_LIST)
			option_borrow_list(dst, o, option_list(src, o).len_b);
}

enum ak_err
settings_from_yaml(
    const struct yaml_node *root, const char *file, struct settings *out, struct diag *why)
{
	const struct yamlread r = {.file = file, .why = why};
	enum ak_err err;

	settings_default(out);
	if (root == NULL)
		return AK_OK;
	if ((err = read_all(&r, root, out)) != AK_OK)
		settings_default(out);
	return err;
}

bool
settings_may_grant(const struct directory_settings *d, const char *role, bool root_equivalent)
{
	return strv_has(d->may_grant, role) || (!root_equivalent && strv_has(d->may_grant, "*"));
}

enum ak_err
settings_expand(const char *pattern, const struct key_record *key, char *out, size_t cap)
{
	struct text t = text_over(out, cap);

	for (const char *at = pattern; *at != '\0'; at++) {
		if (at[0] != '%' || at[1] == '\0') {
			text_add(&t, "%c", *at);
			continue;
		}
		at++;
		if (*at == 'n')
			text_add(&t, "%s", key->name);
		else if (*at == 'u')
			text_add(&t, "%u", key->uid);
		else if (*at == 'i')
			text_add(&t, "%s", key->id);
		else
			text_add(&t, "%c", *at);
	}
	if (!t.cut)
		return AK_OK;
	if (cap > 0)
		out[0] = '\0';
	return AK_ERR_RANGE;
}
