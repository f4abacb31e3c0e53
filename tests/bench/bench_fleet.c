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
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "bench_ldap.h"
#include "bench_time.h"
#include "credentials.h"
#include "live.h"
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
	return bench_now_us() / 1e3;
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
	bench_die("an engine ended", reason);
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
		bench_die("poll", "failed");
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
		bench_die("poll", "failed");
	if (tick)
		ticked_ms = now_ms();
	for (size_t i = 0; i < n_hosts; i++)
		if ((tick || fds[i].revents != 0) && loop_once(&hosts[i].loop, 0) != AK_OK)
			bench_die("poll", "failed");
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
			bench_die("start", "not all of them follow");
	}
	(void)printf("start %.1f\n", now_ms() - from);
}

/* --- /proc ---------------------------------------------------------------------------------- */

/* A file of /proc, or as much of it as text has room for. */
static void
read_proc(const char *path, char *text, size_t cap_b)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		bench_die(path, "can't be read");
	text[fread(text, 1, cap_b - 1, f)] = '\0';
	(void)fclose(f);
}

/* The number with which the text begins, behind blanks. */
static uint64_t
leading_number(const char *text)
{
	char digits[24];
	int len;

	text += strspn(text, " ");
	len = (int)strspn(text, "0123456789");
	(void)snprintf(digits, sizeof(digits), "%.*s", len, text);
	return bench_number(digits, 0, UINT64_MAX);
}

static void
print_memory(pid_t pid)
{
	static const char label[] = "\nPss:";
	char path[64], text[4096];
	const char *at;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	read_proc(path, text, sizeof(text));
	if ((at = strstr(text, label)) == NULL)
		bench_die(path, "says no Pss");
	(void)printf("memory %" PRIu64 "\n", leading_number(at + strlen(label)));
}

/* utime and stime are the 14th and 15th words; the second, a name in parentheses, has no blank. */
static double
cpu_ms(const char *pid)
{
	char path[64], text[1024], *at = text;

	(void)snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	read_proc(path, text, sizeof(text));
	for (unsigned word = 1; word < 14 && at != NULL; word++)
		if ((at = strchr(at, ' ')) != NULL)
			at++;
	if (at == NULL || strchr(at, ' ') == NULL)
		bench_die(path, "is not as expected");
	return (double)(leading_number(at) + leading_number(strchr(at, ' '))) * 1000 /
	       (double)sysconf(_SC_CLK_TCK);
}

/* --- changes -------------------------------------------------------------------------------- */

static bool
all_have(bool in)
{
	for (size_t i = 0; i < n_hosts; i++)
		if (hosts[i].members != (in ? 2 : 1))
			return false;
	return true;
}

static void
one_change(LDAP *ld, char *member, bool in)
{
	static double took[ENGINES_MAX];
	double from = now_ms(), middle;

	bench_ldap_change(ld, group_dn, member, in);
	while (!all_have(in)) {
		turn(TICK_MS);
		if (now_ms() - from > LIMIT_MS)
			bench_die(group_dn, "not every engine has the change");
	}
	for (size_t i = 0; i < n_hosts; i++)
		took[i] = hosts[i].at_ms - from;
	middle = bench_stat_of(took, n_hosts).median;
	(void)printf("change %.3f %.3f\n", took[n_hosts - 1], middle);
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
		bench_die("usage",
		    "ENGINE ENGINES CHANGES PACE-MS ADMIN-URI GROUP-DN MEMBER-DN SLAPD-PID");
	engines = (size_t)bench_number(argv[2], 1, ENGINES_MAX);
	changes = (size_t)bench_number(argv[3], 1, CHANGES_MAX);
	pace_ms = (size_t)bench_number(argv[4], 1, 60000);
	group_dn = argv[6];
	live_load(&paths, &live);
	if (!live.settings_ok || credentials_read(&live.settings.directory, paths.owner,
				     &credentials, &why) != AK_OK)
		bench_die(paths.config, "is not in order, or a file that it names");
	ld = bench_ldap_open(argv[5]);
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
