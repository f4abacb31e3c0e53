#include "hash_fold.h"

#if defined(__x86_64__) && __has_include(<sys/platform/x86.h>)

#include <immintrin.h>
#include <sys/platform/x86.h>

/*
 * As the C library knows it (2.33 and later). The compiler's own way asks the
 * processor a dozen times when a module is loaded, and in a virtual machine
 * each of these goes out to the hypervisor.
 */
bool
hash_fold_is_possible(void)
{
	return CPU_FEATURE_ACTIVE(PCLMULQDQ);
}

static __m128i
load(const unsigned char *bytes)
{
	return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

__attribute__((target("pclmul"))) void
hash_fold(uint32_t crc, const unsigned char *bytes, size_t len_b, unsigned char out[HASH_FOLD_B])
{
	/* What 128 more bits make of either half: x^160 and x^96 modulo the polynomial, reflected. */
	const __m128i further = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
	__m128i x = _mm_xor_si128(load(bytes), _mm_cvtsi32_si128((int)crc));

	for (size_t at = HASH_FOLD_B; at < len_b; at += HASH_FOLD_B) {
		__m128i low = _mm_clmulepi64_si128(x, further, 0x00),
			high = _mm_clmulepi64_si128(x, further, 0x11);

		x = _mm_xor_si128(_mm_xor_si128(low, high), load(bytes + at));
	}
	_mm_storeu_si128((__m128i *)(void *)out, x);
}

#else

bool
hash_fold_is_possible(void)
{
	return false;
}

void
hash_fold(uint32_t crc, const unsigned char *bytes, size_t len_b, unsigned char out[HASH_FOLD_B])
{
	(void)crc;
	(void)bytes;
	(void)len_b;
	(void)out;
}

#endif
