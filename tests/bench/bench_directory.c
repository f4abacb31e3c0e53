/*
 * bench_directory: from the sending of a change to an LDAP server, to the decision of a login that follows from it.
 *
 * usage: bench_directory VERB ARGUMENT...
 *   turns URI GROUP-DN MEMBER-DN KEY CHANGES PACE-MS    changes, each looked for on this host: the ms of each
 *   seconds URI GROUP-DN MEMBER-DN KEY CHANGES PACE-MS OTHER-DN OTHER
 *                                                       the same, each sent as soon as another change, that of the
 *                                                       key OTHER, has become a decision
 *   changes URI GROUP-DN MEMBER-DN CHANGES PACE-MS FILE FILE FILE
 *                                                       the moment at which each is sent; the next waits until the
 *                                                       three flips that write the FILEs have seen it
 *   flips KEY CHANGES                                   the moment of the first look, then that of each turn of the answer
 *   calls KEY CALLS                                     what a decision that admits takes: the us of each
 *
 * A change puts the member into the group or takes it out, in turn. A look asks the account phase of the
 * service cron for KEY. Moments are ms of CLOCK_MONOTONIC, which is the same in every namespace.
 */
#include <poll.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_ldap.h"
#include "bench_time.h"

#define TIMES_MAX 10000
#define LIMIT_MS 60000.0
#define WATCHERS 3
/* Between the looks of `flips`: many hosts share few processors with their daemons. */
#define PAUSE_MS 1
/* libpam keeps every look-up of a name with the handle, and goes through all of them at the next. */
#define LOOKS_PER_HANDLE 20

static double
now_ms(void)
{
	return bench_now_us() / 1e3;
}

static int
say_nothing(int n, const struct pam_message **msg, struct pam_response **resp, void *ctx)
{
	(void)n;
	(void)msg;
	(void)resp;
	(void)ctx;
	return PAM_CONV_ERR;
}

static bool
admitted(pam_handle_t *pamh)
{
	int rc = pam_acct_mgmt(pamh, PAM_SILENT);

	if (rc != PAM_SUCCESS && rc != PAM_PERM_DENIED)
		bench_die("pam_acct_mgmt", pam_strerror(pamh, rc));
	return rc == PAM_SUCCESS;
}

static pam_handle_t *
ask_for(const char *key)
{
	static const struct pam_conv conv = {.conv = say_nothing};
	pam_handle_t *pamh = NULL;

	if (pam_start("cron", key, &conv, &pamh) != PAM_SUCCESS)
		bench_die("pam_start", key);
	return pamh;
}

static bool
look(const char *key)
{
	pam_handle_t *pamh = ask_for(key);
	bool in = admitted(pamh);

	(void)pam_end(pamh, PAM_SUCCESS);
	return in;
}

/* Looks until the answer is IN, with a pause between two looks; 0: none. */
static void
await(const char *key, bool in, int pause_ms)
{
	pam_handle_t *pamh = ask_for(key);
	double from = now_ms();

	for (unsigned looks = 1; admitted(pamh) != in; looks++) {
		if (now_ms() - from > LIMIT_MS)
			bench_die(key, "nothing came of the change in a minute");
		if (pause_ms > 0)
			(void)poll(NULL, 0, pause_ms);
		if (looks % LOOKS_PER_HANDLE == 0) {
			(void)pam_end(pamh, PAM_SUCCESS);
			pamh = ask_for(key);
		}
	}
	(void)pam_end(pamh, PAM_SUCCESS);
}

static void
say_moment(void)
{
	(void)printf("%.3f\n", now_ms());
	(void)fflush(stdout);
}

/* OTHER-DN and OTHER; NULL: each change stands alone. */
static void
turn_often(char **arg, char **other)
{
	size_t n = (size_t)bench_number(arg[4], 1, TIMES_MAX);
	int pace = (int)bench_number(arg[5], 1, 60000);
	LDAP *ld = bench_ldap_open(arg[0]);

	for (size_t i = 0; i < n; i++) {
		bool in = i % 2 == 0;
		double from;

		(void)poll(NULL, 0, pace);
		if (look(arg[3]) == in)
			bench_die(arg[3], "is admitted, or not, before the change");
		if (other != NULL) {
			bench_ldap_change(ld, arg[1], other[0], in);
			await(other[1], in, 0);
		}
		from = now_ms();
		bench_ldap_change(ld, arg[1], arg[2], in);
		await(arg[3], in, 0);
		(void)printf("%.3f\n", now_ms() - from);
	}
	(void)ldap_unbind_ext_s(ld, NULL, NULL);
}

static void
turns(char **arg)
{
	turn_often(arg, NULL);
}

static void
seconds(char **arg)
{
	turn_often(arg, arg + 6);
}

static size_t
count_lines(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t n = 0;
	int c;

	if (f == NULL)
		bench_die(path, "can't be read");
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	(void)fclose(f);
	return n;
}

/* A change that is taken back before a host has looked would never be seen there. */
static void
await_lines(char **files, size_t n)
{
	double from = now_ms();

	for (unsigned i = 0; i < WATCHERS; i++)
		while (count_lines(files[i]) < n) {
			if (now_ms() - from > LIMIT_MS)
				bench_die(
				    files[i], "a host has not seen the change in a minute");
			(void)poll(NULL, 0, PAUSE_MS);
		}
}

static void
changes(char **arg)
{
	size_t n = (size_t)bench_number(arg[3], 1, TIMES_MAX);
	int pace = (int)bench_number(arg[4], 1, 60000);
	LDAP *ld = bench_ldap_open(arg[0]);

	for (size_t i = 0; i < n; i++) {
		(void)poll(NULL, 0, pace);
		say_moment();
		bench_ldap_change(ld, arg[1], arg[2], i % 2 == 0);
		/* Its first line is that of the look before all changes. */
		await_lines(arg + 5, i + 2);
	}
	(void)ldap_unbind_ext_s(ld, NULL, NULL);
}

static void
flips(char **arg)
{
	size_t n = (size_t)bench_number(arg[1], 1, TIMES_MAX);

	if (look(arg[0]))
		bench_die(arg[0], "is admitted before the first change");
	say_moment();
	for (size_t i = 0; i < n; i++) {
		await(arg[0], i % 2 == 0, PAUSE_MS);
		say_moment();
	}
}

/* A handle for each call, as each login has. */
static void
calls(char **arg)
{
	size_t n = (size_t)bench_number(arg[1], 1, TIMES_MAX);

	for (size_t i = 0; i < n; i++) {
		pam_handle_t *pamh = ask_for(arg[0]);
		double from = now_ms();

		if (!admitted(pamh))
			bench_die(arg[0], "is not admitted");
		(void)printf("%.1f\n", (now_ms() - from) * 1e3);
		(void)pam_end(pamh, PAM_SUCCESS);
	}
}

static const struct verb {
	const char *name;
	int n_args;
	void (*run)(char **arg);
} verbs[] = {{"turns", 6, turns}, {"seconds", 8, seconds}, {"changes", 5 + WATCHERS, changes},
    {"flips", 2, flips}, {"calls", 2, calls}};

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0 || argc - 2 != verbs[i].n_args)
			continue;
		verbs[i].run(argv + 2);
		return 0;
	}
	bench_die(
	    "usage", "turns, seconds, changes, flips or calls, with the arguments of each");
}
