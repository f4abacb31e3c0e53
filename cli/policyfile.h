/* policyfile: a policy that somebody names on the command line: its text, and what it compiles to on this host. */
#ifndef CLI_POLICYFILE_H
#define CLI_POLICYFILE_H

#include <stddef.h>

#include "cli.h"
#include "diag.h"
#include "image.h"
#include "live.h"

struct policyfile {
	const char *name; /* for messages: as it was given */
	char *bytes;
	size_t len_b;
	struct image *image; /* NULL until it is compiled */
};

#define POLICYFILE_INIT ((struct policyfile){.name = ""})

/*
 * Read it: anybody's file, a pipe too; "-" is standard input. AK_ERR_NOT_FOUND,
 * AK_ERR_UNAVAILABLE, AK_ERR_INVALID (too large), each with a sentence.
 * policyfile_clear in any case.
 */
enum ak_err policyfile_read(const struct cli *c, const char *name, struct policyfile *out,
    struct diag *why) AK_MUST_CHECK;

/* Compile it with these settings. AK_ERR_DENIED, with the place, for a policy that is wrong: it is refused, not the command. */
enum ak_err policyfile_compile(const struct cli *c, const struct settings *settings,
    struct policyfile *f, struct diag *why) AK_MUST_CHECK;
void policyfile_clear(struct policyfile *f);

/* AK_OK when the settings of this host can be used, else their problem with its place. */
enum ak_err policyfile_need_settings(const struct live *live, struct diag *why) AK_MUST_CHECK;

#endif
