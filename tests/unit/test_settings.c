#include "testlib_cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "settings.h"
#include "testlib_alloc.h"
#include "testlib_random.h"

static enum ak_err
read_text(const char *text, struct settings *out, struct diag *why)
{
	struct yaml_doc *doc = NULL;
	enum ak_err err;

	settings_default(out);
	if ((err = yamltree_parse(text, strlen(text), "apikey.yaml", &doc, why)) != AK_OK)
		return err;
	err = settings_from_yaml(yamltree_root_borrow(doc), "apikey.yaml", out, why);
	yamltree_free(&doc);
	return err;
}

static void
assert_defaults(const struct settings *s)
{
	assert_int_equal(s->hosts.len_b, 0);
	assert_string_equal(s->space, "root");
	assert_int_equal(s->uids.min, 70000);
	assert_int_equal(s->uids.max, 99999);
	assert_int_equal(s->gids.min, 69000);
	assert_int_equal(s->gids.max, 69999);
	assert_string_equal(s->home, "/home/%n");
	assert_string_equal(s->shell, "/bin/bash");
	assert_string_equal(s->keys_group, "apikey");
	assert_true(s->create_home);
	assert_true(s->enumerate);
	assert_false(s->public_key_logins);
	assert_true(s->max_duration_s == NUM_NEVER);
	assert_int_equal(s->samples_max, 1000);
	assert_int_equal(s->samples_max_age_s, 30 * 86400);
}

static void
abuse_051_an_empty_file_gives_every_default(void **state)
{
	static const char *const rows[] = {"", "# nothing\n", "version: 1\n"};
	struct settings s;

	(void)state;
	settings_default(&s);
	assert_defaults(&s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_err(rows[i], AK_OK, read_text(rows[i], &s, NULL));
		assert_defaults(&s);
	}
}

static const char everything[] = "version: 1\n"
				 "host: [bastion-1, Bastion-1.example.com]\n"
				 "space: production\n"
				 "uid_range: 200000-200000\n"
				 "gid_range: 70000-70999\n"
				 "home: /srv/%i/%n-%u-100%%\n"
				 "create_home: false\n"
				 "shell: /bin/sh\n"
				 "keys_group: _keys\n"
				 "enumerate: false\n"
				 "max_duration: 90d\n"
				 "public_key_logins: allow\n"
				 "samples: {max: 0, max_age: 12h}\n";

static void
assert_everything(const struct settings *s)
{
	assert_int_equal(strv_count(s->hosts), 2);
	assert_true(strv_has(s->hosts, "bastion-1"));
	assert_true(strv_has(s->hosts, "Bastion-1.example.com"));
	assert_ptr_equal(s->hosts.bytes, s->hosts_bytes);
	assert_string_equal(s->space, "production");
	assert_int_equal(s->uids.min, 200000);
	assert_int_equal(s->uids.max, 200000);
	assert_int_equal(s->gids.min, 70000);
	assert_int_equal(s->gids.max, 70999);
	assert_string_equal(s->home, "/srv/%i/%n-%u-100%%");
	assert_string_equal(s->shell, "/bin/sh");
	assert_string_equal(s->keys_group, "_keys");
	assert_false(s->create_home);
	assert_false(s->enumerate);
	assert_true(s->public_key_logins);
	assert_int_equal(s->max_duration_s, 90 * 86400);
	assert_int_equal(s->samples_max, 0);
	assert_int_equal(s->samples_max_age_s, 12 * 3600);
}

static void
every_option_is_read(void **state)
{
	struct settings s;
	struct diag why = DIAG_INIT;

	(void)state;
	assert_err(why.text, AK_OK, read_text(everything, &s, &why));
	assert_everything(&s);
	assert_err("one host", AK_OK, read_text("version: 1\nhost: db\n", &s, NULL));
	assert_int_equal(strv_count(s.hosts), 1);
	assert_err("no host", AK_OK, read_text("version: 1\nhost: []\n", &s, NULL));
	assert_int_equal(s.hosts.len_b, 0);
}

struct refusal {
	const char *text;
	unsigned line, col;
	const char *says;
};

static void
check_refusals(const struct refusal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct settings s;
		struct diag why = DIAG_INIT;
		char row[1024];

		assert_err(rows[i].text, AK_ERR_INVALID, read_text(rows[i].text, &s, &why));
		(void)diag_print(&why, row, sizeof(row));
		assert_row(row, strcmp(why.file, "apikey.yaml") == 0);
		assert_row(row, why.line == rows[i].line && why.col == rows[i].col);
		assert_row(row, strstr(why.text, rows[i].says) != NULL);
		assert_defaults(&s);
	}
}

#define CHECK_REFUSALS(rows) check_refusals((rows), sizeof(rows) / sizeof((rows)[0]))

