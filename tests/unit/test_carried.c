/* Which recorded session each process belongs to: made-up processes and records. */
#include <stdio.h>
#include <string.h>

#include "carried.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"

#define MAX 12U
#define NONE CARRIED_NONE

/* What the rows say in short. A process: its start time is its pid's tenfold. */
struct process {
	pid_t pid, parent;
	uint32_t audit; /* 0: unset */
	const char *scope;
	bool ended;
	size_t owner; /* what is to be found */
	uint64_t start; /* 0: its pid's tenfold */
};

struct record {
	pid_t leader; /* 0: one that is long gone */
	uint32_t audit; /* 0: not its own */
	const char *scope; /* NULL: none written down */
	enum session_state state; /* 0: open */
	int64_t since;
	bool reused; /* the leader's pid is another's by now */
	bool far; /* in another pid namespace */
	bool in_scope; /* it began in the scope of another login */
	bool by_root;
	uint64_t opened;
};

#define LOGIN "/user.slice/session-1.scope"
#define OTHER "/user.slice/session-2.scope"

static const struct row {
	const char *name;
	struct process p[MAX];
	struct record s[4];
} rows[] = {
    {"what is below the leader is its session's, what is beside it is not",
	{{.pid = 1, .owner = NONE}, {.pid = 10, .parent = 1, .owner = NONE},
	    {.pid = 20, .parent = 10}, {.pid = 21, .parent = 20}, {.pid = 22, .parent = 21},
	    {.pid = 30, .parent = 10, .owner = NONE}},
	{{.leader = 20}}},
    {"so it is where the numbers of processes have begun anew",
	{{.pid = 20}, {.pid = 30, .parent = 40, .start = 500},
	    {.pid = 40, .parent = 50, .start = 450}, {.pid = 50, .parent = 20, .start = 400}},
	{{.leader = 20}}},
    {"abuse 147: su inside a session is its own",
	{{.pid = 1, .owner = NONE}, {.pid = 20, .parent = 1}, {.pid = 21, .parent = 20},
	    {.pid = 30, .parent = 21, .owner = 1}, {.pid = 31, .parent = 30, .owner = 1},
	    {.pid = 40, .parent = 21}},
	{{.leader = 20, .audit = 5}, {.leader = 30}}},
    {"abuse 147: it is its own though both have the audit mark of the outer",
	{{.pid = 20, .audit = 5}, {.pid = 30, .parent = 20, .audit = 5, .owner = 1},
	    {.pid = 31, .parent = 30, .audit = 5, .owner = 1}},
	{{.leader = 20, .audit = 5}, {.leader = 30}}},
    {"abuse 148: an sshd that was started from a session is that session's, its logins are "
     "their own",
	{{.pid = 1, .owner = NONE}, {.pid = 20, .parent = 1, .audit = 5},
	    {.pid = 40, .parent = 1, .audit = 5},
	    {.pid = 41, .parent = 40, .audit = 5, .owner = 1},
	    {.pid = 42, .parent = 41, .audit = 5, .owner = 1}},
	{{.leader = 20, .audit = 5}, {.leader = 41}}},
    {"abuse 142: what forked twice has left the tree, and is known by its mark",
	{{.pid = 1, .owner = NONE}, {.pid = 20, .parent = 1, .audit = 5},
	    {.pid = 50, .parent = 1, .audit = 5}, {.pid = 51, .parent = 50, .audit = 5},
	    {.pid = 52, .parent = 1, .audit = 6, .owner = NONE},
	    {.pid = 53, .parent = 1, .owner = NONE}},
	{{.leader = 20, .audit = 5}}},
    {"a mark that two records have tells nothing",
	{{.pid = 20, .audit = 5}, {.pid = 30, .audit = 5, .owner = 1},
	    {.pid = 50, .parent = 1, .audit = 5, .owner = NONE}},
	{{.leader = 20, .audit = 5}, {.leader = 30, .audit = 5}}},
    {"an unset mark is nobody's",
	{{.pid = 1, .owner = NONE}, {.pid = 50, .parent = 1, .owner = NONE}}, {{.leader = 20}}},
    {"abuse 142: what outlived its logout is known by the mark of a closed record",
	{{.pid = 1, .owner = NONE}, {.pid = 50, .parent = 1, .audit = 5}},
	{{.leader = 0, .audit = 5, .state = SESSION_CLOSED}}},
    {"a leader that has closed its session leads nothing",
	{{.pid = 20, .parent = 1, .owner = NONE}, {.pid = 21, .parent = 20, .owner = NONE}},
	{{.leader = 20, .state = SESSION_CLOSED}}},
    {"a leader's session is the newest that is not closed",
	{{.pid = 20, .parent = 1, .owner = 2}, {.pid = 21, .parent = 20, .owner = 2}},
	{{.leader = 20, .since = 5}, {.leader = 20, .since = 9, .state = SESSION_CLOSED},
	    {.leader = 20, .since = 7}, {.leader = 20, .since = 6}}},
    {"one that was refused, or told to end, still leads",
	{{.pid = 20}, {.pid = 21, .parent = 20}, {.pid = 30, .owner = 1}},
	{{.leader = 20, .state = SESSION_REFUSED}, {.leader = 30, .state = SESSION_ENDING}}},
    {"abuse 136: a leader's pid that was given again leads nothing",
	{{.pid = 20, .parent = 1, .owner = NONE}, {.pid = 21, .parent = 20, .owner = NONE}},
	{{.leader = 20, .reused = true}}},
    {"a record of another pid namespace owns nothing here, by leader, mark or scope",
	{{.pid = 20, .parent = 1, .audit = 5, .scope = LOGIN, .owner = NONE},
	    {.pid = 21, .parent = 20, .audit = 5, .scope = LOGIN, .owner = NONE}},
	{{.leader = 20, .audit = 5, .scope = LOGIN, .far = true}}},
    {"its mark does not make another's doubtful",
	{{.pid = 50, .parent = 1, .audit = 5, .owner = 1}},
	{{.leader = 20, .audit = 5, .far = true}, {.leader = 0, .audit = 5}}},
    {"a zombie is nobody's, and what is below it is still found",
	{{.pid = 20, .ended = true, .owner = NONE}, {.pid = 21, .parent = 20},
	    {.pid = 22, .parent = 21, .audit = 5, .scope = LOGIN, .ended = true, .owner = NONE}},
	{{.leader = 20, .audit = 5, .scope = LOGIN}}},
    {"parents that run in a circle end nothing",
	{{.pid = 50, .parent = 51, .owner = NONE}, {.pid = 51, .parent = 52, .owner = NONE},
	    {.pid = 52, .parent = 50, .owner = NONE}, {.pid = 53, .parent = 53, .owner = NONE},
	    {.pid = 60, .parent = 61, .audit = 5}, {.pid = 61, .parent = 60, .audit = 5}},
	{{.leader = 20, .audit = 5}}},
    {"a parent that was not seen ends the walk",
	{{.pid = 20}, {.pid = 50, .parent = 49, .owner = NONE}}, {{.leader = 20}}},
    {"abuse 147: root's own su leads nothing away of the session that it is called in",
	{{.pid = 20, .audit = 5}, {.pid = 30, .parent = 20, .audit = 5},
	    {.pid = 31, .parent = 30, .audit = 5}},
	{{.leader = 20, .audit = 5}, {.leader = 30, .by_root = true}}},
    {"nor anything where there is none",
	{{.pid = 20, .owner = NONE}, {.pid = 30, .parent = 20, .owner = NONE}},
	{{.leader = 20, .by_root = true}}},
    {"of a daemon that opened a session what is older is not the session's",
	{{.pid = 20}, {.pid = 30, .parent = 20, .owner = NONE},
	    {.pid = 50, .parent = 30, .owner = NONE}, {.pid = 51, .parent = 20},
	    {.pid = 52, .parent = 51}},
	{{.leader = 20, .opened = 405}}},
    {"what began in the tick in which the session was opened is the session's",
	{{.pid = 20}, {.pid = 51, .parent = 20}, {.pid = 52, .parent = 51}},
	{{.leader = 20, .opened = 510}}},
    {"a child of the tick in which its parent began is its child",
	{{.pid = 20}, {.pid = 21, .parent = 20, .start = 200},
	    {.pid = 22, .parent = 21, .start = 200}},
	{{.leader = 20}}},
    {"a parent that is younger than its child is another process",
	{{.pid = 20, .owner = NONE}, {.pid = 30}, {.pid = 31, .parent = 30},
	    {.pid = 21, .parent = 30, .owner = NONE}},
	{{.leader = 30}}},
    {"without audit, by the scope of the leader",
	{{.pid = 1, .owner = NONE}, {.pid = 20, .parent = 1, .scope = LOGIN},
	    {.pid = 50, .parent = 1, .scope = LOGIN},
	    {.pid = 51, .parent = 1, .scope = OTHER, .owner = NONE}},
	{{.leader = 20}}},
    {"not by the scope that it began in, though who began it there is gone",
	{{.pid = 1, .owner = NONE}, {.pid = 20, .parent = 1, .scope = LOGIN},
	    {.pid = 50, .parent = 1, .scope = LOGIN, .owner = NONE}},
	{{.leader = 20, .in_scope = true}}},
    {"by the scope that the record kept, when the leader has left",
	{{.pid = 1, .owner = NONE}, {.pid = 50, .parent = 1, .scope = LOGIN},
	    {.pid = 51, .parent = 1, .scope = OTHER, .owner = 1}},
	{{.leader = 0, .scope = LOGIN, .state = SESSION_CLOSED},
	    {.leader = 0, .scope = OTHER, .state = SESSION_CLOSED}}},
    {"abuse 147: su in a session takes nothing away of the outer's scope",
	{{.pid = 20, .parent = 1, .scope = LOGIN}, {.pid = 21, .parent = 20, .scope = LOGIN},
	    {.pid = 30, .parent = 21, .scope = LOGIN, .owner = 1},
	    {.pid = 50, .parent = 1, .scope = LOGIN}},
	{{.leader = 20}, {.leader = 30}}},
    {"a scope that two records have tells nothing",
	{{.pid = 20, .parent = 1, .scope = LOGIN},
	    {.pid = 30, .parent = 1, .scope = LOGIN, .owner = 1},
	    {.pid = 50, .parent = 1, .scope = LOGIN, .owner = NONE}},
	{{.leader = 20}, {.leader = 30}}},
    {"the mark comes before the scope",
	{{.pid = 20, .parent = 1, .audit = 5},
	    {.pid = 30, .parent = 1, .scope = OTHER, .owner = 1},
	    {.pid = 50, .parent = 1, .audit = 5, .scope = OTHER}},
	{{.leader = 20, .audit = 5}, {.leader = 30}}},
    {"without a record nothing is anybody's",
	{{.pid = 1, .owner = NONE},
	    {.pid = 20, .parent = 1, .audit = 5, .scope = LOGIN, .owner = NONE}},
	{{.leader = -1}}},
};

