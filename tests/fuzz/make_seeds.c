/* make_seeds: sound files, as seeds for the targets that read them: make_seeds TARGET FOLDER */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_host.h"

/* What stands before a file in the input of a target: how it is taken, and which it is. */
static void
write_seed(const char *folder, const char *name, const char *prefix, size_t prefix_b,
    const struct safefile *f)
{
	char path[4096];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fuzz_check((out = fopen(path, "we")) != NULL &&
		       fwrite(prefix, 1, prefix_b, out) == prefix_b &&
		       fwrite(f->bytes, 1, f->len_b, out) == f->len_b && fclose(out) == 0,
	    "a seed can be written");
}

int
main(int argc, char **argv)
{
	static struct safefile sound[STATE_FILES];
	static const char *const names[] = {"local", "users", "keys", "groups"};

	if (argc != 3)
		return 2;
	fuzz_host_make(fuzz_paths(), sound);
	if (strcmp(argv[1], "nss") == 0)
		write_seed(argv[2], "users", "\1", 1, &sound[STATE_USERS]);
	for (unsigned i = 0; i < STATE_FILES; i++) {
		char prefix[2] = {1, (char)i};

		if (strcmp(argv[1], "keys") == 0)
			write_seed(argv[2], names[i], prefix, 2, &sound[i]);
		if (strcmp(argv[1], "index") == 0)
			write_seed(argv[2], names[i], "\1\1\0\0\0", 5, &sound[i]);
		free(sound[i].bytes);
	}
	return 0;
}
