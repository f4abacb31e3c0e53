/* fuzz_pam_judge: what the module's answers must be, told from what the fuzzer itself built, and by no line of the product. */
#ifndef FUZZ_PAM_JUDGE_H
#define FUZZ_PAM_JUDGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fuzz_pam_host.h"

#define RUN_ARGS 6

/* One login, as far as it went. */
struct run {
	enum host_kind kind;
	bool local_changed, users_changed; /* which files are those of after the change */
	bool damaged; /* some file, or record */
	/* What files of root's, with right checksums, may say now: */
	bool edited; /* anything of policy and settings: only what no policy lifts is asked */
	bool granted; /* any role, of the directory's groups */
	bool heard; /* that the directory was heard, whenever */
	bool forged; /* anything of keys */
	bool no_log; /* nothing can be appended to the audit log */
	bool lockdown;
	const char *args[RUN_ARGS];
	unsigned n_args;
	const struct host_key *verified; /* by the last authenticate; NULL: none */
	uid_t verified_for; /* the account that it was for */
	bool good_address; /* one of the bound key's was PAM_RHOST once */
	bool session; /* one was opened */
	char session_user[64]; /* PAM_USER as the last one was opened */
};

/* phase: a letter of fuzz_pam.c; before: how many sessions were open, and handles there. */
struct answer {
	char phase;
	bool lets_go; /* close_session, or setcred that takes away */
	int code;
	unsigned asked, told;
	unsigned open_before, handles_before;
	const char *authtok_before;
};

/* Ends the program when the answer is one that must not be; takes it down in r. */
void judge(struct run *r, const struct answer *a);

#endif
