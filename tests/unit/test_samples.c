/* Samples: kept when a rule says so, whole, without a secret, within bounds; asked again they give the same answer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "pack.h"
#include "samples.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *const POLICY =
    "version: 1\n"
    "roles:\n"
    "  viewer: {services: [sshd]}\n"
    "  editor: {services: [sshd, sudo]}\n"
    "groups: {ops: [{role: editor}]}\n"
    "allow:\n"
    "- {login: 'c*'}\n"
    "deny:\n"
    "- {id: outside, reason: from inside alone, service: sudo, not: {from: 10.0.0.0/8}}\n"
    "- {id: late, reason: too late, time: {hours: '22:00-24:00'}}\n"
    "sample:\n"
    "- {decision: deny}\n"
    "- {login: 'ci-*', percent: 100}\n";

/* A host with that policy, and what one login on it asks. */
struct scene {
	struct host h;
	struct live live;
	struct key_record key;
	struct decide_request req;
	struct moments when;
	struct net_addr address, origin;
};

static void
scene_make(struct scene *s, void **state, const char *policy)
{
	memset(s, 0, sizeof(*s));
	host_make(&s->h, *state);
	host_policy(&s->h, policy);
	live_load(&s->h.paths, &s->live);
	assert_non_null(s->live.image);
	s->key = key_make("ci-a", 70000);
	key_bind(&s->key, "viewer");
	s->key.n_secrets = 1;
	s->key.secrets[0] = (struct key_secret){.number = 3, .not_after = NUM_NEVER};
	memset(s->key.secrets[0].salt, 0xa5, sizeof(s->key.secrets[0].salt));
	memset(s->key.secrets[0].digest, 0xb6, sizeof(s->key.secrets[0].digest));
	assert_err("", AK_OK, net_parse_addr("10.1.2.3", &s->address));
	assert_err("", AK_OK, net_parse_addr("2001:db8::1", &s->origin));
	assert_err("", AK_OK,
	    moments_resolve(s->live.image, ZONE_DIR, HOST_NOW * 1000 + 123, &s->when));
	s->req = (struct decide_request){.key = &s->key,
	    .policy = s->live.image,
	    .hosts = {.bytes = "bastion-1\0b", .len_b = 12},
	    .service = "sshd",
	    .address = &s->address,
	    .when = &s->when,
	    .now = HOST_NOW,
	    .secret = 3};
}

static void
scene_clear(struct scene *s)
{
	moments_clear(&s->when);
	live_clear(&s->live);
}

/* Decide, and keep what came out. */
static enum reason
decide_and_keep(struct scene *s)
{
	struct verdict v;
	enum reason reason;

	(void)!decide(&s->req, NULL, &v);
	reason = v.reason;
	samples_keep(&s->h.paths, &s->live, &s->req, &v);
	verdict_clear(&v);
	return reason;
}

/* The ids of what is kept, joined; and how many. */
struct kept {
	char ids[8][SAMPLE_ID_LEN + 1];
	size_t n;
};

static enum ak_err
take(void *ctx, const struct sample *s)
{
	struct kept *k = ctx;

	if (k->n < N(k->ids))
		memcpy(k->ids[k->n], s->id, sizeof(s->id));
	k->n++;
	return AK_OK;
}

static struct kept
find_kept(const struct scene *s, int64_t now)
{
	struct kept k = {.n = 0};

	assert_err("", AK_OK, samples_each(&s->h.paths, &s->live.settings, now, take, &k));
	return k;
}

static int
unlink_kept(void *state, const char *id)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", tmp_path(state, "state/samples"), id);
	return unlink(path);
}

/* The key's name, what it is asked, and whether it is kept. */
static void
a_decision_is_kept_when_a_rule_says_so(void **state)
{
	static const struct {
		const char *name, *service;
		enum reason reason;
		size_t kept;
	} rows[] = {
	    {"ci-a", "sshd", REASON_PERMITTED, 1},
	    {"ci-a", "sudo", REASON_ROLE, 1},
	    {"cron-a", "sshd", REASON_PERMITTED, 0},
	    {"cron-a", "sudo", REASON_ROLE, 1},
	    {"other", "sshd", REASON_NOT_ADMITTED, 1},
	};
	size_t had = 0;
	struct scene s;

	scene_make(&s, state, POLICY);
	for (size_t i = 0; i < N(rows); i++) {
		(void)snprintf(s.key.name, sizeof(s.key.name), "%s", rows[i].name);
		s.req.service = rows[i].service;
		assert_int_equal(decide_and_keep(&s), rows[i].reason);
		had += rows[i].kept;
		assert_int_equal(find_kept(&s, HOST_NOW).n, had);
	}
	scene_clear(&s);
}

