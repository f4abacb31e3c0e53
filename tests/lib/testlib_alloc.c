#include "testlib_alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "testlib_cmocka.h"

/* Weak, so that programs that count no allocations link without --wrap. */
#define WEAK __attribute__((weak))
void *__real_malloc(size_t size) WEAK;
void *__real_calloc(size_t n, size_t size) WEAK;
void *__real_realloc(void *old, size_t size) WEAK;
void *__real_reallocarray(void *old, size_t n, size_t size) WEAK;
char *__real_strdup(const char *s) WEAK;
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strdup(const char *s);

static unsigned countdown; /* 0: no failures */
static bool failed;

static bool
must_fail(void)
{
	if (countdown == 0 || --countdown != 0)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

void
alloc_fail_nth(unsigned n)
{
	if (__real_malloc == NULL)
		fail_msg("linked without --wrap=malloc");
	countdown = n;
	failed = false;
}

bool
alloc_stop(void)
{
	countdown = 0;
	return failed;
}

void *
__wrap_malloc(size_t size)
{
	return must_fail() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return must_fail() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return must_fail() ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return must_fail() ? NULL : __real_reallocarray(old, n, size);
}

char *
__wrap_strdup(const char *s)
{
	return must_fail() ? NULL : __real_strdup(s);
}
