/* live_trust: may one of the files that a policy was made from be half saved? */
#ifndef AK_LIVE_TRUST_H
#define AK_LIVE_TRUST_H

#include "live.h"

/* An edit in place may follow a build within the clock's grain and leave every stamp as it was; older ones can't have. */
#define TRUST_AFTER_NS INT64_C(2000000000)

/* The raw clock; 0 when it can't be read. */
int64_t live_clock_ns(void);

/* Of a file's identity, as struct live and users.idx have it; 0: no such file. */
uint64_t live_digest(const struct safefile_id *id);

/*
 * Had the file been as it is for so long when it was read that whatever came
 * after has another stamp? Then its identity says that its bytes are the same.
 */
bool live_shows_edits(const struct safefile_id *id, int64_t read_at_ns);

/* Were they old enough when the image was built from them? */
bool live_were_settled(const struct image_sources *src);

/* Sets trusted and trusted_at_ns of what was loaded. read_at_ns: before anything was read. */
void live_judge_trust(const struct paths *p, struct live *l, int64_t read_at_ns);

#endif