static void
without_a_rule_or_a_policy_or_room_nothing_is_kept(void **state)
{
	struct scene s;
	struct verdict v = {.reason = REASON_NO_POLICY};

	scene_make(&s, state, "version: 1\n");
	(void)decide_and_keep(&s);
	assert_int_equal(find_kept(&s, HOST_NOW).n, 0);
	s.req.policy = NULL;
	samples_keep(&s.h.paths, &s.live, &s.req, &v);
	scene_clear(&s);
	host_policy(&s.h, POLICY);
	host_settings(&s.h, "version: 1\nsamples: {max: 0}\n");
	live_load(&s.h.paths, &s.live);
	s.req.policy = s.live.image;
	s.req.when = NULL;
	s.req.service = "sudo";
	assert_int_equal(decide_and_keep(&s), REASON_RULE);
	assert_int_equal(find_kept(&s, HOST_NOW).n, 0);
	assert_false(file_is_there(tmp_path(*state, "state/samples")));
	scene_clear(&s);
}

/* Ask what was kept again, of this policy. */
static void
assert_same_again(const struct sample *s, const struct image *im)
{
	struct decide_request req = s->request;
	struct moments when;
	struct verdict v;

	assert_err("", AK_OK, moments_resolve(im, ZONE_DIR, s->at_ms, &when));
	req.policy = im;
	req.when = s->has_when ? &when : NULL;
	(void)!decide(&req, NULL, &v);
	assert_int_equal(v.reason == REASON_PERMITTED, s->permitted);
	assert_string_equal(reason_word(v.reason), s->reason);
	assert_string_equal(v.why, s->why);
	if (v.reason == REASON_RULE)
		assert_string_equal(image_rule(im, IMAGE_DENY_RULES, v.policy.deny).id, s->deny);
	role_set_for (&v.roles, i) {
		assert_true(strv_has(s->roles, image_role(im, i).name));
	}
	verdict_clear(&v);
	moments_clear(&when);
}

/* Circumstances, each with its own answer. */
static void
what_is_kept_gives_the_same_answer_again(void **state)
{
	struct scene s;
	struct kept k;
	size_t n = 0;

	scene_make(&s, state, POLICY);
	for (unsigned bits = 0; bits < 256; bits++) {
		struct sample loaded;

		s.req.service = (bits & 1) != 0 ? "sudo" : "sshd";
		s.req.address = (bits & 2) != 0 ? &s.address : NULL;
		s.req.origin = (bits & 4) != 0 ? &s.origin : NULL;
		s.req.time_undefined = (bits & 8) != 0;
		s.req.when = (bits & 8) != 0 ? NULL : &s.when;
		s.key.groups = (bits & 16) != 0 ? (struct strv){"ops", 4} : STRV_EMPTY;
		s.key.state = (bits & 32) != 0 ? KEY_DISABLED : KEY_ACTIVE;
		s.req.account = (bits & 64) != 0 ? "deploy" : NULL;
		s.req.without_token = (bits & 128) != 0;
		s.req.secret = (bits & 128) != 0 ? 0 : 3;
		/* Each with a number of its own, so that the newest is the last. */
		s.when.now_ms++;
		s.req.now = s.when.now_ms / 1000;
		(void)decide_and_keep(&s);
		s.live.settings.samples_max = 1;
		k = find_kept(&s, s.req.now);
		s.live.settings.samples_max = 1000;
		assert_int_equal(k.n, 1);
		assert_err("", AK_OK, samples_load(&s.h.paths, k.ids[0], &loaded));
		if (loaded.at_ms == s.when.now_ms) {
			assert_same_again(&loaded, s.live.image);
			assert_true(loaded.image == samples_digest(s.live.image));
			n++;
		}
		sample_clear(&loaded);
	}
	assert_true(n > 100);
	scene_clear(&s);
}

static void
set_directory(struct scene *s, unsigned bits)
{
	s->req.directory_groups = (bits & 1) != 0 ? (struct strv){"ops", 4} : STRV_EMPTY;
	s->req.directory_bindings = (bits & 2) != 0 ? (struct strv){"editor", 7} : STRV_EMPTY;
	s->req.stale = (bits & 4) != 0;
	s->req.unknown = (bits & 8) != 0;
	s->req.directory_key = (bits & 16) != 0;
	s->req.keys_stale = (bits & 32) != 0;
	s->req.contact_at = HOST_NOW - bits;
}

