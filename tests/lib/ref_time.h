/* ref_time: a policy's time windows, by the C library's calendar and zones. */
#ifndef REF_TIME_H
#define REF_TIME_H

#include <stdint.h>

#include "ref_tree.h"
#include "ref_tri.h"

/* One window, or one of a list; at_s: seconds since 1970. */
enum tri ref_time(const struct yaml_node *node, int64_t at_s);

#endif
