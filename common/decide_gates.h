/* decide_gates: what a key itself says of a request, before any policy is asked: the first part of decide. */
#ifndef AK_DECIDE_GATES_H
#define AK_DECIDE_GATES_H

#include "decide.h"

/* REASON_PERMITTED, or the first gate's that fails, with a sentence in v->why. Each is traced. */
enum reason decide_gates(
    const struct decide_request *req, const struct trace *trace, struct verdict *v);

/* A line for the trace, which may be NULL. */
void decide_tell(const struct trace *trace, enum trace_step step, bool holds, const char *text);

#endif
