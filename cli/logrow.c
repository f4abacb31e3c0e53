#include "logrow.h"

#include <string.h>

#include "audit.h"
#include "text.h"

enum column { TIME, RESULT, WHAT, KEY, FROM, WHERE };

/* What somebody typed as a name must not push all that follows out of sight. */
#define WIDTH_MAX 32U

/* Wide enough for most hosts: a row that needs more widens those after it. */
struct logrow
logrow_init(void)
{
	return (struct logrow){
	    .widths = {
		[TIME] = 20, [RESULT] = 6, [WHAT] = 13, [KEY] = 12, [FROM] = 15, [WHERE] = 6}};
}

static const char *
value_of(const struct logfmt *l, const char *name)
{
	const char *value = logfmt_find(l, name);

	return value == NULL ? "" : value;
}

static bool
is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

/* The module's own lines: decisions. */
static bool
is_decision(const char *event)
{
	static const char *const events[] = {"authenticate", "account", "open_session",
	    "close_session", "setcred", "chauthtok", NULL};

	return is_one_of(event, events);
}

static bool
is_sudo(const char *service)
{
	return strcmp(service, "sudo") == 0 || strcmp(service, "sudo-i") == 0;
}

/* After authenticate and account these open a session; of others nobody knows. */
static bool
opens_session(const char *service)
{
	static const char *const services[] = {"sshd", "login", "su", "su-l", "cron", "crond",
	    "atd", "runuser", "runuser-l", NULL};

	return is_one_of(service, services);
}

bool
logrow_is_shown(const struct logfmt *l)
{
	const char *event = value_of(l, "event"), *service = value_of(l, "service");

	if (!is_decision(event) || strcmp(value_of(l, "decision"), "allow") != 0)
		return true;
	if (strcmp(event, "setcred") == 0 || strcmp(service, "systemd-user") == 0)
		return false;
	if (is_sudo(service))
		return strcmp(event, "account") == 0;
	if (opens_session(service))
		return strcmp(event, "authenticate") != 0 && strcmp(event, "account") != 0;
	return true;
}

/* As audit.h writes it, but for the quotes of a sentence that is ours. */
static void
add_escaped(struct text *t, const char *value, bool sentence)
{
	struct audit a;
	const char *written;
	size_t len;

	if (*value == '\0')
		return;
	audit_start(&a, "");
	written = a.line + a.text.len + sizeof(" v=") - 1;
	audit_add(&a, "v", value);
	len = strlen(written);
	if (sentence && written[0] == '"')
		text_add(t, "%.*s", (int)len - 2, written + 1);
	else
		text_add(t, "%s", written);
}

static void
print_cell(struct logrow *r, enum column at, const char *value, FILE *f)
{
	char cell[2 * AUDIT_VALUE_MAX_B];
	struct text t = text_over(cell, sizeof(cell));

	if (*value == '\0')
		text_add(&t, "-");
	else
		add_escaped(&t, value, at == WHAT);
	if (t.len > r->widths[at])
		r->widths[at] = t.len < WIDTH_MAX ? t.len : WIDTH_MAX;
	(void)fprintf(f, "%-*s  ", (int)r->widths[at], cell);
}

void
logrow_print_headings(struct logrow *r, FILE *f)
{
	static const char *const headings[] = {"TIME", "RESULT", "WHAT", "KEY", "FROM", "WHERE"};

	for (unsigned i = 0; i < LOGROW_COLUMNS; i++)
		print_cell(r, (enum column)i, headings[i], f);
	(void)fputs("DETAIL\n", f);
}

/* Without the fraction of the second. */
static void
print_time(struct logrow *r, const struct logfmt *l, FILE *f)
{
	const char *time = value_of(l, "time"), *dot = strchr(time, '.');
	char cell[64];
	struct text t = text_over(cell, sizeof(cell));

	if (dot == NULL)
		text_add(&t, "%s", time);
	else
		text_add(&t, "%.*sZ", (int)(dot - time), time);
	print_cell(r, TIME, cell, f);
}

/* "login", "sudo"; of what the command and the daemon did "key created". */
static void
print_what(struct logrow *r, const struct logfmt *l, FILE *f)
{
	const char *event = value_of(l, "event");
	char cell[64];
	struct text t = text_over(cell, sizeof(cell));

	if (!is_decision(event))
		text_add(&t, "%s", event);
	else if (strcmp(event, "close_session") == 0)
		text_add(&t, "logout");
	else if (strcmp(event, "chauthtok") == 0)
		text_add(&t, "password");
	else
		text_add(&t, "%s", is_sudo(value_of(l, "service")) ? "sudo" : "login");
	for (char *c = cell; *c != '\0'; c++)
		if (*c == '-')
			*c = ' ';
	print_cell(r, WHAT, cell, f);
}

