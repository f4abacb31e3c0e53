#include "settings.h"

#include <string.h>

#include "net.h"
#include "num.h"
#include "yamlread.h"

enum kind {
	KIND_HOSTS,
	KIND_TEXT,
	KIND_RANGE,
	KIND_BOOL,
	KIND_CHOICE,
	KIND_DURATION,
	KIND_COUNT
};

struct option {
	const char *name; /* "samples.max": the key `max' of `samples' */
	enum kind kind;
	size_t offset, size_b; /* of its field in struct settings */
	bool (*valid)(const char *); /* texts */
	const char *shape; /* what a valid one is, to people */
	const char *words[2]; /* choices: for false and for true */
	const char *fallback; /* the default, as in the file */
};

static bool
is_home(const char *s)
{
	if (s[0] != '/' || !text_is_passwd_field(s))
		return false;
	for (; *s != '\0'; s++)
		if (*s == '%' && (*++s == '\0' || strchr("nui%", *s) == NULL))
			return false;
	return true;
}

static bool
is_program(const char *s)
{
	return s[0] == '/' && text_is_passwd_field(s);
}

#define FIELD(member)                                                                          \
	offsetof(struct settings, member), sizeof(((struct settings *)NULL)->member)

static const struct option options[] = {
    {"host", KIND_HOSTS, FIELD(hosts_bytes), net_is_host_name, "a host's name", {0}, ""},
    {"space", KIND_TEXT, FIELD(space), text_is_policy_name,
	"a space's name (lower-case letters, digits, - and _)", {0}, "root"},
    {"uid_range", KIND_RANGE, FIELD(uids), NULL, NULL, {0}, "70000-99999"},
    {"gid_range", KIND_RANGE, FIELD(gids), NULL, NULL, {0}, "69000-69999"},
    {"home", KIND_TEXT, FIELD(home), is_home,
	"an absolute path; it may hold %n, %u, %i and %% alone, and no colon", {0}, "/home/%n"},
    {"create_home", KIND_BOOL, FIELD(create_home), NULL, NULL, {"false", "true"}, "true"},
    {"shell", KIND_TEXT, FIELD(shell), is_program, "an absolute path without a colon", {0},
	"/bin/bash"},
    {"keys_group", KIND_TEXT, FIELD(keys_group), text_is_key_name,
	"a Unix group's name (lower-case letters, digits, - and _; 31 at most)", {0}, "apikey"},
    {"enumerate", KIND_BOOL, FIELD(enumerate), NULL, NULL, {"false", "true"}, "true"},
    {"max_duration", KIND_DURATION, FIELD(max_duration_s), NULL, NULL, {0}, "never"},
    {"public_key_logins", KIND_CHOICE, FIELD(public_key_logins), NULL, NULL, {"deny", "allow"},
	"deny"},
    {"samples.max", KIND_COUNT, FIELD(samples_max), NULL, NULL, {0}, "1000"},
    {"samples.max_age", KIND_DURATION, FIELD(samples_max_age_s), NULL, NULL, {0}, "30d"},
};

/* More would not be looked at, and each is a file. */
#define COUNT_MAX 1000000U

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

/* A field of whatever type, by its place. */
static void *
field_of(struct settings *s, const struct option *o)
{
	return (unsigned char *)s + o->offset;
}

static const void *
field_of_const(const struct settings *s, const struct option *o)
{
	return (const unsigned char *)s + o->offset;
}

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

/* A sentence into why when the range can't be used; false then. */
static bool
check_range(struct id_range r, char *why, size_t cap)
{
	struct text t = text_over(why, cap);
	uint32_t first;

	if (r.min > r.max) {
		text_add(&t, "begins after its end: write the lower number first");
		return false;
	}
	if (id_range_reserved(r, &first)) {
		text_add(&t, "holds %u, which Linux or systemd reserves", first);
		return false;
	}
	return true;
}

static bool
ranges_overlap(struct id_range a, struct id_range b)
{
	return a.min <= b.max && b.min <= a.max;
}

static enum ak_err
read_hosts(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    struct settings *s)
{
	struct pack p = PACK_INIT;
	enum ak_err err;

	if ((err = yamlread_list(r, node, o->name, o->valid, o->shape, &p)) != AK_OK)
		goto out;
	if (p.len_b > o->size_b) {
		err = yamlread_refuse(
		    r, node, "%s: more names than fit into %zu bytes", o->name, o->size_b);
		goto out;
	}
	if (p.len_b > 0)
		memcpy(s->hosts_bytes, p.bytes, p.len_b);
	s->hosts = (struct strv){.bytes = s->hosts_bytes, .len_b = p.len_b};
out:
	pack_clear(&p);
	return err;
}

