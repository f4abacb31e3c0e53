/* pamline: does a PAM stack do with pam_apikey's line what it must: asked first, and final for keys, and for nobody else? */
#ifndef CLI_PAMLINE_H
#define CLI_PAMLINE_H

#include <stdbool.h>

#include "pamstack.h"
#include "text.h"

#define PAMLINE_MODULE "pam_apikey.so"

/* What is wrong, the first of these that is. */
enum pamline_fault {
	PAMLINE_GOOD,
	PAMLINE_BROKEN, /* some line of the stack is none: nobody gets in */
	PAMLINE_MISSING, /* no line of ours: keys are refused */
	PAMLINE_OPEN, /* none, and the stack lets them in unasked */
	PAMLINE_BEHIND, /* another module is shown the token before us, or decides before us */
	PAMLINE_PASSED_BY, /* what stands before us can end the stack, or jump over us */
	PAMLINE_SHUT, /* the stack refuses everybody, and we are not why */
	PAMLINE_LOCKS_OUT, /* who is no key is refused */
	PAMLINE_LOCKS_ROOT_OUT, /* when the module is missing */
	PAMLINE_ENDS_SETCRED, /* keyboard-interactive and cron, for everybody */
	PAMLINE_OVERRULED, /* whom we refuse gets on, or is at least asked by others */
	PAMLINE_REFUSED, /* whom we permit is refused */
	PAMLINE_OPTION, /* a word that is no option of ours, or gives one a second value */
};

struct pamline {
	enum pamline_fault fault;
	const struct pamstack_line *ours; /* NULL: there is none */
	const struct pamstack_line
	    *other; /* which line is at fault beside ours, or where ours belongs; NULL: none */
	bool crossed; /* a jump from another file goes over the beginning of other's */
	const char *word; /* the option */
};

struct pamline pamline_judge(const struct pamstack *s, enum pamstack_phase phase);

/* The control that our line has when it is written by hand (pam_apikey(8)). */
const char *pamline_control(enum pamstack_phase phase);

/* The words that may stand behind the module; those that end in `=' want more. */
extern const char *const pamline_options[];

#endif
