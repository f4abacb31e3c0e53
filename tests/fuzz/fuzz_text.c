/* fuzz_text: any bytes as what people and directories write: numbers, times, addresses, names, globs: refused, or a value that is written as it was meant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "dirtext.h"
#include "fuzz_check.h"
#include "fuzz_input.h"
#include "ldapad.h"
#include "net.h"
#include "num.h"
#include "role.h"
#include "tzrule.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static void
check_numbers(const char *s)
{
	uint64_t n = 77;
	int64_t duration = 77, t, again;
	int32_t days;
	char text[NUM_TIME_CAP], year[5];

	if (num_parse(s, 3, UINT32_MAX, &n) == AK_OK) {
		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
		fuzz_check(n >= 3 && n <= UINT32_MAX && strcmp(text, s + strspn(s, "0")) == 0 &&
			       strspn(s, "0123456789") == strlen(s),
		    "a number is its digits");
	} else {
		fuzz_check(n == 77, "what is none changes nothing");
	}
	if (num_parse_duration(s, &duration) == AK_OK)
		fuzz_check(duration == NUM_NEVER
			       ? strcmp(s, "never") == 0
			       : duration >= 1 && duration <= INT64_C(36525) * 86400,
		    "a duration is a second to a hundred years");
	if (num_parse_time(s, &t) == AK_OK)
		fuzz_check(
		    num_parse_time(num_print_time(t, text), &again) == AK_OK && t == again,
		    "a moment is written as it is read");
	if (calendar_parse(s, &days) == AK_OK) {
		(void)snprintf(year, sizeof(year), "%.4s", s);
		fuzz_check(num_parse(year, 0, 9999, &n) == AK_OK && days >= CALENDAR_DAY_MIN &&
			       days <= CALENDAR_DAY_MAX && calendar_year(days) == (int)n &&
			       calendar_weekday(days) < 7,
		    "a date is a day of its year");
	}
}

static bool
is_v4(const struct net_addr *a)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

/* As net.h says it: the bits of the prefix are the same, and no IPv4 address is in a wider IPv6 block. */
static bool
has(const struct net_block *b, const struct net_addr *a)
{
	if (is_v4(a) && !(is_v4(&b->addr) && b->prefix >= 96))
		return false;
	for (unsigned i = 0; i < b->prefix; i++)
		if (((a->bytes[i / 8] ^ b->addr.bytes[i / 8]) >> (7 - i % 8) & 1) != 0)
			return false;
	return true;
}

static void
check_addresses(const char *s, const uint8_t *bytes, size_t len_b)
{
	struct net_addr a, again, near;
	struct net_block b;
	char text[46];

	if (net_parse_addr(s, &a) == AK_OK)
		fuzz_check(
		    net_parse_addr(net_print_addr(&a, text, sizeof(text)), &again) == AK_OK &&
			memcmp(&a, &again, sizeof(a)) == 0,
		    "an address is written as it is read");
	if (net_parse_block(s, &b) != AK_OK)
		return;
	fuzz_check(b.prefix <= 128 && net_block_has(&b, &b.addr) == has(&b, &b.addr),
	    "a block begins with its address");
	for (unsigned i = 0; i < 128; i++) {
		near = b.addr;
		near.bytes[i / 8] = (unsigned char)(near.bytes[i / 8] ^ 0x80 >> i % 8);
		fuzz_check(net_block_has(&b, &near) == has(&b, &near),
		    "a block has what its prefix has, and no more");
	}
	memset(&a, 0, sizeof(a));
	memcpy(&a, bytes, len_b < sizeof(a) ? len_b : sizeof(a));
	fuzz_check(net_block_has(&b, &a) == has(&b, &a), "any address is within or without");
}

static void
check_names(const char *s)
{
	if (net_is_host_name(s))
		fuzz_check(strlen(s) >= 1 && strlen(s) <= NET_HOST_MAX && net_same_host(s, s) &&
			       strpbrk(s, "/ :%*\n") == NULL,
		    "a host's name is one");
	if (text_is_key_name(s))
		fuzz_check(strlen(s) <= KEY_NAME_MAX && text_is_passwd_field(s) &&
			       text_is_line(s, KEY_NAME_MAX) && s[0] != '-',
		    "a key's name is one");
	if (text_is_policy_name(s))
		fuzz_check(strlen(s) <= POLICY_NAME_MAX && strpbrk(s, ": ,*") == NULL,
		    "a role's name is one");
}

