/* testlib_steps: runs code in a child and does something between two of its system calls. */
#ifndef TESTLIB_STEPS_H
#define TESTLIB_STEPS_H

#include <stdbool.h>

/*
 * body(arg) runs in a traced child, which ends with the number that body
 * returned. After the child's n-th system call (from 1) between(arg) runs in
 * the parent; NULL kills the child there. *code is what body returned, or -1
 * when it was killed. False: the child made fewer than n system calls, and
 * ran undisturbed. Where processes can't be traced the test is skipped.
 */
bool steps_run(int (*body)(void *), void (*between)(void *), void *arg, unsigned n, int *code);

/* body(arg) in an ordinary child; what it returned, or -1 when it died. */
int child_run(int (*body)(void *), void *arg);

#endif
