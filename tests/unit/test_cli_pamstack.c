/* pamstack and pamline: stacks are read and run as libpam does it, and our line is judged by what they do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "options.h"
#include "pamline.h"
#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

#define OURS_AUTH                                                                              \
	"auth [success=done user_unknown=ignore ignore=ignore module_unknown=ignore "          \
	"default=die] pam_apikey.so\n"
#define OURS_ACCOUNT                                                                           \
	"account [success=done user_unknown=ignore module_unknown=ignore default=die] "        \
	"pam_apikey.so\n"
#define OURS_SESSION                                                                           \
	"session [success=ok ignore=ignore user_unknown=ignore module_unknown=ignore "         \
	"default=die] pam_apikey.so\n"
#define JUMPS(n)                                                                               \
	"auth [success=" #n " user_unknown=ignore ignore=ignore module_unknown=ignore "        \
	"default=die] pam_apikey.so\n"
/* What Debian's stacks come to behind the modules that decide. */
#define REST "auth requisite pam_deny.so\nauth required pam_permit.so\n"
#define UNIX(n) "auth [success=" #n " default=ignore] pam_unix.so\n"

static void
write_text(struct tmp *t, const char *name, const char *text)
{
	file_write(tmp_path(t, name), text, strlen(text), 0644);
}

static struct pamstack
read_stack(struct tmp *t, const char *service, enum pamstack_phase phase)
{
	const char *dirs[] = {t->dir, NULL};
	struct pamstack s;

	assert_int_equal(pamstack_read(dirs, service, phase, &s, NULL), AK_OK);
	return s;
}

/* ---- reading ---- */

/* "module level action-of-success action-of-perm_denied; …", `!' for a broken line, `+' for a substack, `~' for what is not in one line. */
static void
show(const struct pamstack *s, char *out, size_t cap)
{
	struct text t = text_over(out, cap);

	text_add(&t, "%s", "");
	for (size_t i = 0; i < s->n; i++) {
		const struct pamstack_line *l = &s->v[i];

		text_add(&t, "%s%u:%s", i == 0 ? "" : "; ", l->line, l->continued ? "~" : "");
		assert_true((l->broken || l->substack) == (l->module[0] == '\0'));
		if (l->broken)
			text_add(&t, "!");
		else if (l->substack)
			text_add(&t, "+");
		else
			text_add(&t, "%s %u %d %d", l->module, l->level,
			    l->actions[PAMSTACK_SUCCESS], l->actions[PAMSTACK_PERM_DENIED]);
		strv_for (pamstack_args(l), word)
			text_add(&t, " <%s>", word);
	}
	assert_false(t.cut);
}

