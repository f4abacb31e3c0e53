/* startup: what our programs do before anything else. The modules do nothing of it: their program is somebody else's. */
#ifndef COMMON_STARTUP_H
#define COMMON_STARTUP_H

/* A closed 0, 1 or 2 would be given to the next file that is opened, and an answer written into that. -1: it can't be helped. */
int startup_keep_descriptors(void);

/* Secrets pass through: no core holds one, and no other process of the user reads one here. */
void startup_keep_memory(void);

#endif
