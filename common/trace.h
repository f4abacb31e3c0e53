/* trace: what an evaluation looked at and found, line by line, for explain, check and the audit log. */
#ifndef AK_TRACE_H
#define AK_TRACE_H

#include <stdbool.h>
#include <stdint.h>

/* The steps of a decision, in their order (apikey-policy(5)). */
enum trace_step { TRACE_GATE, TRACE_ROLE, TRACE_REQUEST, TRACE_DECISION };

struct trace_line {
	enum trace_step step;
	bool holds;	      /* the gate is passed, the role is held here, the request is permitted */
	const char *file;     /* NULL when no file says so */
	uint32_t line;	      /* 0: none */
	const char *text;     /* "role viewer, bound directly as viewer:spaces:production" */
};

/* Where the lines go; a NULL trace is nobody asking. The strings hold during the call alone. */
struct trace {
	void (*take)(void *ctx, const struct trace_line *line);
	void *ctx;
};

#endif
