/* pam_host: the host that the driver's transactions run on: its files and keys, what the module finds in place of the system's, and a transaction's phases. */
#ifndef PAM_HOST_H
#define PAM_HOST_H

#include <limits.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <sys/types.h>

#include "testlib_cmocka.h"
#include "testlib_keys.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
/* Files are stamped in the past of any clock. */
#define STAMP 1000000

/* ---- what the module finds in place of the system's ---- */

#define LOG_CAP 65536
/* What it gave to pam_syslog, a line each with its level before it. */
extern char log_lines[LOG_CAP];
/* Who calls. */
extern uid_t real_uid;
/* The groups of this process. */
extern gid_t groups[NGROUPS_MAX];
extern int n_groups;
extern bool groups_are_fixed;
extern bool no_room_in_pam, no_room_in_env;

/* Called once, after the next file of records is in its place. */
extern void (*once_recorded)(void);
/* From here on no record can be written. */
extern bool no_more_records;
/* Called once, while the next prompt waits. */
extern void (*once_asked)(void);
/* Does the handle keep a policy, and word of a key? What stands in PAM_AUTHTOK? */
extern bool keeps_policy, keeps_handover;
extern char left_authtok[64];

/* The n-th allocation fails (all_fail: and every one behind it), whoever asks: the module, libpam, libgcrypt, libyaml. Not with a sanitizer, whose own these are. */
#if defined(__SANITIZE_ADDRESS__)
#define COUNTS_ALLOCATIONS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COUNTS_ALLOCATIONS false
#endif
#endif
#ifndef COUNTS_ALLOCATIONS
#define COUNTS_ALLOCATIONS true
#endif
extern unsigned countdown;
extern bool one_failed, all_fail;

/* ---- the host ---- */

extern struct host host;
extern struct token tok_ci, tok_second, tok_other[6];

enum {
	UID_CI = 70000,
	UID_SECOND,
	UID_DISABLED,
	UID_EXPIRED,
	UID_EARLY,
	UID_ROLELESS,
	UID_SSHONLY,
	UID_BOUND,
	UID_DEPLOY = 1005,
};

/* Only where root is somebody else outside: nothing of the machine is touched. */
bool is_own_namespace(void);
void mount_host(const char *root);
/* Before each test: the keys, a policy, no records. */
int set_up(void **state);
/* Publish with what a change stages. */
void change(void (*stage)(struct store *s));
void add_all(struct store *s);
/* A key as it is stored, changed, stored again; NULL: removed. */
void amend(uint32_t uid, void (*edit)(struct key_record *k));
/* How many records there are below /run. */
unsigned count_records(const char *folder, bool remove);
void empty_folder(const char *folder);
/* Has the module logged that? What it logged so far is forgotten. */
bool has_logged(const char *text);

/* What comes between two phases (pam_between.c). */
void share_deploy(void); /* ci may enter deploy */
void store_image(void); /* of the policy, old enough to be kept */
void rename_ci(void);
void delete_ci(void);
void give_nothing(void); /* the policy, from here on */
void spoil_policy(void);
void take_policy_away(void);
void lose_users(void);

/* ---- transactions ---- */

/* Many of libpam's callers have one; here it answers what the test says. */
struct conversation {
	const char *answer; /* NULL: success without an answer */
	int code;
	bool refuses_echo; /* as sshd does, whose user was named before */
	unsigned asked, told;
	char prompt[256], last_told[512];
};
extern struct conversation conv;
int converse(int n, const struct pam_message **msg, struct pam_response **resp, void *data);

/* Of the next one. */
struct transaction {
	const char *rhost, *ruser;
	int flags;
	bool past_unknown; /* as a stack whose next module says yes */
	void (*between)(pam_handle_t *pamh, char before); /* called before each phase */
	void (*after)(pam_handle_t *pamh);
};
extern struct transaction how;

/*
 * Each letter is a phase: authenticate, acct_mgmt (m), setcred, open_session,
 * close_session, delete credentials, password. The first answer that is not
 * PAM_SUCCESS ends it, else the last one is returned.
 */
int enter(const char *service, const char *user, const char *answer, const char *phases);
const char *text_of(const struct token *t);

#define ci_text (text_of(&tok_ci))
#define assert_code(row, wanted, got)                                                          \
	do {                                                                                   \
		int got_ = (got);                                                              \
		if (got_ != (wanted))                                                          \
			print_error("%s: wanted %s (%d), got %s (%d)\n", (row), #wanted,       \
			    (wanted), pam_strerror(NULL, got_), got_);                         \
		assert_row((row), got_ == (wanted));                                           \
	} while (0)

/* The driver's other files of tests. */
extern const struct CMUnitTest written_tests[], stress_tests[], memory_tests[], between_tests[],
    again_tests[], scarce_tests[], abuse_tests[];
extern const size_t n_written_tests, n_stress_tests, n_memory_tests, n_between_tests,
    n_again_tests, n_scarce_tests, n_abuse_tests;

#endif
