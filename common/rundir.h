/* rundir: small records below /run/apikey: root's alone, written whole, gone with a reboot. */
#ifndef AK_RUNDIR_H
#define AK_RUNDIR_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"
#include "pack.h"

#define RUNDIR_MAX_B 8192U

/*
 * The folder (0700, below a parent 0755), made when missing. Not owner's, or
 * open to others: AK_ERR_UNSAFE. *fd is the caller's to close.
 */
enum ak_err rundir_open(
    const char *parent, const char *name, uid_t owner, int *fd) AK_MUST_CHECK;

/* The same, for who only looks: makes nothing. AK_ERR_NOT_FOUND: there is none, and so no record. */
enum ak_err rundir_look(
    const char *parent, const char *name, uid_t owner, int *fd) AK_MUST_CHECK;

/* The parent alone: made when missing; AK_ERR_UNSAFE as above. */
enum ak_err rundir_make(const char *parent, uid_t owner) AK_MUST_CHECK;

/* The record, at most RUNDIR_MAX_B: a regular file of owner that nobody else can read or write; else AK_ERR_UNSAFE. */
enum ak_err rundir_read(
    int fd, const char *name, uid_t owner, unsigned char *buf, size_t *len_b) AK_MUST_CHECK;

/* Whole or not at all (a temporary name, then renamed), with a CRC-32 at its end that rundir_read checks. */
enum ak_err rundir_write(int fd, const char *name, const struct pack *bytes) AK_MUST_CHECK;

enum ak_err rundir_remove(int fd, const char *name) AK_MUST_CHECK;

/* take for each record's name; its answer other than AK_OK ends it. What a writer has not finished is passed over. */
enum ak_err rundir_each(
    int fd, enum ak_err (*take)(void *ctx, const char *name), void *ctx) AK_MUST_CHECK;

/* What writers that live no more have not finished is removed. */
void rundir_sweep(int fd);

#endif
