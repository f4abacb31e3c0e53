#include "policytest.h"

#include "policy_tests.h"
#include "zone.h"

static void
add_json(struct out_json *j, const struct policy_test *test)
{
	out_object(j, NULL);
	out_text(j, "name", test->name);
	out_number(j, "line", test->line);
	out_bool(j, "passed", test->passed);
	out_text(j, "expected", test->expected);
	out_text(j, "got", test->got);
	out_close(j);
}

static void
take_test(void *ctx, const struct policy_test *test)
{
	struct policytest *t = ctx;

	if (test->passed)
		t->passed++;
	else
		t->failed++;
	if (t->json != NULL)
		add_json(t->json, test);
	if (t->f == NULL || (test->passed && t->failures_alone))
		return;
	(void)fprintf(t->f, "%s %s\n", test->passed ? "ok" : "FAIL", test->name);
	if (!test->passed)
		(void)fprintf(t->f, "  %s:%u\n  expected: %s\n  got:      %s\n", test->file,
		    test->line, test->expected, test->got);
}

enum ak_err
policytest_run(struct policytest *t, const struct policyfile *file, struct diag *why)
{
	uint32_t failed;
	enum ak_err err;

	out_list(t->json, "tests");
	err = policy_tests_run(file->bytes, file->len_b, file->name, file->image, ZONE_DIR,
	    take_test, t, &failed, why);
	out_close(t->json);
	return err;
}
