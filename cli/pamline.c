#include "pamline.h"

#include <string.h>

const char *const pamline_options[] = {"debug", "try_first_pass", "use_first_pass",
    "ignore_unknown_user", "prompt=", "config=", "role=", NULL};

/*
 * What may stand before us: modules that never ask for a password, and of
 * which none lets anybody in: they set something (pam_env), delay
 * (pam_faildelay), or refuse some (pam_nologin, pam_access), and a refusal
 * holds for keys as well.
 */
static const char *const harmless[] = {"pam_access.so", "pam_cap.so", "pam_debug.so",
    "pam_echo.so", "pam_elogind.so", "pam_env.so", "pam_faildelay.so", "pam_faillock.so",
    "pam_group.so", "pam_issue.so", "pam_keyinit.so", "pam_lastlog.so", "pam_lastlog2.so",
    "pam_limits.so", "pam_listfile.so", "pam_localuser.so", "pam_loginuid.so", "pam_mail.so",
    "pam_mkhomedir.so", "pam_motd.so", "pam_namespace.so", "pam_nologin.so", "pam_rootok.so",
    "pam_securetty.so", "pam_selinux.so", "pam_sepermit.so", "pam_setquota.so", "pam_shells.so",
    "pam_succeed_if.so", "pam_systemd.so", "pam_tally.so", "pam_tally2.so", "pam_time.so",
    "pam_tty_audit.so", "pam_umask.so", "pam_usertype.so", "pam_warn.so", "pam_wheel.so",
    "pam_xauth.so", NULL};

/* What the module answers when it refuses: the man page's results. */
static const int refusals[] = {PAMSTACK_PERM_DENIED, PAMSTACK_AUTH_ERR,
    PAMSTACK_AUTHINFO_UNAVAIL, PAMSTACK_ACCT_EXPIRED, PAMSTACK_SESSION_ERR,
    PAMSTACK_SERVICE_ERR, PAMSTACK_SYSTEM_ERR, PAMSTACK_BUF_ERR, PAMSTACK_CONV_ERR};

/* A login as it may go. */
struct course {
	const struct pamstack_line *ours;
	int ours_says, others_say, harmless_say;
	bool came_to_us;
	const struct pamstack_line *asked_behind; /* the first that decides, once we have answered */
};

const char *
pamline_control(enum pamstack_phase phase)
{
	static const char *const controls[] = {
	    [PAMSTACK_AUTH] = "[success=done user_unknown=ignore ignore=ignore "
			      "module_unknown=ignore default=die]",
	    [PAMSTACK_ACCOUNT] =
		"[success=done user_unknown=ignore module_unknown=ignore default=die]",
	    [PAMSTACK_SESSION] = "[success=ok ignore=ignore user_unknown=ignore "
				 "module_unknown=ignore default=die]",
	};

	return controls[phase];
}

static bool
is_ours(const struct pamstack_line *l)
{
	return pamstack_is(l, PAMLINE_MODULE);
}

static bool
is_harmless(const struct pamstack_line *l)
{
	for (size_t i = 0; harmless[i] != NULL; i++)
		if (pamstack_is(l, harmless[i]))
			return true;
	return l->substack;
}

/* Lets in nobody but root, who calls: what Fedora's su has in account is one too. */
static bool
is_for_root(const struct pamstack_line *l)
{
	static const char *const condition[] = {"uid", "=", "0"};
	struct strv args = pamstack_args(l);
	size_t met = 0;

	if (pamstack_is(l, "pam_rootok.so"))
		return true;
	if (!pamstack_is(l, "pam_succeed_if.so") || !strv_has(args, "use_uid"))
		return false;
	strv_for (args, word) {
		if (met < 3 && (strcmp(word, condition[met]) == 0 ||
				   (met == 1 && strcmp(word, "eq") == 0)))
			met++;
		else if (met < 3)
			met = strcmp(word, condition[0]) == 0;
	}
	return met == 3;
}

