/* fuzz_entry: entries of a directory that is an enemy's, in any order: the model serves no key that this host could not have. */
#include <stdlib.h>
#include <string.h>

#include "dirtext.h"
#include "fuzz_check.h"
#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

#define RANGE ((struct id_range){1879048192, 1879048199})
#define LOCAL "local"
#define TAKEN "root"

/*
 * The input: operations one after the other. Letters are free; what matters of
 * each is small, so that entries meet: 'p' SEARCH UUID DN {SLOT LENGTH BYTES} 0,
 * 'g' SEARCH UUID, 'b' SEARCH, 'e' SEARCH DROP, 'a', 's'.
 */
struct input {
	const uint8_t *at;
	size_t left_b;
};

static uint8_t
take(struct input *in)
{
	if (in->left_b == 0)
		return 0;
	in->left_b--;
	return *in->at++;
}

static enum directory_search_id
take_search(struct input *in)
{
	return (enum directory_search_id)(1 + take(in) % 3);
}

/* Up to a NUL, which no value holds. */
static void
take_value(struct input *in, struct pack *list)
{
	size_t want_b = take(in), len_b = 0;
	char text[256];

	for (; want_b > 0 && in->left_b > 0; want_b--)
		if ((text[len_b] = (char)take(in)) != '\0')
			len_b++;
	text[len_b] = '\0';
	if (len_b > 0)
		pack_entry(list, text);
}

static void
put(struct input *in, struct model *m)
{
	struct directory_entry e = {.search = take_search(in)};
	struct pack values[SLOT_COUNT] = {{.bytes = NULL}};
	char dn[] = "cn=a";
	struct key_record k;
	unsigned slot;

	e.uuid[0] = take(in) % 8;
	dn[3] = (char)('a' + take(in) % 8);
	e.dn = dn;
	while ((slot = take(in) % SLOT_COUNT) != 0)
		take_value(in, &values[slot]);
	for (slot = 1; slot < SLOT_COUNT; slot++)
		e.values[slot] = pack_borrow_strv(&values[slot]);
	(void)!model_put(m, &e);
	if (dirtext_key_of_entry(&e, &k, NULL) == AK_OK)
		key_record_clear(&k);
	for (slot = 1; slot < SLOT_COUNT; slot++)
		pack_wipe(&values[slot]);
}

static bool
name_taken(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, TAKEN) == 0;
}

static bool
id_taken(void *ctx, uint32_t id)
{
	(void)ctx;
	return id == RANGE.max;
}

static void
skipped(void *ctx, const char *dn, const char *why)
{
	(void)ctx;
	fuzz_check(dn[0] != '\0' && why[0] != '\0' && strpbrk(why, "\n\r") == NULL,
	    "what is left out is told in one line");
}

/* The keys that were seen so far. */
struct seen {
	uint32_t uids[8];
	char names[8][KEY_NAME_MAX + 1];
	size_t n;
};

static enum ak_err
check_key(void *ctx, const struct key_record *k)
{
	struct seen *s = ctx;

	fuzz_check(text_is_key_name(k->name), "a key has a key's name");
	fuzz_check(
	    id_range_has(RANGE, k->uid) && k->uid != RANGE.max, "and a uid of the range");
	fuzz_check(strcmp(k->name, LOCAL) != 0 && strcmp(k->name, TAKEN) != 0,
	    "and no name of this host");
	fuzz_check(k->home[0] == '\0' && k->shell[0] == '\0', "and no home of its own");
	fuzz_check(k->n_secrets <= KEY_SECRETS_MAX, "and no more than two secrets");
	for (size_t i = 0; i < s->n; i++)
		fuzz_check(s->uids[i] != k->uid && strcmp(s->names[i], k->name) != 0,
		    "name and uid are one key's alone");
	fuzz_check(s->n < 8, "there are no more keys than uids");
	s->uids[s->n] = k->uid;
	return text_copy(s->names[s->n++], sizeof(s->names[0]), k->name);
}

static enum ak_err
check_membership(void *ctx, const char *name, struct strv groups, struct strv bindings)
{
	(void)ctx;
	fuzz_check(text_is_key_name(name), "members are keys");
	fuzz_check(strv_valid(groups) && strv_valid(bindings), "lists are lists");
	strv_for (groups, g)
		fuzz_check(text_is_line(g, IDP_GROUP_MAX_B), "a group has a name");
	return AK_OK;
}

static void
settle(struct model *m, const struct settings *s)
{
	static const uint32_t local_uids[] = {70000};
	const struct model_host host = {.settings = s,
	    .local_keys = {LOCAL, sizeof(LOCAL)},
	    .local_uids = local_uids,
	    .name_taken = name_taken,
	    .id_taken = id_taken,
	    .skipped = skipped};
	struct model_changes changes;
	struct seen seen = {.n = 0};

	if (model_settle(m, &host, &changes) != AK_OK)
		return;
	fuzz_check(model_each_key(m, check_key, &seen) == AK_OK, "the keys can be told");
	fuzz_check(
	    model_each_membership(m, check_membership, NULL) == AK_OK, "and the members");
	/* Settled is settled. */
	fuzz_check(model_settle(m, &host, &changes) == AK_OK && !changes.keys &&
		       !changes.groups && changes.n_uids == 0,
	    "nothing changed, and nothing is changed");
}

static void
operate(struct input *in, struct model *m, const struct settings *s)
{
	unsigned char uuid[DIRECTORY_UUID_B] = {0};
	enum directory_search_id search;

	switch (take(in)) {
	case 'p':
		put(in, m);
		break;
	case 'g':
		search = take_search(in);
		uuid[0] = take(in) % 8;
		(void)!model_gone(m, search, uuid, 1);
		break;
	case 'b':
		(void)!model_begin(m, take_search(in));
		break;
	case 'e':
		search = take_search(in);
		(void)!model_end(m, search, take(in) % 2 == 1, NULL, 0);
		break;
	case 'a':
		model_abort(m);
		break;
	default:
		settle(m, s);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct input in = {bytes, len_b};
	struct model *m = model_new();
	static struct settings s;

	settings_default(&s);
	s.directory.present = true;
	s.directory.uids = RANGE;
	s.directory.nested = true;
	for (int i = 0; m != NULL && in.left_b > 0 && i < 64; i++)
		operate(&in, m, &s);
	if (m != NULL)
		settle(m, &s);
	model_free(&m);
	return 0;
}
