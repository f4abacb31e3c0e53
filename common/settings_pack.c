#include <string.h>

#include "settings_shape.h"
#include "settings_table.h"

static void
pack_option(const struct settings *s, const struct option *o, struct pack *out)
{
	const void *field = option_field_const(s, o);

	switch (o->kind) {
	case KIND_LIST:
		pack_strv(out, option_list(s, o));
		break;
	case KIND_TEXT:
	case KIND_TEXT_OR_NONE:
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
	case KIND_SASL:
		pack_u8(out, (uint8_t) * (const enum directory_sasl *)field);
		break;
	case KIND_DURATION:
		pack_u64(out, (uint64_t) * (const int64_t *)field);
		break;
	case KIND_COUNT:
		pack_u32(out, *(const uint32_t *)field);
		break;
	case KIND_TLS:
		break;
	}
}

/* Without a directory none of its options, which are the defaults then. */
void
settings_pack(const struct settings *s, struct pack *out)
{
	const struct option *o;

	pack_u8(out, s->directory.present);
	for (size_t i = 0; (o = settings_option(i)) != NULL; i++)
		if (s->directory.present || !option_is_directory(o))
			pack_option(s, o, out);
}

static bool
unpack_bool(struct unpack *u, bool *out)
{
	uint8_t byte = unpack_u8(u);

	*out = byte == 1;
	return byte <= 1;
}

static bool
unpack_list(struct unpack *u, const struct option *o, struct settings *s)
{
	struct strv v = unpack_strv(u);

	strv_for (v, entry) {
		if (!o->valid(entry))
			return false;
	}
	return option_set_list(s, o, v);
}

static bool
unpack_text(struct unpack *u, const struct option *o, struct settings *s)
{
	const char *text = unpack_str(u);
	bool may_be_empty = o->fallback[0] == '\0' || o->kind == KIND_TEXT_OR_NONE;

	if (text[0] == '\0' ? !may_be_empty : !o->valid(text))
		return false;
	return text_copy(option_field(s, o), o->size_b, text) == AK_OK;
}

static bool
unpack_range(struct unpack *u, struct id_range *out)
{
	char why[80];
	struct text t = text_over(why, sizeof(why));

	out->min = unpack_u32(u);
	out->max = unpack_u32(u);
	return shape_is_range(*out, &t);
}

/* Is what is there a value that the file could have given? */
static bool
unpack_option(struct unpack *u, const struct option *o, struct settings *s)
{
	void *field = option_field(s, o);
	bool flag = false, good;

	switch (o->kind) {
	case KIND_LIST:
		return unpack_list(u, o, s);
	case KIND_TEXT:
	case KIND_TEXT_OR_NONE:
		return unpack_text(u, o, s);
	case KIND_RANGE:
		return unpack_range(u, field);
	case KIND_BOOL:
	case KIND_CHOICE:
		return unpack_bool(u, field);
	case KIND_SASL:
		good = unpack_bool(u, &flag);
		*(enum directory_sasl *)field = flag ? DIRECTORY_EXTERNAL : DIRECTORY_NO_SASL;
		return good;
	case KIND_DURATION:
		*(int64_t *)field = (int64_t)unpack_u64(u);
		return option_allows_duration(o, *(const int64_t *)field);
	case KIND_COUNT:
		*(uint32_t *)field = unpack_u32(u);
		return *(const uint32_t *)field <= (uint64_t)o->most;
	case KIND_TLS:
		return true;
	}
	return false;
}

enum ak_err
settings_unpack(const void *bytes, size_t len_b, struct settings *out)
{
	struct unpack u = unpack_over(bytes, len_b);
	const struct option *o;
	bool good;

	settings_default(out);
	good = unpack_bool(&u, &out->directory.present);
	for (size_t i = 0; good && (o = settings_option(i)) != NULL; i++)
		if (out->directory.present || !option_is_directory(o))
			good = unpack_option(&u, o, out);
	if (good && !u.bad && u.left_b == 0 && settings_check(out) == NULL)
		return AK_OK;
	settings_default(out);
	return AK_ERR_CORRUPT;
}
