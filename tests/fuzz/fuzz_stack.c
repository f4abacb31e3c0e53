/* fuzz_stack: any bytes as files of pam.d, nsswitch.conf: what the doctor calls good refuses whom we refuse, whatever all others answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_input.h"
#include "hash.h"
#include "nsswitch.h"
#include "pamline.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static const int refusals[] = {PAMSTACK_PERM_DENIED, PAMSTACK_AUTH_ERR,
    PAMSTACK_AUTHINFO_UNAVAIL, PAMSTACK_ACCT_EXPIRED, PAMSTACK_SESSION_ERR,
    PAMSTACK_SERVICE_ERR, PAMSTACK_SYSTEM_ERR, PAMSTACK_BUF_ERR, PAMSTACK_CONV_ERR};

/* Each line answers by its place and the seed. */
struct course {
	const struct pamstack *stack;
	const struct pamstack_line *ours;
	int we_say;
	uint32_t seed;
};

static int
answer(void *ctx, const struct pamstack_line *l)
{
	const struct course *c = ctx;
	uint64_t place = (uint64_t)(l - c->stack->v);

	if (l == c->ours)
		return c->we_say;
	if (pamstack_is(l, "pam_permit.so"))
		return PAMSTACK_SUCCESS;
	/* Who calls is not root. */
	if (pamstack_is(l, "pam_deny.so") || pamstack_is(l, "pam_rootok.so") ||
	    (pamstack_is(l, "pam_succeed_if.so") && strv_has(pamstack_args(l), "use_uid")))
		return PAMSTACK_AUTH_ERR;
	return (int)(hash_sip(c->seed, &place, sizeof(place)) % PAMSTACK_CODES);
}

/* What takes back a refusal is nobody's habit, and is not looked for. */
static bool
has_reset(const struct pamstack *s)
{
	for (size_t i = 0; i < s->n; i++)
		for (int code = 0; code < PAMSTACK_CODES; code++)
			if (s->v[i].actions[code] == PAMSTACK_DO_RESET)
				return true;
	return false;
}

static void
check_lines(const struct pamstack *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct pamstack_line *l = &s->v[i];
		struct strv args = pamstack_args(l);

		fuzz_check(l->line > 0 && l->file[0] == '/', "a line has a place");
		fuzz_check(l->broken || (l->module[0] == '\0') == l->substack,
		    "it is a module's, a substack's, or none");
		fuzz_check(args.len_b == 0 || strv_valid(args), "its words are words");
		for (int code = 0; code < PAMSTACK_CODES; code++)
			fuzz_check(l->actions[code] >= PAMSTACK_DO_FAIL &&
				       pamstack_next(s, i, code) > i &&
				       pamstack_next(s, i, code) <= s->n,
			    "whatever it answers leads on");
	}
}

static void
check_good(const struct pamstack *s, const struct pamline *p, uint32_t seed)
{
	struct course c = {.stack = s, .ours = p->ours, .seed = seed};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		c.we_say = refusals[i];
		fuzz_check(!pamstack_passes(s, answer, &c),
		    "a good stack lets nobody in whom we refuse");
	}
}

static void
check_stack(enum pamstack_phase phase, uint32_t seed)
{
	const char *const dirs[] = {fuzz_folder(), NULL};
	struct pamstack s;
	struct diag why = DIAG_INIT;
	struct pamline p;

	if (pamstack_read(dirs, "sshd", phase, &s, &why) != AK_OK) {
		fuzz_check(why.text[0] != '\0', "what can't be read is told");
		pamstack_clear(&s);
		return;
	}
	check_lines(&s);
	p = pamline_judge(&s, phase);
	fuzz_check(p.fault != PAMLINE_GOOD || p.ours != NULL, "no stack is good without us");
	fuzz_check((p.fault == PAMLINE_OPTION) == (p.word != NULL), "a wrong word is named");
	fuzz_check(p.other == NULL || (p.other >= s.v && p.other < s.v + s.n), "so is a line");
	if (p.fault == PAMLINE_GOOD && phase != PAMSTACK_SESSION && !has_reset(&s))
		check_good(&s, &p, seed);
	pamstack_clear(&s);
}

static void
check_nsswitch(const char *text)
{
	static const char *const databases[] = {"passwd", "group", "initgroups"};
	struct nsswitch db;

	for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++) {
		nsswitch_read(text, databases[i], &db);
		fuzz_check(db.n <= NSSWITCH_SERVICES_MAX && (db.line > 0 || db.n == 0),
		    "services stand in a line");
		for (size_t k = 0; k < db.n; k++)
			fuzz_check(db.v[k].name[0] != '\0' &&
				       strpbrk(db.v[k].name, " \t\n[") == NULL &&
				       nsswitch_find(&db, db.v[k].name) <= k &&
				       strstr(text, db.v[k].name) != NULL &&
				       !(db.v[k].success_goes_on && db.v[k].success_return),
			    "each has a name that is in the file");
		fuzz_check(nsswitch_find(&db, "no such") == db.n, "and no other is");
	}
}

/* How lines answer, and which phase; sshd's file up to a NUL; what it includes as common. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};
	uint8_t choice = fuzz_u8(&in);
	uint32_t seed = fuzz_u32(&in);
	char *text = fuzz_rest(&in);
	size_t len = strlen(text);

	if (choice % 4 == 3) {
		check_nsswitch(text);
	} else {
		fuzz_file(fuzz_path("sshd"), text, len);
		fuzz_file(fuzz_path("common"), bytes + len_b, 0);
		if (len_b > 5 + len + 1)
			fuzz_file(fuzz_path("common"), bytes + 6 + len, len_b - 6 - len);
		check_stack((enum pamstack_phase)(choice % 4), seed);
	}
	free(text);
	return 0;
}
