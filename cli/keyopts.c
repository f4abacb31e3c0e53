#include "keyopts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "net.h"
#include "num.h"
#include "role.h"

#define TEXT_MAX_B 255U

typedef enum ak_err take_fn(const char *value, struct keyopts *o, struct diag *why);

/* The entries of a list that hold the same binding, or the same text. */
static bool
has_binding(const struct pack *list, const char *text)
{
	strv_for (pack_borrow_strv(list), have) {
		if (keyopts_same_binding(have, text))
			return true;
	}
	return false;
}

static enum ak_err
take_role(const char *value, struct keyopts *o, struct diag *why)
{
	struct binding b;
	enum ak_err err = binding_parse(value, &b, why);

	if (err == AK_OK && !has_binding(&o->roles, value))
		pack_entry(&o->roles, value);
	return err;
}

static enum ak_err
take_from(const char *value, struct keyopts *o, struct diag *why)
{
	struct net_block b;

	if (net_parse_block(value, &b) != AK_OK)
		return diag_because(why, AK_ERR_INVALID,
		    "--from `%.80s' is no network: write 10.0.0.0/8 or 2001:db8::/32, without "
		    "host bits, one for each --from",
		    value);
	if (!strv_has(pack_borrow_strv(&o->from), value))
		pack_entry(&o->from, value);
	return AK_OK;
}

/* Case and blanks count: it is compared with what the directory and the policy say, byte by byte. */
enum ak_err
keyopts_check_group(const char *name, struct diag *why)
{
	if (*name == '\0')
		return diag_because(why, AK_ERR_INVALID, "a group's name can't be empty");
	if (strlen(name) > IDP_GROUP_MAX_B)
		return diag_because(why, AK_ERR_INVALID,
		    "the group `%.40s…' is longer than %u bytes", name, IDP_GROUP_MAX_B);
	if (!text_is_line(name, IDP_GROUP_MAX_B))
		return diag_because(why, AK_ERR_INVALID,
		    "a group's name holds a control character or what is not UTF-8");
	return AK_OK;
}

static enum ak_err
take_group(const char *value, struct keyopts *o, struct diag *why)
{
	enum ak_err err = keyopts_check_group(value, why);

	if (err == AK_OK && !strv_has(pack_borrow_strv(&o->groups), value))
		pack_entry(&o->groups, value);
	return err;
}

/* An option that may come several times; '' alone means none. */
static enum ak_err
take_list(const struct args *a, enum arg arg, struct pack *list, bool *has, take_fn *take,
    struct keyopts *o, struct diag *why)
{
	size_t at = 0, n = 0;
	bool none = false;
	const char *value;
	enum ak_err err = AK_OK;

	for (; err == AK_OK && (value = args_next(a, arg, &at)) != NULL; n++) {
		if (*value == '\0')
			none = true;
		else
			err = take(value, o, why);
	}
	*has = n > 0;
	if (err == AK_OK && none && n > 1)
		err = diag_because(why, AK_ERR_INVALID,
		    "an empty --role, --group or --from clears the list, and stands alone");
	if (err == AK_OK && n > KEYOPTS_LIST_MAX)
		err = diag_because(why, AK_ERR_INVALID,
		    "a key has at most %u roles, groups and networks, each", KEYOPTS_LIST_MAX);
	return err == AK_OK ? list->err : err;
}

static enum ak_err
take_duration(const char *value, struct keyopts *o, struct diag *why)
{
	o->has_duration = true;
	if (num_parse_duration(value, &o->duration_s) == AK_OK)
		return AK_OK;
	return diag_because(why, AK_ERR_INVALID,
	    "--duration `%.40s' is no duration: write 86400, 12h, 30d, 4w or never", value);
}

static enum ak_err
take_not_before(const char *value, struct keyopts *o, struct diag *why)
{
	o->has_not_before = true;
	o->not_before = 0;
	if (*value == '\0' || num_parse_time(value, &o->not_before) == AK_OK)
		return AK_OK;
	return diag_because(why, AK_ERR_INVALID,
	    "--not-before `%.40s' is no moment: write 2026-03-04T05:06:07Z", value);
}

static enum ak_err
take_uid(const char *value, struct keyopts *o, struct diag *why)
{
	uint64_t uid;

	o->has_uid = true;
	if (num_parse(value, 1, UINT32_MAX - 1, &uid) != AK_OK)
		return diag_because(why, AK_ERR_INVALID, "--uid `%.40s' is no uid", value);
	o->uid = (uint32_t)uid;
	return AK_OK;
}

static enum ak_err
take_verifier(const char *value, struct keyopts *o, struct diag *why)
{
	o->has_verifier = true;
	if (token_parse_verifier(value, &o->verifier) == AK_OK)
		return AK_OK;
	return diag_because(why, AK_ERR_INVALID,
	    "--verifier is no verifier: it is what `apikey token new` prints, from "
	    "apikey-verifier-1: on");
}

/* They become passwd(5) fields, or stand beside them. */
enum ak_err
keyopts_check_text(const char *what, const char *value, struct diag *why)
{
	bool plain = true;

	if (strlen(value) > TEXT_MAX_B)
		return diag_because(
		    why, AK_ERR_INVALID, "%s is longer than %u bytes", what, TEXT_MAX_B);
	for (const char *c = value; *c != '\0' && plain; c++)
		plain = text_control_len(c) == 0;
	if (!plain || !text_is_passwd_field(value) || !text_is_utf8(value))
		return diag_because(why, AK_ERR_INVALID,
		    "%s holds a colon, a control character or what is not UTF-8", what);
	return AK_OK;
}

static enum ak_err
take_description(const char *value, struct keyopts *o, struct diag *why)
{
	o->description = value;
	return keyopts_check_text("--description", value, why);
}

