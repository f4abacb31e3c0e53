/* jsonmem: the memory that jansson works in: what is freed is wiped. */
#ifndef CLI_JSONMEM_H
#define CLI_JSONMEM_H

/* Before the first call of jansson; again is harmless. */
void jsonmem_use(void);

#endif
