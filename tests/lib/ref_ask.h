/* ref_ask: a reference's request and a random policy, as the image has them. */
#ifndef REF_ASK_H
#define REF_ASK_H

#include <stdbool.h>

#include "eval.h"
#include "moments.h"
#include "pack.h"
#include "ref_random.h"

/* ref_request's words as policy_request has them; req borrows from the rest. */
struct ref_asked {
	struct pack bindings, groups, directory_groups, directory_bindings, hosts;
	struct net_addr address, origin;
	struct moments when;
	struct policy_request req;
};

void ref_ask(const struct image *im, const struct ref_request *q, struct ref_asked *a);
void ref_asked_clear(struct ref_asked *a);

/* The reference has no key's own account: there the account is the key's name. */
struct ref_request ref_own_account(const struct ref_request *q);

void ref_request_print(const struct ref_request *q);

/* A policy, parsed and compiled. */
struct ref_subject {
	char *text;
	struct yaml_doc *doc;
	struct image *im;
};

/* Takes text. false: it does not compile, and why says why. Clear *out after both. */
bool ref_subject_make(char *text, struct ref_subject *out, struct diag *why);
void ref_subject_clear(struct ref_subject *p);
/* The test fails, with the text, when it does not compile. */
struct ref_subject ref_subject_of(const struct draft *d);

#endif
