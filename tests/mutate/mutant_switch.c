/* mutant_switch: which mutant is at work in this process, and which ones it came past. In the mutated copy alone. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MUTANTS_CAP
#define MUTANTS_CAP 65536
#endif

extern unsigned char *mutant_reached;
extern int mutant_now;

static unsigned char nowhere[MUTANTS_CAP];

unsigned char *mutant_reached = nowhere;
int mutant_now;

/* $MUTANT: its number. $MUTANT_REACHED: a file of MUTANTS_CAP bytes, one for each, all processes' together. */
__attribute__((constructor)) static void
mutant_choose(void)
{
	const char *now = getenv("MUTANT"), *path = getenv("MUTANT_REACHED");
	void *shared;
	int fd;

	if (now != NULL)
		mutant_now = (int)strtol(now, NULL, 10);
	if (path == NULL || (fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return;
	shared = mmap(NULL, MUTANTS_CAP, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (shared != MAP_FAILED)
		mutant_reached = shared;
}