static void
a_stack_is_read_as_libpam_reads_it(void **state)
{
	static const struct {
		const char *text;
		enum pamstack_phase phase;
		const char *shown;
	} rows[] = {
	    {"auth required a.so\naccount required b.so\n", PAMSTACK_AUTH, "1:a.so 0 -1 -3"},
	    {"# no\n\n  AUTH Sufficient a.so # yes\n", PAMSTACK_AUTH, "3:a.so 0 -2 0"},
	    {"auth requisite a.so x y=z\nauth optional b.so\n", PAMSTACK_AUTH,
		"1:a.so 0 -1 -4 <x> <y=z>; 2:b.so 0 -1 0"},
	    {"auth [success=2 perm_denied=die default=ignore] a.so [p=q r] [s\\]t]\n",
		PAMSTACK_AUTH, "1:a.so 0 2 -4 <p=q r> <s]t>"},
	    {"auth \\\n required \\  \n a.so\nauth required b.so\n", PAMSTACK_AUTH,
		"1:~a.so 0 -1 -3; 4:b.so 0 -1 -3"},
	    {"-session optional a.so\n", PAMSTACK_SESSION, "1:a.so 0 -1 0"},
	    {"@include other-file\nauth required b.so\n", PAMSTACK_AUTH,
		"1:in.so 0 -1 -3; 2:b.so 0 -1 -3"},
	    {"auth include other-file\n", PAMSTACK_ACCOUNT, ""},
	    {"auth substack other-file\n", PAMSTACK_AUTH, "1:+; 1:in.so 1 -1 -3"},
	    {"auth include no-such-file\n", PAMSTACK_AUTH, "1:!"},
	    {"auth include svc\n", PAMSTACK_AUTH, "1:!"},
	    {"auht required a.so\n", PAMSTACK_AUTH, "1:!"},
	    {"auht required a.so\naccount required b.so\n", PAMSTACK_ACCOUNT, "2:b.so 0 -1 -3"},
	    {"auth\n", PAMSTACK_AUTH, "1:!"},
	    {"auth required\n", PAMSTACK_AUTH, "1:!"},
	    {"auth required []\nauth optional [\n", PAMSTACK_AUTH, "1:!; 2:!"},
	    {"auth [success=what default=bad] a.so\n", PAMSTACK_AUTH, "1:a.so 0 -3 -3"},
	    {"auth [what=ok default=ignore] a.so\n", PAMSTACK_AUTH, "1:a.so 0 -3 -3"},
	    {"auth [perm_denied=ok] a.so\n", PAMSTACK_AUTH, "1:a.so 0 -6 -1"},
	    {"auth [ success = 2\tdefault= ignore ] a.so\n", PAMSTACK_AUTH, "1:a.so 0 2 0"},
	    {"auth [success=okdefault=bad] a.so\n", PAMSTACK_AUTH, "1:a.so 0 -1 -3"},
	    {"auth [success default=bad] a.so\n", PAMSTACK_AUTH, "1:a.so 0 -3 -3"},
	    {"auth [success=0] a.so\n", PAMSTACK_AUTH, "1:a.so 0 -3 -3"},
	    {"auth [success default=ok] a.so\n", PAMSTACK_AUTH, "1:a.so 0 -3 -3"},
	    {"auth required a.so [] x\n", PAMSTACK_AUTH, "1:a.so 0 -1 -3 <x>"},
	    {"account include odd\n", PAMSTACK_ACCOUNT, "1:!"},
	    {"account substack odd\n", PAMSTACK_ACCOUNT, "1:+; 1:!"},
	    {"@include odd\naccount required b.so\n", PAMSTACK_ACCOUNT, "2:b.so 0 -1 -3"},
	    {"auth required a.so \\", PAMSTACK_AUTH, "1:!"},
	    {"auth required a.so\n", PAMSTACK_ACCOUNT, "1:of-other.so 0 -1 -3"},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct pamstack s;
		char shown[512];

		write_text(*state, "svc", rows[i].text);
		write_text(*state, "other-file", "auth required in.so\n");
		write_text(*state, "odd", "auht required a.so\n");
		write_text(*state, "other", "account required of-other.so\n");
		if (strstr(rows[i].shown, "of-other") == NULL)
			write_text(*state, "other", "");
		s = read_stack(*state, "svc", rows[i].phase);
		show(&s, shown, sizeof(shown));
		assert_row(rows[i].text, strcmp(shown, rows[i].shown) == 0);
		pamstack_clear(&s);
	}
}

static void
a_service_that_is_not_there_is_not_found(void **state)
{
	struct tmp *t = *state;
	const char *dirs[] = {tmp_path(t, "none"), t->dir, NULL};
	struct pamstack s;
	struct diag why = DIAG_INIT;

	assert_int_equal(pamstack_read(dirs, "svc", PAMSTACK_AUTH, &s, &why), AK_ERR_NOT_FOUND);
	assert_string_equal(why.text, "");
	pamstack_clear(&s);
	assert_int_equal(mkdir(tmp_path(t, "svc"), 0755), 0);
	assert_int_equal(
	    pamstack_read(dirs, "svc", PAMSTACK_AUTH, &s, &why), AK_ERR_UNAVAILABLE);
	assert_non_null(strstr(why.text, "svc can't be read"));
	pamstack_clear(&s);
	write_text(t, "svc2", "auth required a.so\n");
	assert_int_equal(pamstack_read(dirs, "svc2", PAMSTACK_AUTH, &s, NULL), AK_OK);
	assert_int_equal(s.n, 1);
	pamstack_clear(&s);
}

static void
a_service_that_says_nothing_of_a_phase_has_the_lines_of_other(void **state)
{
	struct tmp *t = *state;
	const char *dirs[] = {t->dir, NULL};
	struct diag why = DIAG_INIT;
	struct pamstack s;

	write_text(t, "svc", "auth required a.so\n");
	assert_err("no other", AK_OK, pamstack_read(dirs, "svc", PAMSTACK_ACCOUNT, &s, &why));
	assert_true(s.n == 0 && s.other);
	assert_string_equal(why.text, "");
	pamstack_clear(&s);
	assert_int_equal(mkdir(tmp_path(t, "other"), 0755), 0);
	assert_err("a folder", AK_ERR_UNAVAILABLE,
	    pamstack_read(dirs, "svc", PAMSTACK_ACCOUNT, &s, &why));
	assert_non_null(strstr(why.text, "svc can't be read"));
	pamstack_clear(&s);
	assert_err("own lines", AK_OK, pamstack_read(dirs, "svc", PAMSTACK_AUTH, &s, NULL));
	assert_true(s.n == 1 && !s.other);
	pamstack_clear(&s);
}

