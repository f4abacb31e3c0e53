/* tool: another program, run for a bounded time, with nothing of ours: no descriptor, variable, folder or signal. */
#ifndef AK_TOOL_H
#define AK_TOOL_H

#include <stddef.h>
#include <stdint.h>

/* The monotonic clock, in ms: what until_ms is on. */
int64_t tool_now_ms(void);

/*
 * Runs argv[0], an absolute path, and waits until it has ended; once until_ms
 * is over it is killed. Its input is empty. What it writes to its output, at
 * most cap - 1 bytes of it and terminated, comes into out; out NULL: nowhere,
 * like its errors. Answers its exit status; -1 when it could not be run, ended
 * in no good way, or was killed.
 */
int tool_run(char *const argv[], int64_t until_ms, char *out, size_t cap);

#endif
