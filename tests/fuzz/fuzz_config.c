/* fuzz_config: any bytes as apikey.yaml: refused with a place and without an effect, or settings that a policy's image can hold. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "ldapplan.h"
#include "net.h"
#include "settings.h"
#include "settings_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static void
check_default(const struct settings *s)
{
	struct pack own = PACK_INIT, usual = PACK_INIT;
	static struct settings d;

	settings_default(&d);
	settings_pack(s, &own);
	settings_pack(&d, &usual);
	fuzz_check(own.len_b == usual.len_b && memcmp(own.bytes, usual.bytes, own.len_b) == 0,
	    "what is refused are the defaults");
	pack_clear(&own);
	pack_clear(&usual);
}

static void
check_packed(const struct settings *s)
{
	struct pack once = PACK_INIT, twice = PACK_INIT;
	static struct settings again, copy;

	settings_pack(s, &once);
	fuzz_check(once.err == AK_OK && settings_unpack(once.bytes, once.len_b, &again) == AK_OK,
	    "an image can hold them");
	settings_copy(&copy, &again);
	settings_pack(&copy, &twice);
	fuzz_check(once.len_b == twice.len_b && memcmp(once.bytes, twice.bytes, once.len_b) == 0,
	    "and gives them back");
	pack_clear(&once);
	pack_clear(&twice);
}

static void
check_home(const struct settings *s)
{
	const struct key_record k = {.name = "ci", .uid = 20000, .id = "K123456789"};
	char home[512];

	if (settings_expand(s->home, &k, home, sizeof(home)) == AK_OK)
		fuzz_check(home[0] == '/' && text_is_passwd_field(home),
		    "a home is a path that passwd(5) can hold");
	else
		fuzz_check(home[0] == '\0', "one that is too long is none");
}

static void
check_directory(const struct directory_settings *d)
{
	static const enum directory_search_id searches[] = {
	    DIRECTORY_KEYS, DIRECTORY_GROUPS, DIRECTORY_PRINCIPALS};
	static const char names[] = "ci\0deploy";
	struct pack filter = PACK_INIT;
	struct ldapplan plan;
	uint32_t first;

	fuzz_check(d->uris.len_b > 0, "a directory has a server");
	fuzz_check((d->bind_dn[0] == '\0') == (d->password_file[0] == '\0'),
	    "no bind without a password");
	fuzz_check(!id_range_reserved(d->uids, &first), "its keys' uids are free ones");
	fuzz_check(!settings_may_grant(d, "admin", true) || strv_has(d->may_grant, "admin"),
	    "what is as good as root must be named");
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++)
		if (ldapplan_make(d, searches[i], &plan, NULL) == AK_OK)
			fuzz_check(plan.n <= LDAPPLAN_ATTRIBUTES_MAX && plan.wanted[0] != NULL,
			    "a search asks for something");
	if (ldapplan_name_filter(
		d->principal.filter, (struct strv){names, sizeof(names)}, &filter) == AK_OK)
		fuzz_check(filter.len_b == 0 || memchr(filter.bytes, '%', filter.len_b) == NULL,
		    "the filter has the names in it");
	pack_clear(&filter);
}

static void
check_settings(const struct settings *s)
{
	uint32_t first;

	fuzz_check(settings_check(s) == NULL, "settings go together");
	fuzz_check(!id_range_reserved(s->uids, &first) && !id_range_reserved(s->gids, &first),
	    "no id is the system's");
	strv_for (s->hosts, host)
		fuzz_check(net_is_host_name(host), "a host has a name");
	fuzz_check(s->shell[0] == '/', "a shell is a path");
	check_packed(s);
	check_home(s);
	if (s->directory.present)
		check_directory(&s->directory);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	static struct settings s;
	struct diag why = DIAG_INIT;
	struct yaml_doc *doc = NULL;

	if (yamltree_parse((const char *)bytes, len_b, "f", &doc, NULL) != AK_OK)
		return 0;
	if (settings_from_yaml(yamltree_root_borrow(doc), "f", &s, &why) != AK_OK) {
		fuzz_check(why.text[0] != '\0' && why.line > 0 && strcmp(why.file, "f") == 0,
		    "a refusal says why, and where");
		check_default(&s);
	} else {
		check_settings(&s);
	}
	yamltree_free(&doc);
	return 0;
}
