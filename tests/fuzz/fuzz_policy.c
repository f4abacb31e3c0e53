/* fuzz_policy: any bytes as policy.yaml: refused with a place, or an image that opens, answers as the second evaluator does, and runs its tests. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_ask.h"
#include "fuzz_check.h"
#include "fuzz_second.h"
#include "policy.h"
#include "policy_header.h"
#include "policy_tests.h"
#include "policy_warn.h"
#include "zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static void
take_test(void *ctx, const struct policy_test *test)
{
	(void)test;
	++*(uint32_t *)ctx;
}

static void
take_warning(void *ctx, const struct diag *warning)
{
	(void)ctx;
	fuzz_check(warning->line > 0 && warning->text[0] != '\0', "a warning has a place");
}

static void
ask_file(const char *bytes, size_t len_b, const struct image *im)
{
	static const struct policy_warn warn = {.take = take_warning};
	uint32_t n = 0, n_failed = 0;

	fuzz_check(policy_tests_run(bytes, len_b, "p", im, ZONE_DIR, take_test, &n, &n_failed,
		       NULL) == AK_OK &&
		       n_failed <= n,
	    "what compiles can be tested");
	fuzz_check(policy_warnings(bytes, len_b, "p", im, &warn, NULL) == AK_OK,
	    "what compiles can be warned of");
}

/* The host's, which a comment in the first line gives, as in the tests. */
static void
take_settings(const char *bytes, size_t len_b, struct settings *out)
{
	const char *end = memchr(bytes, '\n', len_b);
	char line[128] = "\n";

	if (end != NULL && (size_t)(end - bytes) + 1 < sizeof(line))
		memcpy(line, bytes, (size_t)(end - bytes) + 1);
	policy_header_settings(line, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	static struct settings settings;
	struct diag why = DIAG_INIT;
	struct image *im = NULL, *copy = NULL;
	const void *stored;
	size_t stored_b;

	take_settings((const char *)bytes, len_b, &settings);
	if (policy_compile((const char *)bytes, len_b, "p", &settings, &im, &why) != AK_OK) {
		fuzz_check(im == NULL && why.text[0] != '\0', "a refusal says why");
		return 0;
	}
	stored = image_borrow_bytes(im, &stored_b);
	fuzz_check(image_open(stored, stored_b, &copy) == AK_OK, "what was made can be opened");
	fuzz_read(copy);
	fuzz_ask(copy, true);
	fuzz_second(copy, (const char *)bytes, len_b);
	ask_file((const char *)bytes, len_b, copy);
	image_free(&copy);
	image_free(&im);
	return 0;
}
