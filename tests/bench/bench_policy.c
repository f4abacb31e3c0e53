/* bench_policy: what N rules cost: to compile, to open as an image, and to decide by; medians. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "eval.h"
#include "num.h"
#include "policy.h"
#include "zone.h"

#define RUNS 51

static double
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *v)
{
	qsort(v, RUNS, sizeof(*v), by_value);
	return v[RUNS / 2];
}

static void
die(const char *what, const struct diag *why)
{
	(void)fprintf(stderr, "bench_policy: %s: %s\n", what, why->text);
	exit(1);
}

struct kind {
	const char *name, *before, *after; /* a rule's text, but for its number */
};

static const struct kind kinds[] = {
    {"exact logins", "- {role: deployer, in: production, login: ci-", ", is: window}\n"},
    {"globs", "- {role: deployer, in: production, login: 'ci-", "-*', is: window}\n"},
    {"no login", "- {role: deployer, in: production, group: team-", ", from: 10.0.0.0/8}\n"},
    {"all fire", "- {role: deployer, in: production, is: [window, net]} # ", "\n"},
};

static char *
policy_of(const struct kind *k, unsigned long n)
{
	static const char head[] =
	    "version: 1\nspaces: {production: {}, eu: {parent: production}}\n"
	    "roles:\n  viewer: {services: [sshd]}\n"
	    "  deployer: {services: [sshd, sudo], unix_groups: [deployers]}\n"
	    "define:\n  window: {time: {days: [Tue, Thu], hours: '02:00-05:00'}}\n"
	    "  net: {from: [10.0.0.0/8]}\n"
	    "allow: [{member: true}]\n"
	    "deny: [{id: a, reason: r, login: 'x*', not: {is: window}}]\ngrant:\n";
	char *text = malloc(sizeof(head) + 128 * n), *at = text;

	if (text == NULL)
		exit(1);
	at += sprintf(at, "%s", head);
	for (unsigned long i = 0; i < n; i++) {
		at += sprintf(at, "%s%07lu%s", k->before, i, k->after);
	}
	return text;
}

static void
measure(const struct kind *k, unsigned long n)
{
	static const char groups[] = "a\0b\0c\0d\0e\0f\0g\0h";
	char *text = policy_of(k, n);
	struct settings settings;
	struct image *im = NULL, *again = NULL;
	struct diag why = DIAG_INIT;
	struct net_addr address;
	struct moments when;
	double compile, open[RUNS], clocks[RUNS], eval[RUNS], t;
	const void *bytes;
	size_t len_b;
	uint32_t held = 0;

	settings_default(&settings);
	t = now_us();
	if (policy_compile(text, strlen(text), "p.yaml", &settings, &im, &why) != AK_OK ||
	    net_parse_addr("10.0.0.1", &address) != AK_OK)
		die("compile", &why);
	compile = now_us() - t;
	bytes = image_borrow_bytes(im, &len_b);
	for (int i = 0; i < RUNS; i++) {
		struct policy_result res;
		struct policy_request req = {.login = "ci-0000007",
		    .bindings = {.bytes = "viewer", .len_b = 7},
		    .groups = {.bytes = groups, .len_b = sizeof(groups)},
		    .address = &address,
		    .space = "eu",
		    .service = "sshd"};

		unsigned char *copy = malloc(len_b);

		if (copy == NULL)
			exit(1);
		memcpy(copy, bytes, len_b);
		t = now_us();
		if (image_take(&copy, len_b, &again) != AK_OK)
			die("open", &why);
		open[i] = now_us() - t;
		t = now_us();
		if (moments_resolve(again, ZONE_DIR, INT64_C(1741058999000), &when) != AK_OK)
			die("clocks", &why);
		clocks[i] = now_us() - t;
		req.when = &when;
		t = now_us();
		if (policy_eval(again, &req, NULL, &res) != AK_OK)
			die("eval", &why);
		eval[i] = now_us() - t;
		held = res.n_held;
		policy_result_clear(&res);
		moments_clear(&when);
		image_free(&again);
	}
	printf("%-14s %7lu %9.1f %9zu %9.1f %9.1f %9.1f %6u\n", k->name, n, compile / 1000,
	    len_b / 1024, median(open), median(clocks), median(eval), held);
	image_free(&im);
	free(text);
}

int
main(int argc, char **argv)
{
	printf(
	    "rules             count   compile     image      open    clocks      eval   held\n"
	    "                             ms       KiB        us        us        us\n");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		measure(&kinds[i], 10);
		measure(&kinds[i], argc > 1 ? strtoul(argv[1], NULL, 10) : 10000);
	}
	return 0;
}
