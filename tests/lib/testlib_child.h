/* testlib_child: a function in a process of its own. Its assertions are the parent's to make: it answers with a number. */
#ifndef TESTLIB_CHILD_H
#define TESTLIB_CHILD_H

#include <sys/types.h>

/* What f answers (0 to 255) in a child that then ends; the test fails when it is killed. */
int child_ask(int (*f)(void *ctx), void *ctx);

/* The same, but it stays until child_end: *answer is what it said. */
struct child {
	pid_t pid;
	int hold; /* written to: it ends */
	int answer;
};

struct child child_start(int (*f)(void *ctx), void *ctx);
void child_end(struct child *c);

/* For f: from now on it can open so many descriptors more, at a time. */
int child_leave_descriptors(unsigned n);

/* Room that a child shares with its parent; for munmap. */
void *child_share(size_t len_b);

#endif
