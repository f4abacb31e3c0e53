#include "testlib_cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "hash.h"
#include "image.h"
#include "image_layout.h"
#include "policy.h"
#include "testlib_alloc.h"
#include "testlib_random.h"

/* Something in every section. */
static const char example[] =
    "version: 1\n"
    "strategy: both\n"
    "spaces: {a: {}, b: {parent: a}, c: {parent: b}}\n"
    "roles:\n"
    "  admin: {services: ['*'], accounts: [deploy, 'x*'], unix_groups: [ops, adm2], "
    "root_equivalent: true, description: d}\n"
    "  viewer: {services: [sshd, sudo*]}\n"
    "  x: {}\n"
    "accounts: {deploy: {only_keys: true}, other: {}}\n"
    "groups:\n"
    "  team: [{role: viewer, in: [a, c]}, {role: x}]\n"
    "  sre: [{role: admin, hosts: h}]\n"
    "define:\n"
    "  night: {time: {days: [Mon, Sun], hours: ['00:00-06:00', '22:00-24:00'], "
    "zone: Europe/Berlin}}\n"
    "  net: {any: [{from: [10.0.0.0/8, 'fe80::/10']}, {creator_from: 192.0.2.1}]}\n"
    "  both: {is: [night, net], not: {group: [g, 'h*']}}\n"
    "allow:\n"
    "- {member: true}\n"
    "- {login: [k, l]}\n"
    "deny:\n"
    "- {id: one, reason: r one, is: both, service: sudo}\n"
    "- {id: two, reason: r two, login: k, time: {dates: ['2025-12-20', '2026-01-02']}}\n"
    "grant:\n"
    "- {role: viewer, in: '*', login: 'ci-*'}\n"
    "- {role: x, in: [b, c], login: k, account: deploy}\n"
    "- {role: admin, hosts: [h, i], all: [{always: true}, {any: [{login: k}, {is: net}]}]}\n"
    "sample:\n"
    "- {decision: deny}\n"
    "- {login: 'ci-*', percent: 10}\n";

/* A copy of an image's bytes, to spoil. */
struct bytes {
	unsigned char *at;
	size_t len_b;
};

static struct image *
compiled(void)
{
	struct settings settings;
	struct image *im = NULL;

	settings_default(&settings);
	assert_err("", AK_OK,
	    policy_compile(example, strlen(example), "p.yaml", &settings, &im, NULL));
	return im;
}

static struct bytes
example_bytes(void)
{
	struct image *im = compiled();
	struct bytes b = {.at = NULL};
	const void *bytes = image_borrow_bytes(im, &b.len_b);

	b.at = malloc(b.len_b);
	assert_non_null(b.at);
	memcpy(b.at, bytes, b.len_b);
	image_free(&im);
	return b;
}

static void
seal(struct bytes *b)
{
	if (b->len_b >= IMAGE_HEADER_B)
		le32_store(b->at + IMAGE_AT_CHECKSUM, image_checksum(b->at, b->len_b));
}

static enum ak_err
open_bytes(const struct bytes *b, struct image **out)
{
	return image_open(b->at, b->len_b, out);
}

static unsigned char *
section_at(const struct bytes *b, enum image_section section)
{
	const unsigned char *entry = b->at + IMAGE_HEADER_B + (size_t)section * IMAGE_ENTRY_B;

	return b->at + le64_load(entry + 8);
}

static unsigned char *
cell_at(const struct bytes *b, enum image_section section, size_t n_columns, size_t row,
    size_t column)
{
	return section_at(b, section) + 4 * (row * n_columns + column);
}

