/*
 * bench_fleet: many engines that follow one LDAP server, until the last of them has a change.
 *
 * usage: bench_fleet ENGINE ENGINES CHANGES PACE-MS ADMIN-URI GROUP-DN MEMBER-DN SLAPD-PID
 *
 * Real is: apikey-engine, each a process of its own as _apikey, in its sandbox, with its own connections and searches by
 * this host's apikey.yaml; the part of apikeyd that starts it, pings it and takes its messages (worker.c); the server.
 * Simulated is the rest of each host: one process plays all their daemons, and writes no file; they share one kernel,
 * one address and this machine's processors with the server.
 *
 * A change puts the member into the group or takes it out, in turn. An engine has it when it has told its daemon the
 * group with that member, or without it. Lines:
 *   start MS            until all follow, at most STARTING of them in their first refresh
 *   memory KB           of each engine: its own, and its part of what is shared
 *   change LAST MIDDLE  ms from the sending of a change until the last engine and the middle one have it
 *   cpu MS              of the server for each change
 */
#include <ldap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "accounts.h"
#include "credentials.h"
#include "live.h"
#include "num.h"
#include "worker.h"

#define ENGINES_MAX 5000
#define CHANGES_MAX 1000
#define STARTING 20
#define LIMIT_MS 120000.0
/* The loops' own timers run as often. */
#define TICK_MS 200

struct host {
	struct loop loop;
	struct worker worker;
	bool following;
	size_t members; /* of the group, as last told */
	double at_ms; /* when that was */
};

static struct host hosts[ENGINES_MAX];
static struct pollfd fds[ENGINES_MAX];
static size_t n_hosts;
static struct live live;
static struct credentials credentials;
static const char *group_dn;

static double
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static _Noreturn void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench_fleet: %s: %s\n", what, why);
	exit(1);
}

static size_t
number(const char *text, uint64_t max)
{
	uint64_t n;

	if (num_parse(text, 1, max, &n) != AK_OK)
		die(text, "no number, or too great");
	return (size_t)n;
}

/* --- one host ------------------------------------------------------------------------------- */

static enum ak_err
start(void *ctx, struct worker_how *how, struct pack *frame, struct diag *why)
{
	struct host *h = ctx;
	const struct credentials *c = &credentials;
	uint32_t uid, gid;
	const struct wire_start msg = {
	    .settings = &live.settings.directory,
	    .ca = {c->ca.bytes, c->ca.len_b},
	    .password = {c->password.bytes, c->password.len_b},
	};

	if (accounts_find_user("_apikey", &uid) != AK_OK ||
	    accounts_find_group("_apikey", &gid) != AK_OK)
		return diag_because(why, AK_ERR_NOT_FOUND, "there is no user _apikey");
	h->following = false;
	how->uid = uid;
	how->gid = gid;
	wire_put_start(frame, &msg);
	return AK_OK;
}

static enum ak_err
take(void *ctx, const struct wire_message *m, struct diag *why)
{
	struct host *h = ctx;

	(void)why;
	if (m->type == WIRE_STATE) {
		h->following = m->state.phase == WIRE_FOLLOWING;
		if (m->state.problem[0] != '\0')
			(void)fprintf(stderr, "bench_fleet: an engine: %s\n", m->state.problem);
	}
	if (m->type == WIRE_PUT && strcasecmp(m->entry.dn, group_dn) == 0) {
		h->members = 0;
		h->at_ms = now_ms();
		strv_for (m->entry.values[SLOT_MEMBER_DN], dn)
			h->members += *dn != '\0';
	}
	return AK_OK;
}

static void
ended(void *ctx, const char *reason)
{
	(void)ctx;
	die("an engine ended", reason);
}

static void
begin_host(struct host *h, const char *engine)
{
	const struct worker_how how = {.program = engine,
	    .memory_b = RLIM_INFINITY,
	    .ping_ms = 20000,
	    .again_min_ms = 1000,
	    .again_max_ms = 60000};
	const struct worker_host host = {.start = start, .take = take, .ended = ended, .ctx = h};

	loop_init(&h->loop);
	worker_init(&h->worker, &h->loop, &how, &host);
	worker_start(&h->worker, 120000);
	if (loop_once(&h->loop, 0) != AK_OK)
		die("poll", "failed");
}

/* --- all of them ---------------------------------------------------------------------------- */

/* What is there is taken, at once; where nothing is, it waits for at most so long. */
static void
turn(int wait_ms)
{
	static double ticked_ms;
	bool tick = now_ms() - ticked_ms >= TICK_MS;

	for (size_t i = 0; i < n_hosts; i++)
		fds[i] = (struct pollfd){.fd = hosts[i].worker.fd, .events = POLLIN};
	if (poll(fds, n_hosts, wait_ms) == -1)
		die("poll", "failed");
	if (tick)
		ticked_ms = now_ms();
	for (size_t i = 0; i < n_hosts; i++)
		if ((tick || fds[i].revents != 0) && loop_once(&hosts[i].loop, 0) != AK_OK)
			die("poll", "failed");
}

static size_t
count_following(void)
{
	size_t n = 0;

	for (size_t i = 0; i < n_hosts; i++)
		n += hosts[i].following;
	return n;
}