static enum ak_err
read_range(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    const char *text, struct settings *s)
{
	struct id_range *range = field_of(s, o);
	char why[80];

	if (!parse_range(text, range))
		return yamlread_refuse(r, node,
		    "%s: `%.80s' is no range of ids (two numbers, as 70000-99999)", o->name,
		    text);
	if (!check_range(*range, why, sizeof(why)))
		return yamlread_refuse(r, node, "%s: %.40s %s", o->name, text, why);
	return AK_OK;
}

static enum ak_err
read_choice(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    const char *text, struct settings *s)
{
	bool *field = field_of(s, o);

	for (int i = 0; i < 2; i++)
		if (strcmp(text, o->words[i]) == 0) {
			*field = i == 1;
			return AK_OK;
		}
	return yamlread_refuse(
	    r, node, "%s is %s or %s, not `%.80s'", o->name, o->words[1], o->words[0], text);
}

static enum ak_err
read_count(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    const char *text, struct settings *s)
{
	uint32_t *field = field_of(s, o);
	uint64_t count;

	if (num_parse(text, 0, COUNT_MAX, &count) != AK_OK)
		return yamlread_refuse(r, node, "%s: `%.80s' is no whole number from 0 to %u",
		    o->name, text, COUNT_MAX);
	*field = (uint32_t)count;
	return AK_OK;
}

static enum ak_err
read_option(const struct yamlread *r, const struct option *o, const struct yaml_node *node,
    struct settings *s)
{
	const char *text;
	enum ak_err err;

	if (o->kind == KIND_HOSTS)
		return read_hosts(r, o, node, s);
	if ((err = yamlread_text(r, node, o->name, &text)) != AK_OK)
		return err;
	switch (o->kind) {
	case KIND_TEXT:
		if (!o->valid(text))
			return yamlread_refuse(
			    r, node, "%s: `%.80s' is not %s", o->name, text, o->shape);
		if (text_copy(field_of(s, o), o->size_b, text) != AK_OK)
			return yamlread_refuse(
			    r, node, "%s is longer than %zu bytes", o->name, o->size_b - 1);
		return AK_OK;
	case KIND_RANGE:
		return read_range(r, o, node, text, s);
	case KIND_BOOL:
	case KIND_CHOICE:
		return read_choice(r, o, node, text, s);
	case KIND_DURATION:
		if (num_parse_duration(text, field_of(s, o)) != AK_OK)
			return yamlread_refuse(r, node,
			    "%s: `%.80s' is no duration (as 90d; units s m h d w; or never)",
			    o->name, text);
		return AK_OK;
	case KIND_COUNT:
		return read_count(r, o, node, text, s);
	case KIND_HOSTS:
		break;
	}
	return AK_ERR_INVALID;
}

void
settings_default(struct settings *out)
{
	const struct yamlread nobody = {.file = NULL};

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < N_OPTIONS; i++) {
		struct yaml_node node = {
		    .kind = YAML_SCALAR, .plain = true, .text = options[i].fallback};

		/* The table's own texts: a test holds that each is taken. */
		(void)!read_option(&nobody, &options[i], &node, out);
	}
}

/* Is the option a key of the section of that name ("": of the file itself)? Then what it is called there. */
static const char *
name_within(const struct option *o, const char *section)
{
	const char *dot = strchr(o->name, '.');
	size_t len = dot == NULL ? 0 : (size_t)(dot - o->name);

	if (strlen(section) != len || strncmp(o->name, section, len) != 0)
		return NULL;
	return dot == NULL ? o->name : dot + 1;
}

static enum ak_err
read_section(const struct yamlread *r, const struct yaml_node *node, const char *section,
    const char *const *more, struct settings *out)
{
	const char *known[N_OPTIONS + 4];
	const struct yaml_node *value;
	size_t n = 0;
	enum ak_err err;

	for (; *more != NULL; more++)
		known[n++] = *more;
	for (size_t i = 0; i < N_OPTIONS; i++)
		if ((known[n] = name_within(&options[i], section)) != NULL)
			n++;
	known[n] = NULL;
	if ((err = yamlread_keys(
		 r, node, section[0] == '\0' ? "apikey.yaml" : section, known)) != AK_OK)
		return err;
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const char *name = name_within(&options[i], section);

		if (name != NULL && (value = yamlread_get(node, name)) != NULL &&
		    (err = read_option(r, &options[i], value, out)) != AK_OK)
			return err;
	}
	return AK_OK;
}

