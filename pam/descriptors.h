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
 * Where hardly any is free below RLIMIT_NOFILE (setrlimit(2)), and nowhere else,
 * it is raised by what a phase needs at most, beyond the hard limit where this
 * process may. Where it may not, an account of only keys may be entered by its
 * password, if it has one.
 */
void descriptors_raise(struct descriptors *d);

/* As it was. */
void descriptors_restore(const struct descriptors *d);

#endif
