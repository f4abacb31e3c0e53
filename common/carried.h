/* carried: which recorded session each process belongs to. */
#ifndef AK_CARRIED_H
#define AK_CARRIED_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "procs.h"
#include "sessions.h"

#define CARRIED_NONE SIZE_MAX

/*
 * owner[i], for each process of procs: the number of its session, or
 * CARRIED_NONE. By the nearest leader at or above it; else by the audit session
 * that is one record's alone; else by a scope: the record's, or the one that
 * its leader is in, when no other record has it. So a login inside another (an
 * sshd that was started from a session, su with a token) is its own; root's own
 * su leads nothing away; and sessions of other pid namespaces own nothing. Of a
 * leader, which may be a daemon that serves others too, the children that are
 * older than the session are not the session's. Of several sessions with one
 * leader the newest that is not closed. All sessions must be given, whoever's
 * is asked about. The time grows with the processes, and little with the
 * sessions. AK_ERR_NOMEM: owner says nothing.
 */
enum ak_err carried_find(const struct procs *procs, const struct session *sessions,
    size_t n_sessions, size_t *owner) AK_MUST_CHECK;

#endif
