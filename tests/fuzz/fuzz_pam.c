/*
 * fuzz_pam: the whole PAM module, over a login that the input tells: who, by
 * which service, with which words, on a host of which files are damaged, memory
 * ends, calls fail, the clock is set, the key revoked between two phases. What
 * it answers is held against fuzz_pam_judge; and it must leave the process that
 * loaded it as it was, and answer the same when the same happens once more.
 */
#include <dirent.h>
#include <security/pam_modules.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_check.h"
#include "fuzz_pam_event.h"
#include "fuzz_pam_host.h"
#include "fuzz_pam_judge.h"
#include "fuzz_pam_world.h"

#define PHASES_MAX 12U

extern char **environ;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

/* ---- phases ---- */

static int
call(const struct run *r, char phase, int flags)
{
	pam_handle_t *pamh = world_borrow_handle();
	const char **args = (const char **)r->args;
	int n = (int)r->n_args;

	switch (phase) {
	case 'a':
		return pam_sm_authenticate(pamh, flags, n, args);
	case 'm':
		return pam_sm_acct_mgmt(pamh, flags, n, args);
	case 's':
		return pam_sm_setcred(pamh, flags, n, args);
	case 'o':
		return pam_sm_open_session(pamh, flags, n, args);
	case 'c':
		return pam_sm_close_session(pamh, flags, n, args);
	default:
		return pam_sm_chauthtok(pamh, flags, n, args);
	}
}

/* Silence, and what setcred is to do. */
static int
flags_of(char phase, unsigned byte)
{
	unsigned flags = (byte & 1U) != 0 ? (unsigned)PAM_SILENT : 0;

	if (phase == 's')
		flags |= (byte & 2U) != 0 ? PAM_DELETE_CRED : PAM_ESTABLISH_CRED;
	return (int)flags;
}

static void
run_phase(struct run *r, char phase, int flags)
{
	struct answer a = {.phase = phase,
	    .lets_go =
		phase == 'c' || (phase == 's' && ((unsigned)flags & PAM_DELETE_CRED) != 0),
	    .open_before = host_count_open(r->kind),
	    .handles_before = host_count_handles(r->kind),
	    .authtok_before = world.items[PAM_AUTHTOK]};
	size_t len;

	world.asked = world.told = 0;
	world.hung_up = false;
	world.fail_alloc = failure.alloc;
	world.fail_call = failure.call;
	a.code = call(r, phase, flags);
	world.fail_alloc = world.fail_call = failure.alloc = failure.call = 0;
	a.asked = world.asked;
	a.told = world.told;
	len = strlen(world.log);
	(void)snprintf(
	    world.log + len, sizeof(world.log) - len, "%c answers %d\n", phase, a.code);
	fuzz_check((flags & (int)PAM_SILENT) == 0 || a.told == 0, "PAM_SILENT is silent");
	judge(r, &a);
}

static const struct world nothing;

/* The same happens to the same host. */
static void
run_all(const uint8_t *bytes, size_t len_b)
{
	static const char phases[] = "amsocp";
	struct fuzz_input in = {bytes, len_b};
	struct run r = {.kind = fuzz_u8(&in) % HOST_KINDS};

	world = nothing;
	failure.alloc = failure.call = 0;
	world.now_s = host_began_s + 1;
	world.now_ns = 500000000;
	world.random = 7;
	world.paths = host_restore(r.kind);
	world_set_item(PAM_SERVICE, "sshd");
	world_set_item(PAM_USER, "ci");
	for (unsigned n = 0; in.left_b > 0 && n < PHASES_MAX;) {
		unsigned what = fuzz_u8(&in) % (FUZZ_PAM_EVENTS + sizeof(phases) - 1);

		if (what < FUZZ_PAM_EVENTS) {
			fuzz_pam_event(&in, &r, what);
			continue;
		}
		run_phase(&r, phases[what - FUZZ_PAM_EVENTS],
		    flags_of(phases[what - FUZZ_PAM_EVENTS], fuzz_u8(&in)));
		n++;
	}
	world_end(false);
	fuzz_check(host_is_untouched(r.kind), "a login changes nothing of what it decides by");
	for (unsigned i = 0; i < HOST_KEYS * 2; i++) {
		const struct secret *s = &host_keys[i / 2].token[i % 2].text;

		fuzz_check(s->len_b == 0 || (strstr(world.log, s->text + 20) == NULL &&
						!host_has_logged(r.kind, s->text + 20)),
		    "nothing of a token is logged or told");
	}
}

/* ---- the process ---- */

struct process {
	unsigned descriptors, threads;
	void (*signals[NSIG])(int sig);
	sigset_t mask;
	mode_t umask;
	char **environment;
	char *first;
};

static unsigned
count_in(const char *folder)
{
	DIR *d = opendir(folder);
	unsigned n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		(void)closedir(d);
	return n;
}

static void
look_at_process(struct process *p)
{
	struct sigaction a;

	memset(p, 0, sizeof(*p));
	p->descriptors = count_in("/proc/self/fd");
	p->threads = count_in("/proc/self/task");
	for (int sig = 1; sig < NSIG; sig++)
		if (sigaction(sig, NULL, &a) == 0)
			p->signals[sig] = a.sa_handler;
	(void)sigprocmask(SIG_BLOCK, NULL, &p->mask);
	p->umask = umask(0);
	(void)umask(p->umask);
	p->environment = environ;
	p->first = environ == NULL ? NULL : environ[0];
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	world.now_s = INT64_C(1900000000);
	world.random = 1;
	host_make_all();
	fuzz_pam_make_tokens();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	static struct process before, after;
	static char first[WORLD_LOG_CAP];

	look_at_process(&before);
	run_all(bytes, len_b);
	memcpy(first, world.log, sizeof(first));
	run_all(bytes, len_b);
	look_at_process(&after);
	fuzz_check(
	    strcmp(first, world.log) == 0, "the same happens, and the answers are the same");
	fuzz_check(before.descriptors == after.descriptors, "no descriptor is left");
	fuzz_check(before.threads == after.threads, "no thread is left");
	fuzz_check(memcmp(&before, &after, sizeof(before)) == 0,
	    "signals, mask and environment are as they were");
	return 0;
}
