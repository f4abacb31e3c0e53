#include <stdlib.h>

#include "doctor_checks.h"

/* nsswitch.conf(5): keys behind local users, and roles' groups merged with local ones. */
void
doctor_nsswitch(struct doctor *d)
{
	enum ak_err err;
	char *text = doctor_read(d, "nsswitch.conf", &err);

	if (text == NULL) {
		doctor_attend(d, "put it back, as base-files or libc-bin has it",
		    "nsswitch.conf can't be read: %s", ak_strerror(err));
		return;
	}
	doctor_ok(d, "nsswitch.conf can be read");
	free(text);
}