static void
start_all(const char *engine, size_t n)
{
	double from = now_ms();
	size_t following;

	while ((following = count_following()) < n) {
		if (n_hosts < n && n_hosts - following < STARTING)
			begin_host(&hosts[n_hosts++], engine);
		else
			turn(TICK_MS);
		if (now_ms() - from > 10 * LIMIT_MS)
			die("start", "not all of them follow");
	}
	(void)printf("start %.1f\n", now_ms() - from);
}

/* --- /proc ---------------------------------------------------------------------------------- */

static void
print_memory(pid_t pid)
{
	char path[64], line[256];
	unsigned long kb;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	if ((f = fopen(path, "re")) == NULL)
		die(path, "can't be read");
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Pss: %lu kB", &kb) == 1)
			(void)printf("memory %lu\n", kb);
	(void)fclose(f);
}

/* utime and stime are the 14th and 15th words; the second, a name in parentheses, has no blank. */
static double
cpu_ms(const char *pid)
{
	char path[64];
	unsigned long user = 0, system = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	if ((f = fopen(path, "re")) == NULL ||
	    fscanf(f, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", &user,
		&system) != 2)
		die(path, "can't be read");
	(void)fclose(f);
	return (double)(user + system) * 1000 / (double)sysconf(_SC_CLK_TCK);
}

/* --- changes -------------------------------------------------------------------------------- */

static LDAP *
open_server(const char *uri)
{
	int rc, version = LDAP_VERSION3;
	LDAP *ld = NULL;
	char none[] = "";
	struct berval nothing = {.bv_len = 0, .bv_val = none};

	rc = ldap_initialize(&ld, uri);
	if (rc == LDAP_SUCCESS)
		rc = ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	if (rc == LDAP_SUCCESS)
		rc = ldap_sasl_bind_s(ld, NULL, "EXTERNAL", &nothing, NULL, NULL, NULL);
	if (rc != LDAP_SUCCESS)
		die(uri, ldap_err2string(rc));
	return ld;
}

static void
change(LDAP *ld, char *member, bool in)
{
	char *values[] = {member, NULL};
	char attribute[] = "member";
	LDAPMod mod = {.mod_op = in ? LDAP_MOD_ADD : LDAP_MOD_DELETE,
	    .mod_type = attribute,
	    .mod_values = values};
	LDAPMod *mods[] = {&mod, NULL};
	int rc = ldap_modify_ext_s(ld, group_dn, mods, NULL, NULL);

	if (rc != LDAP_SUCCESS)
		die(group_dn, ldap_err2string(rc));
}

static bool
all_have(bool in)
{
	for (size_t i = 0; i < n_hosts; i++)
		if (hosts[i].members != (in ? 2 : 1))
			return false;
	return true;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
one_change(LDAP *ld, char *member, bool in)
{
	static double took[ENGINES_MAX];
	double from = now_ms();

	change(ld, member, in);
	while (!all_have(in)) {
		turn(TICK_MS);
		if (now_ms() - from > LIMIT_MS)
			die(group_dn, "not every engine has the change");
	}
	for (size_t i = 0; i < n_hosts; i++)
		took[i] = hosts[i].at_ms - from;
	qsort(took, n_hosts, sizeof(took[0]), by_value);
	(void)printf("change %.3f %.3f\n", took[n_hosts - 1], took[n_hosts / 2]);
}

static void
change_often(LDAP *ld, char *member, size_t changes, double pace_ms, const char *slapd)
{
	double cpu = cpu_ms(slapd), until;

	for (size_t i = 0; i < changes; i++) {
		for (until = now_ms() + pace_ms; now_ms() < until;)
			turn((int)(until - now_ms()) + 1);
		one_change(ld, member, i % 2 == 0);
	}
	(void)printf("cpu %.2f\n", (cpu_ms(slapd) - cpu) / (double)changes);
}

int
main(int argc, char **argv)
{
	struct paths paths = paths_installed();
	struct diag why = DIAG_INIT;
	size_t engines, changes, pace_ms;
	LDAP *ld;

	if (argc != 9)
		die("usage",
		    "ENGINE ENGINES CHANGES PACE-MS ADMIN-URI GROUP-DN MEMBER-DN SLAPD-PID");
	engines = number(argv[2], ENGINES_MAX);
	changes = number(argv[3], CHANGES_MAX);
	pace_ms = number(argv[4], 60000);
	group_dn = argv[6];
	live_load(&paths, &live);
	if (!live.settings_ok || credentials_read(&live.settings.directory, paths.owner,
				     &credentials, &why) != AK_OK)
		die(paths.config, "is not in order, or a file that it names");
	ld = open_server(argv[5]);
	start_all(argv[1], engines);
	for (size_t i = 0; i < n_hosts; i++)
		print_memory(hosts[i].worker.pid);
	change_often(ld, argv[7], changes, (double)pace_ms, argv[8]);
	for (size_t i = 0; i < n_hosts; i++)
		worker_stop(&hosts[i].worker);
	(void)ldap_unbind_ext_s(ld, NULL, NULL);
	credentials_clear(&credentials);
	live_clear(&live);
	return 0;
}
