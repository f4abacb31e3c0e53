/*
 * soak: logs keys in and looks them up, in a process that lives long and in
 * children of it, while changes.sh changes them and replaces all there is:
 *
 * soak FACTS LOGINS ROUNDS APIKEYD
 *
 * FACTS is the folder where changes.sh says what must be so; APIKEYD the
 * daemon's process. Goes on until there were so many logins and so many rounds
 * of changes. Prints what it and the daemon held on the way; 1: an answer was
 * wrong, something grew, or a change was never seen.
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
#include "login.h"
#include "measure.h"
#include "num.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
/* The group of the role that `stay' has. */
#define GROUP "soakers"
/* From so many logins on nothing may grow. */
#define SETTLED 1000U
/* What is not growth: a page here or there. Of the heap nothing is. */
#define MEMORY_SLACK_KIB 64U
/* The daemon is measured at any moment of its work. */
#define DAEMON_SLACK_KIB 1024U
#define DAEMON_SLACK_DESCRIPTORS 4U
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
    {"robot", A_WRONG_TOKEN, "a", true, false},
    {"off", ITS_TOKEN, "amsocd", true, true},
    {"visitor", ITS_TOKEN, "amsocd", true, true},
    {"gone", ITS_TOKEN, "a", true, false},
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

/* One login with its look-ups; and were they as they must be? Judged alone when nothing was changed meanwhile. */
static enum answer
ask(const struct row *row, const struct fact *f)
{
	const char *const tokens[] = {[ITS_TOKEN] = f->token, [A_WRONG_TOKEN] = f->wrong};
	enum want want = row->with == ITS_TOKEN ? f->login : WANT_OUT;
	enum found found = login_look_up(row->key, strcmp(row->key, "stay") == 0 ? group : 0);
	bool found_right = is_found_as_wanted(row, f, found);
	char what[96], phase;
	int code = login_try(&(struct login){row->key, tokens[row->with], row->phases}, &phase);

	if (want != WANT_EITHER && (code == PAM_SUCCESS) != (want == WANT_IN) &&
	    fact_stands(folder, row->key, f)) {
		(void)snprintf(what, sizeof(what), "it got %d (%.40s) in phase %c", code,
		    pam_strerror(NULL, code), phase);
		complain(row, f, what);
		return ANSWER_WRONG;
	}
	if (!found_right && fact_stands(folder, row->key, f)) {
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

/* Whoever ends the session of a key that is being changed ends the child. */
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
	else if (children[i].fact.login != WANT_EITHER &&
		 fact_stands(folder, children[i].row->key, &children[i].fact))
		complain(children[i].row, &children[i].fact, "its session was ended");
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

/* ---- what is held ---- */

struct held {
	const char *what;
	size_t was, is, slack;
};

static bool
has_grown(const struct held *held, size_t n)
{
	bool grown = false;

	for (size_t i = 0; i < n; i++)
		if (held[i].is > held[i].was + held[i].slack) {
			(void)printf("# grown: %s, from %zu to %zu\n", held[i].what,
			    held[i].was, held[i].is);
			grown = true;
		}
	return grown;
}

static bool
compare(const struct measure *own, const struct measure *own_first,
    const struct measure *daemon, const struct measure *daemon_first)
{
	const struct held held[] = {
	    {"bytes of heap", own_first->heap_b, own->heap_b, 0},
	    {"KiB of memory", own_first->memory_kib, own->memory_kib, MEMORY_SLACK_KIB},
	    {"descriptors", own_first->descriptors, own->descriptors, 0},
	    {"mappings", own_first->mappings, own->mappings, 0},
	    {"KiB of apikeyd's memory", daemon_first->memory_kib, daemon->memory_kib,
		DAEMON_SLACK_KIB},
	    {"apikeyd's descriptors", daemon_first->descriptors, daemon->descriptors,
		DAEMON_SLACK_DESCRIPTORS},
	};

	return has_grown(held, N(held));
}

/* Since the first call: a line of the table. */
static bool
measure(pid_t daemon)
{
	static struct measure own_first, daemon_first;
	struct measure own, theirs;

	reap_all();
	own = measure_self();
	theirs = measure_process(daemon);
	(void)printf("# %8lu %8lu %7lu %6lu %9zu %7zu %6zu %6zu %9zu %6zu\n", logins,
	    in_children, facts_rounds(folder), wrong, own.heap_b, own.memory_kib,
	    own.descriptors, own.mappings, theirs.memory_kib, theirs.descriptors);
	if (own_first.mappings == 0) {
		own_first = own;
		daemon_first = theirs;
	}
	return compare(&own, &own_first, &theirs, &daemon_first);
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

static bool
soak(unsigned long n_logins, unsigned long n_rounds, pid_t daemon)
{
	unsigned long next = SETTLED;
	bool grown = false;

	(void)printf("# %8s %8s %7s %6s %9s %7s %6s %6s %9s %6s\n", "logins", "children",
	    "rounds", "wrong", "heap B", "KiB", "fds", "maps", "apikeyd", "fds");
	for (; logins < n_logins || facts_rounds(folder) < n_rounds; logins++) {
		const struct row *row = &rows[logins % N(rows)];
		struct fact f;

		if (logins == next) {
			grown = measure(daemon) || grown;
			next += n_logins / 10 > next ? n_logins / 10 - next : n_logins / 10;
		}
		if (logins % N(rows) == 0)
			ask_bob();
		if (row->in_child) {
			ask_in_child(row);
			continue;
		}
		fact_read(folder, row->key, &f);
		count(row, &f);
		(void)ask(row, &f);
	}
	grown = measure(daemon) || grown;
	return !grown;
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

	if (argc != 5 || geteuid() != 0)
		error(2, 0, "only tests/soak/run.sh runs this");
	if ((folder = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		error(2, errno, "%s", argv[1]);
	if ((gr = getgrnam(GROUP)) == NULL)
		error(2, 0, "the name service has no group %s", GROUP);
	group = gr->gr_gid;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	/* Ending a session of a child's reaches nobody else. */
	(void)signal(SIGHUP, SIG_IGN);
	flat = soak(number(argv[2]), number(argv[3]), (pid_t)number(argv[4]));
	return saw_all() && flat && wrong == 0 && logins > 0 ? 0 : 1;
}
