/* fuzz_pam_forge: makes the hosts' files, as the command and the daemon would. */
#ifndef FUZZ_PAM_FORGE_H
#define FUZZ_PAM_FORGE_H

#include <stddef.h>
#include <stdint.h>

#include "fuzz_pam_host.h"

/* A host below top: after the change, when it was made before. */
void forge_host(const char *top, enum host_kind kind, unsigned after, struct paths *p);

/* The image was made, then, from the files that are there. */
void forge_image_sources(
    const struct paths *p, int64_t built_at_ns, unsigned char *image, size_t len_b);

#endif
