#include "place.h"

#include <stdint.h>
#include <string.h>

/* What the password field of every key and group says; PAM alone knows more. */
#define HIDDEN "x"

/* The string to the front of the room, which shrinks; the sizes were added up before. */
static char *
put(struct place_room *room, const char *s)
{
	size_t size_b = strlen(s) + 1;
	char *at = memcpy(room->buf, s, size_b);

	room->buf += size_b;
	room->cap_b -= size_b;
	return at;
}

enum ak_err
place_passwd(const struct user_record *u, struct place_room room, struct passwd *out)
{
	size_t need_b = strlen(u->name) + strlen(u->gecos) + strlen(u->home) +
			strlen(u->shell) + 4 + sizeof(HIDDEN);

	if (need_b > room.cap_b)
		return AK_ERR_RANGE;
	out->pw_name = put(&room, u->name);
	out->pw_passwd = put(&room, HIDDEN);
	out->pw_uid = u->uid;
	out->pw_gid = u->uid;
	out->pw_gecos = put(&room, u->gecos);
	out->pw_dir = put(&room, u->home);
	out->pw_shell = put(&room, u->shell);
	return AK_OK;
}

/* group(5) separates members by commas. */
static bool
are_members(struct strv v)
{
	strv_for (v, member)
		if (!text_is_passwd_field(member) || strchr(member, ',') != NULL)
			return false;
	return true;
}

/* Bytes to the next address that can hold a pointer. */
static size_t
padding(const char *at)
{
	return (size_t)(-(uintptr_t)at & (_Alignof(char *) - 1));
}

/* Is there room for n members in so many bytes, with the pointers, the padding and the other two strings? */
static bool
group_fits(const struct group_record *g, size_t n, size_t pad_b, size_t cap_b)
{
	size_t strings_b =
	    g->members.len_b + g->marked.len_b + strlen(g->name) + 1 + sizeof(HIDDEN);

	return pad_b <= cap_b && n < (cap_b - pad_b) / sizeof(char *) &&
	       strings_b <= cap_b - pad_b - (n + 1) * sizeof(char *);
}

enum ak_err
place_group(const struct group_record *g, struct place_room room, struct group *out)
{
	size_t n, pad_b = padding(room.buf);
	char **members, **next;

	/* Without counting first: that alone would be work for each member. */
	if (!group_fits(g, 0, pad_b, room.cap_b))
		return AK_ERR_RANGE;
	n = strv_count(g->members) + strv_count(g->marked);
	if (!group_fits(g, n, pad_b, room.cap_b))
		return AK_ERR_RANGE;
	if (!are_members(g->members) || !are_members(g->marked))
		return AK_ERR_CORRUPT;
	next = members = (char **)(void *)(room.buf + pad_b);
	room.buf += pad_b + (n + 1) * sizeof(char *);
	strv_for (g->members, member)
		*next++ = put(&room, member);
	strv_for (g->marked, member)
		*next++ = put(&room, member);
	*next = NULL;
	out->gr_name = put(&room, g->name);
	out->gr_passwd = put(&room, HIDDEN);
	out->gr_gid = g->gid;
	out->gr_mem = members;
	return AK_OK;
}

/* No record without members is as large as this. */
#define WITH_MEMBERS_B 64U

bool
place_group_is_hopeless(size_t value_len_b, struct place_room room)
{
	/* A member takes more in the entry, by its pointer, than it and all else take in the record. */
	return value_len_b > WITH_MEMBERS_B && value_len_b > room.cap_b;
}