static void
check_binding(const char *s)
{
	static struct binding b, again;
	struct diag why = DIAG_INIT;
	char text[BINDING_CAP + 128];
	struct text t = text_over(text, sizeof(text));
	const char *before = b.scope == ROLE_SPACES ? ":spaces:" : ":hosts:";

	if (binding_parse(s, &b, &why) != AK_OK) {
		fuzz_check(why.text[0] != '\0', "a refusal says why");
		return;
	}
	before = b.scope == ROLE_SPACES ? ":spaces:" : ":hosts:";
	text_add(&t, "%s", b.role);
	strv_for (binding_borrow_names(&b), name) {
		text_add(&t, "%s%s", before, name);
		before = ",";
	}
	fuzz_check((b.scope == ROLE_GLOBAL) == (binding_borrow_names(&b).len_b == 0),
	    "a role that holds somewhere holds at some place");
	fuzz_check(text_is_policy_name(b.role) && !t.cut &&
		       binding_parse(text, &again, NULL) == AK_OK && again.scope == b.scope &&
		       again.names_len_b == b.names_len_b &&
		       memcmp(again.names_bytes, b.names_bytes, b.names_len_b) == 0,
	    "a binding is written as it is read");
}

static void
check_directory(const char *s)
{
	char text[DIRTEXT_SECRET_CAP], time[DIRTEXT_TIME_CAP], id[KEY_ID_LEN + 1],
	    other[KEY_ID_LEN + 1];
	struct key_secret secret, again;
	int64_t t, t2;

	if (dirtext_parse_time(s, &t) == AK_OK)
		fuzz_check(
		    dirtext_parse_time(dirtext_print_time(t, time), &t2) == AK_OK && t == t2,
		    "a directory's time is written as it is read");
	if (dirtext_parse_secret(s, id, &secret) == AK_OK)
		fuzz_check(secret.number > 0 &&
			       dirtext_parse_secret(dirtext_print_secret(&secret, id, text),
				   other, &again) == AK_OK &&
			       strcmp(id, other) == 0 && secret.not_after == again.not_after &&
			       secret.created_at == again.created_at &&
			       memcmp(secret.digest, again.digest, sizeof(again.digest)) == 0 &&
			       memcmp(secret.salt, again.salt, sizeof(again.salt)) == 0,
		    "a secret is written as it is read");
	(void)ldapad_refusal(s);
}

/* Text by text, without a thought for time. */
static bool
globs(const char *glob, const char *s)
{
	bool now[256], next[256];
	size_t n = strlen(s);

	for (size_t i = 0; i <= n; i++)
		now[i] = i == 0;
	for (; *glob != '\0'; glob++) {
		bool any = false;

		for (size_t i = 0; i <= n; i++) {
			any = any || now[i];
			next[i] = *glob == '*' ? any : i > 0 && now[i - 1] && s[i - 1] == *glob;
		}
		memcpy(now, next, sizeof(now));
	}
	return now[n];
}

static void
check_text(const char *glob, const char *s)
{
	char masked[256];
	size_t len = strlen(s);

	fuzz_check(text_glob(glob, s) == globs(glob, s), "a glob matches what it says");
	fuzz_check(text_copy(masked, sizeof(masked), s) == AK_OK, "what fits is copied");
	text_mask_controls(masked);
	fuzz_check(strlen(masked) == len, "what is masked keeps its length");
	for (const char *at = masked; *at != '\0'; at++)
		fuzz_check(text_control_len(at) == 0, "and controls nothing");
	if (text_is_line(s, 255))
		fuzz_check(len > 0 && text_is_utf8(s) && strcmp(s, masked) == 0,
		    "a line has nothing to mask");
}

static void
check_rule(const char *s)
{
	static const int64_t times[] = {
	    -62135596800, -1, 0, 951782400, 1741057199, 253402300799};
	struct tzrule r;

	if (tzrule_parse(s, strlen(s), &r) != AK_OK)
		return;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		fuzz_check(tzrule_offset(&r, times[i]) == r.standard ||
			       (r.has_summer && tzrule_offset(&r, times[i]) == r.summer),
		    "a clock shows standard time or summer time");
}

/* The first line, and the second for what needs two. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};
	char second[256], first[1500];

	(void)fuzz_line(&in, first, sizeof(first));
	check_addresses(first, in.at, in.left_b);
	(void)fuzz_line(&in, second, sizeof(second));
	check_numbers(first);
	check_names(first);
	check_binding(first);
	check_directory(first);
	check_text(first, second);
	check_rule(first);
	return 0;
}
