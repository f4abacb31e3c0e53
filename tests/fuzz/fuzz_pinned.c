/* fuzz_pinned: any bytes as a policy that sessions are still judged by: under its id lies that policy or none, and it stays as long as a session names it. */
#include "pinned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_forge.h"
#include "image_layout.h"
#include "policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

#define POLICIES 2U
#define SESSIONS 3U

static const char *
path_of(const char *name)
{
	static char path[400];

	(void)snprintf(path, sizeof(path), "%s/policies", fuzz_paths()->run);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/policies/%s", fuzz_paths()->run, name);
	return path;
}

static const char *
path_of_id(uint64_t id)
{
	char name[17];

	(void)snprintf(name, sizeof(name), "%016llx", (unsigned long long)id);
	return path_of(name);
}

static const struct image *
policy(unsigned which)
{
	static const char *const texts[POLICIES] = {
	    "version: 1\nroles:\n  viewer: {services: [sshd]}\n",
	    "version: 1\nspaces: {a: {}}\nroles:\n  editor: {services: ['*'], accounts: "
	    "[deploy]}\n"};
	static struct image *im[POLICIES];
	struct settings settings;

	settings_default(&settings);
	if (im[which] == NULL)
		fuzz_check(policy_compile(texts[which], strlen(texts[which]), "p", &settings,
			       &im[which], NULL) == AK_OK,
		    "there is a policy");
	return im[which];
}

/* Does a policy lie under the id, and is it those bytes, but for the header? */
static bool
loads(uint64_t id, const void *bytes, size_t len_b)
{
	struct image *im = NULL;
	enum ak_err err = pinned_load(fuzz_paths(), id, &im);
	const unsigned char *is;
	size_t is_b;

	fuzz_check((err == AK_OK) == (im != NULL), "what is refused is not there");
	if (err != AK_OK)
		return false;
	is = image_borrow_bytes(im, &is_b);
	fuzz_check(is_b == len_b && memcmp(is + IMAGE_HEADER_B,
					(const unsigned char *)bytes + IMAGE_HEADER_B,
					len_b - IMAGE_HEADER_B) == 0,
	    "what is under an id is that policy");
	image_free(&im);
	return true;
}

/* With the sums that a careful forger would put in. */
static void
forge(unsigned char *bytes, size_t len_b)
{
	if (len_b < IMAGE_HEADER_B)
		return;
	memcpy(bytes, IMAGE_MAGIC, 8);
	le32_store(bytes + IMAGE_AT_VERSION, IMAGE_VERSION);
	le64_store(bytes + IMAGE_AT_SIZE, len_b);
	le32_store(bytes + IMAGE_AT_CHECKSUM, image_checksum(bytes, len_b));
}

/* One that was kept; then damaged, by accident or with care; then under the other's id. */
static void
read_kept(struct fuzz_input *in)
{
	unsigned which = fuzz_u8(in) % POLICIES;
	uint64_t id[POLICIES];
	const void *kept;
	unsigned char *copy;
	size_t len_b, damaged_b;
	bool damaged;

	for (unsigned i = 0; i < POLICIES; i++)
		fuzz_check(pinned_keep(fuzz_paths(), policy(i), &id[i], NULL) == AK_OK,
		    "a policy can be kept");
	kept = image_borrow_bytes(policy(which), &len_b);
	fuzz_check(id[0] != id[1] && loads(id[which], kept, len_b), "and is found");
	copy = malloc(len_b);
	fuzz_check(copy != NULL, "there is memory");
	memcpy(copy, kept, len_b);
	damaged_b = len_b;
	damaged = fuzz_damage(in, copy, &damaged_b);
	if (fuzz_u8(in) % 2 == 1)
		forge(copy, damaged_b);
	fuzz_file(path_of_id(id[which]), copy, damaged_b);
	fuzz_check(loads(id[which], kept, len_b) || damaged, "what is whole is believed");
	fuzz_file(path_of_id(id[1 - which]), copy, damaged_b);
	fuzz_check(!loads(id[1 - which], kept, len_b), "under another's id lies none");
	free(copy);
}

