/* fuzz_rollback: any bytes as policy.applied, beside any policies: a record is believed when it is sealed, whole and of that text; what `policy rollback' finds is what lies there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "applied.h"
#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_input.h"
#include "hash.h"
#include "live.h"
#include "pack.h"
#include "rollback.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static void
put_record(const uint8_t *bytes, size_t len_b, bool seal)
{
	unsigned char *copy = malloc(len_b + 4);

	fuzz_check(copy != NULL, "there is memory");
	if (len_b > 0)
		memcpy(copy, bytes, len_b);
	le32_store(copy + len_b, hash_crc32(0, copy, len_b));
	fuzz_file(fuzz_paths()->applied, copy, len_b + (seal ? 4 : 0));
	free(copy);
}

static bool
is_empty(const struct applied *a)
{
	static const struct applied empty;

	return memcmp(a, &empty, sizeof(empty)) == 0;
}

/* What was read is written as the same bytes. */
static void
check_written(const struct applied *a)
{
	const struct paths *p = fuzz_paths();
	struct safefile once, again;

	fuzz_check(safefile_read(p->applied, p->owner, 4096, &once, NULL) == AK_OK &&
		       applied_write(p, a, NULL) == AK_OK &&
		       safefile_read(p->applied, p->owner, 4096, &again, NULL) == AK_OK,
	    "a record can be written");
	fuzz_check(once.len_b == again.len_b && memcmp(once.bytes, again.bytes, once.len_b) == 0,
	    "as it was read");
	free(once.bytes);
	free(again.bytes);
}

static void
read_record(struct fuzz_input *in)
{
	bool seal = fuzz_u8(in) % 4 != 0;
	struct applied a, found;
	enum ak_err err;

	put_record(in->at, in->left_b, seal);
	err = applied_read(fuzz_paths(), &a);
	fuzz_check(err == AK_OK || (is_empty(&a) && err != AK_ERR_NOT_FOUND),
	    "what is not believed says nothing, and is not gone");
	if (err == AK_OK) {
		check_written(&a);
		fuzz_check(applied_find(fuzz_paths(), a.sha256, &found) == AK_OK &&
			       memcmp(&a, &found, sizeof(a)) == 0,
		    "a record is its text's");
	}
	err = applied_find(fuzz_paths(), "another text's", &found);
	fuzz_check(err == AK_OK ? strcmp(a.sha256, "another text's") == 0 : is_empty(&found),
	    "and no other's");
}

/* Both policies, and a record that this version wrote: of the live text or of another, whole or with one byte changed. */
static void
put_files(struct fuzz_input *in, uint8_t choice, struct applied *a)
{
	const struct paths *p = fuzz_paths();
	size_t live_b = fuzz_u8(in) < in->left_b ? in->left_b / 2 : in->left_b;
	char previous[PATH_CAP + 8];
	const uint8_t *live = in->at, *end = in->at + in->left_b;

	fuzz_check(live_previous_path(p, previous) == AK_OK, "it has a path");
	fuzz_file(p->policy, live, live_b);
	fuzz_file(previous, live + live_b, (size_t)(end - live) - live_b);
	*a = (struct applied){.at = 7, .by = "alice"};
	fuzz_check(text_copy(a->how, sizeof(a->how),
		       choice % 2 == 0 ? APPLIED_BEGUN : "apply") == AK_OK &&
		       token_sha256(choice % 4 < 2 ? live : end, choice % 4 < 2 ? live_b : 0,
			   a->sha256) == AK_OK &&
		       applied_write(p, a, NULL) == AK_OK,
	    "a record can be written");
}

static void
damage_record(uint8_t at, uint8_t by)
{
	const struct paths *p = fuzz_paths();
	struct safefile f;

	fuzz_check(safefile_read(p->applied, p->owner, 4096, &f, NULL) == AK_OK, "it is read");
	f.bytes[at % f.len_b] = (char)((uint8_t)f.bytes[at % f.len_b] ^ by);
	fuzz_file(p->applied, f.bytes, f.len_b);
	free(f.bytes);
}

static enum ak_err
look_again(const struct cli *c, const struct rollback *r)
{
	struct diag why = DIAG_INIT;
	enum ak_err err = rollback_check(c, r, &why);

	fuzz_check((err == AK_OK) == (why.text[0] == '\0'), "what is wrong is told");
	return err;
}

static void
find(struct fuzz_input *in)
{
	struct cli c = {.paths = *fuzz_paths()};
	uint8_t choice = fuzz_u8(in), at = fuzz_u8(in), by = fuzz_u8(in);
	struct diag why = DIAG_INIT;
	struct rollback r;
	struct applied a;
	bool begun;

	put_files(in, choice, &a);
	fuzz_check(rollback_find(&c, &r, &why) == AK_OK, "there is one to go back to");
	begun = strcmp(a.how, APPLIED_BEGUN) == 0 && strcmp(a.sha256, r.live_sha256) == 0;
	fuzz_check(r.interrupted == begun, "a rollback was begun that the record says was");
	fuzz_check(look_again(&c, &r) == AK_OK, "while nothing changes, nothing has changed");
	damage_record(at, by);
	fuzz_check(look_again(&c, &r) == (by != 0 && begun ? AK_ERR_UNAVAILABLE : AK_OK),
	    "a record that can't be read any more is no reason to go back further");
	fuzz_file(c.paths.policy, "another", 7);
	fuzz_check(look_again(&c, &r) == AK_ERR_DENIED ||
		       (in->left_b >= 7 && memcmp(in->at, "another", 7) == 0),
	    "what somebody else puts there is seen");
	rollback_clear(&r);
}

/* The first byte: a record of any bytes; or policies, with one that was written. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};

	(void)fuzz_paths();
	(void)mkdir(fuzz_path("etc/apikey"), 0755);
	if (fuzz_u8(&in) % 2 == 0)
		read_record(&in);
	else
		find(&in);
	return 0;
}
