/* fuzz_nss: any bytes as users.idx: who is asked for is who is given, or the answer is "unavailable"; no system account, no name twice in a list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "freshness.h"
#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_forge.h"
#include "nss_ask.h"
#include "nss_fixture.h"
#include "safefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static const struct nss_question questions[] = {
    {ASK_PWNAM, "ci", 0},
    {ASK_PWNAM, "deploy", 0},
    {ASK_PWNAM, "from-ldap", 0},
    {ASK_PWNAM, "nobody", 0},
    {ASK_PWUID, NULL, 70000},
    {ASK_PWUID, NULL, 70001},
    {ASK_PWUID, NULL, 1879048192},
    {ASK_PWUID, NULL, 0},
    {ASK_PWUID, NULL, 1000},
    {ASK_GRNAM, "builders", 0},
    {ASK_GRNAM, "sudo", 0},
    {ASK_GRNAM, "ci", 0},
    {ASK_GRGID, NULL, 100000},
    {ASK_GRGID, NULL, 27},
    {ASK_GRGID, NULL, 70000},
    {ASK_INITGROUPS, "ci", 70000},
    {ASK_INITGROUPS, "ci", 1000},
    {ASK_INITGROUPS, "from-ldap", 1879048192},
    {ASK_PWENT, NULL, 0},
    {ASK_GRENT, NULL, 0},
};

#define N (sizeof(questions) / sizeof(questions[0]))

static const struct nss_source *
source(void)
{
	static char users[256], fresh[256];
	static struct nss_source src;

	if (src.path != NULL)
		return &src;
	(void)snprintf(users, sizeof(users), "%s", fuzz_path("users.idx"));
	(void)snprintf(fresh, sizeof(fresh), "%s", fuzz_path("freshness"));
	src = (struct nss_source){.path = users, .freshness = fresh, .owner = getuid()};
	return &src;
}

/* The sound file: made once, with the answers to all questions. */
static const unsigned char *
sound(size_t *len_b, struct nss_answer **answers)
{
	static struct nss_answer known[N];
	static struct safefile f;

	if (f.bytes == NULL) {
		const struct freshness now = {.contact_at = time(NULL),
		    .max_age_s = NUM_NEVER,
		    .keys_max_age_s = NUM_NEVER};

		nss_fixture_usual(source()->path);
		fuzz_check(
		    freshness_write(source()->freshness, &now, NULL) == AK_OK &&
			safefile_read(source()->path, getuid(), 1 << 20, &f, NULL) == AK_OK,
		    "there is a sound file");
		for (size_t i = 0; i < N; i++)
			nss_ask(source(), &questions[i], &known[i]);
	}
	*len_b = f.len_b;
	*answers = known;
	return (const unsigned char *)f.bytes;
}

/* Each number but the last field's own of a list of gids. */
static void
check_gids(const char *text)
{
	for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1)
		fuzz_check(atoll(at) > 0 && atoll(at) < UINT32_MAX, "no group is root's");
}

/* NAME:x:ID:… in each line. */
static void
check_lines(const struct nss_question *q, const char *text)
{
	long long last = -1;

	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		size_t len = strcspn(line, ":");
		long long id = atoll(line + len + 3);

		fuzz_check(strncmp(line + len, ":x:", 3) == 0 && len > 0 && len <= KEY_NAME_MAX,
		    "an entry is one line, with a name");
		fuzz_check(q->name == NULL ||
			       (strncmp(line, q->name, len) == 0 && q->name[len] == '\0'),
		    "who is asked for by name is given");
		fuzz_check(q->id == 0 || q->id == id, "who is asked for by a number is given");
		fuzz_check(id > 0, "nothing of root's is given");
		fuzz_check(q->kind == ASK_GRNAM || q->kind == ASK_GRGID ||
			       q->kind == ASK_GRENT || !id_is_reserved((uint32_t)id),
		    "no user is one of the system's");
		fuzz_check(q->kind != ASK_PWENT || id > last, "a list has each user once");
		last = id;
	}
}

static void
check_answer(const struct nss_question *q, const struct nss_answer *a)
{
	fuzz_check(a->status == NSS_STATUS_SUCCESS || a->error != 0, "a failure has a reason");
	if (a->status != NSS_STATUS_SUCCESS && q->kind != ASK_PWENT && q->kind != ASK_GRENT)
		return;
	if (strlen(a->text) + 1 == sizeof(a->text))
		return; /* cut by the asker */
	if (q->kind == ASK_INITGROUPS) {
		fuzz_check(q->id == 70000 || q->id == 1879048192 || a->text[0] == '\0',
		    "who has another primary group is no key");
		check_gids(a->text);
	} else {
		check_lines(q, a->text);
	}
}

static void
check_damaged(const struct nss_question *q, const struct nss_answer *was)
{
	static struct nss_answer now;

	nss_ask(source(), q, &now);
	if (q->kind == ASK_PWENT || q->kind == ASK_GRENT) {
		fuzz_check(strncmp(now.text, was->text, strlen(now.text)) == 0 &&
			       (now.status == NSS_STATUS_UNAVAIL || now.status == was->status),
		    "a damaged list is the sound one, or its beginning and an outage");
		fuzz_check(now.status == NSS_STATUS_UNAVAIL || strcmp(now.text, was->text) == 0,
		    "and never merely shorter");
		return;
	}
	fuzz_check((now.status == was->status && strcmp(now.text, was->text) == 0) ||
		       (now.status == NSS_STATUS_UNAVAIL && now.text[0] == '\0'),
	    "damage is an outage, and changes no other answer");
}

/* The first byte: as it is, forged, or the sound one damaged. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};
	uint8_t how = fuzz_u8(&in) % 3;
	static struct nss_answer answer;
	struct nss_answer *answers;
	size_t sound_b, left_b;
	const unsigned char *good = sound(&sound_b, &answers);
	unsigned char *copy;

	left_b = how == 2 ? sound_b : in.left_b;
	if ((copy = malloc(left_b + 1)) == NULL)
		return 0;
	if (left_b > 0)
		memcpy(copy, how == 2 ? good : in.at, left_b);
	if (how == 1)
		fuzz_forge(copy, left_b);
	if (how == 2)
		(void)fuzz_damage(&in, copy, &left_b);
	fuzz_file(source()->path, copy, left_b);
	for (size_t i = 0; i < N; i++) {
		if (how == 2) {
			check_damaged(&questions[i], &answers[i]);
			continue;
		}
		nss_ask(source(), &questions[i], &answer);
		check_answer(&questions[i], &answer);
	}
	free(copy);
	return 0;
}