/* What a directory says, and when it said it. */
static void
what_rests_on_the_directory_gives_the_same_answer_again(void **state)
{
	unsigned reasons[REASON_FAILED + 1] = {0};
	struct scene s;

	scene_make(&s, state, POLICY);
	scene_clear(&s);
	host_settings(&s.h, "version: 1\ndirectory: {uris: 'ldapi://', may_grant: [editor]}\n");
	live_load(&s.h.paths, &s.live);
	assert_non_null(s.live.image);
	s.req.policy = s.live.image;
	assert_err("", AK_OK, moments_resolve(s.live.image, ZONE_DIR, HOST_NOW * 1000, &s.when));
	s.req.service = "sudo";
	for (unsigned bits = 0; bits < 64; bits++) {
		struct sample loaded;
		struct kept k;

		set_directory(&s, bits);
		reasons[decide_and_keep(&s)]++;
		k = find_kept(&s, HOST_NOW);
		assert_int_equal(k.n, 1);
		assert_err("", AK_OK, samples_load(&s.h.paths, k.ids[0], &loaded));
		assert_same_again(&loaded, s.live.image);
		assert_true(loaded.has_directory);
		assert_true(strv_has(loaded.may_grant, "editor"));
		assert_int_equal(loaded.request.contact_at, HOST_NOW - bits);
		sample_clear(&loaded);
		assert_int_equal(unlink_kept(*state, k.ids[0]), 0);
	}
	assert_true(reasons[REASON_PERMITTED] > 0 && reasons[REASON_ROLE] > 0 &&
		    reasons[REASON_DIRECTORY] > 0);
	scene_clear(&s);
}

/* Another version's fields stand elsewhere. */
static void
a_sample_of_another_version_is_passed_over(void **state)
{
	struct scene s;
	struct sample loaded;
	struct kept k;
	char path[512], *bytes;
	size_t len_b;

	scene_make(&s, state, POLICY);
	(void)decide_and_keep(&s);
	k = find_kept(&s, HOST_NOW);
	(void)snprintf(path, sizeof(path), "%s/%s", tmp_path(*state, "state/samples"), k.ids[0]);
	bytes = file_read(path, &len_b);
	assert_non_null(bytes);
	for (uint32_t version = 1; version <= 3; version++) {
		le32_store((unsigned char *)bytes + 4, version);
		le32_store((unsigned char *)bytes + len_b - 4, hash_crc32(0, bytes, len_b - 4));
		file_write(path, bytes, len_b, 0600);
		assert_int_equal(find_kept(&s, HOST_NOW).n, version == 2 ? 1 : 0);
		if (version == 2)
			continue;
		assert_err("version", version > 2 ? AK_ERR_NEWER : AK_ERR_CORRUPT,
		    samples_load(&s.h.paths, k.ids[0], &loaded));
	}
	free(bytes);
	scene_clear(&s);
}

