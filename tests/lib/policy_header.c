#include "policy_header.h"

#include <stdio.h>
#include <string.h>

#include "testlib_cmocka.h"

/* words, with blanks between, as a list in room. */
static struct strv
list_of(const char *words, size_t len, char *room, size_t cap)
{
	size_t used = 0;

	while (len > 0) {
		size_t word = strcspn(words, " \n");

		word = word < len ? word : len;
		if (word > 0) {
			assert_true(used + word < cap);
			memcpy(room + used, words, word);
			room[used + word] = '\0';
			used += word + 1;
		}
		word += word < len;
		words += word;
		len -= word;
	}
	return (struct strv){.bytes = used == 0 ? NULL : room, .len_b = used};
}

void
policy_header_settings(const char *policy, struct settings *out)
{
	static const char may_grant[] = "# may_grant:", none[] = "# directory: none\n";
	struct directory_settings *d = &out->directory;
	const char *words = "*";

	settings_default(out);
	if (strncmp(policy, none, strlen(none)) == 0)
		return;
	if (strncmp(policy, may_grant, strlen(may_grant)) == 0)
		words = policy + strlen(may_grant);
	d->present = true;
	d->uris = list_of("ldapi://", 8, d->uris_bytes, sizeof(d->uris_bytes));
	d->may_grant = list_of(
	    words, strcspn(words, "\n"), d->may_grant_bytes, sizeof(d->may_grant_bytes));
}
