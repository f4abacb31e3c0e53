/* testlib_world: a made-up host of processes and sessions of keys, with a time of its own, and a pass of enforce over it. */
#ifndef TESTLIB_WORLD_H
#define TESTLIB_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "enforce.h"
#include "testlib_keys.h"

#define WORLD_MAX 400

/* Two keys, and a shared account. */
#define CI 70001U
#define NIGHTLY 70002U
#define DEPLOY 1005U

struct someone {
	pid_t pid, parent;
	uint32_t audit;
	uid_t uid; /* real and saved; effective too */
	uid_t saved_is; /* where it is another; else 0 */
	bool effective_root, contained;
	dev_t tty;
	bool deaf; /* to SIGHUP */
	bool stuck; /* to SIGKILL too, as in an uninterruptible wait */
	int64_t slow_ms; /* SIGKILL takes so long; dies_ms: when, then */
	int64_t dies_ms;
	bool gone;
};

struct world {
	struct someone v[WORLD_MAX];
	size_t n;
	char log[16384]; /* what the last pass did: `HUP 100; KILL 102; ` */
	char ended[1024]; /* what it told: `ID REASON gently N; ` */
	char why[512]; /* of its failure */
	int64_t now_ms; /* goes on where somebody waits, and nowhere else */
	unsigned looks;
	enum ak_err look_err; /* instead of a look */
	struct host host;
	struct key_record ci, nightly; /* either may log in by sshd */
};

extern struct world world;

/* For cmocka_unit_test_setup_teardown; *state is a struct tmp. */
int world_setup(void **state);
#define WORLD_CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, tmp_teardown)

/* ---- processes: each began at its pid × 10 ---- */

struct someone *world_add(pid_t pid, pid_t parent, uid_t uid, uint32_t audit);
/* NULL: there never was one. */
struct someone *world_find(pid_t pid);
bool world_lives(pid_t pid);
/* All that were added so far. */
void world_are_gone(void);
/* Somebody of /etc/passwd has this uid. */
void world_passwd(uint32_t uid);

/* ---- sessions ---- */

/* A login of the key by sshd: its monitor (pid), sshd's child (pid + 1) and a shell on the terminal numbered pid (pid + 2), both of the account. */
struct session world_log_in(const struct key_record *key, uint32_t account_uid, pid_t pid);
/* The record as it is to be found by the next pass. */
void world_record(const struct session *s);
unsigned world_count_records(void);
/* Its record, which is there. */
struct session world_session(pid_t pid);

/* ---- keys ---- */

void world_disable(const struct key_record *key);
void world_expire(int64_t at); /* ci */

/* ---- a pass ---- */

/* Of this host, now, told to world.ended; it must be done, and take as long as a pass may. */
struct enforce_result world_pass(struct enforce_how how);
/* It fails so. */
void world_pass_fails(enum ak_err err);
/* Of all sessions. */
struct enforce_result world_pass_all(void);
/* After a change of this key. */
struct enforce_result world_pass_of(uint32_t uid);

bool world_did(const char *what);
/* Which of the two came first, both being there? */
bool world_did_before(const char *one, const char *other);

#endif
