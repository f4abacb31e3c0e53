/* policytest: runs the tests of a policy, and tells what came out. */
#ifndef CLI_POLICYTEST_H
#define CLI_POLICYTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"
#include "out.h"
#include "policyfile.h"

struct policytest {
	FILE *f; /* where `ok NAME` and `FAIL NAME` go, for people; NULL: nowhere */
	bool failures_alone;
	struct out_json *json; /* gets a list `tests`; NULL: none */
	uint32_t passed, failed;
};

/* The file was compiled. AK_OK though tests fail: t counts them. */
enum ak_err policytest_run(
    struct policytest *t, const struct policyfile *file, struct diag *why) AK_MUST_CHECK;

#endif
