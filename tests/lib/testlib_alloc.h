/* testlib_alloc: the n-th allocation fails. Needs -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray,--wrap=strdup. */
#ifndef TESTLIB_ALLOC_H
#define TESTLIB_ALLOC_H

#include <stdbool.h>

/*
 *	for (unsigned n = 1; ; n++) {
 *		alloc_fail_nth(n);
 *		err = …;
 *		if (!alloc_stop())
 *			break;
 *		assert_err("", AK_ERR_NOMEM, err);
 *	}
 */
void alloc_fail_nth(unsigned n); /* from 1 */
/* Failures end. Was there one? */
bool alloc_stop(void);

#endif
