#include "testlib_cmocka.h"

void
testlib_assert_err(
    const char *row, enum ak_err wanted, enum ak_err got, const char *file, int line)
{
	if (got == wanted)
		return;
	print_error(
	    "%s: wanted \"%s\", got \"%s\"\n", row, ak_strerror(wanted), ak_strerror(got));
	_fail(file, line);
}

void
testlib_assert_row(const char *row, const char *what, int ok, const char *file, int line)
{
	if (ok)
		return;
	print_error("%s: not true: %s\n", row, what);
	_fail(file, line);
}