/* Every byte of what lies in the folder. */
static void
no_secret_is_in_it_and_nobody_else_can_read_it(void **state)
{
	struct scene s;
	struct kept k;
	char path[512], *bytes;
	size_t len_b;
	struct stat st;
	struct sample loaded;

	scene_make(&s, state, POLICY);
	(void)decide_and_keep(&s);
	k = find_kept(&s, HOST_NOW);
	assert_int_equal(k.n, 1);
	assert_int_equal(stat(tmp_path(*state, "state/samples"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	(void)snprintf(path, sizeof(path), "%s/%s", tmp_path(*state, "state/samples"), k.ids[0]);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	bytes = file_read(path, &len_b);
	assert_non_null(bytes);
	assert_null(memmem(bytes, len_b, s.key.secrets[0].salt, 4));
	assert_null(memmem(bytes, len_b, s.key.secrets[0].digest, 4));
	free(bytes);
	assert_err("", AK_OK, samples_load(&s.h.paths, k.ids[0], &loaded));
	assert_int_equal(loaded.key.n_secrets, 1);
	assert_int_equal(loaded.key.secrets[0].number, 3);
	assert_string_equal(loaded.key.name, "ci-a");
	assert_true(strv_has(loaded.request.hosts, "b"));
	assert_string_equal(loaded.space, "root");
	assert_int_equal(loaded.at_ms, HOST_NOW * 1000 + 123);
	assert_string_equal(loaded.request.service, "sshd");
	assert_null(loaded.request.account);
	assert_memory_equal(loaded.request.address, &s.address, sizeof(s.address));
	assert_null(loaded.request.origin);
	assert_int_equal(loaded.line, 7);
	sample_clear(&loaded);
	scene_clear(&s);
}

static void
damage_is_corrupt_and_passed_over(void **state)
{
	struct scene s;
	struct sample loaded;
	struct kept k;
	char path[512], *bytes;
	size_t len_b;

	scene_make(&s, state, POLICY);
	(void)decide_and_keep(&s);
	k = find_kept(&s, HOST_NOW);
	(void)snprintf(path, sizeof(path), "%s/%s", tmp_path(*state, "state/samples"), k.ids[0]);
	bytes = file_read(path, &len_b);
	assert_non_null(bytes);
	for (size_t i = 0; i < len_b; i++) {
		bytes[i] ^= 1;
		file_write(path, bytes, len_b, 0600);
		assert_err("bit", AK_ERR_CORRUPT, samples_load(&s.h.paths, k.ids[0], &loaded));
		bytes[i] ^= 1;
		file_write(path, bytes, i, 0600);
		assert_err("cut", AK_ERR_CORRUPT, samples_load(&s.h.paths, k.ids[0], &loaded));
	}
	assert_int_equal(find_kept(&s, HOST_NOW).n, 0);
	file_write(path, bytes, len_b, 0666);
	assert_err("", AK_ERR_UNSAFE, samples_load(&s.h.paths, k.ids[0], &loaded));
	free(bytes);
	assert_err("", AK_ERR_NOT_FOUND, samples_load(&s.h.paths, "0000000000000000", &loaded));
	assert_err("", AK_ERR_NOT_FOUND, samples_load(&s.h.paths, "../local.idx", &loaded));
	assert_err("", AK_ERR_NOT_FOUND, samples_load(&s.h.paths, "", &loaded));
	scene_clear(&s);
}

static size_t
count_files(const char *dir)
{
	struct dirent *entry;
	size_t n = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		n += entry->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

/* Asked without a service, every key that is in order is let in, into root's account too. */
static void
a_decision_without_a_service_is_no_logins(void **state)
{
	struct scene s;

	scene_make(&s, state, POLICY);
	s.req.service = NULL;
	s.req.account = "toor";
	s.req.account_is_root = true;
	(void)decide_and_keep(&s);
	assert_int_equal(count_files(tmp_path(*state, "state/samples")), 1);
	assert_int_equal(find_kept(&s, s.req.now).n, 0);
	scene_clear(&s);
}

static void
the_oldest_go_by_number_and_by_age(void **state)
{
	struct scene s;
	struct kept k;

	scene_make(&s, state, POLICY);
	for (int i = 0; i < 4; i++) {
		s.when.now_ms += 1000;
		s.req.now++;
		(void)decide_and_keep(&s);
	}
	assert_int_equal(find_kept(&s, s.req.now).n, 4);
	s.live.settings.samples_max = 2;
	k = find_kept(&s, s.req.now);
	assert_int_equal(k.n, 2);
	assert_true(strcmp(k.ids[0], k.ids[1]) < 0);
	s.live.settings.samples_max = 1000;
	s.live.settings.samples_max_age_s = 60;
	assert_int_equal(find_kept(&s, s.req.now).n, 4);
	assert_int_equal(find_kept(&s, s.req.now + 59).n, 2);
	assert_int_equal(find_kept(&s, s.req.now + 600).n, 0);
	s.live.settings.samples_max_age_s = NUM_NEVER;
	assert_int_equal(find_kept(&s, s.req.now + 600).n, 4);
	/* What is out of bounds is swept out while others are kept: by chance, so often enough. */
	s.live.settings.samples_max = 10;
	file_write(tmp_path(*state, "state/samples/notes"), "x", 1, 0600);
	for (int i = 0; i < 2000; i++) {
		s.when.now_ms++;
		(void)decide_and_keep(&s);
	}
	assert_true(count_files(tmp_path(*state, "state/samples")) < 1000);
	assert_true(file_is_there(tmp_path(*state, "state/samples/notes")));
	assert_int_equal(find_kept(&s, s.req.now).n, 10);
	scene_clear(&s);
}

/* Whatever is in the way, the login that is decided does not notice. */
static void
a_folder_that_is_not_ours_gets_nothing(void **state)
{
	const char *dir = tmp_path(*state, "state/samples");
	struct scene s;

	scene_make(&s, state, POLICY);
	file_write(dir, "", 0, 0600);
	(void)decide_and_keep(&s);
	assert_int_equal(unlink(dir), 0);
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	(void)decide_and_keep(&s);
	assert_int_equal(count_files(dir), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(mkdir(tmp_path(*state, "other"), 0700), 0);
	assert_int_equal(symlink(tmp_path(*state, "other"), dir), 0);
	(void)decide_and_keep(&s);
	assert_int_equal(count_files(dir), 0);
	scene_clear(&s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_decision_is_kept_when_a_rule_says_so),
	    T(without_a_rule_or_a_policy_or_room_nothing_is_kept),
	    T(what_is_kept_gives_the_same_answer_again),
	    T(what_rests_on_the_directory_gives_the_same_answer_again),
	    T(a_sample_of_another_version_is_passed_over),
	    T(no_secret_is_in_it_and_nobody_else_can_read_it),
	    T(damage_is_corrupt_and_passed_over),
	    T(a_decision_without_a_service_is_no_logins),
	    T(the_oldest_go_by_number_and_by_age),
	    T(a_folder_that_is_not_ours_gets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
