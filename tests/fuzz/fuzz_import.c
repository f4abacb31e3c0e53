/* fuzz_import: any bytes as a file of keys: each wrong line is told with its place, and what is taken can be stored, once each. */
#include <string.h>

#include <jansson.h>

#include "fuzz_check.h"
#include "importfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static void
take_wrong(void *ctx, const struct diag *why)
{
	++*(unsigned *)ctx;
	fuzz_check(why->line > 0 && why->text[0] != '\0' && strcmp(why->file, "f") == 0,
	    "what is wrong has a place and a sentence");
}

/* Each is what the store would take: its bytes say the same again. */
static void
check_line(const struct importline *l)
{
	struct pack again = PACK_INIT;
	struct key_record k;
	struct spent_uid s;
	struct role_gid g;

	switch (l->kind) {
	case IMPORTLINE_KEY:
		fuzz_check(key_record_unpack(l->bytes.bytes, l->bytes.len_b, &k) == AK_OK,
		    "a key can be stored");
		fuzz_check(k.not_before < k.expires_at && k.home[0] == '/' && k.shell[0] == '/',
		    "and is one that could be made");
		key_record_pack(&l->key, &again);
		break;
	case IMPORTLINE_SPENT:
		fuzz_check(spent_uid_unpack(l->bytes.bytes, l->bytes.len_b, &s) == AK_OK,
		    "a spent uid can be stored");
		spent_uid_pack(&l->spent, &again);
		break;
	case IMPORTLINE_ROLE_GROUP:
		fuzz_check(role_gid_unpack(l->bytes.bytes, l->bytes.len_b, &g) == AK_OK,
		    "a group can be stored");
		role_gid_pack(&l->role_group, &again);
		break;
	}
	fuzz_check(again.err == AK_OK && again.len_b == l->bytes.len_b &&
		       memcmp(again.bytes, l->bytes.bytes, again.len_b) == 0,
	    "what is borrowed from the bytes is what they say");
	pack_clear(&again);
}

static void
check_once(const struct importfile *f)
{
	for (size_t i = 0; i < f->n; i++)
		for (size_t j = i + 1; j < f->n; j++)
			fuzz_check(f->v[i].kind != IMPORTLINE_KEY ||
				       f->v[j].kind != IMPORTLINE_KEY ||
				       (strcmp(f->v[i].key.name, f->v[j].key.name) != 0 &&
					   strcmp(f->v[i].key.id, f->v[j].key.id) != 0 &&
					   f->v[i].key.uid != f->v[j].key.uid),
			    "no two keys share a name, an id or a uid");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct importfile f = IMPORTFILE_INIT;
	unsigned told = 0;
	enum ak_err err;

	json_object_seed(1); /* not by chance, which is the rule */
	f.name = "f";
	f.wrong = take_wrong;
	f.ctx = &told;
	if ((err = importfile_take(&f, (const char *)bytes, len_b)) == AK_OK)
		err = importfile_end(&f);
	fuzz_check(told == f.n_wrong && (err == AK_OK) == (told == 0),
	    "a file is refused if and only if a line was told");
	if (err == AK_OK) {
		for (size_t i = 0; i < f.n; i++)
			check_line(&f.v[i]);
		check_once(&f);
	}
	importfile_clear(&f);
	return 0;
}
