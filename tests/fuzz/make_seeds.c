/* make_seeds: what this version writes, as seeds for the targets that read it: make_seeds TARGET FOLDER */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "applied.h"
#include "decide.h"
#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_host.h"
#include "policy.h"
#include "rundir.h"
#include "samples_pack.h"
#include "sessions.h"

static const char *folder;

/* What stands before the bytes says how a target takes them. */
static void
write_seed(
    const char *name, const char *prefix, size_t prefix_b, const void *bytes, size_t len_b)
{
	char path[4096];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fuzz_check((out = fopen(path, "we")) != NULL &&
		       fwrite(prefix, 1, prefix_b, out) == prefix_b &&
		       fwrite(bytes, 1, len_b, out) == len_b && fclose(out) == 0,
	    "a seed can be written");
}

static void
write_nss(const struct safefile sound[STATE_FILES])
{
	write_seed("users", "\1", 1, sound[STATE_USERS].bytes, sound[STATE_USERS].len_b);
}

static void
write_index(const struct safefile sound[STATE_FILES])
{
	static const char *const names[STATE_FILES] = {"local", "users", "keys", "groups"};

	for (unsigned i = 0; i < STATE_FILES; i++)
		write_seed(names[i], "\1\1\0\0\0", 5, sound[i].bytes, sound[i].len_b);
}

static void
write_keys(const struct safefile sound[STATE_FILES])
{
	static const char *const names[STATE_FILES] = {"local", "users", "keys", "groups"};

	for (unsigned i = 0; i < STATE_FILES; i++) {
		const char prefix[2] = {1, (char)i};

		write_seed(names[i], prefix, sizeof(prefix), sound[i].bytes, sound[i].len_b);
	}
}

/* A record is of one kind or another: under the number of each. */
static enum ak_err
write_record(void *ctx, const struct index_view *v)
{
	unsigned *n = ctx;
	char name[32];

	for (char kind = 0; kind < 11; kind++) {
		(void)snprintf(name, sizeof(name), "record-%u-%d", *n, kind);
		write_seed(name, &kind, 1, v->value, v->value_len_b);
	}
	++*n;
	return AK_OK;
}

static void
write_records(const struct safefile sound[STATE_FILES])
{
	struct settings settings;
	struct pack bytes = PACK_INIT;
	struct index_mapping kept;
	struct index ix;
	unsigned n = 0;

	for (unsigned i = 0; i < STATE_FILES; i++) {
		fuzz_check(index_open(fuzz_host_path(fuzz_paths(), (enum fuzz_state_file)i),
			       fuzz_paths()->owner, &ix) == AK_OK,
		    "a file opens");
		write_seed(i == STATE_USERS ? "extra-users" : "extra-local", "\12", 1,
		    ix.head.extra, INDEX_EXTRA_B);
		for (unsigned order = 0; order < INDEX_ORDERS; order++) {
			fuzz_check(index_each(&ix, order, write_record, &n, &kept) == AK_OK,
			    "it is read");
			index_unmap(&kept);
		}
		index_close(&ix);
	}
	(void)sound;
	settings_default(&settings);
	settings_pack(&settings, &bytes);
	write_seed("settings", "\7", 1, bytes.bytes, bytes.len_b);
	pack_clear(&bytes);
}

static void
write_session(void)
{
	struct session s = {.id = "0123456789abcdef",
	    .state = SESSION_OPEN,
	    .uid = 70000,
	    .key = "ci",
	    .key_id = "K000070000",
	    .secret = 1,
	    .account = "deploy",
	    .account_uid = 1001,
	    .service = "sshd",
	    .address = "192.0.2.1",
	    .since = 1,
	    .leader = {.pid = 1, .start = 1},
	    .audit = 7,
	    .scope = "/user.slice/session-7.scope",
	    .roles = "viewer",
	    .n_groups = 1,
	    .groups = {{.gid = 100000, .name = "builders"}}};
	struct safefile f;
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/sessions", fuzz_paths()->run);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/sessions/%s", fuzz_paths()->run, s.id);
	fuzz_check(sessions_update(fuzz_paths(), &s) == AK_OK &&
		       safefile_read(path, fuzz_paths()->owner, RUNDIR_MAX_B, &f, NULL) == AK_OK,
	    "a session is written");
	write_seed("session", "", 1, f.bytes, f.len_b - 4);
	free(f.bytes);
}

static void
write_sample(void)
{
	static const char text[] = "version: 1\nroles:\n  viewer: {services: [sshd]}\n";
	struct key_record k = {
	    .name = "ci", .id = "K000070000", .uid = 70000, .state = KEY_ACTIVE};
	struct decide_request req = {.key = &k, .service = "sshd", .favour = true};
	struct pack bytes = PACK_INIT;
	struct settings settings;
	struct image *im = NULL;
	struct verdict v;

	settings_default(&settings);
	k.expires_at = NUM_NEVER;
	k.bindings = (struct strv){"viewer", 7};
	fuzz_check(policy_compile(text, sizeof(text) - 1, "p", &settings, &im, NULL) == AK_OK,
	    "a policy");
	req.policy = im;
	(void)!decide(&req, NULL, &v);
	samples_pack(&bytes, &req, &v);
	write_seed("sample", "\5", 1, bytes.bytes, bytes.len_b - 4);
	verdict_clear(&v);
	pack_clear(&bytes);
	image_free(&im);
}

static void
write_run(const struct safefile sound[STATE_FILES])
{
	(void)sound;
	write_session();
	write_sample();
}

/* A policy as it is pinned. */
static void
write_pinned(const struct safefile sound[STATE_FILES])
{
	static const char text[] = "version: 1\nroles:\n  viewer: {services: [sshd]}\n";
	struct settings settings;
	struct image *im = NULL;
	const void *bytes;
	size_t len_b;

	(void)sound;
	settings_default(&settings);
	fuzz_check(policy_compile(text, sizeof(text) - 1, "p", &settings, &im, NULL) == AK_OK,
	    "a policy");
	bytes = image_borrow_bytes(im, &len_b);
	write_seed("policy", "\1", 1, bytes, len_b);
	image_free(&im);
}

static void
write_rollback(const struct safefile sound[STATE_FILES])
{
	static const struct applied a = {
	    .sha256 = "00ff", .at = 7, .by = "alice", .how = "apply"};
	struct safefile f;

	(void)sound;
	fuzz_check(applied_write(fuzz_paths(), &a, NULL) == AK_OK &&
		       safefile_read(
			   fuzz_paths()->applied, fuzz_paths()->owner, 4096, &f, NULL) == AK_OK,
	    "a record is written");
	write_seed("record", "\0\1", 2, f.bytes, f.len_b - 4);
	free(f.bytes);
}

static const struct {
	const char *target;
	void (*write)(const struct safefile sound[STATE_FILES]);
} writers[] = {{"nss", write_nss}, {"index", write_index}, {"keys", write_keys},
    {"record", write_records}, {"run", write_run}, {"pinned", write_pinned},
    {"rollback", write_rollback}};

int
main(int argc, char **argv)
{
	static struct safefile sound[STATE_FILES];

	if (argc != 3)
		return 2;
	folder = argv[2];
	fuzz_host_make(fuzz_paths(), sound);
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		if (strcmp(argv[1], writers[i].target) == 0)
			writers[i].write(sound);
	for (unsigned i = 0; i < STATE_FILES; i++)
		free(sound[i].bytes);
	return 0;
}
