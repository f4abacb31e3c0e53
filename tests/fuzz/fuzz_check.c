#include "fuzz_check.h"

#include <stdio.h>
#include <stdlib.h>

void
fuzz_check(int holds, const char *sentence)
{
	if (holds)
		return;
	(void)fprintf(stderr, "contradiction: %s\n", sentence);
	abort();
}
