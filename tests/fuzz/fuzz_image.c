/* fuzz_image: any bytes as a stored image: refused, or one that can be read and asked to its end. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_ask.h"
#include "fuzz_check.h"
#include "hash.h"
#include "image_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static void
open_and_ask(const void *bytes, size_t len_b)
{
	struct image *im = NULL;
	const void *stored;
	size_t stored_b;

	if (image_open(bytes, len_b, &im) != AK_OK) {
		fuzz_check(im == NULL, "what is refused is not there");
		return;
	}
	stored = image_borrow_bytes(im, &stored_b);
	fuzz_check(stored_b == len_b && memcmp(stored, bytes, len_b) == 0,
	    "what is stored again is what was read");
	fuzz_read(im);
	fuzz_ask(im, false);
	image_free(&im);
}

/* With the sums that a careful forger would put in, so that what lies behind them is reached. */
static void
forge(unsigned char *bytes, size_t len_b)
{
	memcpy(bytes, IMAGE_MAGIC, 8);
	le32_store(bytes + IMAGE_AT_VERSION, IMAGE_VERSION);
	le64_store(bytes + IMAGE_AT_SIZE, len_b);
	le32_store(bytes + IMAGE_AT_CHECKSUM, image_checksum(bytes, len_b));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	unsigned char *copy;

	open_and_ask(bytes, len_b);
	if (len_b < IMAGE_HEADER_B || (copy = malloc(len_b)) == NULL)
		return 0;
	memcpy(copy, bytes, len_b);
	forge(copy, len_b);
	open_and_ask(copy, len_b);
	free(copy);
	return 0;
}