static size_t
ask_names(const struct image *im)
{
	size_t total = strlen(image_policy_file(im)) + strlen(image_borrow_settings(im)->space) +
		       strv_count(image_borrow_settings(im)->hosts) +
		       image_policy(im).strategy + image_policy(im).has_allow;

	for (uint32_t i = 0; i < image_count_roles(im); i++) {
		struct image_role r = image_role(im, i);

		assert_int_equal(image_find_role(im, r.name), i);
		total += strlen(r.description) + strv_count(r.services) +
			 strv_count(r.accounts) + strv_count(r.unix_groups);
	}
	for (uint32_t i = 0; i < image_count_accounts(im); i++)
		assert_int_equal(image_is_only_keys(im, image_account(im, i).name),
		    image_account(im, i).only_keys);
	for (uint32_t i = 0; i < image_count_groups(im); i++)
		assert_int_equal(image_find_group(im, image_group(im, i).name), i);
	for (uint32_t i = 0; i < image_count_zones(im); i++)
		total += strlen(image_zone(im, i).name);
	for (uint32_t i = 0; i < image_count_definitions(im); i++)
		total += strlen(image_definition(im, i).name);
	return total;
}

static void
take_place(void *ctx, bool is_host, const char *name)
{
	*(size_t *)ctx += strlen(name) + is_host;
}

static void
take_line(void *ctx, const struct trace_line *line)
{
	*(size_t *)ctx += strlen(line->text);
}

/* A clock that stands at one time in every zone. */
static enum ak_err
ask_request(const struct image *im, const struct policy_request *req)
{
	struct policy_result res;
	size_t total = 0;
	const struct trace trace = {.take = take_line, .ctx = &total, .every_rule = true};
	bool keep;
	enum ak_err err = policy_eval(im, req, &trace, &res);

	for (uint32_t i = 0; i < res.n_held; i++)
		policy_held_places(im, &res.held[i], take_place, &total);
	policy_result_clear(&res);
	/* Nobody listening, and only the rules that concern the login. */
	(void)!policy_eval(im, req, NULL, &res);
	policy_result_clear(&res);
	assert_err("", AK_OK, policy_samples(im, req, err == AK_OK, &keep));
	(void)!policy_eval_unconditional(im, req, &res);
	policy_result_clear(&res);
	for (uint32_t i = 0; i < image_count_rules(im, IMAGE_DENY_RULES); i++)
		assert_err("", AK_OK, policy_rule_fires(im, req, IMAGE_DENY_RULES, i, &keep));
	return err;
}

/* Everything that can be asked of an image, so that a sanitizer sees what is wrong with the answers. */
static void
ask_everything(const struct image *im)
{
	struct moment clocks[8];
	const struct moments when = {
	    .now_ms = 1234567890123, .zones = clocks, .n_zones = image_count_zones(im)};
	struct net_addr address;
	struct policy_request req = {.login = "k", .service = "sshd", .account = "deploy"};

	assert_true(ask_names(im) < SIZE_MAX);
	(void)policy_opens_account(im, "deploy");
	for (size_t i = 0; i < 8; i++)
		clocks[i] =
		    (struct moment){.known = true, .weekday = 6, .minute = 1379, .date = 20444};
	assert_err("", AK_OK, net_parse_addr("10.1.2.3", &address));
	req.bindings =
	    (struct strv){.bytes = "admin\0viewer:spaces:a,b\0x:hosts:h", .len_b = 34};
	req.groups = (struct strv){.bytes = "team", .len_b = 5};
	req.directory_groups = (struct strv){.bytes = "sre\0g", .len_b = 6};
	req.hosts = (struct strv){.bytes = "h", .len_b = 2};
	for (uint32_t i = 0; i < image_count_spaces(im); i++) {
		enum ak_err err;

		req.space = image_space(im, i).name;
		assert_int_equal(image_find_space(im, req.space), i);
		req.login = i % 2 == 0 ? "k" : "ci-x";
		req.address = i % 3 == 0 ? NULL : &address;
		req.when = i % 4 == 3 ? NULL : &when;
		req.stale = i % 2 == 1;
		err = ask_request(im, &req);
		assert_true(err == AK_OK || err == AK_ERR_DENIED);
	}
}

