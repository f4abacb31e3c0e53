#include "testlib_child.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testlib_cmocka.h"

void *
child_share(size_t len_b)
{
	void *room =
	    mmap(NULL, len_b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(room, MAP_FAILED);
	return room;
}

/* The lowest that are free, and the one behind them is the limit. */
int
child_leave_descriptors(unsigned n)
{
	struct rlimit limit;
	int last = open("/", O_PATH | O_CLOEXEC), answer = -1;

	if (last == -1)
		return -1;
	if (n > 0) {
		answer = child_leave_descriptors(n - 1);
	} else if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = (rlim_t)last;
		answer = setrlimit(RLIMIT_NOFILE, &limit);
	}
	(void)close(last);
	return answer;
}

struct child
child_start(int (*f)(void *ctx), void *ctx)
{
	struct child c = {.answer = -1};
	unsigned char said = 0;
	int hold[2], say[2];

	assert_int_equal(pipe(hold), 0);
	assert_int_equal(pipe(say), 0);
	assert_int_not_equal(c.pid = fork(), -1);
	if (c.pid == 0) {
		(void)close(hold[1]);
		said = (unsigned char)f(ctx);
		(void)!write(say[1], &said, 1);
		(void)!read(hold[0], &said, 1);
		_exit(0);
	}
	(void)close(hold[0]);
	(void)close(say[1]);
	c.hold = hold[1];
	if (read(say[0], &said, 1) == 1)
		c.answer = said;
	(void)close(say[0]);
	assert_int_not_equal(c.answer, -1);
	return c;
}

void
child_end(struct child *c)
{
	int status;

	assert_int_equal(write(c->hold, "", 1), 1);
	(void)close(c->hold);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
child_ask(int (*f)(void *ctx), void *ctx)
{
	struct child c = child_start(f, ctx);

	child_end(&c);
	return c.answer;
}
