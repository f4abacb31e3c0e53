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
	int64_t max_duration_s; /* NUM_NEVER */
	uint32_t samples_max; /* decisions kept for replay; 0: none */
	int64_t samples_max_age_s; /* NUM_NEVER */
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

/* `home` with its %n %u %i filled in. AK_ERR_RANGE when too long, out "". */
enum ak_err settings_expand(
    const char *pattern, const struct key_record *key, char *out, size_t cap) AK_MUST_CHECK;

#endif
