/* image: the compiled policy and settings: one flat block of offsets, read where it lies. */
#ifndef AK_IMAGE_H
#define AK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"
#include "err.h"
#include "safefile.h"
#include "settings.h"
#include "text.h"

/*
 * Bytes: a header (magic, version, CRC-32, build stamp, identities of the YAML
 * files that it was made from), a table of sections, the sections
 * (image_layout.h). They are checked once, as a whole (CRC, every offset, every
 * index, every name), when the image is opened; then the accessors below
 * cannot fail. Strings and lists that they give are borrowed from the image.
 */
struct image;

/* Which files the image was compiled from (and /etc/group, which policy_check_groups asked); a missing one is all zero. */
struct image_sources {
	struct safefile_id policy, settings, group;
	int64_t built_at_ns; /* raw clock */
};

/* Takes a copy of the bytes of an image. AK_ERR_CORRUPT when anything does not add up, another version too; AK_ERR_NOMEM. */
enum ak_err image_open(const void *bytes, size_t len_b, struct image **out) AK_MUST_CHECK;
void image_free(struct image **im);

/* The bytes as they would be stored, borrowed. */
const void *image_borrow_bytes(const struct image *im, size_t *len_b);
const struct settings *image_borrow_settings(const struct image *im);
const struct image_sources *image_borrow_sources(const struct image *im);
/* Stamp the sources into the image (and its bytes). */
void image_set_sources(struct image *im, const struct image_sources *src);

#define IMAGE_NONE UINT32_MAX

struct image_role {
	const char *name, *description;
	struct strv services;	 /* globs */
	struct strv unix_groups;
	bool root_equivalent;
	uint32_t line, col; /* of its name in policy.yaml */
};

struct image_space {
	const char *name;
	uint32_t parent;    /* IMAGE_NONE for root alone */
	uint32_t line, col; /* 0: root, where the file does not name it */
};

/* Roles and spaces are numbered from 0, by name in byte order. A look-up by name costs the logarithm of their count. */
uint32_t image_count_roles(const struct image *im);
struct image_role image_role(const struct image *im, uint32_t i);
/* By name; IMAGE_NONE when not declared. */
uint32_t image_find_role(const struct image *im, const char *name);
uint32_t image_count_spaces(const struct image *im);
struct image_space image_space(const struct image *im, uint32_t i);
uint32_t image_find_space(const struct image *im, const char *name);
/* The name of the policy file, for traces: as policy_compile was told. */
const char *image_policy_file(const struct image *im);

#endif
