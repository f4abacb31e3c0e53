/* nss_op: the kinds of look-up that name service modules are measured by, and one call of each. */
#ifndef NSS_OP_H
#define NSS_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "nss_module.h"

#define FIRST_UID 1879048192U
#define ROOM_B (1 << 20)

/* What a module is told to place its answers in. */
extern char nss_room[ROOM_B];

struct subject {
	char text[128];
	const char *who, *service;
	struct nss_module module;
	uint64_t n_keys, pool, turn, untouched;
};

/* What is asked, made before the clock runs. */
struct question {
	char name[32];
	uint32_t id;
};

enum whom { A_KEY, NOBODY, A_NEW_KEY };

struct op {
	const char *measure;
	enum nss_status (*call)(struct subject *, const struct question *);
	enum whom whom;
};

#define N_OPS 9
extern const struct op ops[N_OPS];

/* Only a cache has first touches to measure, and not every module has initgroups. */
bool op_applies(const struct subject *s, const struct op *op);

/* The question for key i. */
void op_question(uint64_t i, struct question *out);

/* One call; the end where its answer is not the right one: a figure of a module that fails says nothing. */
double op_timed_us(struct subject *s, const struct op *op);

#endif