/* "sshd"; "deploy/sshd" where it is another account than the key's own. */
static void
print_where(struct logrow *r, const struct logfmt *l, FILE *f)
{
	const char *account = value_of(l, "account"), *service = value_of(l, "service");
	char cell[2 * AUDIT_VALUE_MAX_B];
	struct text t = text_over(cell, sizeof(cell));

	if (strcmp(account, value_of(l, "key")) != 0)
		text_add(&t, "%s%s", account, *account == '\0' || *service == '\0' ? "" : "/");
	text_add(&t, "%s", service);
	print_cell(r, WHERE, cell, f);
}

static const char *
first_of(const struct logfmt *l, const char *name, const char *other)
{
	const char *value = value_of(l, name);

	return *value != '\0' ? value : value_of(l, other);
}

static void
add_decision(struct text *t, const struct logfmt *l)
{
	const char *roles = value_of(l, "roles");

	if (strcmp(value_of(l, "decision"), "allow") != 0) {
		add_escaped(t, first_of(l, "why", "reason"), true);
	} else if (*roles != '\0') {
		text_add(t, "roles ");
		add_escaped(t, roles, false);
	}
}

/* `roles_before' is told with `roles', or alone when there are none any more. */
static const char *
value_before(const struct logfmt *l, const char *name)
{
	char before[64];
	struct text t = text_over(before, sizeof(before));

	text_add(&t, "%s_before", name);
	return logfmt_find(l, before);
}

/* Where the suffix of `roles_before' begins; NULL: it has none. A key's own `not_before' is no such thing. */
static const char *
before_of(const char *name)
{
	static const char suffix[] = "_before";
	size_t len = strlen(name), suffix_len = sizeof(suffix) - 1;

	if (len <= suffix_len || strcmp(name + len - suffix_len, suffix) != 0 ||
	    strcmp(name, "not_before") == 0)
		return NULL;
	return name + len - suffix_len;
}

/* "changed keys 2", "roles viewer -> viewer,editor" */
static void
add_field(struct text *t, const char *name, const char *before, const char *value)
{
	text_add(t, "%s", t->len == 0 ? "" : ", ");
	for (; *name != '\0'; name++)
		text_add(t, "%c", *name == '_' ? ' ' : *name);
	text_add(t, " ");
	if (before != NULL) {
		add_escaped(t, before, false);
		text_add(t, " -> ");
	}
	if (value != NULL)
		add_escaped(t, value, false);
	else
		text_add(t, "-");
}

/* What has a column, or is told at its own place; and what programs alone ask for. */
static bool
is_left_out(const struct logfmt *l, const char *name)
{
	static const char *const elsewhere[] = {"time", "event", "decision", "key", "user",
	    "rhost", "from", "account", "service", "why", "reason", "by", NULL};
	static const char *const details[] = {
	    "id", "uid", "session", "since", "gently", "sha256", NULL};
	/* A new key has all of them. */
	static const char *const usual[] = {
	    "state", "secrets", "description", "home", "shell", NULL};

	return is_one_of(name, elsewhere) || is_one_of(name, details) ||
	       (strcmp(value_of(l, "event"), "key-created") == 0 && is_one_of(name, usual));
}

static void
add_rest(struct text *t, const struct logfmt *l)
{
	add_escaped(t, first_of(l, "why", "reason"), true);
	for (unsigned i = 0; i < l->n; i++) {
		const char *suffix = before_of(l->fields[i].name);
		char name[64];
		struct text n = text_over(name, sizeof(name));

		text_add(&n, "%.*s",
		    suffix == NULL ? (int)sizeof(name) : (int)(suffix - l->fields[i].name),
		    l->fields[i].name);
		if (is_left_out(l, name) || (suffix == NULL && value_before(l, name) != NULL))
			continue;
		add_field(t, name, suffix == NULL ? NULL : l->fields[i].value,
		    suffix == NULL ? l->fields[i].value : logfmt_find(l, name));
	}
	if (logfmt_find(l, "by") != NULL)
		add_field(t, "by", NULL, value_of(l, "by"));
}

void
logrow_print(struct logrow *r, const struct logfmt *l, FILE *f)
{
	char more[2 * AUDIT_LINE_CAP];
	struct text t = text_over(more, sizeof(more));

	print_time(r, l, f);
	print_cell(r, RESULT, value_of(l, "decision"), f);
	print_what(r, l, f);
	print_cell(r, KEY, first_of(l, "key", "user"), f);
	print_cell(r, FROM, first_of(l, "rhost", "from"), f);
	print_where(r, l, f);
	if (is_decision(value_of(l, "event")))
		add_decision(&t, l);
	else
		add_rest(&t, l);
	(void)fprintf(f, "%s\n", t.len == 0 ? "-" : more);
}
