#include "testlib_cmocka.h"

#include <stdio.h>
#include <string.h>

#include "role.h"
#include "testlib_random.h"

static void
bindings_are_read(void **state)
{
	static const struct {
		const char *text, *role;
		enum role_scope scope;
		const char *names; /* joined by commas */
	} rows[] = {
	    {"viewer", "viewer", ROLE_GLOBAL, ""},
	    {"9-x_y", "9-x_y", ROLE_GLOBAL, ""},
	    {"editor:spaces:production", "editor", ROLE_SPACES, "production"},
	    {"editor:spaces:production,staging", "editor", ROLE_SPACES, "production,staging"},
	    {"editor:hosts:bastion-1,Bastion-2.example.com", "editor", ROLE_HOSTS,
		"bastion-1,Bastion-2.example.com"},
	    {"hosts:spaces:spaces,hosts", "hosts", ROLE_SPACES, "spaces,hosts"},
	    {"a:spaces:root", "a", ROLE_SPACES, "root"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct binding b;
		char names[BINDING_CAP];
		struct text t = text_over(names, sizeof(names));

		assert_err(rows[i].text, AK_OK, binding_parse(rows[i].text, &b, NULL));
		assert_string_equal(b.role, rows[i].role);
		assert_int_equal(b.scope, rows[i].scope);
		assert_true(strv_valid(binding_borrow_names(&b)));
		strv_for (binding_borrow_names(&b), name) {
			text_add(&t, "%s%s", t.len > 0 ? "," : "", name);
		}
		assert_string_equal(names, rows[i].names);
	}
}

static void
what_is_no_binding_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	    {"", "no name of a role"},
	    {":", "no name of a role"},
	    {":spaces:a", "no name of a role"},
	    {"Viewer", "no name of a role"},
	    {"view er", "no name of a role"},
	    {"viewer ", "no name of a role"},
	    {"viewer\n", "no name of a role"},
	    {"-viewer", "no name of a role"},
	    {"viewer,editor", "no name of a role"},
	    {"../x", "no name of a role"},
	    {"%n%s", "no name of a role"},
	    {"viewer:", "is neither"},
	    {"viewer:production", "is neither"},
	    {"viewer:space:production", "is neither"},
	    {"viewer:spaces", "is neither"},
	    {"viewer:Spaces:a", "is neither"},
	    {"viewer:spaces:", "empty place in its list of spaces"},
	    {"viewer:spaces:a,", "empty place"},
	    {"viewer:spaces:,a", "empty place"},
	    {"viewer:spaces:a,,b", "empty place"},
	    {"viewer:hosts:", "empty place in its list of hosts"},
	    {"viewer:spaces:a b", "no name of a space"},
	    {"viewer:spaces:A", "no name of a space"},
	    {"viewer:spaces:a.b", "no name of a space"},
	    {"viewer:spaces:*", "no name of a space"},
	    {"viewer:spaces:a:hosts:b", "no name of a space"},
	    {"viewer:hosts:a:b", "no name of a host"},
	    {"viewer:hosts:*", "no name of a host"},
	    {"viewer:spaces:a,b,a", "space `a' is named twice"},
	    {"viewer:spaces:a,b,b", "space `b' is named twice"},
	    {"viewer:hosts:a,A", "host `A' is named twice"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const struct binding empty;
		struct diag why = DIAG_INIT;
		struct binding b;

		memset(&b, 0xff, sizeof(b));
		assert_err(rows[i].text, AK_ERR_INVALID, binding_parse(rows[i].text, &b, &why));
		assert_row(why.text, strstr(why.text, rows[i].says) != NULL);
		assert_row(rows[i].text, memcmp(&b, &empty, sizeof(b)) == 0);
	}
}

