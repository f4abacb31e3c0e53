/* samples: decisions that the policy wants kept, so that they can be asked again of another policy. */
#ifndef AK_SAMPLES_H
#define AK_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include "decide.h"
#include "err.h"
#include "live.h"
#include "paths.h"
#include "record.h"
#include "settings.h"

/* A folder (0700) of a file for each (0600), named by its id; ids ascend with time. */
#define SAMPLES_FOLDER "samples"
/* Milliseconds since the epoch and a random number, as hex. */
#define SAMPLE_ID_LEN 16

struct sample {
	char id[SAMPLE_ID_LEN + 1];
	int64_t at_ms;
	bool has_when; /* the clock could be believed, so that time predicates were defined */
	uint64_t image; /* samples_digest of the policy that decided */
	const char *space; /* the host's, and what its settings said: */
	bool public_key_logins;
	bool has_directory;
	struct strv may_grant;
	/*
	 * The request, but for policy and when; secrets have numbers and ends, and
	 * neither salt nor digest. It borrows from this struct: not to be copied.
	 */
	struct decide_request request;
	struct key_record key;
	struct net_addr address, origin;
	/* The answer. */
	bool permitted;
	const char *reason; /* reason_word */
	const char *why;
	const char *deny; /* id of the deny rule that fired; "" */
	uint32_t line; /* in the policy: of that rule, or of the allow rule that fired; 0: none */
	struct strv roles; /* held on this host */
	unsigned char *bytes;
};

/*
 * Keep the decision, if a `sample` rule of the policy that made it fires. For
 * a login: what fails is passed over in silence, and costs nobody anything.
 * Now and then the oldest are swept out, by the settings' samples.
 */
void samples_keep(const struct paths *p, const struct live *live,
    const struct decide_request *req, const struct verdict *v);

/* What tells one compiled policy (its settings with it) from another, whenever it was built. */
uint64_t samples_digest(const struct image *im);

/* AK_ERR_NOT_FOUND: no such id, or it has been swept out; AK_ERR_CORRUPT. sample_clear after AK_OK alone. */
enum ak_err samples_load(
    const struct paths *p, const char *id, struct sample *out) AK_MUST_CHECK;
void sample_clear(struct sample *s);

/*
 * Those within the settings' bounds at that moment, the oldest first; damaged
 * ones are passed over. take's answer other than AK_OK ends it, and is
 * returned. AK_OK when there are none.
 */
enum ak_err samples_each(const struct paths *p, const struct settings *settings, int64_t now,
    enum ak_err (*take)(void *ctx, const struct sample *s), void *ctx) AK_MUST_CHECK;

#endif
