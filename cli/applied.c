#include "applied.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "pack.h"
#include "safefile.h"
#include "text.h"

#define APPLIED_MAGIC UINT32_C(0x414b5041) /* "APKA" */
#define APPLIED_VERSION 1U
#define APPLIED_MAX_B 4096U

/*
 * A record of a newer version is replaced unseen: it is about the policy that
 * was live before, nothing is decided by it, and the log has who applied what.
 */
enum ak_err
applied_write(const struct paths *p, const struct applied *a, struct diag *why)
{
	struct pack out = PACK_INIT;
	enum ak_err err;

	pack_u32(&out, APPLIED_MAGIC);
	pack_u32(&out, APPLIED_VERSION);
	pack_u64(&out, (uint64_t)a->at);
	pack_str(&out, a->sha256);
	pack_str(&out, a->by);
	pack_str(&out, a->how);
	if (out.err == AK_OK)
		pack_u32(&out, hash_crc32(0, out.bytes, out.len_b));
	err = out.err;
	if (err == AK_OK)
		err = safefile_replace(
		    p->applied, 0600, out.bytes, out.len_b, SAFEFILE_SYNC, why);
	pack_clear(&out);
	return err;
}

static enum ak_err
parse(const unsigned char *bytes, size_t len_b, struct applied *out)
{
	struct unpack u = unpack_over(bytes, len_b < 4 ? 0 : len_b - 4);
	const char *sha256, *by, *how;

	if (len_b < 4 || le32_load(bytes + len_b - 4) != hash_crc32(0, bytes, len_b - 4) ||
	    unpack_u32(&u) != APPLIED_MAGIC || unpack_u32(&u) != APPLIED_VERSION)
		return AK_ERR_CORRUPT;
	out->at = (int64_t)unpack_u64(&u);
	sha256 = unpack_str(&u);
	by = unpack_str(&u);
	how = unpack_str(&u);
	if (u.bad || u.left_b != 0 ||
	    text_copy(out->sha256, sizeof(out->sha256), sha256) != AK_OK ||
	    text_copy(out->by, sizeof(out->by), by) != AK_OK ||
	    text_copy(out->how, sizeof(out->how), how) != AK_OK)
		return AK_ERR_CORRUPT;
	return AK_OK;
}

enum ak_err
applied_read(const struct paths *p, struct applied *out)
{
	struct safefile file;
	enum ak_err err = safefile_read(p->applied, p->owner, APPLIED_MAX_B, &file, NULL);

	memset(out, 0, sizeof(*out));
	if (err != AK_OK)
		return err;
	err = parse((const unsigned char *)file.bytes, file.len_b, out);
	free(file.bytes);
	if (err != AK_OK)
		memset(out, 0, sizeof(*out));
	return err;
}

enum ak_err
applied_find(const struct paths *p, const char *sha256, struct applied *out)
{
	enum ak_err err = applied_read(p, out);

	if (err == AK_OK && strcmp(out->sha256, sha256) != 0)
		err = AK_ERR_NOT_FOUND;
	if (err != AK_OK)
		memset(out, 0, sizeof(*out));
	return err;
}