static void
the_bytes_of_an_image_open_as_the_same_image(void **state)
{
	struct bytes b = example_bytes();
	struct image *im = NULL;
	const void *again;
	size_t len_b;

	(void)state;
	assert_err("", AK_OK, open_bytes(&b, &im));
	again = image_borrow_bytes(im, &len_b);
	assert_int_equal(len_b, b.len_b);
	assert_memory_equal(again, b.at, len_b);
	memset(b.at, 0xff, b.len_b);
	free(b.at);
	assert_int_equal(image_count_roles(im), 3);
	assert_int_equal(image_count_spaces(im), 4);
	assert_string_equal(image_policy_file(im), "p.yaml");
	assert_string_equal(image_borrow_settings(im)->home, "/home/%n");
	ask_everything(im);
	image_free(&im);
	assert_null(im);
	image_free(&im);
}

static void
abuse_059_an_image_tells_which_files_it_was_made_from(void **state)
{
	const struct image_sources src = {
	    .policy = {.dev = 1, .ino = UINT64_MAX, .size_b = 3, .mtime_ns = -4, .ctime_ns = 5},
	    .settings =
		{.dev = 6, .ino = 7, .size_b = 8, .mtime_ns = INT64_MAX, .ctime_ns = INT64_MIN},
	    .group = {.dev = 9, .ino = 10, .size_b = 11, .mtime_ns = 12, .ctime_ns = 13},
	    .built_at_ns = 1700000000123456789};
	struct image *im = compiled(), *back = NULL;
	const void *bytes;
	size_t len_b;

	(void)state;
	assert_int_equal(image_borrow_sources(im)->built_at_ns, 0);
	assert_int_equal(image_borrow_sources(im)->policy.ino, 0);
	image_set_sources(im, &src);
	bytes = image_borrow_bytes(im, &len_b);
	assert_err("", AK_OK, image_open(bytes, len_b, &back));
	assert_memory_equal(image_borrow_sources(back), &src, sizeof(src));
	assert_memory_equal(image_borrow_sources(im), &src, sizeof(src));
	image_free(&im);
	image_free(&back);
}

static void
abuse_064_every_single_bit_flipped_is_refused(void **state)
{
	struct bytes b = example_bytes();
	struct image *im = NULL;

	(void)state;
	for (size_t i = 0; i < 8 * b.len_b; i++) {
		b.at[i / 8] ^= (unsigned char)(1U << i % 8);
		assert_err("", AK_ERR_CORRUPT, open_bytes(&b, &im));
		assert_null(im);
		b.at[i / 8] ^= (unsigned char)(1U << i % 8);
	}
	free(b.at);
}

static void
abuse_063_an_image_cut_or_lengthened_is_refused(void **state)
{
	struct bytes b = example_bytes();
	struct bytes longer = {.at = calloc(1, b.len_b + 1), .len_b = b.len_b + 1};
	struct image *im = NULL;

	(void)state;
	assert_non_null(longer.at);
	memcpy(longer.at, b.at, b.len_b);
	assert_err("longer", AK_ERR_CORRUPT, open_bytes(&longer, &im));
	le64_store(longer.at + IMAGE_AT_SIZE, longer.len_b);
	seal(&longer);
	assert_err("longer and sealed", AK_ERR_CORRUPT, open_bytes(&longer, &im));
	for (size_t cut = b.len_b; cut-- > 0;) {
		/* On a heap of its own size, so that a read past the end is seen. */
		struct bytes c = {.at = malloc(cut + 1), .len_b = cut};
		unsigned char *exact = cut == 0 ? NULL : realloc(c.at, cut);

		c.at = exact == NULL ? c.at : exact;
		memcpy(c.at, b.at, cut);
		assert_err("cut", AK_ERR_CORRUPT, open_bytes(&c, &im));
		if (cut >= IMAGE_HEADER_B) {
			le64_store(c.at + IMAGE_AT_SIZE, cut);
			seal(&c);
			assert_err("cut and sealed", AK_ERR_CORRUPT, open_bytes(&c, &im));
		}
		free(c.at);
	}
	free(longer.at);
	free(b.at);
}

