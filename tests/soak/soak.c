/*
 * soak: logs keys in and looks them up, in a process that lives long and in
 * children of it, while changes.sh changes them and replaces all there is:
 *
 * soak FACTS LOGINS ROUNDS APIKEYD ENGINE
 *
 * FACTS is the folder where changes.sh says what must be so; APIKEYD and ENGINE
 * the daemon's two processes. Goes on until there were so many logins and so
 * many rounds of changes, and a stretch of them is over. Prints what it and the two held on the way, and what
 * was replaced; 1: an answer was wrong, something grew, a change was never seen
 * or a file never replaced.
 */
#include <error.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "facts.h"
#include "held.h"
#include "login.h"
#include "measure.h"
#include "num.h"
#include "replaced.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
/* The group of the role that `stay' has. */
#define GROUP "soakers"
/* From so many logins on nothing may grow, nor in any but the first stretch. */
#define SETTLED 1000U
/* So many wrong answers are told one by one. */
#define COMPLAINTS 20U
/* So many children at a time. */
#define CHILDREN 3U

enum with { ITS_TOKEN, A_WRONG_TOKEN };

/* Whoever may be refused in the middle of a session opens it in a child, as that may be ended. */
static const struct row {
	const char *key;
	enum with with;
	const char *phases;
	bool in_child;
	bool changes; /* it must have been seen in, and out */
} rows[] = {
    {"stay", ITS_TOKEN, "amsocd", false, false},
    {"come", ITS_TOKEN, "am", false, true},
    {"stay", A_WRONG_TOKEN, "a", false, false},
    {"come", ITS_TOKEN, "amsocd", true, true},
    {"robot", ITS_TOKEN, "amsocd", false, false},
    {"turn", ITS_TOKEN, "am", false, false},
    {"turn", A_WRONG_TOKEN, "a", false, false},
    {"gone", ITS_TOKEN, "am", false, false},
    {"stay", ITS_TOKEN, "amsocd", true, false},
    {"off", ITS_TOKEN, "am", false, true},
    {"roled", ITS_TOKEN, "amsocd", true, true},
    {"stay", ITS_TOKEN, "amsocd", false, false},
    {"policed", ITS_TOKEN, "am", false, true},
    {"member", ITS_TOKEN, "am", false, true},
    {"turn", ITS_TOKEN, "amsocd", true, false},
    {"visitor", ITS_TOKEN, "am", false, true},
    {"member", ITS_TOKEN, "amsocd", true, true},
    {"policed", ITS_TOKEN, "amsocd", true, true},
    {"hosted", ITS_TOKEN, "am", false, true},
    {"robot", A_WRONG_TOKEN, "a", true, false},
    {"off", ITS_TOKEN, "amsocd", true, true},
    {"visitor", ITS_TOKEN, "amsocd", true, true},
    {"gone", ITS_TOKEN, "a", true, false},
    {"hosted", ITS_TOKEN, "amsocd", true, true},
};

/* Of each row. */
static struct seen {
	unsigned long in, out, either;
} seen[N(rows)];

static int folder;
static unsigned long logins, in_children, wrong;
static unsigned group;

/* What a child answers. */
enum answer { ANSWER_RIGHT, ANSWER_WRONG };

/* The first ones are shown. */
static void
complain(const struct row *row, const struct fact *f, const char *what)
{
	static const char *const words[] = {"either", "in", "out"};

	if (wrong++ < COMPLAINTS)
		(void)printf("# wrong: login %lu, %s, %s, fact %s (login %s, name %s): %s\n",
		    logins, row->key, row->in_child ? "in a child" : "here", f->serial,
		    words[f->login], words[f->name], what);
}

/* Someone of the machine: nobody's key, whatever happens. */
static void
ask_bob(void)
{
	char phase;
	int code = login_try(&(struct login){"bob", "apikey_wrong", "a"}, &phase);

	if (code == PAM_USER_UNKNOWN && login_look_up("bob", 0) == FOUND)
		return;
	wrong++;
	(void)printf("# wrong: bob got %d (%s)\n", code, pam_strerror(NULL, code));
}