static void
names_have_their_longest(void **state)
{
	char text[200];
	struct binding b;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[POLICY_NAME_MAX] = '\0';
	assert_err("role", AK_OK, binding_parse(text, &b, NULL));
	text[POLICY_NAME_MAX] = 'a';
	text[POLICY_NAME_MAX + 1] = '\0';
	assert_err("role", AK_ERR_INVALID, binding_parse(text, &b, NULL));
	memcpy(text, "v:spaces:", 9);
	memset(text + 9, 'a', POLICY_NAME_MAX + 1);
	text[9 + POLICY_NAME_MAX] = '\0';
	assert_err("space", AK_OK, binding_parse(text, &b, NULL));
	text[9 + POLICY_NAME_MAX] = 'a';
	text[10 + POLICY_NAME_MAX] = '\0';
	assert_err("space", AK_ERR_INVALID, binding_parse(text, &b, NULL));
}

static void
a_binding_has_room_for_1023_bytes(void **state)
{
	char text[4096];
	struct text t;
	struct binding b;
	unsigned n = 0;

	(void)state;
	t = text_over(text, BINDING_CAP);
	text_add(&t, "v:hosts:h");
	while (!t.cut)
		text_add(&t, ",%03u", n++);
	memset(text + t.len, 'x', BINDING_CAP - 1 - t.len);
	text[BINDING_CAP - 1] = '\0';
	assert_err("1023", AK_OK, binding_parse(text, &b, NULL));
	assert_int_equal(strv_count(binding_borrow_names(&b)), n + 1); /* the last is cut */
	text[BINDING_CAP - 1] = 'x';
	text[BINDING_CAP] = '\0';
	assert_err("1024", AK_ERR_INVALID, binding_parse(text, &b, NULL));
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_err("4095", AK_ERR_INVALID, binding_parse(text, &b, NULL));
}

static void
any_text_is_read_whole_or_refused(void **state)
{
	struct rnd r = rnd_start("any_text_is_read_whole_or_refused");

	(void)state;
	for (int round = 0; round < 50000; round++) {
		static const char *const parts[] = {"a", "b", "-", ":", "spaces", "hosts", ",",
		    "A", ":spaces:", ":hosts:", ".", " "};
		char text[128], again[BINDING_CAP];
		struct text t = text_over(text, sizeof(text)),
			    s = text_over(again, sizeof(again));
		struct binding b;

		for (uint64_t n = rnd_below(&r, 9); n > 0; n--)
			text_add(
			    &t, "%s", parts[rnd_below(&r, sizeof(parts) / sizeof(parts[0]))]);
		if (binding_parse(text, &b, NULL) != AK_OK)
			continue;
		text_add(&s, "%s", b.role);
		strv_for (binding_borrow_names(&b), name) {
			text_add(&s, "%s%s",
			    strchr(again, ':') != NULL ? ","
			    : b.scope == ROLE_SPACES   ? ":spaces:"
						       : ":hosts:",
			    name);
		}
		assert_string_equal(again, text);
	}
}

static void
what_is_no_role_is_said_and_nothing_behind_it(void **state)
{
	struct diag why = DIAG_INIT;
	char text[512];
	struct binding b;

	(void)state;
	assert_err("", AK_ERR_INVALID, binding_parse("bad!:spaces:x", &b, &why));
	assert_non_null(strstr(why.text, "`bad!' is no name of a role"));
	memset(text, 'R', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	why = DIAG_INIT;
	assert_err("", AK_ERR_INVALID, binding_parse(text, &b, &why));
	text[80] = '\0';
	assert_non_null(strstr(why.text, text));
	text[80] = 'R';
	text[81] = '\0';
	assert_null(strstr(why.text, text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bindings_are_read),
	    cmocka_unit_test(what_is_no_binding_is_refused_with_a_sentence),
	    cmocka_unit_test(names_have_their_longest),
	    cmocka_unit_test(a_binding_has_room_for_1023_bytes),
	    cmocka_unit_test(any_text_is_read_whole_or_refused),
	    cmocka_unit_test(what_is_no_role_is_said_and_nothing_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
