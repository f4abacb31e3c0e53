#include "fuzz_input.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"

uint8_t
fuzz_u8(struct fuzz_input *in)
{
	if (in->left_b == 0)
		return 0;
	in->left_b--;
	return *in->at++;
}

uint32_t
fuzz_u32(struct fuzz_input *in)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++)
		v |= (uint32_t)fuzz_u8(in) << (8 * i);
	return v;
}

char *
fuzz_line(struct fuzz_input *in, char *buf, size_t cap)
{
	size_t len = 0;
	uint8_t c;

	while (len + 1 < cap && (c = fuzz_u8(in)) != '\0' && c != '\n')
		buf[len++] = (char)c;
	buf[len] = '\0';
	return buf;
}

char *
fuzz_rest(struct fuzz_input *in)
{
	char *text = malloc(in->left_b + 1);

	fuzz_check(text != NULL, "there is memory");
	if (in->left_b > 0)
		memcpy(text, in->at, in->left_b);
	text[in->left_b] = '\0';
	in->left_b = 0;
	return text;
}
