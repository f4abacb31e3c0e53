/* measure: what a process holds: memory, descriptors, mappings; and whether that stays as it was. */
#ifndef SOAK_MEASURE_H
#define SOAK_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct measure {
	size_t heap_b; /* of this process alone: what malloc gave and has not got back */
	size_t memory_kib; /* resident, and no file's */
	size_t descriptors, mappings;
};

/* The program ends where /proc doesn't tell. */
struct measure measure_self(void);
struct measure measure_process(pid_t pid);
size_t measure_descriptors(pid_t pid);

#endif
