#include "enforce_audit.h"

#include "num.h"

void
enforce_audit(struct audit *a, const struct enforce_ended *e, const char *by)
{
	const struct session *s = e->session;
	char since[NUM_TIME_CAP];

	audit_start(a, "session-ended");
	audit_add(a, "key", s->key);
	audit_add(a, "id", s->key_id);
	audit_add_number(a, "uid", s->uid);
	audit_add(a, "session", s->id);
	audit_add(a, "account", s->account);
	audit_add(a, "service", s->service);
	audit_add(a, "rhost", s->address);
	audit_add(a, "since", num_print_time(s->since, since));
	audit_add(a, "reason", reason_word(e->reason));
	audit_add(a, "why", e->why);
	audit_add(a, "gently", e->gently ? "yes" : "no");
	audit_add_number(a, "processes", e->processes);
	audit_add(a, "by", by);
}
