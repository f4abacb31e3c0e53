/* settings: what apikey.yaml says of this host: one table of options, their defaults and their checks. */
#ifndef AK_SETTINGS_H
#define AK_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "pack.h"
#include "record.h"
#include "text.h"
#include "yamltree.h"

enum directory_sasl { DIRECTORY_NO_SASL, DIRECTORY_EXTERNAL };

struct directory_search {
	char base[512]; /* "": this search is not made */
	char filter[512]; /* RFC 4515 */
};

/*
 * `directory:` of apikey.yaml. The scheme of a URI says how it is made safe:
 * ldap:// by StartTLS, always; ldaps:// by TLS; ldapi:// is this host. `tls`,
 * where it is written, must be every URI's.
 */
struct directory_settings {
	bool present; /* uris has at least one; else all below are defaults */
	char uris_bytes[1024];
	struct strv uris; /* borrowed from uris_bytes */
	char ca_file[256], cert_file[256], key_file[256];
	char bind_dn[512], password_file[256]; /* both or none */
	enum directory_sasl sasl;
	int64_t timeout_s, poll_s, reconcile_s, max_age_s, keys_max_age_s;
	char may_grant_bytes[1024];
	struct strv may_grant; /* roles' names, or `*`; borrowed */
	struct id_range uids;
	char counter[512]; /* a DN */
	struct directory_search keys, groups, principal;
	char group_name[64]; /* attributes' names */
	char members_bytes[256];
	struct strv members;
	bool nested;
	char role_attribute[64]; /* "": none */
};

/*
 * Values of apikey.yaml (CONFIG in the design, apikey.yaml(5)). Everything has
 * a default. `host` may be one name or a list; hosts is empty when the file is
 * silent, and then the caller takes the node name and its first label.
 */
struct settings {
	char hosts_bytes[1024];
	/* borrowed from hosts_bytes: settings are not copied by assignment */
	struct strv hosts;
	char space[POLICY_NAME_MAX + 1];
	struct id_range uids, gids;
	char home[256]; /* absolute; with %n name, %u uid, %i id, %% */
	char shell[256]; /* existing and executable: checked where a key is made, not here */
	char keys_group[KEY_NAME_MAX + 1];
	bool create_home, enumerate, public_key_logins;
	bool audit_required; /* no login without its line in the audit log */
	int64_t max_duration_s; /* NUM_NEVER */
	uint32_t samples_max; /* decisions kept for replay; 0: none */
	int64_t samples_max_age_s; /* NUM_NEVER */
	struct directory_settings directory;
};

/* The defaults. */
void settings_default(struct settings *out);

void settings_copy(struct settings *dst, const struct settings *src);

/* Read a parsed apikey.yaml; root NULL: an empty file. On failure *out holds the defaults. */
enum ak_err settings_from_yaml(const struct yaml_node *root, const char *file,
    struct settings *out, struct diag *why) AK_MUST_CHECK;

/* Into the policy image and back; AK_ERR_CORRUPT (and the defaults) when a value is one that no file could give. */
void settings_pack(const struct settings *s, struct pack *out);
enum ak_err settings_unpack(const void *bytes, size_t len_b, struct settings *out) AK_MUST_CHECK;

/*
 * May a role come through the directory? Named in may_grant; `*` stands for
 * every role that is not root-equivalent, which must be named itself.
 */
bool settings_may_grant(
    const struct directory_settings *d, const char *role, bool root_equivalent);

/* `home` with its %n %u %i filled in. AK_ERR_RANGE when too long, out "". */
enum ak_err settings_expand(
    const char *pattern, const struct key_record *key, char *out, size_t cap) AK_MUST_CHECK;

#endif
