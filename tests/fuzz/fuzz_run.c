/* fuzz_run: any bytes as a small record below /run and in the state folder: sessions, handles, samples, slots: refused, or no more than what was written there, for whom it was written. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decide.h"
#include "freshness.h"
#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_input.h"
#include "handles.h"
#include "hash.h"
#include "lastused.h"
#include "pack.h"
#include "policy.h"
#include "rundir.h"
#include "safefile.h"
#include "samples.h"
#include "sessions.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

#define SESSION_NAME "0123456789abcdef"

static const char *
folder(const char *name)
{
	static char path[300];

	(void)snprintf(path, sizeof(path), "%s/%s", fuzz_paths()->run, name);
	(void)mkdir(path, 0700);
	return path;
}

/* With its CRC at the end, as every record below /run and every sample has one. */
static void
put_sealed(const char *above, const char *name, const uint8_t *bytes, size_t len_b)
{
	unsigned char *copy = malloc(len_b + 4);
	char path[400];

	fuzz_check(copy != NULL, "there is memory");
	if (len_b > 0)
		memcpy(copy, bytes, len_b);
	le32_store(copy + len_b, hash_crc32(0, copy, len_b));
	(void)snprintf(path, sizeof(path), "%s/%s", above, name);
	fuzz_file(path, copy, len_b + 4);
	free(copy);
}

static enum ak_err
take_session(void *ctx, const struct session *s)
{
	fuzz_check(strcmp(s->id, SESSION_NAME) == 0 && text_is_key_name(s->key) &&
		       s->leader.pid > 0 && s->state >= SESSION_OPEN &&
		       s->state <= SESSION_ENDING && s->n_groups <= SESSION_GROUPS_MAX,
	    "a session is a key's, has a leader and a state");
	*(struct session *)ctx = *s;
	return AK_OK;
}

/* What was read can be written, and is then read as the same. */
static void
check_session(const struct session *s)
{
	static struct session again, found;
	struct safefile once, twice;
	char path[400];
	const struct paths *p = fuzz_paths();

	(void)snprintf(path, sizeof(path), "%s/" SESSION_NAME, folder("sessions"));
	fuzz_check(sessions_update(p, s) == AK_OK &&
		       safefile_read(path, p->owner, RUNDIR_MAX_B, &once, NULL) == AK_OK &&
		       sessions_each(p, take_session, &again) == AK_OK &&
		       sessions_update(p, &again) == AK_OK &&
		       safefile_read(path, p->owner, RUNDIR_MAX_B, &twice, NULL) == AK_OK &&
		       once.len_b == twice.len_b &&
		       memcmp(once.bytes, twice.bytes, once.len_b) == 0,
	    "a record is written as it was read");
	free(once.bytes);
	free(twice.bytes);
	(void)sessions_is_carried(s);
	if (sessions_find_own(p, s->account_uid, &found) == AK_OK)
		fuzz_check(s->account_uid == found.account_uid || s->account_uid == found.uid,
		    "who is asked for has this session");
	fuzz_check(sessions_close(p, SESSION_NAME) == AK_ERR_NOT_FOUND,
	    "nobody closes what another process leads");
}

static void
read_session(struct fuzz_input *in)
{
	static struct session s;
	struct sessions_unread unread;
	char address[64];

	memset(&s, 0, sizeof(s));
	put_sealed(folder("sessions"), SESSION_NAME, in->at, in->left_b);
	fuzz_check(sessions_each(fuzz_paths(), take_session, &s) == AK_OK &&
		       sessions_count_unread(fuzz_paths(), &unread) == AK_OK &&
		       (s.leader.pid > 0) + unread.newer + unread.damaged == 1,
	    "a record is read, or counted as one that can't be");
	if (s.leader.pid > 0)
		check_session(&s);
	(void)!sessions_find_origin(fuzz_paths(), 70000, address);
	(void)!sessions_remove(fuzz_paths(), SESSION_NAME);
}

