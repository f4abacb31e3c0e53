/* once: runs a fuzz target over files, each once: what is in a corpus, and nothing made of it. */
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static int
run(const char *path)
{
	static unsigned char bytes[1 << 20];
	FILE *f = fopen(path, "re");
	size_t len_b;

	if (f == NULL)
		return 1;
	len_b = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	return LLVMFuzzerTestOneInput(bytes, len_b);
}

int
main(int argc, char **argv)
{
	int failed = 0;

	if (LLVMFuzzerInitialize != NULL && LLVMFuzzerInitialize(&argc, &argv) != 0)
		return 1;
	for (int i = 1; i < argc; i++)
		failed |= run(argv[i]);
	return failed;
}
