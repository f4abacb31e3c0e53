#include "lastused.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "ownfile.h"
#include "pack.h"
#include "safefile.h"

#define SLOT_B 128U
#define SLOT_VERSION 1U

/* A slot's places: a CRC-32 of all that follows it, the version, the key's id, when, and three texts, filled up with zeros. */
enum {
	AT_CRC = 0,
	AT_VERSION = 4,
	AT_ID = 6,
	AT_WHEN = 16,
	AT_FROM = 24,
	AT_SERVICE = 72,
	AT_ACCOUNT = 96,
};

_Static_assert(AT_ID + KEY_ID_LEN == AT_WHEN, "an id fits");
_Static_assert(AT_FROM + sizeof(((struct lastused *)NULL)->from) == AT_SERVICE, "no gap");
_Static_assert(AT_SERVICE + sizeof(((struct lastused *)NULL)->service) == AT_ACCOUNT, "no gap");
_Static_assert(AT_ACCOUNT + sizeof(((struct lastused *)NULL)->account) == SLOT_B, "no gap");

/* Where uids of keys may lie (id_is_reserved); the second area is behind the first. */
#define LOW_END UINT32_C(524288)
#define HIGH_MIN UINT32_C(1879048192)
#define HIGH_END UINT32_C(2147483648)

/* -1: no key has such a uid. */
static off_t
place_of(uint32_t uid)
{
	if (uid < LOW_END)
		return (off_t)uid * SLOT_B;
	if (uid >= HIGH_MIN && uid < HIGH_END)
		return ((off_t)LOW_END + (uid - HIGH_MIN)) * SLOT_B;
	return -1;
}

static void
put_text(unsigned char *at, size_t cap_b, const char *text)
{
	memcpy(at, text, strnlen(text, cap_b - 1));
}

static void
pack_slot(const struct key_record *k, const struct lastused *use, unsigned char slot[SLOT_B])
{
	memset(slot, 0, SLOT_B);
	slot[AT_VERSION] = SLOT_VERSION;
	memcpy(slot + AT_ID, k->id, strnlen(k->id, KEY_ID_LEN));
	le64_store(slot + AT_WHEN, (uint64_t)use->at);
	put_text(slot + AT_FROM, sizeof(use->from), use->from);
	put_text(slot + AT_SERVICE, sizeof(use->service), use->service);
	put_text(slot + AT_ACCOUNT, sizeof(use->account), use->account);
	le32_store(slot + AT_CRC, hash_crc32(0, slot + AT_VERSION, SLOT_B - AT_VERSION));
}

/*
 * A slot of another version is written over like one that is torn: it tells
 * of a use before this one, nothing is decided by it, and a later version
 * takes what is of this one for "unknown" at worst. To look first would cost
 * each login a read.
 */
void
lastused_note(const struct paths *p, const struct key_record *k, const struct lastused *use)
{
	unsigned char slot[SLOT_B];
	off_t place = place_of(k->uid);
	struct stat st;
	int fd;

	if (place == -1 || !ownfile_may_reach(place + SLOT_B) ||
	    ownfile_open(p->lastused, p->owner, 0600, 0, &fd, &st) != AK_OK)
		return;
	pack_slot(k, use, slot);
	while (pwrite(fd, slot, sizeof(slot), place) == -1 && errno == EINTR)
		;
	(void)close(fd);
}

enum ak_err
lastused_open(const struct paths *p, struct lastused_file *out)
{
	struct stat st;
	enum ak_err err = safefile_open(p->lastused, p->owner, &out->fd, &st);

	return err == AK_ERR_NOT_FOUND ? AK_OK : err;
}

void
lastused_close(struct lastused_file *f)
{
	if (f->fd != -1)
		(void)close(f->fd);
	f->fd = -1;
}

/* Behind the end of the file are zeros, as in its holes. */
static bool
read_slot(int fd, off_t place, unsigned char slot[SLOT_B])
{
	ssize_t n;

	memset(slot, 0, SLOT_B);
	do
		n = pread(fd, slot, SLOT_B, place);
	while (n == -1 && errno == EINTR);
	return n == 0 || n == SLOT_B;
}

static bool
is_empty(const unsigned char slot[SLOT_B])
{
	static const unsigned char zeros[SLOT_B];

	return memcmp(slot, zeros, SLOT_B) == 0;
}

static bool
is_whole(const unsigned char slot[SLOT_B])
{
	return slot[AT_VERSION] == SLOT_VERSION &&
	       le32_load(slot + AT_CRC) == hash_crc32(0, slot + AT_VERSION, SLOT_B - AT_VERSION);
}

/* Terminated, whoever wrote it. */
static void
take_text(const unsigned char *at, char *dst, size_t cap_b)
{
	memcpy(dst, at, cap_b - 1);
	dst[cap_b - 1] = '\0';
}

void
lastused_find(const struct lastused_file *f, const struct key_record *k, struct lastused *out)
{
	unsigned char slot[SLOT_B];
	off_t place = place_of(k->uid);

	memset(out, 0, sizeof(*out));
	if (f->fd == -1 || place == -1)
		return;
	out->unknown = !read_slot(f->fd, place, slot) || (!is_empty(slot) && !is_whole(slot));
	if (out->unknown || strncmp((const char *)slot + AT_ID, k->id, KEY_ID_LEN) != 0)
		return;
	out->at = (int64_t)le64_load(slot + AT_WHEN);
	take_text(slot + AT_FROM, out->from, sizeof(out->from));
	take_text(slot + AT_SERVICE, out->service, sizeof(out->service));
	take_text(slot + AT_ACCOUNT, out->account, sizeof(out->account));
}