static void
redeem(const char *name, int64_t now, bool *redeemed)
{
	const struct paths *p = fuzz_paths();
	struct handle h;

	*redeemed = handles_redeem(p, name, "deploy", "192.0.2.1", now, true, &h) == AK_OK;
	if (*redeemed)
		fuzz_check(strcmp(h.account, "deploy") == 0 &&
			       strcmp(h.rhost, "192.0.2.1") == 0 && text_is_key_name(h.key),
		    "a handle is good for one account, from one address");
	else
		fuzz_check(h.uid == 0 && h.key[0] == '\0', "what is refused stands for nobody");
	fuzz_check(handles_redeem(p, name, "deploy", "192.0.2.1", now, true, &h) != AK_OK,
	    "and is good once");
}

/* One that this process issued, changed by a forger who knows how it is sealed. */
static void
read_handle(struct fuzz_input *in)
{
	const struct handle h = {
	    .uid = 70000, .key = "ci", .secret = 7, .account = "deploy", .rhost = "192.0.2.1"};
	unsigned n = fuzz_u8(in) % 4;
	char name[HANDLE_CAP], path[400];
	bool redeemed, edited = false;
	struct safefile f;
	int64_t late;

	fuzz_check(handles_issue(fuzz_paths(), &h, 5000, name) == AK_OK, "a handle is issued");
	(void)snprintf(path, sizeof(path), "%s/%s", folder("handles"), name);
	fuzz_check(
	    safefile_read(path, getuid(), RUNDIR_MAX_B, &f, NULL) == AK_OK, "and written");
	for (unsigned i = 0; i < n; i++) {
		size_t at = fuzz_u8(in) % (f.len_b - 4);
		uint8_t by = fuzz_u8(in);

		edited = edited || by != 0;
		f.bytes[at] = (char)((uint8_t)f.bytes[at] ^ by);
	}
	put_sealed(folder("handles"), name, (const uint8_t *)f.bytes, f.len_b - 4);
	free(f.bytes);
	late = (int64_t)fuzz_u32(in) % 400 - 100;
	redeem(name, 5000 + late, &redeemed);
	fuzz_check(edited || redeemed == (late >= 0),
	    "a handle is good from its issue on, and only then");
}

/* Bytes and a name that nobody issued. */
static void
read_strange_handle(struct fuzz_input *in)
{
	char name[64];
	bool redeemed;

	(void)fuzz_line(in, name, sizeof(name));
	put_sealed(folder("handles"), "00112233445566778899aabbccddeeff", in->at, in->left_b);
	redeem("00112233445566778899aabbccddeeff", 5000, &redeemed);
	fuzz_check(!redeemed, "what was not issued here is not redeemed");
	redeem(name, 5000, &redeemed);
	fuzz_check(!redeemed, "whatever it is called");
}

static void
read_freshness(struct fuzz_input *in)
{
	static char path[300];
	struct freshness f;
	int64_t now = (int64_t)fuzz_u32(in) << (fuzz_u8(in) % 32);

	(void)snprintf(path, sizeof(path), "%s/freshness", fuzz_folder());
	fuzz_file(path, in->at, in->left_b);
	if (freshness_read(path, getuid(), &f) == AK_OK) {
		fuzz_check(f.contact_at >= 0 && f.max_age_s >= 0 && f.keys_max_age_s >= 0,
		    "times are times");
		fuzz_check(f.contact_at <= now || freshness_is_stale(&f, now),
		    "what comes from the future is stale");
	} else {
		fuzz_check(freshness_is_stale(&f, now) && freshness_keys_are_stale(&f, now),
		    "what can't be read is stale");
	}
}