static enum ak_err
read_all(const struct yamlread *r, const struct yaml_node *root, struct settings *out)
{
	static const char *const more[] = {"version", "samples", NULL}, *const none[] = {NULL};
	const struct yaml_node *node;
	enum ak_err err;

	if ((err = read_section(r, root, "", more, out)) != AK_OK ||
	    (err = yamlread_version(r, root)) != AK_OK)
		return err;
	if ((node = yamlread_get(root, "samples")) != NULL &&
	    (err = read_section(r, node, "samples", none, out)) != AK_OK)
		return err;
	if (!ranges_overlap(out->uids, out->gids))
		return AK_OK;
	if ((node = yamlread_get(root, "gid_range")) == NULL)
		node = yamlread_get(root, "uid_range");
	return yamlread_refuse(r, node,
	    "uid_range %u-%u and gid_range %u-%u overlap: a key's uid is its gid too",
	    out->uids.min, out->uids.max, out->gids.min, out->gids.max);
}

void
settings_copy(struct settings *dst, const struct settings *src)
{
	*dst = *src;
	dst->hosts.bytes = src->hosts.len_b == 0 ? NULL : dst->hosts_bytes;
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

void
settings_pack(const struct settings *s, struct pack *out)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];
		const void *field = field_of_const(s, o);

		switch (o->kind) {
		case KIND_HOSTS:
			pack_strv(out, s->hosts);
			break;
		case KIND_TEXT:
			pack_str(out, field);
			break;
		case KIND_RANGE:
			pack_u32(out, ((const struct id_range *)field)->min);
			pack_u32(out, ((const struct id_range *)field)->max);
			break;
		case KIND_BOOL:
		case KIND_CHOICE:
			pack_u8(out, *(const bool *)field);
			break;
		case KIND_DURATION:
			pack_u64(out, (uint64_t) * (const int64_t *)field);
			break;
		case KIND_COUNT:
			pack_u32(out, *(const uint32_t *)field);
			break;
		}
	}
}

static bool
unpack_hosts(struct unpack *u, const struct option *o, struct settings *s)
{
	struct strv v = unpack_strv(u);

	if (v.len_b > o->size_b)
		return false;
	strv_for (v, host) {
		if (!o->valid(host))
			return false;
	}
	if (v.len_b > 0)
		memcpy(s->hosts_bytes, v.bytes, v.len_b);
	s->hosts = (struct strv){.bytes = s->hosts_bytes, .len_b = v.len_b};
	return true;
}

/* Is what is there a value that the file could have given? */
static bool
unpack_option(struct unpack *u, const struct option *o, struct settings *s)
{
	struct id_range range;
	int64_t duration;
	const char *text;
	char why[80];
	uint8_t byte;

	switch (o->kind) {
	case KIND_HOSTS:
		return unpack_hosts(u, o, s);
	case KIND_TEXT:
		text = unpack_str(u);
		return o->valid(text) && text_copy(field_of(s, o), o->size_b, text) == AK_OK;
	case KIND_RANGE:
		range.min = unpack_u32(u);
		range.max = unpack_u32(u);
		*(struct id_range *)field_of(s, o) = range;
		return check_range(range, why, sizeof(why));
	case KIND_BOOL:
	case KIND_CHOICE:
		byte = unpack_u8(u);
		*(bool *)field_of(s, o) = byte == 1;
		return byte <= 1;
	case KIND_DURATION:
		duration = (int64_t)unpack_u64(u);
		*(int64_t *)field_of(s, o) = duration;
		return duration > 0;
	case KIND_COUNT:
		*(uint32_t *)field_of(s, o) = unpack_u32(u);
		return *(const uint32_t *)field_of_const(s, o) <= COUNT_MAX;
	}
	return false;
}

enum ak_err
settings_unpack(const void *bytes, size_t len_b, struct settings *out)
{
	struct unpack u = unpack_over(bytes, len_b);
	bool good = true;

	settings_default(out);
	for (size_t i = 0; i < N_OPTIONS && good; i++)
		good = unpack_option(&u, &options[i], out);
	if (good && !u.bad && u.left_b == 0 && !ranges_overlap(out->uids, out->gids))
		return AK_OK;
	settings_default(out);
	return AK_ERR_CORRUPT;
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