static void
spoil_header(struct bytes *b, const char *what)
{
	if (strcmp(what, "magic") == 0)
		b->at[0] = 'a';
	else if (strcmp(what, "older version") == 0)
		le32_store(b->at + IMAGE_AT_VERSION, IMAGE_VERSION - 1);
	else if (strcmp(what, "newer version") == 0)
		le32_store(b->at + IMAGE_AT_VERSION, IMAGE_VERSION + 1);
	else if (strcmp(what, "byte order") == 0)
		le32_store(b->at + IMAGE_AT_VERSION, __builtin_bswap32(IMAGE_VERSION));
	else if (strcmp(what, "fewer sections") == 0)
		le32_store(b->at + IMAGE_AT_N_SECTIONS, IMAGE_N_SECTIONS - 1);
	else if (strcmp(what, "reserved") == 0)
		le32_store(b->at + IMAGE_AT_N_SECTIONS + 4, 1);
	else if (strcmp(what, "size") == 0)
		le64_store(b->at + IMAGE_AT_SIZE, b->len_b - 1);
}

static void
abuse_066_another_version_or_byte_order_is_refused(void **state)
{
	static const char *const rows[] = {"magic", "older version", "newer version",
	    "byte order", "fewer sections", "reserved", "size"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes b = example_bytes();
		struct image *im = NULL;

		spoil_header(&b, rows[i]);
		seal(&b);
		assert_err(rows[i], AK_ERR_CORRUPT, open_bytes(&b, &im));
		free(b.at);
	}
}