/* Whatever lies there, sealed with care, under the id that it would have. */
static void
read_forged(const struct fuzz_input *in)
{
	unsigned char *copy = malloc(in->left_b + 1);
	struct image *im = NULL;
	uint64_t id = 1;

	fuzz_check(copy != NULL, "there is memory");
	if (in->left_b > 0)
		memcpy(copy, in->at, in->left_b);
	forge(copy, in->left_b);
	if (in->left_b > IMAGE_HEADER_B)
		id = hash_sip(0, copy + IMAGE_HEADER_B, in->left_b - IMAGE_HEADER_B);
	fuzz_file(path_of_id(id), copy, in->left_b);
	fuzz_check(loads(id, copy, in->left_b) == (image_open(copy, in->left_b, &im) == AK_OK),
	    "what is sealed so is believed when it is a policy");
	image_free(&im);
	(void)unlink(path_of_id(id));
	fuzz_file(path_of_id(id ^ 4), copy, in->left_b);
	fuzz_check(!loads(id ^ 4, copy, in->left_b), "under no other id");
	(void)unlink(path_of_id(id ^ 4));
	free(copy);
}

static void
name_by_session(unsigned i, uint64_t id)
{
	static struct session s = {.state = SESSION_OPEN,
	    .uid = 70000,
	    .key = "ci",
	    .key_id = "K000070000",
	    .account = "deploy",
	    .account_uid = 1001,
	    .service = "sshd",
	    .leader = {.pid = 1, .start = 1},
	    .audit = PROC_NO_AUDIT};
	char folder[400];

	(void)snprintf(folder, sizeof(folder), "%s/sessions", fuzz_paths()->run);
	(void)mkdir(folder, 0700);
	(void)snprintf(s.id, sizeof(s.id), "%016x", i);
	s.policy = id;
	fuzz_check(sessions_update(fuzz_paths(), &s) == AK_OK, "a session is written");
}

/* Files of ids that meet, and one of any name. */
static void
sweep(struct fuzz_input *in)
{
	uint64_t named[SESSIONS], there[4];
	char any[40], hex[17];
	bool any_is_named = false;

	for (unsigned i = 0; i < SESSIONS; i++) {
		named[i] = (uint64_t)fuzz_u8(in) % 8 << (fuzz_u8(in) % 2 * 60);
		name_by_session(i, named[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		there[i] = (uint64_t)fuzz_u8(in) % 8 << (fuzz_u8(in) % 2 * 60);
		fuzz_file(path_of_id(there[i]), "", 0);
	}
	(void)fuzz_line(in, any, sizeof(any));
	if (any[0] == '\0' || any[0] == '.' || strchr(any, '/') != NULL)
		fuzz_check(text_copy(any, sizeof(any), "x") == AK_OK, "a name fits");
	fuzz_file(path_of(any), "", 0);
	pinned_sweep(fuzz_paths());
	for (unsigned i = 0; i < 4; i++) {
		bool wanted = false;

		for (unsigned k = 0; k < SESSIONS; k++)
			wanted = wanted || named[k] == there[i];
		fuzz_check((access(path_of_id(there[i]), F_OK) == 0) == wanted,
		    "what a session names stays, and nothing else");
	}
	for (unsigned k = 0; k < SESSIONS; k++) {
		(void)snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)named[k]);
		any_is_named = any_is_named || strcmp(hex, any) == 0;
	}
	fuzz_check((access(path_of(any), F_OK) == 0) == any_is_named, "whatever it is called");
}

/* The first byte: a policy that was kept, one that a forger made, or which of several stay. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};

	switch (fuzz_u8(&in) % 3) {
	case 0:
		read_kept(&in);
		break;
	case 1:
		read_forged(&in);
		break;
	default:
		sweep(&in);
		break;
	}
	return 0;
}