/* A slot of another key, or torn, tells nothing. */
static void
read_slot(struct fuzz_input *in)
{
	struct key_record k = {.name = "ci", .uid = fuzz_u8(in) % 4, .id = "K000070000"};
	unsigned char file[4 * 128] = {0}, *slot = file + (size_t)k.uid * 128;
	struct lastused_file f;
	struct lastused u;
	bool seal = fuzz_u8(in) % 2 == 1;

	memcpy(file, in->at, in->left_b < sizeof(file) ? in->left_b : sizeof(file));
	if (seal) {
		slot[4] = 1;
		memcpy(slot + 6, k.id, KEY_ID_LEN);
		le32_store(slot, hash_crc32(0, slot + 4, 124));
	}
	fuzz_file(fuzz_paths()->lastused, file, sizeof(file));
	fuzz_check(lastused_open(fuzz_paths(), &f) == AK_OK, "it opens");
	lastused_find(&f, &k, &u);
	fuzz_check(!seal || (!u.unknown && (uint64_t)u.at == le64_load(slot + 16)),
	    "what was written there is told");
	fuzz_check(seal || u.at == 0 || memcmp(slot + 6, k.id, KEY_ID_LEN) == 0,
	    "what is another's is not");
	fuzz_check(strlen(u.from) < sizeof(u.from) && strlen(u.service) < sizeof(u.service) &&
		       strlen(u.account) < sizeof(u.account),
	    "texts end");
	lastused_close(&f);
}

static struct image *
policy(void)
{
	static const char text[] =
	    "version: 1\nspaces: {a: {}}\nroles:\n  viewer: {services: [sshd]}\n"
	    "  editor: {services: ['*'], accounts: [deploy]}\n";
	static struct image *im;
	struct settings settings;

	settings_default(&settings);
	if (im == NULL)
		fuzz_check(
		    policy_compile(text, sizeof(text) - 1, "p", &settings, &im, NULL) == AK_OK,
		    "there is a policy");
	return im;
}

/* What a sample says is decided anew, as `apikey policy simulate' does. */
static void
decide_sample(struct sample *s)
{
	struct verdict v;
	enum ak_err err;

	fuzz_check(strlen(s->key.name) <= KEY_NAME_MAX && s->key.n_secrets <= KEY_SECRETS_MAX &&
		       s->request.key == &s->key,
	    "a sample is of a key");
	s->request.policy = policy();
	err = decide(&s->request, NULL, &v);
	fuzz_check(
	    (err == AK_OK) == (v.reason == REASON_PERMITTED), "a verdict has its reason");
	fuzz_check(err != AK_OK || (s->key.state == KEY_ACTIVE && !s->request.lockdown &&
				       !s->request.account_is_root),
	    "nobody is let in who is disabled, locked out, or root");
	verdict_clear(&v);
}

static enum ak_err
count_sample(void *ctx, const struct sample *s)
{
	fuzz_check(strcmp(s->id, SESSION_NAME) == 0, "a sample has its file's name");
	++*(unsigned *)ctx;
	return AK_OK;
}

static void
read_sample(struct fuzz_input *in)
{
	char path[400];
	struct settings settings;
	struct sample s;
	unsigned n = 0;
	enum ak_err err;

	settings_default(&settings);
	settings.samples_max = 5;
	settings.samples_max_age_s = NUM_NEVER;
	(void)snprintf(path, sizeof(path), "%s/" SAMPLES_FOLDER, fuzz_paths()->state);
	(void)mkdir(path, 0700);
	put_sealed(path, SESSION_NAME, in->at, in->left_b);
	if ((err = samples_load(fuzz_paths(), SESSION_NAME, &s)) == AK_OK) {
		decide_sample(&s);
		sample_clear(&s);
	}
	fuzz_check(samples_each(fuzz_paths(), &settings, 1, count_sample, &n) == AK_OK &&
		       n <= (err == AK_OK),
	    "damaged ones are passed over");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	static void (*const kinds[])(struct fuzz_input * in) = {read_session, read_handle,
	    read_strange_handle, read_freshness, read_slot, read_sample};
	struct fuzz_input in = {bytes, len_b};

	/* Longer than any record: that is refused for its length alone. */
	if (len_b <= RUNDIR_MAX_B)
		kinds[fuzz_u8(&in) % (sizeof(kinds) / sizeof(kinds[0]))](&in);
	return 0;
}
