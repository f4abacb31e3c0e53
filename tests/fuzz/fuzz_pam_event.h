/* fuzz_pam_event: what an input makes happen between two phases of a login. */
#ifndef FUZZ_PAM_EVENT_H
#define FUZZ_PAM_EVENT_H

#include "fuzz_input.h"
#include "fuzz_pam_judge.h"

#define FUZZ_PAM_EVENTS 14

/* What is to fail in the next phase: not before it, in what is the fuzzer's own. */
struct failure {
	unsigned alloc, call;
};
extern struct failure failure;

/* Once, behind the host: tokens that are none of its keys', and look like theirs. */
void fuzz_pam_make_tokens(void);

/* what: below FUZZ_PAM_EVENTS. */
void fuzz_pam_event(struct fuzz_input *in, struct run *r, unsigned what);

#endif