/* pam_permit and pam_deny say what they always say; who calls is not root. */
static int
answer(void *ctx, const struct pamstack_line *l)
{
	struct course *c = ctx;

	if (l == c->ours) {
		c->came_to_us = true;
		return c->ours_says;
	}
	if (pamstack_is(l, "pam_permit.so"))
		return PAMSTACK_SUCCESS;
	if (pamstack_is(l, "pam_deny.so") || is_for_root(l))
		return PAMSTACK_AUTH_ERR;
	if (is_harmless(l))
		return c->harmless_say;
	if (c->came_to_us && c->asked_behind == NULL && !is_ours(l))
		c->asked_behind = l;
	return c->others_say;
}

static bool
passes(const struct pamstack *s, struct course *c)
{
	return pamstack_passes(s, answer, c);
}

static size_t
place_of_ours(const struct pamstack *s)
{
	size_t i = 0;

	while (i < s->n && !is_ours(&s->v[i]))
		i++;
	return i;
}

static const struct pamstack_line *
find_broken(const struct pamstack *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].broken)
			return &s->v[i];
	return NULL;
}

/* Is there an answer by which the line takes the stack past the one that is ours? A refusal is none. */
static bool
leads_past(const struct pamstack *s, size_t i, size_t ours)
{
	for (int code = 0; code < PAMSTACK_CODES; code++)
		if ((s->v[i].actions[code] > 0 || s->v[i].actions[code] == PAMSTACK_DO_DONE) &&
		    pamstack_next(s, i, code) > ours)
			return true;
	return false;
}

/* A jump across that place would come down elsewhere, once a line comes in there. */
static bool
jumps_over(const struct pamstack *s, size_t i, size_t place)
{
	for (int code = 0; code < PAMSTACK_CODES; code++)
		if (s->v[i].actions[code] > 0 && pamstack_next(s, i, code) > place)
			return true;
	return false;
}

static bool
is_in_the_way(const struct pamstack *s, size_t i, size_t place)
{
	if (jumps_over(s, i, place))
		return true;
	return !is_for_root(&s->v[i]) && !s->v[i].substack && leads_past(s, i, place);
}

/* Where our line belongs: before the first that decides, and before what jumps or ends across that. */
static size_t
find_place(const struct pamstack *s)
{
	size_t place = 0, i = 0;

	while (place < s->n && is_harmless(&s->v[place]))
		place++;
	if (place == s->n)
		return 0;
	while (i < place)
		if (is_in_the_way(s, i, place)) {
			place = i;
			i = 0;
		} else {
			i++;
		}
	return place;
}

/* The first line of its file: pam-auth-update's files have ours there. */
static size_t
first_of_file(const struct pamstack *s, size_t place)
{
	size_t i = 0;

	while (strcmp(s->v[i].file, s->v[place].file) != 0)
		i++;
	return i;
}

static struct pamline
judge_missing(const struct pamstack *s)
{
	struct course key = {.others_say = PAMSTACK_USER_UNKNOWN};
	struct pamline p = {.fault = passes(s, &key) ? PAMLINE_OPEN : PAMLINE_MISSING};
	size_t place = find_place(s), first;

	if (s->n == 0)
		return p;
	p.other = &s->v[place];
	first = first_of_file(s, place);
	for (size_t i = 0; i < first; i++)
		p.crossed = p.crossed || jumps_over(s, i, first);
	return p;
}

/* In auth and account we are the first to decide; in session who comes first is all the same. */
static enum pamline_fault
judge_before(const struct pamstack *s, size_t ours, const struct pamstack_line **other)
{
	for (size_t i = 0; i < ours; i++) {
		*other = &s->v[i];
		if (!is_harmless(*other))
			return PAMLINE_BEHIND;
		if (!is_for_root(*other) && !(*other)->substack && leads_past(s, i, ours))
			return PAMLINE_PASSED_BY;
	}
	*other = NULL;
	return PAMLINE_GOOD;
}

static bool
wants_ignore(const struct pamstack_line *ours)
{
	return strv_has(pamstack_args(ours), "ignore_unknown_user");
}

static enum pamline_fault
judge_ignored(const struct pamstack_line *ours, enum pamstack_phase phase)
{
	const int *action = ours->actions;

	if (action[wants_ignore(ours) ? PAMSTACK_IGNORE : PAMSTACK_USER_UNKNOWN] !=
	    PAMSTACK_DO_IGNORE)
		return PAMLINE_LOCKS_OUT;
	if (action[PAMSTACK_MODULE_UNKNOWN] != PAMSTACK_DO_IGNORE)
		return PAMLINE_LOCKS_ROOT_OUT;
	if (phase == PAMSTACK_AUTH && action[PAMSTACK_IGNORE] != PAMSTACK_DO_IGNORE)
		return PAMLINE_ENDS_SETCRED;
	return PAMLINE_GOOD;
}

