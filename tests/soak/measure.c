/* measure: see measure.h. */
#include "measure.h"

#include <dirent.h>
#include <errno.h>
#include <error.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static FILE *
open_proc(pid_t pid, const char *name)
{
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if ((f = fopen(path, "re")) == NULL)
		error(2, errno, "%s", path);
	return f;
}

/* Of the page tables: what `status' says may be some hundred KiB behind. */
static size_t
anonymous_kib(pid_t pid)
{
	FILE *f = open_proc(pid, "smaps_rollup");
	char line[256];
	size_t kib = 0;

	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Anonymous: %zu kB", &kib) == 1)
			break;
	(void)fclose(f);
	if (kib == 0)
		error(2, 0, "the memory of %d can't be told", (int)pid);
	return kib;
}

static size_t
count_mappings(pid_t pid)
{
	FILE *f = open_proc(pid, "maps");
	size_t n = 0;
	int c;

	while ((c = fgetc(f)) != EOF)
		n += c == '\n' ? 1 : 0;
	(void)fclose(f);
	return n;
}

size_t
measure_descriptors(pid_t pid)
{
	char path[64];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if ((d = opendir(path)) == NULL)
		error(2, errno, "%s", path);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.' ? 1 : 0;
	(void)closedir(d);
	return n - (pid == getpid() ? 1 : 0); /* the folder's own */
}

struct measure
measure_process(pid_t pid)
{
	return (struct measure){.memory_kib = anonymous_kib(pid),
	    .descriptors = measure_descriptors(pid),
	    .mappings = count_mappings(pid)};
}

struct measure
measure_self(void)
{
	struct mallinfo2 heap = mallinfo2();
	struct measure m = measure_process(getpid());

	m.heap_b = heap.uordblks + heap.hblkhd;
	return m;
}