static bool
is_found_as_wanted(const struct row *row, const struct fact *f, enum found found)
{
	if (f->name == WANT_EITHER)
		return true;
	if (found != (f->name == WANT_IN ? FOUND : FOUND_NOBODY))
		return false;
	/* All users are listed now and then alone. */
	return logins % 128 != 0 || login_count(row->key) == (f->name == WANT_IN ? 1U : 0U);
}

/*
 * While a key is changed it may be let in or kept out, but whoever reads sees
 * the old file or the new one: never none. A name that is gone in the middle of
 * a login is the one thing that may look to the module like a failure.
 */
static bool
is_answer(const struct row *row, const struct fact *f, int code, char phase)
{
	static const int codes[] = {PAM_SUCCESS, PAM_AUTH_ERR, PAM_PERM_DENIED,
	    PAM_ACCT_EXPIRED, PAM_USER_UNKNOWN, PAM_SESSION_ERR};
	struct fact now;

	for (size_t i = 0; i < N(codes); i++)
		if (codes[i] == code)
			return true;
	if (code != PAM_AUTHINFO_UNAVAIL || phase == 'a')
		return false;
	fact_read(folder, row->key, &now);
	return f->name != WANT_IN || now.name != WANT_IN;
}

/* One login with its look-ups; and were they as they must be? Which answer it is is judged alone when nothing was changed meanwhile. */
static enum answer
ask(const struct row *row, const struct fact *f)
{
	const char *const tokens[] = {[ITS_TOKEN] = f->token, [A_WRONG_TOKEN] = f->wrong};
	enum want want = row->with == ITS_TOKEN ? f->login : WANT_OUT;
	enum found found = login_look_up(row->key, strcmp(row->key, "stay") == 0 ? group : 0);
	bool found_right = is_found_as_wanted(row, f, found);
	char what[96], phase;
	int code = login_try(&(struct login){row->key, tokens[row->with], row->phases}, &phase);
	bool right = want == WANT_EITHER || (code == PAM_SUCCESS) == (want == WANT_IN);

	if (!is_answer(row, f, code, phase) || (!right && fact_stands(folder, row->key, f))) {
		(void)snprintf(what, sizeof(what), "it got %d (%.40s) in phase %c", code,
		    pam_strerror(NULL, code), phase);
		complain(row, f, what);
		return ANSWER_WRONG;
	}
	if (found == FOUND_NO_ANSWER || (!found_right && fact_stands(folder, row->key, f))) {
		(void)snprintf(
		    what, sizeof(what), "the name service's answer was %d", (int)found);
		complain(row, f, what);
		return ANSWER_WRONG;
	}
	return ANSWER_RIGHT;
}

static void
count(const struct row *row, const struct fact *f)
{
	struct seen *s = &seen[row - rows];

	if (f->login == WANT_EITHER)
		s->either++;
	else if (f->login == WANT_IN)
		s->in++;
	else
		s->out++;
}

/* ---- children ---- */

static struct child {
	pid_t pid;
	const struct row *row;
	struct fact fact;
} children[CHILDREN];

static void
live(const struct row *row, const struct fact *f)
{
	size_t before = measure_descriptors(getpid());
	enum answer answer;

	(void)signal(SIGHUP, SIG_DFL);
	answer = ask(row, f);
	if (measure_descriptors(getpid()) != before) {
		complain(row, f, "descriptors are left open");
		answer = ANSWER_WRONG;
	}
	(void)fflush(stdout);
	_exit((int)answer);
}

/* Whoever ends the session of a key that is being changed ends the child: by these two signals, and by no other. */
static void
judge_end(const struct child *c, int sig)
{
	char what[64];

	if (sig != SIGKILL && sig != SIGHUP)
		(void)snprintf(what, sizeof(what), "it died: %.40s", strsignal(sig));
	else if (c->fact.login != WANT_EITHER && fact_stands(folder, c->row->key, &c->fact))
		(void)snprintf(what, sizeof(what), "its session was ended");
	else
		return;
	complain(c->row, &c->fact, what);
}

