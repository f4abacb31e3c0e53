/*
 * pam_call: what a PAM service takes: transactions in one process, and processes of one transaction each.
 *
 * usage: pam_call calls BUDGET-MS SERVICE USER SECRET    authenticate and acct_mgmt; then all six calls; then fresh processes:
 *                                                        a line for each: a word, median and 99th percentile in us
 *        pam_call grows TRANSACTIONS WHO SERVICE USER SECRET    rows: what the process holds more after so many
 *        pam_call many KIND BUDGET-MS SERVICE USER SECRET    of one kind, auth-acct, six or fresh, for profile.sh: how many
 *        pam_call once SERVICE USER SECRET               one transaction of six calls
 * SECRET is a file; its first line answers every prompt. A transaction that does not succeed is the end.
 */
#include <security/pam_appl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bench_time.h"

#define SAMPLES_MAX 4000
#define SAMPLES_MIN 5
#define WARM_UP 100

extern char **environ;

struct login {
	const char *service, *user;
	char secret[512];
};

static int
answer(int n, const struct pam_message **msg, struct pam_response **resp, void *ctx)
{
	const struct login *l = ctx;
	struct pam_response *r = calloc((size_t)n, sizeof(*r));

	if (r == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++)
		if (msg[i]->msg_style == PAM_PROMPT_ECHO_OFF ||
		    msg[i]->msg_style == PAM_PROMPT_ECHO_ON)
			r[i].resp = strdup(l->secret);
	*resp = r;
	return PAM_SUCCESS;
}

static void
must(pam_handle_t *pamh, const struct login *l, const char *call, int rc)
{
	char what[128];

	if (rc == PAM_SUCCESS)
		return;
	(void)snprintf(what, sizeof(what), "%s: %s", l->service, call);
	bench_die(what, pam_strerror(pamh, rc));
}

/* From pam_start to pam_end, as sshd calls; not six: authenticate and acct_mgmt alone. */
static void
transaction(struct login *l, bool six)
{
	struct pam_conv conv = {answer, l};
	pam_handle_t *h = NULL;

	must(h, l, "pam_start", pam_start(l->service, l->user, &conv, &h));
	must(h, l, "PAM_RHOST", pam_set_item(h, PAM_RHOST, "192.0.2.7"));
	must(h, l, "PAM_TTY", pam_set_item(h, PAM_TTY, "ssh"));
	must(h, l, "authenticate", pam_authenticate(h, 0));
	must(h, l, "acct_mgmt", pam_acct_mgmt(h, 0));
	if (six) {
		must(h, l, "setcred", pam_setcred(h, PAM_ESTABLISH_CRED));
		must(h, l, "open_session", pam_open_session(h, 0));
		must(h, l, "close_session", pam_close_session(h, 0));
		must(h, l, "setcred, the end", pam_setcred(h, PAM_DELETE_CRED));
	}
	(void)pam_end(h, PAM_SUCCESS);
}

static char *self;

static void
fresh(struct login *l, char **arg)
{
	char verb[] = "once";
	char *argv[] = {self, verb, arg[0], arg[1], arg[2], NULL};
	int status;
	pid_t pid;

	if (posix_spawn(&pid, self, NULL, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		bench_die(l->service, "a process with one transaction failed");
}

enum kind { TWO, SIX, FRESH, N_KINDS };
static const char *const kinds[N_KINDS] = {"auth-acct", "six", "fresh"};

static double
sample_us(struct login *l, enum kind kind, char **arg)
{
	double from = bench_now_us();

	if (kind == FRESH)
		fresh(l, arg);
	else
		transaction(l, kind == SIX);
	return bench_now_us() - from;
}

static void
calls(double budget_us, struct login *l, char **arg)
{
	static double took[SAMPLES_MAX];

	for (enum kind kind = TWO; kind < N_KINDS; kind++) {
		struct bench_stat s;
		double left = budget_us;
		size_t n = 0;

		(void)sample_us(l, kind, arg);
		for (; n < SAMPLES_MAX && (n < SAMPLES_MIN || left > 0); n++) {
			took[n] = sample_us(l, kind, arg);
			left -= took[n];
		}
		s = bench_stat_of(took, n);
		(void)printf("%s %.3f %.3f\n", kinds[kind], s.median, s.p99);
	}
}

static void
many(const char *word, double budget_us, struct login *l, char **arg)
{
	enum kind kind = TWO;
	unsigned n = 0;

	while (kind < N_KINDS && strcmp(kinds[kind], word) != 0)
		kind++;
	if (kind == N_KINDS)
		bench_die(word, "is none of auth-acct, six and fresh");
	for (; budget_us > 0; n++)
		budget_us -= sample_us(l, kind, arg);
	(void)printf("%u\n", n);
}

static void
grows(uint64_t n, const char *who, struct login *l)
{
	struct bench_held before, after;
	char parameters[64];

	for (unsigned i = 0; i < WARM_UP; i++)
		transaction(l, true);
	bench_held_now(&before);
	for (uint64_t i = 0; i < n; i++)
		transaction(l, true);
	bench_held_now(&after);
	(void)snprintf(
	    parameters, sizeof(parameters), "transactions=%llu", (unsigned long long)n);
	bench_row("pam-grown-memory", who, parameters,
	    &(struct bench_stat){(double)(after.memory_b - before.memory_b), -1}, "bytes");
	bench_row("pam-grown-descriptors", who, parameters,
	    &(struct bench_stat){(double)(after.descriptors - before.descriptors), -1},
	    "descriptors");
}

/* ARG: SERVICE USER SECRET. */
static void
login_parse(char **arg, struct login *out)
{
	FILE *f = fopen(arg[2], "re");

	out->service = arg[0];
	out->user = arg[1];
	if (f == NULL || fgets(out->secret, sizeof(out->secret), f) == NULL)
		bench_die(arg[2], "can't be read");
	(void)fclose(f);
	out->secret[strcspn(out->secret, "\n")] = '\0';
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct login l;

	self = argv[0];
	if (argc < 5)
		bench_die("usage", "calls, grows, many or once, with the arguments of each");
	login_parse(argv + argc - 3, &l);
	if (strcmp(verb, "once") == 0 && argc == 5)
		transaction(&l, true);
	else if (strcmp(verb, "calls") == 0 && argc == 6)
		calls((double)bench_number(argv[2], 1, 60000) * 1e3, &l, argv + 3);
	else if (strcmp(verb, "many") == 0 && argc == 7)
		many(argv[2], (double)bench_number(argv[3], 1, 60000) * 1e3, &l, argv + 4);
	else if (strcmp(verb, "grows") == 0 && argc == 7)
		grows(bench_number(argv[2], 1, 10000000), argv[3], &l);
	else
		bench_die(verb, "is no verb, or has other arguments");
	return 0;
}