static void
abuse_044_an_unknown_key_is_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nspcae: x\n", 2, 1, "did you mean `space'?"},
	    {"version: 1\nhosts: x\n", 2, 1, "did you mean `host'?"},
	    {"version: 1\nuid-range: 70000-80000\n", 2, 1, "did you mean `uid_range'?"},
	    {"version: 1\nSpace: x\n", 2, 1, "did you mean `space'?"},
	    {"version: 1\naudit: required\n", 2, 1, "apikey.yaml has no key `audit'"},
	    {"version: 1\nsamples: {maximum: 10}\n", 2, 11, "samples has no key `maximum'"},
	    {"version: 1\nsamples.max: 10\n", 2, 1, "no key `samples.max'"},
	    {"version: 1\nmax_age: 10d\n", 2, 1, "no key `max_age'"},
	    {"version: 1\ndirectory: {}\n", 2, 1, "no key `directory'"},
	    {"version: 1\n'': x\n", 2, 1, "no key `'"},
	    {"version: 1\n<<: {}\n", 2, 1, "no key `<<'"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
the_version_must_be_there_and_1(void **state)
{
	static const struct refusal rows[] = {
	    {"space: x\n", 1, 1, "`version: 1' is missing"},
	    {"{}\n", 1, 1, "`version: 1' is missing"},
	    {"version: 2\n", 1, 10, "version `2' is not known"},
	    {"version: 1.0\n", 1, 10, "`1.0'"},
	    {"version: 01\n", 1, 10, "`01'"},
	    {"version:\n", 1, 9, "no value"},
	    {"version: [1]\n", 1, 10, "one text, not a list"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
the_file_must_be_a_mapping(void **state)
{
	static const struct refusal rows[] = {
	    {"words\n", 1, 1, "is a mapping"},
	    {"- version: 1\n", 1, 1, "is a mapping"},
	    {"''\n", 1, 1, "is a mapping"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
abuse_049_only_true_and_false_are_booleans(void **state)
{
	static const char *const words[] = {
	    "yes", "no", "on", "off", "1", "0", "True", "TRUE", "y", "'true '", "~"};
	struct settings s;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char text[64];
		struct diag why = DIAG_INIT;

		(void)snprintf(text, sizeof(text), "version: 1\nenumerate: %s\n", words[i]);
		assert_err(text, AK_ERR_INVALID, read_text(text, &s, &why));
		assert_row(why.text, strstr(why.text, "enumerate is true or false") != NULL);
	}
}

static void
bad_values_are_refused_at_their_place(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nspace: Prod\n", 2, 8, "`Prod' is not a space's name"},
	    {"version: 1\nspace:\n", 2, 7, "space has no value"},
	    {"version: 1\nspace: [a]\n", 2, 8, "one text, not a list"},
	    {"version: 1\nspace: {a: b}\n", 2, 8, "one text, not a mapping"},
	    {"version: 1\nhost: a,b\n", 2, 7, "`a,b' is not a host's name"},
	    {"version: 1\nhost: [a, b, a]\n", 2, 14, "`a' is given twice (first at line 2)"},
	    {"version: 1\nhost: [a, [b]]\n", 2, 11, "one text, not a list"},
	    {"version: 1\nhost: [a, '']\n", 2, 11, "no value"},
	    {"version: 1\nhome: home/%n\n", 2, 7, "an absolute path"},
	    {"version: 1\nhome: /home/%h\n", 2, 7, "%n, %u, %i and %%"},
	    {"version: 1\nhome: /home/%\n", 2, 7, "an absolute path"},
	    {"version: 1\nhome: /a:b\n", 2, 7, "no colon"},
	    {"version: 1\nhome: \"/a\\nb\"\n", 2, 7, "an absolute path"},
	    {"version: 1\nshell: bash\n", 2, 8, "an absolute path"},
	    {"version: 1\nshell: /bin/sh:x\n", 2, 8, "without a colon"},
	    {"version: 1\nkeys_group: API\n", 2, 13, "a Unix group's name"},
	    {"version: 1\nkeys_group: a123456789012345678901234567890x\n", 2, 13, "31 at most"},
	    {"version: 1\nmax_duration: 1y\n", 2, 15, "no duration"},
	    {"version: 1\nmax_duration: 0\n", 2, 15, "no duration"},
	    {"version: 1\nmax_duration: -1d\n", 2, 15, "no duration"},
	    {"version: 1\nmax_duration: 99999999999999999999d\n", 2, 15, "no duration"},
	    {"version: 1\nsamples: 10\n", 2, 10, "samples is a mapping"},
	    {"version: 1\nsamples: {max: -1}\n", 2, 16, "no whole number from 0 to 1000000"},
	    {"version: 1\nsamples: {max: 1000001}\n", 2, 16, "no whole number"},
	    {"version: 1\nsamples: {max: [1]}\n", 2, 16, "one text, not a list"},
	    {"version: 1\nsamples: {max_age: 0}\n", 2, 20, "no duration"},
	    {"version: 1\npublic_key_logins: true\n", 2, 20, "allow or deny, not `true'"},
	};

	(void)state;
	CHECK_REFUSALS(rows);
}

static void
ranges_that_are_reserved_reversed_or_overlap_are_refused(void **state)
{
	static const struct refusal rows[] = {
	    {"version: 1\nuid_range: 70000\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: -70000\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 70000-\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 70000 - 80000\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 70000-80000-90000\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 0x11170-80000\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 70000-4294967296\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 99999999999999999999-1\n", 2, 12, "no range of ids"},
	    {"version: 1\nuid_range: 80000-70000\n", 2, 12, "begins after its end"},
	    {"version: 1\nuid_range: 0-0\n", 2, 12, "holds 0, which"},
	    {"version: 1\nuid_range: 500-2000\n", 2, 12, "holds 500, which"},
	    {"version: 1\nuid_range: 1000-70000\n", 2, 12, "holds 60001, which"},
	    {"version: 1\nuid_range: 65000-66000\n", 2, 12, "holds 65000, which"},
	    {"version: 1\nuid_range: 65534-65534\n", 2, 12, "holds 65534, which"},
	    {"version: 1\nuid_range: 400000-600000\n", 2, 12, "holds 524288, which"},
	    {"version: 1\nuid_range: 70000-4294967295\n", 2, 12, "holds 524288, which"},
	    {"version: 1\nuid_range: 4294967295-4294967295\n", 2, 12, "holds 4294967295"},
	    {"version: 1\ngid_range: 0-100\n", 2, 12, "holds 0, which"},
	    {"version: 1\nuid_range: 60000-60001\n", 2, 12, "holds 60001, which"},
	    {"version: 1\ngid_range: 69999-70000\n", 2, 12, "overlap"},
	    {"version: 1\nuid_range: 69500-69600\n", 2, 12, "overlap"},
	    {"version: 1\nuid_range: 68000-69000\n", 2, 12, "overlap"},
	    {"version: 1\nuid_range: 66000-80000\ngid_range: 67000-67001\n", 3, 12, "overlap"},
	};
	struct settings s;

	(void)state;
	CHECK_REFUSALS(rows);
	assert_err("next to each other", AK_OK,
	    read_text("version: 1\nuid_range: 66000-67000\ngid_range: 67001-67001\n", &s, NULL));
}

/* A text of n bytes after `before`, quoted. */
static char *
with_long(const char *before, const char *start, size_t n)
{
	char *text = malloc(strlen(before) + n + 8);
	char *at = text;

	assert_non_null(text);
	at += sprintf(at, "%s\"%s", before, start);
	memset(at, 'a', n - strlen(start));
	at += n - strlen(start);
	(void)strcpy(at, "\"\n");
	return text;
}

static void
values_have_their_longest(void **state)
{
	struct settings s;
	char *text = with_long("version: 1\nhome: ", "/", sizeof(s.home) - 1);

	(void)state;
	assert_err("home", AK_OK, read_text(text, &s, NULL));
	assert_int_equal(strlen(s.home), sizeof(s.home) - 1);
	free(text);
	text = with_long("version: 1\nshell: ", "/", sizeof(s.shell));
	assert_err("shell", AK_ERR_INVALID, read_text(text, &s, NULL));
	free(text);
	text = with_long("version: 1\nspace: ", "a", POLICY_NAME_MAX + 1);
	assert_err("space", AK_ERR_INVALID, read_text(text, &s, NULL));
	free(text);
}

static void
more_host_names_than_fit_are_refused(void **state)
{
	char text[4096];
	struct text t = text_over(text, sizeof(text));
	struct settings s;
	struct diag why = DIAG_INIT;

	(void)state;
	text_add(&t, "version: 1\nhost: [");
	for (unsigned i = 0; i < 256; i++)
		text_add(&t, "%03u,", i);
	text_add(&t, "]\n");
	assert_err("just", AK_OK, read_text(text, &s, NULL));
	assert_int_equal(s.hosts.len_b, 1024);
	t = text_over(text, sizeof(text));
	text_add(&t, "version: 1\nhost: [x");
	for (unsigned i = 0; i < 256; i++)
		text_add(&t, ",%03u", i);
	text_add(&t, "]\n");
	assert_err("one more", AK_ERR_INVALID, read_text(text, &s, &why));
	assert_non_null(strstr(why.text, "1024 bytes"));
	assert_defaults(&s);
}

static void
packed_settings_come_back(void **state)
{
	struct pack p = PACK_INIT;
	struct settings s, back;

	(void)state;
	assert_err("", AK_OK, read_text(everything, &s, NULL));
	settings_pack(&s, &p);
	assert_err("", AK_OK, p.err);
	assert_err("", AK_OK, settings_unpack(p.bytes, p.len_b, &back));
	assert_everything(&back);
	for (size_t cut = 0; cut < p.len_b; cut++) {
		assert_err("cut", AK_ERR_CORRUPT, settings_unpack(p.bytes, cut, &back));
		assert_defaults(&back);
	}
	pack_u8(&p, 0);
	assert_err("more", AK_ERR_CORRUPT, settings_unpack(p.bytes, p.len_b, &back));
	pack_clear(&p);
}

/* What unpack takes, the file could have said: so packing it again gives the same. */
static void
changed_bytes_unpack_to_sound_settings_or_none(void **state)
{
	struct rnd r = rnd_start("changed_bytes_unpack_to_sound_settings_or_none");
	struct pack p = PACK_INIT;
	struct settings s;

	(void)state;
	assert_err("", AK_OK, read_text(everything, &s, NULL));
	settings_pack(&s, &p);
	for (int round = 0; round < 20000; round++) {
		size_t at = rnd_below(&r, p.len_b);
		unsigned char was = p.bytes[at];
		struct pack again = PACK_INIT;
		enum ak_err err;

		p.bytes[at] = (unsigned char)rnd_u64(&r);
		err = settings_unpack(p.bytes, p.len_b, &s);
		assert_true(err == AK_OK || err == AK_ERR_CORRUPT);
		if (err == AK_OK) {
			settings_pack(&s, &again);
			assert_int_equal(again.len_b, p.len_b);
			assert_memory_equal(again.bytes, p.bytes, p.len_b);
		}
		pack_clear(&again);
		p.bytes[at] = was;
	}
	pack_clear(&p);
}

static void
home_is_filled_in(void **state)
{
	static const struct {
		const char *pattern, *home;
	} rows[] = {
	    {"/home/%n", "/home/ci-deploy"},
	    {"/srv/%u/%i", "/srv/70001/Abcdefghij"},
	    {"/%%n/%%", "/%n/%"},
	    {"/x", "/x"},
	};
	struct key_record key = KEY_RECORD_INIT;
	char out[64];

	(void)state;
	(void)strcpy(key.name, "ci-deploy");
	(void)strcpy(key.id, "Abcdefghij");
	key.uid = 70001;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_err("", AK_OK, settings_expand(rows[i].pattern, &key, out, sizeof(out)));
		assert_string_equal(out, rows[i].home);
	}
	assert_err("just", AK_OK, settings_expand("/home/%n", &key, out, 16));
	assert_err("too long", AK_ERR_RANGE, settings_expand("/home/%n", &key, out, 15));
	assert_string_equal(out, "");
}

static void
abuse_128_every_allocation_may_fail(void **state)
{
	struct yaml_doc *doc = NULL;

	(void)state;
	assert_err("", AK_OK, yamltree_parse(everything, strlen(everything), "f", &doc, NULL));
	for (unsigned n = 1;; n++) {
		struct settings s;
		struct diag why = DIAG_INIT;
		enum ak_err err;

		alloc_fail_nth(n);
		err = settings_from_yaml(yamltree_root_borrow(doc), "f", &s, &why);
		if (!alloc_stop()) {
			assert_err("", AK_OK, err);
			break;
		}
		assert_err("", AK_ERR_NOMEM, err);
		assert_string_equal(why.text, "out of memory");
		assert_defaults(&s);
	}
	yamltree_free(&doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(abuse_051_an_empty_file_gives_every_default),
	    cmocka_unit_test(every_option_is_read),
	    cmocka_unit_test(abuse_044_an_unknown_key_is_refused),
	    cmocka_unit_test(the_version_must_be_there_and_1),
	    cmocka_unit_test(the_file_must_be_a_mapping),
	    cmocka_unit_test(abuse_049_only_true_and_false_are_booleans),
	    cmocka_unit_test(bad_values_are_refused_at_their_place),
	    cmocka_unit_test(ranges_that_are_reserved_reversed_or_overlap_are_refused),
	    cmocka_unit_test(values_have_their_longest),
	    cmocka_unit_test(more_host_names_than_fit_are_refused),
	    cmocka_unit_test(packed_settings_come_back),
	    cmocka_unit_test(changed_bytes_unpack_to_sound_settings_or_none),
	    cmocka_unit_test(home_is_filled_in),
	    cmocka_unit_test(abuse_128_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
