/* descriptors: whoever calls su with few of them does not decide by that what can be asked: while a phase runs there is room for ours. */
#ifndef AK_PAM_DESCRIPTORS_H
#define AK_PAM_DESCRIPTORS_H

#include <stdbool.h>
#include <sys/resource.h>

struct descriptors {
	struct rlimit was;
	bool raised;
};

/*
 * RLIMIT_NOFILE (setrlimit(2)) is raised by what a phase needs at most, beyond
 * the hard limit where this process may. Where it may not nobody is locked out
 * for it, and nobody let in who shows no token.
 */
void descriptors_raise(struct descriptors *d);

/* As it was. */
void descriptors_restore(const struct descriptors *d);

#endif
