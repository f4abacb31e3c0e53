/* ask: reads a token or a password from a descriptor: hidden from a terminal, whole from a file or pipe. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <stdio.h>

#include "diag.h"
#include "err.h"
#include "secret.h"

/*
 * From a terminal: prompt on f, echo off, restored whatever ends it (signals
 * take their course after that). Else all that there is, without one line end
 * at its end. More than fits a secret, or a NUL: AK_ERR_INVALID; nothing at
 * all: AK_ERR_INVALID too.
 */
enum ak_err ask_token(int in, FILE *f, struct secret *out, struct diag *why) AK_MUST_CHECK;

/* The same for a password, terminated; out is wiped on failure. */
#define ASK_PASSWORD_CAP 1024
enum ak_err ask_password(
    int in, FILE *f, char out[ASK_PASSWORD_CAP], struct diag *why) AK_MUST_CHECK;

#endif
