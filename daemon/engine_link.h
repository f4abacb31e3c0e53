/* engine_link: the engine's end of the socketpair: frames in, frames out, nothing waits. */
#ifndef AK_ENGINE_LINK_H
#define AK_ENGINE_LINK_H

#include <stdbool.h>

#include "err.h"
#include "pack.h"
#include "wire.h"

struct engine_link {
	int fd;
	struct pack in;
	size_t taken_b; /* of in: messages that were handed out */
	struct pack out; /* frames are appended by wire_put_ and go out in link_flush */
	size_t sent_b; /* of out */
};

/* More than this waits to be read by the daemon: no more is to be made. */
#define ENGINE_LINK_FULL_B ((size_t)8 << 20)

/* fd becomes non-blocking. */
enum ak_err engine_link_init(struct engine_link *l, int fd) AK_MUST_CHECK;
void engine_link_clear(struct engine_link *l);

bool engine_link_has_output(const struct engine_link *l);
bool engine_link_is_full(const struct engine_link *l);

/* As much as goes at once. AK_ERR_UNAVAILABLE: the daemon is gone, or memory is. */
enum ak_err engine_link_flush(struct engine_link *l) AK_MUST_CHECK;
enum ak_err engine_link_fill(struct engine_link *l) AK_MUST_CHECK;

/* The next message, borrowed until the next fill. AK_ERR_NOT_FOUND: no whole one is here; AK_ERR_CORRUPT. */
enum ak_err engine_link_next(struct engine_link *l, struct wire_message *out) AK_MUST_CHECK;

#endif
