/*
 * bench_disk: what the disk takes for the bytes of one change: what publishing writes, without anything of it worked out.
 *
 * usage: bench_disk STATE    prints the ms
 *
 * The bytes are those that local.idx and users.idx of STATE hold now. They go into two files beside them, the way that
 * store_commit and publish write (safefile.h): both are written new; the first is fsynced, keeps its predecessor,
 * and is renamed, and its folder is fsynced; then the second is renamed. Copies that lie there already give way, as
 * the old files do. Nothing is counted but that.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench_time.h"
#include "paths.h"
#include "safefile.h"

struct copy {
	char path[PATH_CAP];
	const void *bytes;
	size_t len_b;
};

/* All of STATE/NAME, in memory before anything is timed. */
static void
copy_prepare(struct copy *c, const char *state, const char *name)
{
	char from[PATH_CAP];
	struct stat st;
	int fd;

	(void)snprintf(from, sizeof(from), "%s/%s.idx", state, name);
	(void)snprintf(c->path, sizeof(c->path), "%s/copy.%s", state, name);
	fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1 || st.st_size == 0)
		bench_die(from, "can't be opened, or is empty");
	c->len_b = (size_t)st.st_size;
	c->bytes = mmap(NULL, c->len_b, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (c->bytes == MAP_FAILED)
		bench_die(from, "can't be read");
	(void)close(fd);
}

static void
must(const struct copy *c, enum ak_err err)
{
	if (err != AK_OK)
		bench_die(c->path, ak_strerror(err));
}

static void
begin(const struct copy *c, unsigned keep, struct safefile_new *f)
{
	must(c, safefile_new_begin(f, c->path, keep, NULL));
	must(c, safefile_new_write(f, c->bytes, c->len_b, 0, NULL));
}

int
main(int argc, char **argv)
{
	struct safefile_new local_file, users_file;
	struct copy local, users;
	double from;

	if (argc != 2)
		bench_die("usage", "bench_disk STATE");
	copy_prepare(&local, argv[1], "local");
	copy_prepare(&users, argv[1], "users");
	from = bench_now_us();
	begin(&local, SAFEFILE_SYNC | SAFEFILE_PREVIOUS, &local_file);
	begin(&users, 0, &users_file);
	must(&local, safefile_new_end(&local_file, 0600, NULL));
	must(&users, safefile_new_end(&users_file, 0644, NULL));
	(void)printf("%.3f\n", (bench_now_us() - from) / 1e3);
	return 0;
}
