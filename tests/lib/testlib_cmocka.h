/* testlib_cmocka: cmocka.h with what it needs before it, and assertions that name their row. */
#ifndef TESTLIB_CMOCKA_H
#define TESTLIB_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "err.h"

/* Both as words, with what was being tried: a row's name, or "" when the line says it. */
#define assert_err(row, wanted, got)                                                           \
	testlib_assert_err((row), (wanted), (got), __FILE__, __LINE__)
void testlib_assert_err(
    const char *row, enum ak_err wanted, enum ak_err got, const char *file, int line);

/* ok, or the test fails with the row's name. */
#define assert_row(row, ok) testlib_assert_row((row), #ok, (ok) ? 1 : 0, __FILE__, __LINE__)
void testlib_assert_row(const char *row, const char *what, int ok, const char *file, int line);

#endif
