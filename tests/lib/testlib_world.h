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
	uid_t effective_is, saved_is; /* where it is another; else 0 */
	bool effective_root, contained, zombie;
	dev_t tty;
	bool deaf; /* to SIGHUP */
	bool stuck; /* to SIGKILL too, as in an uninterruptible wait */
	unsigned hides; /* seen by each look whose number it divides, and by no other; 0: by all */
	int64_t slow_ms; /* what ends it takes so long; dies_ms: when, then */
	int64_t dies_ms;
	bool gone;
	int64_t hup_ms, kill_ms; /* when it got the first of each; 0: none */
};

struct world {
	struct someone v[WORLD_MAX];
	size_t n;
	char log[65536]; /* what the last pass did: `HUP 100; KILL 102; ` */
	char ended[4096]; /* what it told: `ID REASON gently N; ` */
	int64_t now_ms; /* goes on where somebody waits, and nowhere else */
	int64_t began_ms, took_ms; /* the last pass; its length */
	int64_t told_ms; /* when it told a terminal something */
	int64_t managers_ms; /* what it gave to user managers */
	unsigned looks; /* how often it looked at processes */
	/* What is to happen. */
	bool managers_hang; /* user managers take all the time that they are given, and 100 ms more */
	int64_t stalls_ms; /* the machine stands still so long, once, when a pass next waits */
	bool impatient; /* passes do not wait for their lock */
	uid_t spare; /* the id by which uids are emptied */
	unsigned fails_at; /* the look of that number breaks off behind all that it has seen; 0: none */
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
/* The host as it is seconds after the last edit: its policy is trusted. */
void world_settle(void);

/* ---- a pass ---- */

/* Of this host, now, told to world.ended. It must be done: that is, err must be AK_OK, where that is not asked for. */
struct enforce_result world_pass(struct enforce_how how);
enum ak_err world_try(struct enforce_how how, struct enforce_result *out);
/* Of all sessions. */
struct enforce_result world_pass_all(void);
/* After a change of this key. */
struct enforce_result world_pass_of(uint32_t uid);

bool world_did(const char *what);
/* Both, and the one before the other. */
bool world_did_before(const char *one, const char *other);

#endif