/* Whatever the others say of whom we refuse; and no other is shown a token. */
static enum pamline_fault
judge_final(const struct pamstack *s, struct pamline *p, enum pamstack_phase phase)
{
	struct course c;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		c = (struct course){
		    .ours = p->ours, .ours_says = refusals[i], .others_say = PAMSTACK_SUCCESS};
		if (passes(s, &c))
			return PAMLINE_OVERRULED;
		if (phase == PAMSTACK_AUTH && c.asked_behind != NULL) {
			p->other = c.asked_behind;
			return PAMLINE_OVERRULED;
		}
	}
	c = (struct course){.ours = p->ours,
	    .ours_says = PAMSTACK_SUCCESS,
	    .others_say = phase == PAMSTACK_SESSION ? PAMSTACK_SUCCESS : PAMSTACK_USER_UNKNOWN};
	if (!passes(s, &c)) {
		p->other = c.asked_behind;
		return PAMLINE_REFUSED;
	}
	return PAMLINE_GOOD;
}

/* Nobody's own fault: it refuses those too whom all others let in; but not when others still get in, and never come to us. */
static enum pamline_fault
judge_others(const struct pamstack *s, const struct pamline *p)
{
	struct course person = {.ours = p->ours,
	    .ours_says = wants_ignore(p->ours) ? PAMSTACK_IGNORE : PAMSTACK_USER_UNKNOWN,
	    .others_say = PAMSTACK_SUCCESS};

	struct course unseen = {.ours = p->ours,
	    .ours_says = PAMSTACK_PERM_DENIED,
	    .others_say = PAMSTACK_SUCCESS,
	    .harmless_say = PAMSTACK_AUTH_ERR};

	if (passes(s, &person))
		return PAMLINE_GOOD;
	return passes(s, &unseen) && !unseen.came_to_us ? PAMLINE_PASSED_BY : PAMLINE_SHUT;
}

/* What it has of the option that the word is, with its `='; 0: it is none. */
static size_t
option_len(const char *word)
{
	for (size_t i = 0; pamline_options[i] != NULL; i++) {
		const char *known = pamline_options[i];
		size_t len = strlen(known);

		if (known[len - 1] == '=' ? strncmp(word, known, len) == 0 && word[len] != '\0'
					  : strcmp(word, known) == 0)
			return len;
	}
	return 0;
}

/* Does a word before it give the same option a value? */
static bool
is_second(struct strv words, const char *word, size_t len)
{
	strv_for (words, before) {
		if (before == word)
			return false;
		if (word[len - 1] == '=' && strncmp(before, word, len) == 0)
			return true;
	}
	return false;
}

static enum pamline_fault
judge_options(struct pamline *p)
{
	struct strv words = pamstack_args(p->ours);

	strv_for (words, word) {
		size_t len = option_len(word);

		if (len == 0 || is_second(words, word, len)) {
			p->word = word;
			return PAMLINE_OPTION;
		}
	}
	return PAMLINE_GOOD;
}

struct pamline
pamline_judge(const struct pamstack *s, enum pamstack_phase phase)
{
	struct pamline p = {.other = find_broken(s)};
	size_t ours = place_of_ours(s);

	if (p.other != NULL) {
		p.fault = PAMLINE_BROKEN;
		return p;
	}
	if (ours == s->n)
		return judge_missing(s);
	p.ours = &s->v[ours];
	if (phase != PAMSTACK_SESSION)
		p.fault = judge_before(s, ours, &p.other);
	if (p.fault == PAMLINE_GOOD)
		p.fault = judge_ignored(p.ours, phase);
	if (p.fault == PAMLINE_GOOD)
		p.fault = judge_others(s, &p);
	if (p.fault == PAMLINE_GOOD)
		p.fault = judge_final(s, &p, phase);
	if (p.fault == PAMLINE_GOOD)
		p.fault = judge_options(&p);
	return p;
}