static size_t
make_processes(const struct row *row, struct procs_one out[MAX])
{
	size_t n = 0;

	for (; n < MAX && row->p[n].pid != 0; n++) {
		const struct process *p = &row->p[n];

		out[n] = (struct procs_one){
		    .id = {.pid = p->pid,
			.start = p->start != 0 ? p->start : (uint64_t)p->pid * 10},
		    .parent = p->parent,
		    .audit = p->audit == 0 ? PROC_NO_AUDIT : p->audit,
		    .scope = p->scope,
		    .ended = p->ended};
	}
	return n;
}

/* A record of nothing ends the row: the first may have a leader that is long gone. */
static bool
is_record(const struct record *r)
{
	return r->leader > 0 || r->audit != 0 || r->scope != NULL;
}

static size_t
make_records(const struct row *row, struct session out[4])
{
	const uint64_t here = proc_namespace();
	size_t n = 0;

	for (; n < 4 && is_record(&row->s[n]); n++) {
		const struct record *r = &row->s[n];
		const pid_t pid = r->leader == 0 ? 999 : r->leader;

		out[n] = (struct session){.state = r->state == 0 ? SESSION_OPEN : r->state,
		    .since = r->since,
		    .leader = {.pid = pid, .start = (uint64_t)pid * 10 + (r->reused ? 1 : 0)},
		    .namespace = r->far ? here + 1 : here,
		    .audit = r->audit == 0 ? PROC_NO_AUDIT : r->audit,
		    .in_scope = r->in_scope,
		    .by_root = r->by_root,
		    .opened = r->opened};
		(void)snprintf(
		    out[n].scope, sizeof(out[n].scope), "%s", r->scope == NULL ? "" : r->scope);
	}
	return n;
}

