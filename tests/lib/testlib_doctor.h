/* testlib_doctor: what the doctor says of a made-up host, and its advice, taken. */
#ifndef TESTLIB_DOCTOR_H
#define TESTLIB_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "testlib_cli.h"

#define ADVICE_CAP 900

/*
 * Runs the doctor: has this check a finding of this state with that in its
 * text? advice gets what to do about it, unless it is NULL.
 */
bool doctor_says(struct cli_test *t, const char *check, const char *state, const char *text,
    char advice[ADVICE_CAP]);

/* How many findings of this state the check had in the last run; check NULL: of all. */
size_t doctor_said(const struct cli_test *t, const char *check, const char *state);

/* Runs the advice as it was printed: apikey's own in the test's folder, all else by the shell. */
void doctor_follow(struct cli_test *t, const char *advice);

/* A file of the test's folder ("etc/shadow"), with the folders above it. */
void doctor_put(struct cli_test *t, const char *name, const char *text);

#endif
