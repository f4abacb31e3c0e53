/* listedit: the frame of the verbs that add to one of a key's lists, or take from it. */
#ifndef CLI_LISTEDIT_H
#define CLI_LISTEDIT_H

#include "args.h"
#include "change.h"

struct listedit {
	const char *event; /* for the audit line */
	/* The list that is meant. */
	struct strv *(*list)(struct key_record *k);
	/* The new list into out, from the key and the operands behind its name; all are looked at before any counts. */
	enum ak_err (*edit)(struct change *ch, const struct args *a, const struct key_record *k,
	    struct pack *out);
	/* What is to be said once it is done; NULL: nothing. */
	void (*after)(const struct change *ch);
};

/* The verb's exit code. */
int listedit_run(struct cli *c, const struct args *a, const struct listedit *e);

#endif
