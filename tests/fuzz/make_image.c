/* make_image: policies, compiled, as seeds for fuzz_image: make_image FOLDER POLICY… */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

static int
write_image(const char *folder, const char *policy, const struct image *im)
{
	const char *slash = strrchr(policy, '/');
	char path[4096];
	size_t len_b;
	const void *bytes = image_borrow_bytes(im, &len_b);
	bool written;
	FILE *f;

	(void)snprintf(
	    path, sizeof(path), "%s/%s.image", folder, slash == NULL ? policy : slash + 1);
	if ((f = fopen(path, "we")) == NULL)
		return 1;
	written = fwrite(bytes, 1, len_b, f) == len_b;
	return fclose(f) != 0 || !written;
}

/* Those that do not compile are passed over. */
static int
make(const char *folder, const char *policy)
{
	static char bytes[1 << 20];
	FILE *f = fopen(policy, "re");
	struct settings settings;
	struct image *im = NULL;
	size_t len_b;
	int failed = 0;

	if (f == NULL)
		return 1;
	len_b = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	settings_default(&settings);
	if (policy_compile(bytes, len_b, "p", &settings, &im, NULL) == AK_OK)
		failed = write_image(folder, policy, im);
	image_free(&im);
	return failed;
}

int
main(int argc, char **argv)
{
	int failed = argc < 3;

	for (int i = 2; i < argc; i++)
		failed |= make(argv[1], argv[i]);
	return failed;
}
