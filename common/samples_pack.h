/* samples_pack: a kept decision as bytes (apikey-formats(5)). */
#ifndef AK_SAMPLES_PACK_H
#define AK_SAMPLES_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "pack.h"
#include "samples.h"

/* When the decision was made, as exactly as is known. */
int64_t samples_at_ms(const struct decide_request *req);

/* req->policy made v. */
void samples_pack(struct pack *p, const struct decide_request *req, const struct verdict *v);

/* s->bytes, len_b long, into the rest of s; AK_ERR_CORRUPT. */
enum ak_err samples_unpack(struct sample *s, size_t len_b) AK_MUST_CHECK;

#endif
