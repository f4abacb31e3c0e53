#include <stdlib.h>
#include <string.h>

#include "doctor_checks.h"
#include "doctor_ask.h"

/* nscd.conf(5): `enable-cache passwd yes'; without a line the table is not cached. */
static bool
is_cached(const char *text, const char *table)
{
	char *copy = strdup(text), *at = copy, *line, *rest;
	bool cached = false;

	while ((line = doctor_line(&at)) != NULL) {
		const char *word, *name, *value;

		line[strcspn(line, "#")] = '\0';
		rest = NULL;
		word = strtok_r(line, " \t\r", &rest);
		name = word == NULL ? NULL : strtok_r(NULL, " \t\r", &rest);
		value = name == NULL ? NULL : strtok_r(NULL, " \t\r", &rest);
		if (value != NULL && strcmp(word, "enable-cache") == 0 &&
		    strcmp(name, table) == 0)
			cached = strcmp(value, "yes") == 0;
	}
	free(copy);
	return cached;
}

/* The tables of ours that are kept; "": none. */
static const char *
cached_tables(const struct doctor *d)
{
	enum ak_err err;
	char *text = doctor_read(d, "nscd.conf", &err);
	/* Without its file nscd, or unscd, keeps what it likes. */
	bool passwd = text == NULL || is_cached(text, "passwd");
	bool group = text == NULL || is_cached(text, "group");

	free(text);
	if (passwd && group)
		return "users and groups";
	return passwd ? "users" : group ? "groups" : "";
}

/* nscd(8) and unscd(8) keep answers of the name service; sssd and systemd-userdbd keep none of ours. */
void
doctor_caches(struct doctor *d)
{
	static const char off[] =
	    "sed -i -E 's/^([[:space:]]*enable-cache[[:space:]]+(passwd|group)[[:space:]]+)"
	    "yes/\\1no/' /etc/nscd.conf && service nscd restart";
	const char *tables = cached_tables(d);

	if (!doctor_is_there(d, "/run/nscd/socket"))
		doctor_ok(d, "nothing keeps answers of the name service");
	else if (tables[0] == '\0')
		doctor_ok(d, "nscd runs, and keeps neither users nor groups");
	else if (!doctor_is_there(d, "/usr/sbin/nscd"))
		doctor_attend(d, off,
		    "a cache keeps %s, and can't be told of changes: there is no "
		    "/usr/sbin/nscd",
		    tables);
	else
		doctor_note(d, off,
		    "nscd keeps %s: it is told to forget them with each change, but not when "
		    "the directory falls silent",
		    tables);
}
