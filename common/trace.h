/* trace: what an evaluation looked at and found, line by line, for explain, check and the audit log. */
#ifndef AK_TRACE_H
#define AK_TRACE_H

#include <stdbool.h>
#include <stdint.h>

/* The steps of a decision, in their order (apikey-policy(5)). Lines come in this order too. */
enum trace_step {
	TRACE_GATE, /* holds: the gate is passed */
	TRACE_DENY, /* holds: the rule fires, so the key is refused */
	TRACE_ALLOW, /* holds: the rule fires, so the key is admitted */
	TRACE_ROLE, /* holds: the role is held on this host, by this binding, group or grant */
	TRACE_REQUEST, /* holds: the role permits the service and the account */
	TRACE_DECISION,
};

struct trace_line {
	enum trace_step step;
	bool holds;
	/* a rule whose condition is neither true nor false: an input is missing */
	bool undefined;
	/* DENY, ALLOW, and ROLE by a grant: its number in its section, from 0; else IMAGE_NONE */
	uint32_t rule;
	uint32_t role; /* ROLE, REQUEST: its number in the image; else IMAGE_NONE */
	const char *id; /* DENY: the rule's id; else NULL */
	const char *file; /* NULL when no file says so */
	uint32_t line; /* 0: none */
	const char *text; /* "role viewer, bound directly as viewer:spaces:production" */
};

/* Where the lines go; a NULL trace is nobody asking. The strings hold during the call alone. */
struct trace {
	void (*take)(void *ctx, const struct trace_line *line);
	void *ctx;
	/* Look at the rules too that ask for other logins and so can't concern this key: the answer is the same. */
	bool every_rule;
};

#endif