static enum ak_err
take_owner(const char *value, struct keyopts *o, struct diag *why)
{
	o->owner = value;
	return keyopts_check_text("--owner", value, why);
}

enum ak_err
keyopts_check_path(const char *what, const char *value, struct diag *why)
{
	if (value[0] != '/')
		return diag_because(
		    why, AK_ERR_INVALID, "%s `%.80s' is not absolute", what, value);
	return keyopts_check_text(what, value, why);
}

static enum ak_err
take_shell(const char *value, struct keyopts *o, struct diag *why)
{
	o->shell = value;
	return keyopts_check_path("--shell", value, why);
}

static enum ak_err
take_home(const char *value, struct keyopts *o, struct diag *why)
{
	o->home = value;
	return keyopts_check_path("--home", value, why);
}

enum ak_err
keyopts_parse(const struct args *a, struct keyopts *out, struct diag *why)
{
	static const struct {
		enum arg arg;
		take_fn *take;
	} single[] = {{ARG_DURATION, take_duration}, {ARG_NOT_BEFORE, take_not_before},
	    {ARG_UID, take_uid}, {ARG_VERIFIER, take_verifier},
	    {ARG_DESCRIPTION, take_description}, {ARG_OWNER, take_owner},
	    {ARG_SHELL, take_shell}, {ARG_HOME, take_home}};
	const char *value;
	enum ak_err err;

	*out = KEYOPTS_INIT;
	err = take_list(a, ARG_ROLE, &out->roles, &out->has_roles, take_role, out, why);
	if (err == AK_OK)
		err = take_list(
		    a, ARG_GROUP, &out->groups, &out->has_groups, take_group, out, why);
	if (err == AK_OK)
		err = take_list(a, ARG_FROM, &out->from, &out->has_from, take_from, out, why);
	for (size_t i = 0; err == AK_OK && i < sizeof(single) / sizeof(single[0]); i++)
		if ((value = args_value(a, single[i].arg)) != NULL)
			err = single[i].take(value, out, why);
	return err;
}

void
keyopts_clear(struct keyopts *o)
{
	pack_clear(&o->roles);
	pack_clear(&o->groups);
	pack_clear(&o->from);
	explicit_bzero(&o->verifier, sizeof(o->verifier));
	*o = KEYOPTS_INIT;
}

enum ak_err
keyopts_check_name(const char *name, struct diag *why)
{
	if (text_is_key_name(name))
		return AK_OK;
	return diag_because(why, AK_ERR_INVALID,
	    "`%.80s' is no name of a key: 1 to %d characters, lower-case letters, digits, _ "
	    "and "
	    "-, the first one a letter or _",
	    cli_shown(name), KEY_NAME_MAX);
}

enum ak_err
keyopts_check_count(struct strv list, const char *what, struct diag *why)
{
	if (strv_count(list) <= KEYOPTS_LIST_MAX)
		return AK_OK;
	return diag_because(
	    why, AK_ERR_DENIED, "a key has at most %u %s", KEYOPTS_LIST_MAX, what);
}

enum ak_err
keyopts_check_shell(const char *path, struct diag *why)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return diag_because(why, AK_ERR_DENIED, "the shell %.200s cannot be used: %s",
		    path, strerror(errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
		return diag_because(
		    why, AK_ERR_DENIED, "the shell %.200s is no executable file", path);
	return AK_OK;
}

char *
keyopts_print_duration(int64_t s, char buf[NUM_TIME_CAP])
{
	static const struct {
		int64_t s;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;

	while (s % units[i].s != 0)
		i++;
	(void)snprintf(buf, NUM_TIME_CAP, "%lld%c", (long long)(s / units[i].s), units[i].unit);
	return buf;
}

static enum ak_err
check_duration(int64_t duration_s, const struct live *live, struct diag *why)
{
	int64_t max_s = live->settings.max_duration_s;
	char max[NUM_TIME_CAP];

	if (!live->settings_ok)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "apikey.yaml can't be used, so max_duration is not known");
	if (duration_s <= max_s)
		return AK_OK;
	return diag_because(why, AK_ERR_DENIED,
	    "max_duration of this host is %s: give a --duration that is not longer",
	    keyopts_print_duration(max_s, max));
}

enum ak_err
keyopts_check_binding(const char *text, const struct live *live, struct diag *why)
{
	struct binding b;
	enum ak_err err = binding_parse(text, &b, why);

	if (err != AK_OK)
		return err;
	if (live->image == NULL)
		return diag_say(why, AK_ERR_UNAVAILABLE, live->problem.file, live->problem.line,
		    live->problem.col, "%s (so no role can be bound)",
		    live->problem.text[0] == '\0' ? "there is no policy" : live->problem.text);
	if (image_find_role(live->image, b.role) == IMAGE_NONE)
		return diag_because(why, AK_ERR_DENIED,
		    "the policy declares no role `%s': add it to %s, or choose another", b.role,
		    image_policy_file(live->image));
	if (b.scope != ROLE_SPACES)
		return AK_OK;
	strv_for (binding_borrow_names(&b), name) {
		if (image_find_space(live->image, name) == IMAGE_NONE)
			return diag_because(why, AK_ERR_DENIED,
			    "the policy declares no space `%s': add it to %s, or choose "
			    "another",
			    name, image_policy_file(live->image));
	}
	return AK_OK;
}

enum ak_err
keyopts_check(const struct keyopts *o, const struct live *live, struct diag *why)
{
	enum ak_err err;

	if (o->has_duration && (err = check_duration(o->duration_s, live, why)) != AK_OK)
		return err;
	return o->shell == NULL ? AK_OK : keyopts_check_shell(o->shell, why);
}