/* Sealed images whose parts lie: a number of a section's table entry, or a row's. */
static void
abuse_065_offsets_past_the_end_overlapping_and_overflowing_are_refused(void **state)
{
	static const struct {
		const char *name;
		size_t at_entry; /* byte within the entry */
		uint64_t value; /* u64, or u32 for the first two */
	} rows[] = {
	    {"type", 0, 99},
	    {"count", 4, 77},
	    {"count overflows", 4, 0x40000000},
	    {"count of 2^32-1", 4, UINT32_MAX},
	    {"offset 0", 8, 0},
	    {"offset overflows", 8, UINT64_MAX},
	    {"offset past the end", 8, 1U << 20},
	    {"size 0", 16, 0},
	    {"size past the end", 16, 1U << 20},
	    {"size overflows", 16, UINT64_MAX},
	    {"size of -offset", 16, UINT64_MAX - 100},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (uint32_t section = 0; section < IMAGE_N_SECTIONS; section++) {
			struct bytes b = example_bytes();
			unsigned char *entry = b.at + IMAGE_HEADER_B + section * IMAGE_ENTRY_B;
			struct image *im = NULL;

			if (rows[i].at_entry < 8)
				le32_store(entry + rows[i].at_entry, (uint32_t)rows[i].value);
			else
				le64_store(entry + rows[i].at_entry, rows[i].value);
			seal(&b);
			assert_err(rows[i].name, AK_ERR_CORRUPT, open_bytes(&b, &im));
			free(b.at);
		}
}

static void
rows_that_lie_are_refused(void **state)
{
	static const struct {
		const char *name;
		enum image_section section;
		size_t n_columns, row, column;
		uint32_t value;
	} rows[] = {
	    {"file past the end", IMAGE_POLICY, IMAGE_POLICY_COLUMNS, 0, IMAGE_POLICY_FILE,
		1U << 20},
	    {"space's name past the end", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 0,
		IMAGE_SPACE_NAME, UINT32_MAX},
	    {"space's parent past the end", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 0,
		IMAGE_SPACE_PARENT, 4},
	    {"space without a parent", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 0, IMAGE_SPACE_PARENT,
		UINT32_MAX},
	    {"root with a parent", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 3, IMAGE_SPACE_PARENT, 0},
	    {"a space that is its own parent", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 1,
		IMAGE_SPACE_PARENT, 1},
	    {"a cycle of two", IMAGE_SPACES, IMAGE_SPACE_COLUMNS, 1, IMAGE_SPACE_PARENT, 2},
	    {"role's name is the file's", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 0, IMAGE_ROLE_NAME,
		0},
	    {"role's description past the end", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 0,
		IMAGE_ROLE_DESCRIPTION, 1U << 30},
	    {"role's unknown flag", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 0, IMAGE_ROLE_FLAGS, 3},
	    {"services begin past the end", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 1,
		IMAGE_ROLE_SERVICES, UINT32_MAX},
	    {"services end past the end", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 1,
		IMAGE_ROLE_SERVICES_B, UINT32_MAX},
	    {"services end within a text", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 1,
		IMAGE_ROLE_SERVICES_B, 3},
	    {"services hold an empty entry", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 1,
		IMAGE_ROLE_SERVICES_B, 200},
	    {"accounts end past the end", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 0,
		IMAGE_ROLE_ACCOUNTS_B, UINT32_MAX},
	    {"no such strategy", IMAGE_POLICY, IMAGE_POLICY_COLUMNS, 0, IMAGE_POLICY_STRATEGY,
		3},
	    {"an allow section and a half", IMAGE_POLICY, IMAGE_POLICY_COLUMNS, 0,
		IMAGE_POLICY_HAS_ALLOW, 2},
	    {"only keys, and more", IMAGE_ACCOUNTS, IMAGE_ACCOUNT_COLUMNS, 0,
		IMAGE_ACCOUNT_ONLY_KEYS, 2},
	    {"a place past the spaces", IMAGE_PLACES, 1, 0, 0, 4},
	    {"a group's bindings past the end", IMAGE_GROUPS, IMAGE_GROUP_COLUMNS, 0,
		IMAGE_GROUP_N, 4},
	    {"a group's bindings overflow", IMAGE_GROUPS, IMAGE_GROUP_COLUMNS, 1,
		IMAGE_GROUP_FIRST, UINT32_MAX},
	    {"a binding's role past the end", IMAGE_GROUP_BINDINGS, IMAGE_BINDING_COLUMNS, 0,
		IMAGE_BINDING_ROLE, 3},
	    {"a binding's scope", IMAGE_GROUP_BINDINGS, IMAGE_BINDING_COLUMNS, 0,
		IMAGE_BINDING_SCOPE, 4},
	    {"a global binding with places", IMAGE_GROUP_BINDINGS, IMAGE_BINDING_COLUMNS, 2,
		IMAGE_BINDING_PLACES_N, 1},
	    {"a binding's hosts past the end", IMAGE_GROUP_BINDINGS, IMAGE_BINDING_COLUMNS, 0,
		IMAGE_BINDING_PLACES, UINT32_MAX},
	    {"a zone that is a path", IMAGE_ZONES, IMAGE_ZONE_COLUMNS, 0, IMAGE_ZONE_NAME, 0},
	    {"a time's zone", IMAGE_TIMES, IMAGE_TIME_COLUMNS, 0, IMAGE_TIME_ZONE, 9},
	    {"a time on no day", IMAGE_TIMES, IMAGE_TIME_COLUMNS, 0, IMAGE_TIME_DAYS, 0},
	    {"a time on an eighth day", IMAGE_TIMES, IMAGE_TIME_COLUMNS, 0, IMAGE_TIME_DAYS,
		0x80},
	    {"a time of no length", IMAGE_TIMES, IMAGE_TIME_COLUMNS, 0, IMAGE_TIME_TO_MINUTE, 0},
	    {"a time past midnight", IMAGE_TIMES, IMAGE_TIME_COLUMNS, 0, IMAGE_TIME_TO_MINUTE,
		1441},
	    {"a block of 129 bits", IMAGE_BLOCKS, IMAGE_BLOCK_COLUMNS, 0, IMAGE_BLOCK_PREFIX,
		129},
	    {"a node of no kind", IMAGE_NODES, IMAGE_NODE_COLUMNS, 0, IMAGE_NODE_OP,
		IMAGE_N_OPS},
	    {"a node that ends before it begins", IMAGE_NODES, IMAGE_NODE_COLUMNS, 0,
		IMAGE_NODE_END, 0},
	    {"a node that ends past the end", IMAGE_NODES, IMAGE_NODE_COLUMNS, 0,
		IMAGE_NODE_END, UINT32_MAX},
	    {"a definition's nodes that end late", IMAGE_DEFINITIONS, IMAGE_DEFINITION_COLUMNS,
		0, IMAGE_DEFINITION_END, 9},
	    {"a rule's nodes that overlap", IMAGE_ALLOW, IMAGE_RULE_COLUMNS, 1,
		IMAGE_RULE_FIRST, 0},
	    {"a rule without nodes", IMAGE_ALLOW, IMAGE_RULE_COLUMNS, 0, IMAGE_RULE_END, 0},
	    {"a rule's id", IMAGE_DENY, IMAGE_DENY_COLUMNS, 0, IMAGE_DENY_ID, UINT32_MAX},
	    {"a rule's reason", IMAGE_DENY, IMAGE_DENY_COLUMNS, 0, IMAGE_DENY_REASON,
		UINT32_MAX},
	    {"a grant's role", IMAGE_GRANTS, IMAGE_GRANT_COLUMNS, 0,
		IMAGE_GRANT_BINDING + IMAGE_BINDING_ROLE, 3},
	    {"an index of no kind", IMAGE_LOGINS, IMAGE_LOGIN_COLUMNS, 0, IMAGE_LOGIN_TABLE, 9},
	    {"an index out of order", IMAGE_LOGINS, IMAGE_LOGIN_COLUMNS, 0, IMAGE_LOGIN_TABLE,
		3},
	    {"an index of more than a name", IMAGE_LOGINS, IMAGE_LOGIN_COLUMNS, 0,
		IMAGE_LOGIN_LEN, 2},
	    {"an index of a part of a name", IMAGE_LOGINS, IMAGE_LOGIN_COLUMNS, 0,
		IMAGE_LOGIN_LEN, 0},
	    {"a name below another", IMAGE_LOGINS, IMAGE_LOGIN_COLUMNS, 0, IMAGE_LOGIN_ABOVE, 0},
	    {"a beginning below none", IMAGE_LOGINS, IMAGE_LOGIN_COLUMNS, 7, IMAGE_LOGIN_ABOVE,
		IMAGE_NONE},
	    {"a beginning below itself", IMAGE_LOGINS, IMAGE_LOGIN_COLUMNS, 7,
		IMAGE_LOGIN_ABOVE, 7},
	    {"a beginning below one of another kind", IMAGE_LOGINS, IMAGE_LOGIN_COLUMNS, 7,
		IMAGE_LOGIN_ABOVE, 4},
	    {"an index past the end", IMAGE_LOGINS, IMAGE_LOGIN_COLUMNS, 0, IMAGE_LOGIN_N, 100},
	    {"an indexed rule that is none", IMAGE_LISTED, 1, 0, 0, 2},
	    {"groups are services", IMAGE_ROLES, IMAGE_ROLE_COLUMNS, 0,
		IMAGE_ROLE_UNIX_GROUPS_B, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes b = example_bytes();
		struct image *im = NULL;

		le32_store(cell_at(&b, rows[i].section, rows[i].n_columns, rows[i].row,
			       rows[i].column),
		    rows[i].value);
		seal(&b);
		assert_err(rows[i].name, AK_ERR_CORRUPT, open_bytes(&b, &im));
		assert_null(im);
		free(b.at);
	}
}

static void
names_out_of_order_or_twice_are_refused(void **state)
{
	static const enum image_section sections[] = {IMAGE_SPACES, IMAGE_ROLES};
	static const size_t n_columns[] = {IMAGE_SPACE_COLUMNS, IMAGE_ROLE_COLUMNS};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bytes b = example_bytes();
		unsigned char *first = cell_at(&b, sections[i], n_columns[i], 0, 0);
		unsigned char *second = cell_at(&b, sections[i], n_columns[i], 1, 0);
		uint32_t one = le32_load(first), two = le32_load(second);
		struct image *im = NULL;

		le32_store(first, two);
		le32_store(second, one);
		seal(&b);
		assert_err("swapped", AK_ERR_CORRUPT, open_bytes(&b, &im));
		le32_store(first, one);
		le32_store(second, one);
		seal(&b);
		assert_err("twice", AK_ERR_CORRUPT, open_bytes(&b, &im));
		free(b.at);
	}
}

static void
strings_without_their_end_and_settings_that_lie_are_refused(void **state)
{
	struct bytes b = example_bytes();
	struct image *im = NULL;

	(void)state;
	section_at(&b, IMAGE_SETTINGS)[-1] = 'x'; /* the strings' last byte */
	seal(&b);
	assert_err("strings", AK_ERR_CORRUPT, open_bytes(&b, &im));
	section_at(&b, IMAGE_SETTINGS)[-1] = '\0';
	section_at(&b, IMAGE_SETTINGS)[0] = 0xff;
	seal(&b);
	assert_err("settings", AK_ERR_CORRUPT, open_bytes(&b, &im));
	free(b.at);
}

static void
any_sealed_bytes_open_as_a_sound_image_or_not_at_all(void **state)
{
	struct rnd r = rnd_start("any_sealed_bytes_open_as_a_sound_image_or_not_at_all");
	struct bytes whole = example_bytes(), b = {.at = malloc(whole.len_b)};
	unsigned opened = 0;

	(void)state;
	assert_non_null(b.at);
	b.len_b = whole.len_b;
	for (int round = 0; round < 50000; round++) {
		struct image *im = NULL;
		enum ak_err err;

		memcpy(b.at, whole.at, whole.len_b);
		for (uint64_t n = 1 + rnd_below(&r, 3); n > 0; n--) {
			size_t at = IMAGE_AT_SIZE + rnd_below(&r, b.len_b - IMAGE_AT_SIZE);

			b.at[at] = (unsigned char)(rnd_below(&r, 2) == 0 ? rnd_u64(&r)
									 : rnd_below(&r, 8));
		}
		seal(&b);
		err = open_bytes(&b, &im);
		assert_true(err == AK_OK || err == AK_ERR_CORRUPT);
		if (err == AK_OK) {
			opened++;
			ask_everything(im);
		}
		image_free(&im);
	}
	assert_true(opened > 0);
	free(whole.at);
	free(b.at);
}

static void
random_bytes_never_open(void **state)
{
	struct rnd r = rnd_start("random_bytes_never_open");

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct bytes b = {.len_b = rnd_below(&r, 1024)};
		struct image *im = NULL;

		b.at = malloc(b.len_b == 0 ? 1 : b.len_b);
		assert_non_null(b.at);
		rnd_bytes(&r, b.at, b.len_b);
		if (b.len_b >= IMAGE_HEADER_B && round % 2 == 0) {
			memcpy(b.at, IMAGE_MAGIC, IMAGE_AT_VERSION);
			le32_store(b.at + IMAGE_AT_VERSION, IMAGE_VERSION);
			le64_store(b.at + IMAGE_AT_SIZE, b.len_b);
			le32_store(b.at + IMAGE_AT_N_SECTIONS, IMAGE_N_SECTIONS);
			le32_store(b.at + IMAGE_AT_N_SECTIONS + 4, 0);
			seal(&b);
		}
		assert_err("", AK_ERR_CORRUPT, open_bytes(&b, &im));
		free(b.at);
	}
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	struct bytes b = example_bytes();

	(void)state;
	for (unsigned n = 1;; n++) {
		struct image *im = NULL;
		enum ak_err err;

		alloc_fail_nth(n);
		err = open_bytes(&b, &im);
		if (!alloc_stop()) {
			assert_err("", AK_OK, err);
			image_free(&im);
			break;
		}
		assert_err("", AK_ERR_NOMEM, err);
		assert_null(im);
	}
	free(b.at);
}

