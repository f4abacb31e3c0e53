/* mirror_impl: what the two halves of mirror share. */
#ifndef AK_MIRROR_IMPL_H
#define AK_MIRROR_IMPL_H

#include "mirror.h"

void mirror_engine_init(struct mirror *m);
/* Begin an engine by these settings, unless one runs by the same; again: in any case. */
void mirror_engine_run(struct mirror *m, bool again);
void mirror_engine_stop(struct mirror *m);
/* The local keys' names are others. */
void mirror_engine_names(struct mirror *m);

/* The server was heard, and the model is up to date with it. */
void mirror_contact(struct mirror *m);

#endif
