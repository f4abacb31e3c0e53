/* auditlog: the file that every decision and change is written to, one line each (apikey-formats(5)). */
#ifndef AK_AUDITLOG_H
#define AK_AUDITLOG_H

#include "err.h"
#include "paths.h"

/*
 * Append `time=… LINE` (audit.h; time with milliseconds, UTC) to p->audit by
 * one write(2). The file is made when missing, 0640, with the group of its
 * folder; a link, another's file or a pipe in its place is AK_ERR_UNSAFE; a
 * folder that is missing, a full disk or a limit on file sizes
 * AK_ERR_UNAVAILABLE. It never blocks, and raises no signal (SIGXFSZ).
 */
enum ak_err auditlog_append(const struct paths *p, const char *line) AK_MUST_CHECK;

#endif
