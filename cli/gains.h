/* gains: what a change of policy gives to keys and takes from them, on this host. */
#ifndef CLI_GAINS_H
#define CLI_GAINS_H

#include "cli.h"
#include "diag.h"
#include "image.h"
#include "live.h"
#include "out.h"

/*
 * For each key, the roles that it holds here whatever the hour, the address
 * and the service, before and after; and whether it is refused whatever they
 * are.
 */
struct gains {
	struct out_json *json; /* gets a list `changes`; NULL: for people */
	struct out_table table; /* key, what happens */
	uint32_t keys, changed; /* how many there are, and how many gain or lose */
	struct diag lost; /* keys of the directory are not among them: why; else silent */
};

/*
 * before NULL: there was no policy, and so no role. live: this host's names
 * and space. gains_clear in any case.
 */
enum ak_err gains_find(const struct cli *c, const struct live *live, const struct image *before,
    const struct image *after, struct out_json *json, struct gains *out,
    struct diag *why) AK_MUST_CHECK;
void gains_clear(struct gains *g);

#endif
