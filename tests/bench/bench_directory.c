/*
 * bench_directory: from an LDAP server's answer to a change, to the decision of a login that follows from it.
 *
 * usage: bench_directory URI GROUP-DN MEMBER-DN KEY CHANGES PACE-MS
 * The member is put into the group and taken out of it, CHANGES times. After each the account
 * phase of the service cron is asked for KEY until its answer turns.
 */
#include <ldap.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "num.h"

#define CHANGES_MAX 1000
#define LIMIT_MS 60000.0

static double
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench_directory: %s: %s\n", what, why);
	exit(1);
}

static LDAP *
open_server(const char *uri)
{
	int rc, version = LDAP_VERSION3;
	LDAP *ld = NULL;
	char none[] = "";
	struct berval nothing = {.bv_len = 0, .bv_val = none};

	rc = ldap_initialize(&ld, uri);
	if (rc == LDAP_SUCCESS)
		rc = ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	if (rc == LDAP_SUCCESS)
		rc = ldap_sasl_bind_s(ld, NULL, "EXTERNAL", &nothing, NULL, NULL, NULL);
	if (rc != LDAP_SUCCESS)
		die(uri, ldap_err2string(rc));
	return ld;
}

static void
change(LDAP *ld, const char *group, char *member, bool in)
{
	char *values[] = {member, NULL};
	char attribute[] = "member";
	LDAPMod mod = {.mod_op = in ? LDAP_MOD_ADD : LDAP_MOD_DELETE,
	    .mod_type = attribute,
	    .mod_values = values};
	LDAPMod *mods[] = {&mod, NULL};
	int rc = ldap_modify_ext_s(ld, group, mods, NULL, NULL);

	if (rc != LDAP_SUCCESS)
		die(group, ldap_err2string(rc));
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
		die("pam_acct_mgmt", pam_strerror(pamh, rc));
	return rc == PAM_SUCCESS;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static uint64_t
number(const char *text, uint64_t max)
{
	uint64_t n;

	if (num_parse(text, 1, max, &n) != AK_OK)
		die(text, "no number, or too great");
	return n;
}

int
main(int argc, char **argv)
{
	static double took[CHANGES_MAX];
	const struct pam_conv conv = {.conv = say_nothing};
	pam_handle_t *pamh = NULL;
	size_t changes;
	int pace;
	double from;
	LDAP *ld;

	if (argc != 7)
		die("usage", "URI GROUP-DN MEMBER-DN KEY CHANGES PACE-MS");
	changes = (size_t)number(argv[5], CHANGES_MAX);
	pace = (int)number(argv[6], 60000);
	ld = open_server(argv[1]);
	if (pam_start("cron", argv[4], &conv, &pamh) != PAM_SUCCESS)
		die("pam_start", argv[4]);
	for (size_t i = 0; i < changes; i++) {
		bool in = i % 2 == 0;

		(void)poll(NULL, 0, pace);
		if (admitted(pamh) == in)
			die(argv[4], "is admitted, or not, before the change");
		change(ld, argv[2], argv[3], in);
		from = now_ms();
		while (admitted(pamh) != in)
			if (now_ms() - from > LIMIT_MS)
				die(argv[4], "nothing came of the change in a minute");
		took[i] = now_ms() - from;
	}
	qsort(took, changes, sizeof(took[0]), compare);
	(void)printf("%8.1f %8.1f\n", took[changes / 2], took[changes - 1]);
	(void)pam_end(pamh, PAM_SUCCESS);
	(void)ldap_unbind_ext_s(ld, NULL, NULL);
	return 0;
}