/* ---- running ---- */

/* yes.so and no.so answer so; late.so wants another password, and unknown.so answers with user_unknown. */
#define NEW_AUTHTOK_REQD 12

static int
by_name(void *ctx, const struct pamstack_line *l)
{
	(void)ctx;
	if (pamstack_is(l, "yes.so"))
		return PAMSTACK_SUCCESS;
	if (pamstack_is(l, "late.so"))
		return NEW_AUTHTOK_REQD;
	return pamstack_is(l, "no.so") ? PAMSTACK_PERM_DENIED : PAMSTACK_USER_UNKNOWN;
}

static void
a_stack_lets_in_whom_libpam_would(void **state)
{
	static const struct {
		const char *text;
		bool passes;
	} rows[] = {
	    {"auth required yes.so\n", true},
	    {"auth required no.so\n", false},
	    {"auth optional no.so\n", false},
	    {"auth sufficient []\nauth required no.so\n", false},
	    {"auth sufficient []\nauth required yes.so\n", true},
	    {"auth required no.so\nauth required yes.so\n", false},
	    {"auth required no.so\nauth sufficient yes.so\n", false},
	    {"auth sufficient yes.so\nauth required no.so\n", true},
	    {"auth requisite no.so\nauth sufficient yes.so\n", false},
	    {"auth [success=1 default=ignore] yes.so\nauth requisite no.so\nauth required "
	     "yes.so\n",
		true},
	    {"auth [success=1 default=ignore] no.so\nauth requisite no.so\nauth required "
	     "yes.so\n",
		false},
	    /* A jump grants nothing, and one too far fails. */
	    {"auth [success=1 default=ignore] yes.so\nauth requisite no.so\n", false},
	    {"auth [success=2 default=ignore] yes.so\nauth required yes.so\n", false},
	    {"auth required yes.so\nauth [success=2 default=ignore] yes.so\nauth required "
	     "yes.so\n",
		false},
	    {"auth [default=ignore] no.so\nauth required yes.so\n", true},
	    {"auth [success=ok] no.so\nauth required yes.so\n", false},
	    {"auth required no.so\nauth [success=reset] yes.so\nauth required yes.so\n", true},
	    /* `done' and `die' end their substack alone. */
	    {"auth substack sub\nauth required no.so\n", false},
	    {"auth substack sub\nauth required yes.so\n", true},
	    {"auth substack refuses\nauth sufficient yes.so\n", false},
	    {"auth [success=1 default=ignore] yes.so\nauth substack refuses\nauth required "
	     "yes.so\n",
		true},
	    {"auth include sub\nauth required no.so\n", true},
	    /* Who is to change a password is not in yet, whatever others say. */
	    {"auth required late.so\n", false},
	    {"auth required late.so\nauth required yes.so\n", false},
	    {"auth required yes.so\nauth required late.so\n", false},
	    {"auth required yes.so\nauth required no.so\nauth required yes.so\n", false},
	};

	write_text(*state, "sub", "auth sufficient yes.so\nauth required no.so\n");
	write_text(*state, "refuses", "auth requisite no.so\nauth required yes.so\n");
	for (size_t i = 0; i < N(rows); i++) {
		struct pamstack s;

		write_text(*state, "svc", rows[i].text);
		s = read_stack(*state, "svc", PAMSTACK_AUTH);
		assert_row(rows[i].text, pamstack_passes(&s, by_name, NULL) == rows[i].passes);
		pamstack_clear(&s);
	}
}

/* ---- our line ---- */

