/* doctor: is this host set up so that keys get in, and nobody else is kept out? The frame of the checks: what they are given, and how they tell. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"
#include "live.h"
#include "status.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_NOTE, /* nothing is wrong, but whoever answers for the host should know */
	DOCTOR_ATTENTION, /* this is to be mended */
};

#define DOCTOR_TEXT_CAP 800

/* What one check found. */
struct doctor_finding {
	const char *check; /* borrowed: its name in the table */
	enum doctor_state state;
	char text[DOCTOR_TEXT_CAP]; /* what was found */
	char advice[DOCTOR_TEXT_CAP]; /* what to do: a command line, or a sentence; "" for OK */
};

struct doctor {
	const struct cli *c;
	struct live live;
	struct status status; /* what `apikey status` finds */
	int64_t now;
	const char *check; /* the check that runs */
	struct doctor_finding *v; /* in the order of the table */
	size_t n, cap;
	enum ak_err err; /* a finding that there was no memory for */
};

/*
 * Runs every check, without a change to anything. d->c and all else of the host
 * is asked through c->host and c->paths, so that tests bring a host of their
 * own. doctor_clear in any case.
 */
enum ak_err doctor_run(const struct cli *c, struct doctor *out) AK_MUST_CHECK;
void doctor_clear(struct doctor *d);

/* "ok", "note", "attention". */
const char *doctor_state_name(enum doctor_state s);

/* ---- for the checks ---- */

/* Each check tells one finding at least: when all is well, one that says what is. */
void doctor_ok(struct doctor *d, const char *fmt, ...) AK_PRINTF(2, 3);
/* advice: text that is final; doctor_advise afterwards makes one of parts. */
void doctor_note(struct doctor *d, const char *advice, const char *fmt, ...) AK_PRINTF(3, 4);
void doctor_attend(struct doctor *d, const char *advice, const char *fmt, ...) AK_PRINTF(3, 4);
/* The advice of the last finding, anew. */
void doctor_advise(struct doctor *d, const char *fmt, ...) AK_PRINTF(2, 3);

/* What status needs attention for, as findings of the check that runs; how many. advice: where status has none. */
size_t doctor_needs(struct doctor *d, enum status_about about, const char *advice);

/* How many findings of the check that runs are no ok. */
size_t doctor_count(const struct doctor *d);

/* A path as a word of a command line. */
#define DOCTOR_WORD_CAP (4 * PATH_CAP)
const char *doctor_word(const char *path, char buf[DOCTOR_WORD_CAP]);

/* DIR/NAME below the host's /etc; false: too long. */
bool doctor_etc(const struct doctor *d, const char *name, char out[PATH_CAP]);
/* A file below it, whole and terminated, for the caller to free: at most 1 MiB. NULL: with *err why. */
char *doctor_read(const struct doctor *d, const char *name, enum ak_err *err);

/*
 * A program's output, through c->host.tool; its exit status, -1 when it can't
 * be run (it is not there, or it hangs). cap bytes, always terminated.
 */
int doctor_tool(const struct doctor *d, char *const argv[], char *out, size_t cap);

#endif
