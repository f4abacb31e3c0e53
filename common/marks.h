/* marks: which audit sessions, logins' scopes and uids have a process at this moment. */
#ifndef AK_MARKS_H
#define AK_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Every process is looked at once for each of them, when the first of its kind is asked for. */
struct marks {
	pid_t without; /* this process does not count; 0: all do */
	struct marks_list {
		bool looked, failed;
		unsigned char *bytes; /* its entries, one behind the other */
		size_t n, cap;
	} audits, scopes, uids;
};

#define MARKS_WITHOUT(pid) ((struct marks){.without = (pid)})

void marks_clear(struct marks *m);

/* True too when it can't be told. */
bool marks_has_audit(struct marks *m, uint32_t audit);
bool marks_has_scope(struct marks *m, const char *scope);
/* As its real or its saved one: a setuid program's caller is still who began it. */
bool marks_has_uid(struct marks *m, uid_t uid);

#endif