/* Which deny rules are looked at for a login: their numbers, as digits. */
static const char *
listed_for(const struct image *im, const char *login, char out[64])
{
	struct image_rule_list lists[IMAGE_LISTS_MAX];
	uint32_t n = image_rules_of(im, IMAGE_DENY_RULES, login, lists);
	bool seen[10] = {false};
	size_t len = 0;

	if (n == IMAGE_NONE)
		return "all";
	for (uint32_t l = 0; l < n; l++)
		for (uint32_t i = 0; i < lists[l].n; i++) {
			assert_true(image_listed_rule(im, lists[l].first + i) < 10);
			seen[image_listed_rule(im, lists[l].first + i)] = true;
		}
	for (unsigned i = 0; i < 10; i++)
		if (seen[i])
			out[len++] = (char)('0' + i);
	out[len] = '\0';
	return out;
}

static void
a_login_is_asked_of_the_rules_that_can_concern_it_alone(void **state)
{
	static const char policy[] = "version: 1\nroles: {}\ndeny:\n"
				     "- {id: r0, reason: r, always: true}\n"
				     "- {id: r1, reason: r, login: ci}\n"
				     "- {id: r2, reason: r, login: 'ci*'}\n"
				     "- {id: r3, reason: r, login: 'ci-a*'}\n"
				     "- {id: r4, reason: r, login: 'ci-b*x'}\n"
				     "- {id: r5, reason: r, login: '*x'}\n"
				     "- {id: r6, reason: r, login: [ci-a1, 'ci-a*', 'd*', d]}\n"
				     "- {id: r7, reason: r, login: [ci-a1, '*']}\n"
				     "- {id: r8, reason: r, not: {login: 'ci*'}}\n"
				     "- {id: r9, reason: r, login: 'e*', service: sshd}\n";
	static const struct {
		const char *login, *rules;
	} rows[] = {
	    {"", "0578"},
	    {"a", "0578"},
	    {"c", "0578"},
	    {"ci", "012578"},
	    {"ci-", "02578"},
	    {"ci-a", "0235678"},
	    {"ci-a1", "0235678"},
	    {"ci-a123456789012345678901234567", "0235678"},
	    {"ci-b", "024578"},
	    {"ci-c", "02578"},
	    {"ci-b1-0123456789-0123456789-01-3", "all"},
	    {"d", "05678"},
	    {"dd", "05678"},
	    {"e", "05789"},
	    {"f", "0578"},
	};
	struct settings settings;
	struct image *im = NULL;
	char buf[64];

	(void)state;
	settings_default(&settings);
	assert_err(
	    "", AK_OK, policy_compile(policy, strlen(policy), "p.yaml", &settings, &im, NULL));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(listed_for(im, rows[i].login, buf), rows[i].rules);
	image_free(&im);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_bytes_of_an_image_open_as_the_same_image),
	    cmocka_unit_test(abuse_059_an_image_tells_which_files_it_was_made_from),
	    cmocka_unit_test(abuse_063_an_image_cut_or_lengthened_is_refused),
	    cmocka_unit_test(abuse_064_every_single_bit_flipped_is_refused),
	    cmocka_unit_test(
		abuse_065_offsets_past_the_end_overlapping_and_overflowing_are_refused),
	    cmocka_unit_test(abuse_066_another_version_or_byte_order_is_refused),
	    cmocka_unit_test(rows_that_lie_are_refused),
	    cmocka_unit_test(names_out_of_order_or_twice_are_refused),
	    cmocka_unit_test(a_login_is_asked_of_the_rules_that_can_concern_it_alone),
	    cmocka_unit_test(strings_without_their_end_and_settings_that_lie_are_refused),
	    cmocka_unit_test(any_sealed_bytes_open_as_a_sound_image_or_not_at_all),
	    cmocka_unit_test(random_bytes_never_open),
	    cmocka_unit_test(abuse_128_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
