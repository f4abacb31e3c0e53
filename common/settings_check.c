#include <string.h>

#include "settings_shape.h"
#include "settings_table.h"

static bool
overlap(struct id_range a, struct id_range b)
{
	return a.min <= b.max && b.min <= a.max;
}

static bool
local_ids_overlap(const struct settings *s)
{
	return overlap(s->uids, s->gids);
}

static bool
directory_has_our_uids(const struct settings *s)
{
	return overlap(s->directory.uids, s->uids);
}

static bool
directory_has_our_gids(const struct settings *s)
{
	return overlap(s->directory.uids, s->gids);
}

static bool
no_server(const struct settings *s)
{
	return s->directory.uris.len_b == 0;
}

static bool
bind_without_password(const struct settings *s)
{
	return s->directory.bind_dn[0] != '\0' && s->directory.password_file[0] == '\0';
}

static bool
password_without_bind(const struct settings *s)
{
	return s->directory.bind_dn[0] == '\0' && s->directory.password_file[0] != '\0';
}

static bool
two_identities(const struct settings *s)
{
	return s->directory.sasl == DIRECTORY_EXTERNAL && s->directory.bind_dn[0] != '\0';
}

static bool
cert_without_key(const struct settings *s)
{
	return s->directory.cert_file[0] != '\0' && s->directory.key_file[0] == '\0';
}

static bool
key_without_cert(const struct settings *s)
{
	return s->directory.cert_file[0] == '\0' && s->directory.key_file[0] != '\0';
}

/* The certificate says it to a server elsewhere, the socket to one that is here. */
static bool
external_without_identity(const struct settings *s)
{
	if (s->directory.sasl != DIRECTORY_EXTERNAL || s->directory.cert_file[0] != '\0')
		return false;
	strv_for (s->directory.uris, uri) {
		if (!shape_uri_is(uri, "ldapi"))
			return true;
	}
	return false;
}

static const struct {
	bool (*broken)(const struct settings *s);
	struct settings_fault fault;
	bool of_directory;
} rules[] = {
    {local_ids_overlap,
	{{"gid_range", "uid_range"},
	    "uid_range and gid_range overlap: a key's uid is its gid too"},
	false},
    {no_server,
	{{"directory.uris", "directory"}, "directory.uris is missing: name a server at least"},
	true},
    {directory_has_our_uids,
	{{"directory.uid_range", "uid_range"},
	    "directory.uid_range and uid_range overlap: an id could be given twice"},
	true},
    {directory_has_our_gids,
	{{"directory.uid_range", "gid_range"},
	    "directory.uid_range and gid_range overlap: a key's uid is its gid too"},
	true},
    {bind_without_password,
	{{"directory.bind_dn"},
	    "directory.bind_dn needs directory.password_file: without a password, a server "
	    "lets in anybody"},
	true},
    {password_without_bind,
	{{"directory.password_file"},
	    "directory.password_file needs directory.bind_dn: whose password is it?"},
	true},
    {two_identities,
	{{"directory.sasl"},
	    "directory.sasl: external and directory.bind_dn are two ways to say who this host "
	    "is: remove one"},
	true},
    {cert_without_key,
	{{"directory.cert_file"}, "directory.cert_file needs directory.key_file"}, true},
    {key_without_cert, {{"directory.key_file"}, "directory.key_file needs directory.cert_file"},
	true},
    {external_without_identity,
	{{"directory.sasl"},
	    "directory.sasl: external needs directory.cert_file and key_file, or ldapi:// "
	    "alone: they say who this host is"},
	true},
};

const struct settings_fault *
settings_check(const struct settings *s)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if ((!rules[i].of_directory || s->directory.present) && rules[i].broken(s))
			return &rules[i].fault;
	return NULL;
}
