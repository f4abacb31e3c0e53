/* golden_request: one line of a golden case's .in file as a request, and the host that all of them stand on. */
#ifndef GOLDEN_REQUEST_H
#define GOLDEN_REQUEST_H

#include <stdint.h>

#include "eval.h"
#include "moments.h"
#include "pack.h"
#include "policy.h"

/* A line is `key: value, key: value` (no value holds a comma). What is left out is missing. */
struct golden_asked {
	struct pack bindings, groups, directory_groups, directory_bindings, hosts;
	struct net_addr address, origin;
	struct moments when;
	struct policy_request req;
	const char *at;
	uint64_t ms;
};

/* Cuts the line up, and borrows from it. The test fails when it is none. */
void golden_read_request(const struct image *im, char *line, struct golden_asked *a);
void golden_asked_clear(struct golden_asked *a);

/* Groups root 0, sudo 27, docker 999, staff 1000; accounts root and toor 0, deploy 1001, app 1002; this machine's time zones. */
extern const struct policy_host golden_host;

#endif
