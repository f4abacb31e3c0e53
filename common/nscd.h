/* nscd: the name service's cache, told to forget what it knows of users and groups. */
#ifndef AK_NSCD_H
#define AK_NSCD_H

/* Nothing to do where it does not run. */
void nscd_flush(void);

#endif
