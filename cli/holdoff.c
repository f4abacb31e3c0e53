#include "holdoff.h"

static const int held[HOLDOFF_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP};

static volatile sig_atomic_t came;

static void
note(int sig)
{
	came = sig;
}

/* By a handler and not by the mask: whoever lets go of a lock restores the mask that was there before (lock.h). */
void
holdoff_begin(struct holdoff *h)
{
	struct sigaction sa = {.sa_handler = note, .sa_flags = SA_RESTART};

	if (h->active)
		return;
	h->active = true;
	came = 0;
	(void)sigemptyset(&sa.sa_mask);
	for (int i = 0; i < HOLDOFF_SIGNALS; i++) {
		(void)sigaction(held[i], NULL, &h->before[i]);
		if (h->before[i].sa_handler != SIG_IGN)
			(void)sigaction(held[i], &sa, NULL);
	}
}

void
holdoff_end(struct holdoff *h)
{
	if (!h->active)
		return;
	for (int i = 0; i < HOLDOFF_SIGNALS; i++)
		(void)sigaction(held[i], &h->before[i], NULL);
	h->active = false;
	if (came != 0)
		(void)raise((int)came);
}
