/* fuzz_file: files for what is read by its name: in a folder of this run's own, below TMPDIR. */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include <stddef.h>

#include "paths.h"

/* The folder, 0700, of the same name in each run that begins with TMPDIR empty; run.sh removes what is above it. */
const char *fuzz_folder(void);

/* The paths of a host that lies there, with its state folder and its run folder made. */
const struct paths *fuzz_paths(void);

/* Whole, 0600, in place of what was there: the same file with other bytes. */
void fuzz_file(const char *path, const void *bytes, size_t len_b);

/* NAME below the folder. The text is good until the next call. */
const char *fuzz_path(const char *name);

#endif