static void
our_line_is_judged_by_what_the_stack_does(void **state)
{
	static const struct {
		const char *text;
		enum pamstack_phase phase;
		enum pamline_fault fault;
	} rows[] = {
	    {OURS_AUTH UNIX(1) REST, PAMSTACK_AUTH, PAMLINE_GOOD},
	    {JUMPS(2) UNIX(1) REST, PAMSTACK_AUTH, PAMLINE_GOOD},
	    {OURS_AUTH "auth required pam_unix.so\n", PAMSTACK_AUTH, PAMLINE_GOOD},
	    {"auth sufficient pam_rootok.so\n" OURS_AUTH UNIX(1) REST, PAMSTACK_AUTH,
		PAMLINE_GOOD},
	    {"auth optional pam_faildelay.so\nauth requisite pam_nologin.so\n" OURS_AUTH UNIX(1)
		    REST,
		PAMSTACK_AUTH, PAMLINE_GOOD},
	    {"auth required pam_wheel.so\n" OURS_AUTH UNIX(1) REST, PAMSTACK_AUTH, PAMLINE_GOOD},
	    {UNIX(1) REST, PAMSTACK_AUTH, PAMLINE_MISSING},
	    {"auth required pam_permit.so\n", PAMSTACK_AUTH, PAMLINE_OPEN},
	    {"auth what pam_permit.so\n" OURS_AUTH, PAMSTACK_AUTH, PAMLINE_BEHIND},
	    {OURS_AUTH "auth\n", PAMSTACK_AUTH, PAMLINE_BROKEN},
	    {UNIX(2) OURS_AUTH REST, PAMSTACK_AUTH, PAMLINE_BEHIND},
	    {"auth optional pam_unheard_of.so\n" OURS_AUTH UNIX(1) REST, PAMSTACK_AUTH,
		PAMLINE_BEHIND},
	    {"auth sufficient pam_wheel.so trust\n" OURS_AUTH UNIX(1) REST, PAMSTACK_AUTH,
		PAMLINE_PASSED_BY},
	    {"auth [success=1 default=ignore] pam_succeed_if.so uid < 500\n" OURS_AUTH UNIX(1)
		    REST,
		PAMSTACK_AUTH, PAMLINE_PASSED_BY},
	    {"auth [success=ok default=2] pam_succeed_if.so uid < 500\n" OURS_AUTH UNIX(1) REST,
		PAMSTACK_AUTH, PAMLINE_PASSED_BY},
	    {"auth [success=ignore default=1] pam_localuser.so\nauth optional "
	     "pam_warn.so\n" OURS_AUTH UNIX(1) REST,
		PAMSTACK_AUTH, PAMLINE_GOOD},
	    {OURS_AUTH "auth requisite pam_deny.so\n", PAMSTACK_AUTH, PAMLINE_SHUT},
	    {"auth required pam_apikey.so\n" UNIX(1) REST, PAMSTACK_AUTH, PAMLINE_LOCKS_OUT},
	    {"auth required pam_apikey.so ignore_unknown_user\n" UNIX(1) REST, PAMSTACK_AUTH,
		PAMLINE_LOCKS_ROOT_OUT},
	    {"auth [success=done ignore=ignore module_unknown=ignore default=die] "
	     "pam_apikey.so ignore_unknown_user\n" UNIX(1) REST,
		PAMSTACK_AUTH, PAMLINE_GOOD},
	    {"auth [success=done user_unknown=ignore module_unknown=ignore default=die] "
	     "pam_apikey.so\n" UNIX(1) REST,
		PAMSTACK_AUTH, PAMLINE_ENDS_SETCRED},
	    {"auth [success=done user_unknown=ignore ignore=ignore default=die] "
	     "pam_apikey.so\n" UNIX(1) REST,
		PAMSTACK_AUTH, PAMLINE_LOCKS_ROOT_OUT},
	    {"auth [success=done default=ignore] pam_apikey.so\n" UNIX(1) REST, PAMSTACK_AUTH,
		PAMLINE_OVERRULED},
	    {"auth sufficient pam_apikey.so\n" UNIX(1) REST, PAMSTACK_AUTH, PAMLINE_OVERRULED},
	    /* Refused in the end, and yet others are shown the token. */
	    {"auth [success=done user_unknown=ignore ignore=ignore module_unknown=ignore "
	     "default=bad] pam_apikey.so\n" UNIX(1) REST,
		PAMSTACK_AUTH, PAMLINE_OVERRULED},
	    {JUMPS(1) UNIX(1) REST, PAMSTACK_AUTH, PAMLINE_REFUSED},
	    {JUMPS(9) UNIX(1) REST, PAMSTACK_AUTH, PAMLINE_REFUSED},
	    {"auth [success=done user_unknown=ignore ignore=ignore module_unknown=ignore "
	     "default=die] pam_apikey.so debug [prompt=a b] no_such\n" UNIX(1) REST,
		PAMSTACK_AUTH, PAMLINE_OPTION},
	    {"auth substack whole\nauth optional pam_cap.so\n", PAMSTACK_AUTH, PAMLINE_GOOD},
	    {"auth substack whole\nauth required pam_google_authenticator.so\n", PAMSTACK_AUTH,
		PAMLINE_OVERRULED},
	    {"account required pam_nologin.so\n" OURS_ACCOUNT "account required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_GOOD},
	    {"account required pam_unix.so\n" OURS_ACCOUNT, PAMSTACK_ACCOUNT, PAMLINE_BEHIND},
	    {"account [success = done default = ignore] pam_succeed_if.so uid >= "
	     "0\n" OURS_ACCOUNT "account required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_PASSED_BY},
	    /* Fedora's su; and one that is not for root alone. */
	    {"account sufficient pam_succeed_if.so uid = 0 use_uid quiet\n" OURS_ACCOUNT
	     "account required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_GOOD},
	    {"account sufficient pam_succeed_if.so uid = 0 quiet\n" OURS_ACCOUNT
	     "account required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_PASSED_BY},
	    {"account sufficient pam_succeed_if.so uid >= 0 use_uid\n" OURS_ACCOUNT
	     "account required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_PASSED_BY},
	    {"account sufficient pam_succeed_if.so uid = 0 use_uid\n" OURS_ACCOUNT
	     "account required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_GOOD},
	    {"account sufficient pam_succeed_if.so use_uid uid eq 0\n" OURS_ACCOUNT
	     "account required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_GOOD},
	    {"account sufficient pam_succeed_if.so use_uid user ingroup wheel uid = "
	     "0\n" OURS_ACCOUNT "account required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_GOOD},
	    {"account sufficient pam_succeed_if.so use_uid uid ne 0\n" OURS_ACCOUNT
	     "account required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_PASSED_BY},
	    {"account sufficient pam_succeed_if.so use_uid uid = 1000\n" OURS_ACCOUNT
	     "account required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_PASSED_BY},
	    {"account sufficient pam_succeed_if.so use_uid gid = 0\n" OURS_ACCOUNT
	     "account required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_PASSED_BY},
	    {"session [default=3 success=die] pam_localuser.so\n" OURS_SESSION
	     "session required pam_unix.so\nsession required pam_deny.so\nsession required "
	     "pam_unix.so\n",
		PAMSTACK_SESSION, PAMLINE_PASSED_BY},
	    {"account required pam_permit.so\n", PAMSTACK_ACCOUNT, PAMLINE_OPEN},
	    {"account required pam_unix.so\n", PAMSTACK_ACCOUNT, PAMLINE_MISSING},
	    {"account [success=done user_unknown=ignore module_unknown=ignore default=ignore] "
	     "pam_apikey.so\naccount required pam_unix.so\n",
		PAMSTACK_ACCOUNT, PAMLINE_OVERRULED},
	    {"session required pam_unix.so\n" OURS_SESSION, PAMSTACK_SESSION, PAMLINE_GOOD},
	    {"session required pam_unix.so\nsession optional pam_apikey.so\n", PAMSTACK_SESSION,
		PAMLINE_OVERRULED},
	    {"session required pam_unix.so\nsession required pam_apikey.so\n", PAMSTACK_SESSION,
		PAMLINE_LOCKS_OUT},
	    {OURS_SESSION "session requisite pam_deny.so\n", PAMSTACK_SESSION, PAMLINE_SHUT},
	    {"session requisite pam_deny.so\n" OURS_SESSION, PAMSTACK_SESSION, PAMLINE_SHUT},
	};

	write_text(*state, "whole", OURS_AUTH UNIX(1) REST);
	for (size_t i = 0; i < N(rows); i++) {
		struct pamstack s;
		struct pamline p;

		write_text(*state, "svc", rows[i].text);
		s = read_stack(*state, "svc", rows[i].phase);
		p = pamline_judge(&s, rows[i].phase);
		if (p.fault != rows[i].fault)
			print_error("fault %d, wanted %d\n", (int)p.fault, (int)rows[i].fault);
		assert_row(rows[i].text, p.fault == rows[i].fault);
		pamstack_clear(&s);
	}
}

static void
the_line_that_is_at_fault_is_named(void **state)
{
	static const struct {
		const char *text;
		enum pamstack_phase phase;
		enum pamline_fault fault;
		unsigned line; /* 0: none */
	} rows[] = {
	    /* The first that is shown a token that we refused. */
	    {"auth [success=done user_unknown=ignore ignore=ignore module_unknown=ignore "
	     "default=bad] pam_apikey.so\nauth required pam_unix.so\nauth required "
	     "pam_sss.so\n",
		PAMSTACK_AUTH, PAMLINE_OVERRULED, 2},
	    /* And the first that refuses whom we permit; who was asked before us is not why. */
	    {JUMPS(1) "auth required pam_unix.so\nauth required pam_sss.so\nauth required "
		      "pam_ldap.so\n",
		PAMSTACK_AUTH, PAMLINE_REFUSED, 3},
	    {"session required pam_unix.so\nsession [success=bad ignore=ignore "
	     "user_unknown=ignore module_unknown=ignore default=die] pam_apikey.so\n",
		PAMSTACK_SESSION, PAMLINE_REFUSED, 0},
	    {OURS_AUTH "auth\n", PAMSTACK_AUTH, PAMLINE_BROKEN, 2},
	    {"auth optional pam_unheard_of.so\n" OURS_AUTH UNIX(1) REST, PAMSTACK_AUTH,
		PAMLINE_BEHIND, 1},
	    {OURS_AUTH UNIX(1) REST, PAMSTACK_AUTH, PAMLINE_GOOD, 0},
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct pamstack s;
		struct pamline p;

		write_text(*state, "svc", rows[i].text);
		s = read_stack(*state, "svc", rows[i].phase);
		p = pamline_judge(&s, rows[i].phase);
		if (p.fault != rows[i].fault)
			print_error("fault %d, wanted %d\n", (int)p.fault, (int)rows[i].fault);
		assert_row(rows[i].text, p.fault == rows[i].fault);
		assert_row(rows[i].text, (p.other == NULL ? 0 : p.other->line) == rows[i].line);
		pamstack_clear(&s);
	}
}

static void
the_control_that_is_advised_is_good(void **state)
{
	static const char *const rest[] = {
	    UNIX(1) REST, "account required pam_unix.so\n", "session required pam_unix.so\n"};

	for (int phase = PAMSTACK_AUTH; phase <= PAMSTACK_SESSION; phase++) {
		enum pamstack_phase at = (enum pamstack_phase)phase;
		struct pamstack s;
		char text[1024];

		(void)snprintf(text, sizeof(text), "%s %s %s\n%s", pamstack_phase_name(at),
		    pamline_control(at), PAMLINE_MODULE, rest[phase]);
		write_text(*state, "svc", text);
		s = read_stack(*state, "svc", at);
		assert_row(text, pamline_judge(&s, at).fault == PAMLINE_GOOD);
		pamstack_clear(&s);
	}
}

static void
our_line_belongs_where_it_shifts_no_jump(void **state)
{
	static const struct {
		const char *text;
		unsigned line; /* in svc; 0: in inner */
		bool crossed;
	} rows[] = {
	    {"auth required pam_env.so\n" UNIX(1) REST, 2, false},
	    {"auth [success=1 default=ignore] pam_succeed_if.so uid = 0\n" REST, 1, false},
	    {"auth required pam_env.so\nauth [default=1 success=ok] pam_localuser.so\n" UNIX(1)
		    REST,
		2, false},
	    {"auth [default=1 success=ok] pam_usertype.so\nauth [default=2 success=ok] "
	     "pam_localuser.so\nauth required pam_env.so\n" UNIX(1) REST,
		1, false},
	    /* One that comes down before it, or on it, stays. */
	    {"auth [default=1 success=ok] pam_usertype.so\nauth required pam_env.so\n" UNIX(1)
		    REST,
		3, false},
	    {"auth sufficient pam_rootok.so\n" UNIX(1) REST, 2, false},
	    {"auth [success=2 default=ignore] pam_rootok.so\n" UNIX(1) REST, 1, false},
	    {"auth include inner\n" REST, 0, false},
	    {"auth [success=2 default=ignore] pam_localuser.so\nauth include inner\n" REST, 1,
		false},
	    /* What may end the stack is not to be passed by a token. */
	    {"auth sufficient pam_wheel.so trust\n" UNIX(1) REST, 1, false},
	    {"auth required pam_env.so\nauth include inner\n" REST, 0, false},
	    /* pam-auth-update has ours where its file begins, and these come down in the midst of it. */
	    {"auth [success=1 default=ignore] pam_localuser.so\nauth include inner\n" REST, 0,
		true},
	    {"auth [success=2 default=ignore] pam_localuser.so\nauth required "
	     "pam_env.so\nauth include inner\n" REST,
		0, true},
	};

	write_text(*state, "inner", "auth required pam_env.so\n" UNIX(1));
	for (size_t i = 0; i < N(rows); i++) {
		struct pamstack s;
		struct pamline p;

		write_text(*state, "svc", rows[i].text);
		s = read_stack(*state, "svc", PAMSTACK_AUTH);
		p = pamline_judge(&s, PAMSTACK_AUTH);
		assert_row(rows[i].text, p.ours == NULL && p.other != NULL);
		assert_row(rows[i].text,
		    (strstr(p.other->file, "/inner") != NULL) == (rows[i].line == 0));
		assert_row(
		    rows[i].text, p.other->line == (rows[i].line == 0 ? 2 : rows[i].line));
		assert_row(rows[i].text, p.crossed == rows[i].crossed);
		pamstack_clear(&s);
	}
}

/* ---- the module's options ---- */

/* The words of pam/options.c's tables: what stands in quotes at the beginning of a row. */
static size_t
words_of_the_module(char words[16][32])
{
	const char *srcdir = getenv("srcdir");
	char path[512], *text, *at;
	size_t len, n = 0;

	(void)snprintf(path, sizeof(path), "%s/pam/options.c", srcdir == NULL ? "." : srcdir);
	text = file_read(path, &len);
	if (text == NULL)
		skip();
	for (at = text; (at = strstr(at, "\n    {\"")) != NULL; at++) {
		const char *word = at + strlen("\n    {\"");

		assert_true(n < 16);
		(void)snprintf(
		    words[n++], sizeof(words[0]), "%.*s", (int)strcspn(word, "\""), word);
	}
	free(text);
	return n;
}

static void
the_doctor_knows_the_options_that_the_module_has(void **state)
{
	char words[16][32];
	size_t n = words_of_the_module(words), known = 0;

	(void)state;
	for (; pamline_options[known] != NULL; known++) {
		const char *option = pamline_options[known];
		bool has = false;

		for (size_t i = 0; i < n; i++)
			has = has || strcmp(words[i], option) == 0;
		assert_row(option, has);
	}
	assert_int_equal(known, n);
}

static void
the_module_takes_what_the_doctor_takes(void **state)
{
	static const char *const rows[] = {"debug", "debug=1", "try_first_pass",
	    "use_first_pass", "ignore_unknown_user", "prompt=", "prompt=x", "prompt",
	    "config=/x", "role=viewer", "role=a role=b", "role=a prompt=b", "debug debug", "",
	    "nullok", "DEBUG"};

	for (size_t i = 0; i < N(rows); i++) {
		char words[64], *rest = words;
		const char *argv[2];
		int argc = 0;
		struct options opt;
		struct pamstack s;
		char text[512];
		bool takes;

		(void)snprintf(words, sizeof(words), "%s", rows[i]);
		while (rest != NULL && *rest != '\0')
			argv[argc++] = strsep(&rest, " ");
		takes = options_parse(argc, argv, &opt) == AK_OK;
		(void)snprintf(text, sizeof(text),
		    "auth %s pam_apikey.so %s\nauth required pam_unix.so\n",
		    pamline_control(PAMSTACK_AUTH), rows[i]);
		write_text(*state, "svc", text);
		s = read_stack(*state, "svc", PAMSTACK_AUTH);
		assert_row(
		    rows[i], (pamline_judge(&s, PAMSTACK_AUTH).fault == PAMLINE_GOOD) == takes);
		pamstack_clear(&s);
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, tmp_setup, tmp_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_stack_is_read_as_libpam_reads_it),
	    T(a_service_that_is_not_there_is_not_found),
	    T(a_service_that_says_nothing_of_a_phase_has_the_lines_of_other),
	    T(a_stack_lets_in_whom_libpam_would),
	    T(our_line_is_judged_by_what_the_stack_does),
	    T(the_line_that_is_at_fault_is_named),
	    T(the_control_that_is_advised_is_good),
	    T(our_line_belongs_where_it_shifts_no_jump),
	    T(the_doctor_knows_the_options_that_the_module_has),
	    T(the_module_takes_what_the_doctor_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