static void
reap(void)
{
	int status;
	pid_t pid = wait(&status);
	size_t i = 0;

	while (i < CHILDREN && children[i].pid != pid)
		i++;
	if (i == CHILDREN)
		error(2, errno, "a child that nobody knows");
	children[i].pid = 0;
	if (WIFEXITED(status))
		wrong += status != 0 ? 1 : 0; /* it said why */
	else
		judge_end(&children[i], WTERMSIG(status));
}

static size_t
free_place(void)
{
	for (;;) {
		for (size_t i = 0; i < CHILDREN; i++)
			if (children[i].pid == 0)
				return i;
		reap();
	}
}

static void
reap_all(void)
{
	for (size_t i = 0; i < CHILDREN; i++)
		while (children[i].pid != 0)
			reap();
}

static void
ask_in_child(const struct row *row)
{
	struct child *c = &children[free_place()];

	c->row = row;
	fact_read(folder, row->key, &c->fact);
	count(row, &c->fact);
	in_children++;
	if ((c->pid = fork()) == -1)
		error(2, errno, "fork");
	if (c->pid == 0)
		live(row, &c->fact);
}

/* ---- the whole ---- */

/* A line of the table, of the rounds since the last one. False: something has grown. */
static bool
end_stretch(void)
{
	reap_all();
	(void)printf("# %8lu %8lu %7lu %6lu", logins, in_children, facts_rounds(folder), wrong);
	return held_ends_stretch(logins >= SETTLED);
}

static bool
saw_all(void)
{
	bool all = true;

	(void)printf("# %-8s %-12s %8s %8s %8s\n", "key", "", "in", "out", "between");
	for (size_t i = 0; i < N(rows); i++) {
		static const char *const with[] = {"", "wrong token"};

		(void)printf("# %-8s %-12s %8lu %8lu %8lu\n", rows[i].key, with[rows[i].with],
		    seen[i].in, seen[i].out, seen[i].either);
		if (rows[i].changes && (seen[i].in == 0 || seen[i].out == 0)) {
			(void)printf("# a change of this key was never seen\n");
			all = false;
		}
	}
	return all;
}

static void
log_in(const struct row *row)
{
	struct fact f;

	if (row->in_child) {
		ask_in_child(row);
		return;
	}
	fact_read(folder, row->key, &f);
	count(row, &f);
	(void)ask(row, &f);
}

/* A stretch is a tenth of the rounds: in each round all is changed and changed back. */
static bool
soak(unsigned long n_logins, unsigned long n_rounds)
{
	unsigned long stretch = n_rounds < 10 ? 1 : n_rounds / 10, next = stretch, rounds = 0;
	bool flat = true;

	(void)printf("# %8s %8s %7s %6s", "logins", "children", "rounds", "wrong");
	held_print_head();
	for (bool over = false; !over; logins++) {
		if (logins % N(rows) == 0)
			ask_bob();
		log_in(&rows[logins % N(rows)]);
		held_look();
		replaced_look();
		if (facts_rounds(folder) < next)
			continue;
		flat = end_stretch() && flat;
		rounds = facts_rounds(folder);
		next = rounds + stretch;
		over = logins >= n_logins && rounds >= n_rounds;
	}
	if (!held_was_compared())
		error(2, 0, "there was no time in which anything could grow");
	return flat;
}

static unsigned long
number(const char *text)
{
	uint64_t n;

	if (num_parse(text, 1, INT32_MAX, &n) != AK_OK)
		error(2, 0, "%s is no number", text);
	return n;
}

int
main(int argc, char **argv)
{
	const struct group *gr;
	bool flat;

	if (argc != 6 || geteuid() != 0)
		error(2, 0, "only tests/soak/run.sh runs this");
	if ((folder = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		error(2, errno, "%s", argv[1]);
	if ((gr = getgrnam(GROUP)) == NULL)
		error(2, 0, "the name service has no group %s", GROUP);
	group = gr->gr_gid;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	/* Ending a session of a child's reaches nobody else. */
	(void)signal(SIGHUP, SIG_IGN);
	held_begin((pid_t)number(argv[4]), (pid_t)number(argv[5]));
	replaced_look();
	flat = soak(number(argv[2]), number(argv[3]));
	return (int)saw_all() & (int)replaced_all() && flat && wrong == 0 && logins > 0 ? 0 : 1;
}