static void
each_process_is_its_sessions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct session sessions[4];
		struct procs_one v[MAX];
		struct procs procs = {.v = v, .n = make_processes(&rows[i], v)};
		size_t owner[MAX + 1], n = make_records(&rows[i], sessions);
		char name[256];

		owner[procs.n] = 4711;
		assert_int_equal(carried_find(&procs, sessions, n, owner), AK_OK);
		assert_row(rows[i].name, owner[procs.n] == 4711);
		for (size_t p = 0; p < procs.n; p++) {
			(void)snprintf(
			    name, sizeof(name), "%s: pid %d", rows[i].name, v[p].id.pid);
			assert_row(name, owner[p] == rows[i].p[p].owner);
		}
	}
}

static void
without_memory_it_is_said_and_nothing_is_lost(void **state)
{
	static struct session sessions[4];
	const struct row *row = &rows[1];
	struct procs_one v[MAX];
	struct procs procs = {.v = v, .n = make_processes(row, v)};
	size_t owner[MAX], n_sessions = make_records(row, sessions);

	(void)state;
	for (unsigned n = 1;; n++) {
		enum ak_err err;

		alloc_fail_nth(n);
		err = carried_find(&procs, sessions, n_sessions, owner);
		if (!alloc_stop()) {
			assert_err("", AK_OK, err);
			assert_true(n > 1);
			break;
		}
		assert_err("", AK_ERR_NOMEM, err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_process_is_its_sessions),
	    cmocka_unit_test(without_memory_it_is_said_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
