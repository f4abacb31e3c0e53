/* testlib_cli: runs the command in a test's folder, on a machine whose accounts and clock the test chooses. */
#ifndef TESTLIB_CLI_H
#define TESTLIB_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "cli.h"
#include "testlib_dirserver.h"
#include "testlib_keys.h"
#include "testlib_tmp.h"
#include "token.h"

/* Spaces production (below it production-eu) and staging; roles viewer, editor and admin. */
extern const char *const CLI_POLICY;
/* The same, and a directory on this host (ldapi://), from which viewer may come; keys have uids from DIRECTORY_UID on. */
extern const char *const CLI_DIRECTORY_SETTINGS;
/* No homes, shell /bin/sh, this host is bastion-1. */
extern const char *const CLI_SETTINGS;

/* What a fake pass over the live sessions was asked, and saw when it was. */
struct enforce_call {
	bool all, end_all; /* uids was NULL */
	uint32_t uids[8];
	size_t n_uids;
	char end_id[SESSION_ID_CAP];
	uint32_t end_uid;
	int64_t now;
	uint64_t local,
	    users; /* generations of local.idx, and of the one that users.idx was made from */
	size_t logged; /* length of the audit log then */
};

#define ENFORCE_CALLS_MAX 64

struct cli_test {
	struct host host;
	struct tmp *tmp;
	struct cli cli;
	char skel[TMP_CAP * 2], crontabs[TMP_CAP * 2], atjobs[TMP_CAP * 2], etc[TMP_CAP * 2],
	    root[TMP_CAP * 2];
	char var[TMP_CAP * 2], run[TMP_CAP * 2], proc[TMP_CAP * 2];
	int64_t now; /* HOST_NOW at first */
	/* One local user and one local group, and an id that is taken; and whether accounts can be asked at all. */
	const char *user, *group;
	uint32_t user_uid, group_gid, taken;
	bool accounts_down;
	struct fake_directory directory; /* for --in directory */
	const char *input; /* what stdin holds; NULL: nothing */
	unsigned fail_nth; /* this allocation of a run fails (testlib_alloc.h); 0: none */
	bool alloc_failed; /* there was one */
	FILE *out_to, *err_to; /* NULL: into out, err */
	char *out, *err; /* what the last run wrote; freed by the next */
	char log[16384]; /* audit lines since the start */
	enum ak_err log_err; /* of the audit file */
	const char *from; /* where the command is run from; NULL: not known */
	/* The passes that were asked for; each answers enforce_err, or ends what is in `ends` with the first pass, and has these results, one after the other (the last one again and again). */
	struct enforce_call calls[ENFORCE_CALLS_MAX];
	size_t n_calls;
	enum ak_err enforce_err;
	const struct enforce_ended *ends;
	size_t n_ends;
	const struct enforce_result *results; /* NULL: nothing to do */
	size_t n_results;
	void (*during)(struct cli_test *t); /* within a pass; NULL: nothing */
	/* What other programs answer: as cli_host's tool; NULL: there are none. */
	int (*tool)(struct cli_test *t, char *const argv[], char *out, size_t cap);
	/* What the loader says of a library, "" that it can load it; NULL: it can load any. */
	const char *(*load)(struct cli_test *t, const char *path);
	int64_t waited_ms;
	unsigned flushes; /* of name caches */
};

/* As host_make, with the policy and settings above. */
void cli_test_make(struct cli_test *t, void **state);
void cli_test_clear(struct cli_test *t);

/* apikey ARGUMENT…; the exit code. */
int cli_test_run(struct cli_test *t, const char *const *words);
#define run(t, ...) cli_test_run((t), (const char *const[]){"apikey", __VA_ARGS__, NULL})

/* The run ended so, and the error stream holds says (NULL: is empty). */
#define assert_run(t, wanted, says, ...)                                                       \
	cli_test_assert((t), (wanted), (says), run((t), __VA_ARGS__), __FILE__, __LINE__)
void cli_test_assert(
    struct cli_test *t, int wanted, const char *says, int got, const char *file, int line);

/* What the last run wrote, as JSON; the test fails when it is none. Decref. */
json_t *cli_test_json(const struct cli_test *t);
/* A member as compact JSON of the document ("name", or "secrets.0.number"); good until the next call; NULL: no such. */
const char *cli_test_member(const struct cli_test *t, const char *path);
#define assert_member(t, path, wanted)                                                         \
	assert_string_equal(cli_test_member((t), (path)), (wanted))

/* Make a key; its token into tok (-q's answer), unless tok is NULL. */
void cli_test_create(struct cli_test *t, const char *name, const char *role, char tok[80]);

/* The generation of local.idx, to see whether it was written again; 0: none. */
uint64_t cli_test_generation(const struct cli_test *t);

#endif
