#include "ref_random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testlib_cmocka.h"
#include "text.h"

/* --- the vocabulary: small, so that things meet --------------------------------------------- */

static const char *const spaces[] = {"a", "b", "c", "d", "e", "f"};
static const char *const roles[] = {"r0", "r1", "r2", "r3", "r4"};
static const char *const definitions[] = {"d0", "d1", "d2", "d3"};
static const char *const hosts[] = {"h0", "h1", "H1", "h2.example.com"};
static const char *const logins[] = {
    "ci-cd-web", "ci-cd-monitoring", "db-monitoring", "backup", "ci", "deploy", "_"};
static const char *const login_globs[] = {"ci-cd-*", "*-monitoring", "*", "backup", "ci", "ci*",
    "*c*i*", "_", "ci-cd-web", "deploy", "nobody", "**", "*-*-*"};
static const char *const groups[] = {"staff", "Ops Team", "team-a", "team-b", "Team-a"};
static const char *const group_globs[] = {
    "staff", "Ops*", "team-*", "*", "*a", "Team-a", "nobody", "* *"};
static const char *const services[] = {"sshd", "sudo", "sudo-i", "su", "cron", "systemd-user"};
static const char *const service_globs[] = {
    "sshd", "sudo", "sudo*", "su", "*", "cron", "systemd-*", "*d", "none"};
static const char *const accounts[] = {"deploy", "app", "postgres", "backup", "ci"};
static const char *const account_globs[] = {"deploy", "app*", "*", "p*s", "backup", "none"};
static const char *const blocks[] = {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0",
    "192.168.100.0/24", "192.0.2.128/25", "::/0", "2001:db8::/32", "2001:db8:0:8000::/49",
    "2001:db8::1", "::ffff:10.0.0.0/104", "10.1.2.2/31", "128.0.0.0/1"};
static const char *const addresses[] = {"10.1.2.3", "10.1.2.4", "10.2.0.1", "10.255.255.255",
    "11.0.0.0", "192.168.100.0", "192.168.101.0", "192.0.2.127", "192.0.2.128",
    "::ffff:10.1.2.3", "2001:db8::1",
    "2001:db8:0:8000::", "2001:db8:0:7fff::", "2001:db9::", "::1", "::10.1.2.3", "localhost",
    "127.0.0.1", "fe80::1%eth0"};
static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const zones[] = {"UTC", "Europe/Berlin", "America/New_York",
    "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Europe/Dublin",
    "America/Sao_Paulo", "Pacific/Auckland"};
static const char *const dates[] = {"1969-12-31", "1970-01-01", "2011-12-30", "2011-12-31",
    "2024-02-29", "2025-03-09", "2025-03-30", "2025-03-31", "2025-10-26", "2025-11-02",
    "2026-01-01", "2038-01-20", "2045-07-01"};
static const char *const bindings[] = {"r0", "r1", "r2:spaces:a", "r2:spaces:b,c",
    "r3:spaces:d", "r1:spaces:root", "r4:hosts:h0", "r0:hosts:h1,h2.example.com",
    "r3:spaces:nowhere,a", "nobody", "nobody:spaces:a", "r4:spaces:e,f", "r1:hosts:a"};

/* Moments at which something happens in one of the zones, or at the ends of what computers count. */
static const int64_t edges_s[] = {0, 1325239200 /* Samoa, 2011 */,
    1741503600 /* New York, spring */, 1743296400 /* Berlin, spring */,
    1743865200 /* Lord Howe */, 1761440400 /* Berlin, autumn */,
    1762063200 /* New York, autumn */, 1735689600 /* 2025 */, INT64_C(2147483647),
    INT64_C(2382476400) /* 2045-06-30 */, INT64_C(4102444800) /* 2100 */,
    -1577923200 /* 1920 */};

#define N(list) (sizeof(list) / sizeof((list)[0]))
#define one_of(r, list) ((list)[rnd_below((r), N(list))])

static bool
chance(struct rnd *r, unsigned in)
{
	return rnd_below(r, in) == 0;
}

/* --- pieces of YAML ----------------------------------------------------------------------- */

#define ITEM_CAP 32768

/* ", key: " */
static void
add_key(struct text *t, const char *key)
{
	text_add(t, "%s%s: ", t->buf[t->len - 1] == '{' ? "" : ", ", key);
}

/* One of the list as a text, or several as a list. */
static void
add_some(struct rnd *r, struct text *t, const char *const *list, size_t n)
{
	size_t count = 1 + rnd_below(r, 3), at = rnd_below(r, n);

	if (count == 1) {
		text_add(t, "'%s'", list[at]);
		return;
	}
	for (size_t i = 0; i < count && i < n; i++)
		text_add(t, "%s'%s'", i == 0 ? "[" : ", ", list[(at + i) % n]);
	text_add(t, "]");
}

#define ADD_SOME(r, t, list) add_some((r), (t), (list), N(list))

static void
add_hours(struct rnd *r, struct text *t)
{
	unsigned from = (unsigned)rnd_below(r, 96),
		 to = from + 1 + (unsigned)rnd_below(r, 96 - from);

	text_add(t, "'%02u:%02u-%02u:%02u'", from / 4, from % 4 * 15, to / 4, to % 4 * 15);
}

static void
add_window(struct rnd *r, struct text *t)
{
	size_t from = rnd_below(r, N(dates) - 1),
	       to = from + 1 + rnd_below(r, N(dates) - 1 - from);
	unsigned parts = 1 + (unsigned)rnd_below(r, 7);

	text_add(t, "{");
	if ((parts & 1) != 0) {
		add_key(t, "days");
		ADD_SOME(r, t, days);
	}
	if ((parts & 2) != 0) {
		add_key(t, "hours");
		if (chance(r, 5)) {
			text_add(t, "[");
			add_hours(r, t);
			text_add(t, ", '23:59-24:00']");
		} else {
			add_hours(r, t);
		}
	}
	if ((parts & 4) != 0) {
		add_key(t, "dates");
		text_add(t, "['%s', '%s']", dates[from], dates[to]);
	}
	if (!chance(r, 3)) {
		add_key(t, "zone");
		text_add(t, "%s", one_of(r, zones));
	}
	text_add(t, "}");
}

static void
add_time(struct rnd *r, struct text *t)
{
	if (!chance(r, 5)) {
		add_window(r, t);
		return;
	}
	text_add(t, "[");
	add_window(r, t);
	text_add(t, ", ");
	add_window(r, t);
	text_add(t, "]");
}

/* --- conditions --------------------------------------------------------------------------- */

/* What a condition may hold depends on where it stands. */
struct place {
	unsigned depth; /* of conditions that may still be nested */
	size_t n_defined; /* definitions that may be used, from the first */
	bool in_sample;
};

static void add_condition(struct rnd *r, struct text *t, const struct place *p);

static void
add_conditions(struct rnd *r, struct text *t, const struct place *p)
{
	size_t n = 1 + rnd_below(r, 3);

	text_add(t, "[");
	for (size_t i = 0; i < n; i++) {
		text_add(t, "%s{", i == 0 ? "" : ", ");
		add_condition(r, t, p);
		text_add(t, "}");
	}
	text_add(t, "]");
}

static void
add_nested(struct rnd *r, struct text *t, const struct place *p, const char *key)
{
	const struct place below = {
	    .depth = p->depth - 1, .n_defined = p->n_defined, .in_sample = p->in_sample};

	if (strcmp(key, "not") != 0 || chance(r, 5)) {
		add_conditions(r, t, &below);
		return;
	}
	text_add(t, "{");
	add_condition(r, t, &below);
	text_add(t, "}");
}

static void
add_value(struct rnd *r, struct text *t, const struct place *p, const char *key)
{
	if (strcmp(key, "login") == 0)
		ADD_SOME(r, t, login_globs);
	else if (strcmp(key, "group") == 0)
		ADD_SOME(r, t, group_globs);
	else if (strcmp(key, "service") == 0)
		ADD_SOME(r, t, service_globs);
	else if (strcmp(key, "account") == 0)
		ADD_SOME(r, t, account_globs);
	else if (strcmp(key, "from") == 0 || strcmp(key, "creator_from") == 0)
		ADD_SOME(r, t, blocks);
	else if (strcmp(key, "time") == 0)
		add_time(r, t);
	else if (strcmp(key, "is") == 0)
		add_some(r, t, definitions, p->n_defined);
	else if (strcmp(key, "member") == 0)
		text_add(t, "%s", chance(r, 3) ? "false" : "true");
	else if (strcmp(key, "always") == 0)
		text_add(t, "true");
	else if (strcmp(key, "decision") == 0)
		text_add(t, "%s", chance(r, 2) ? "allow" : "deny");
	else if (strcmp(key, "percent") == 0)
		text_add(t, "%u", (unsigned)rnd_below(r, 101));
	else
		add_nested(r, t, p, key);
}

static bool
is_possible(const struct place *p, const char *key)
{
	if (strcmp(key, "is") == 0)
		return p->n_defined > 0;
	if (strcmp(key, "not") == 0 || strcmp(key, "any") == 0 || strcmp(key, "all") == 0)
		return p->depth > 0;
	if (strcmp(key, "decision") == 0 || strcmp(key, "percent") == 0)
		return p->in_sample;
	return true;
}

/* One to three predicates; each once. */
static void
add_condition(struct rnd *r, struct text *t, const struct place *p)
{
	static const char *const keys[] = {"login", "group", "service", "account", "from",
	    "creator_from", "time", "is", "member", "not", "any", "all", "not", "any", "all",
	    "is", "decision", "percent", "login", "time", "from", "group", "always"};
	const char *taken[3];
	size_t n = 0, wanted = 1 + rnd_below(r, 3) % (1 + rnd_below(r, 3));

	while (n < wanted) {
		const char *key = one_of(r, keys);
		bool fresh = is_possible(p, key);

		for (size_t i = 0; i < n; i++)
			fresh = fresh && strcmp(taken[i], key) != 0;
		if (!fresh)
			continue;
		taken[n++] = key;
		add_key(t, key);
		add_value(r, t, p, key);
	}
}

/* --- sections ----------------------------------------------------------------------------- */

static void
add_line(struct draft *d, enum draft_section where, const char *line)
{
	char ***lines = &d->sections[where].lines;
	size_t *n = &d->sections[where].n;

	d->sections[where].is_there = true;
	*lines = realloc(*lines, (*n + 1) * sizeof(**lines));
	assert_non_null(*lines);
	(*lines)[*n] = strdup(line);
	assert_non_null((*lines)[(*n)++]);
}

/* Each space below one before it, or below root. */
static void
draft_spaces(struct rnd *r, struct draft *d)
{
	char line[128];

	for (size_t i = 0; i < N(spaces); i++) {
		size_t parent = rnd_below(r, i + 2);

		if (parent >= i)
			(void)snprintf(line, sizeof(line), "  %s: {%s}", spaces[i],
			    parent == i ? "parent: root" : "");
		else
			(void)snprintf(line, sizeof(line), "  %s: {parent: %s}", spaces[i],
			    spaces[parent]);
		add_line(d, DRAFT_SPACES, line);
	}
}

static void
draft_roles(struct rnd *r, struct draft *d)
{
	char line[1024];

	for (size_t i = 0; i < N(roles); i++) {
		struct text t = text_over(line, sizeof(line));

		text_add(&t, "  %s: {", roles[i]);
		if (!chance(r, 6)) {
			add_key(&t, "services");
			ADD_SOME(r, &t, service_globs);
		}
		if (!chance(r, 3)) {
			add_key(&t, "accounts");
			ADD_SOME(r, &t, account_globs);
		}
		text_add(&t, "}");
		assert_false(t.cut);
		add_line(d, DRAFT_ROLES, line);
	}
}

/* role: R, and where. */
static void
add_binding(struct rnd *r, struct text *t)
{
	add_key(t, "role");
	text_add(t, "%s", one_of(r, roles));
	switch (rnd_below(r, 5)) {
	case 0:
		break;
	case 1:
		add_key(t, "hosts");
		text_add(t, "%s", chance(r, 2) ? "h0" : "[h1, h2.example.com]");
		break;
	case 2:
		add_key(t, "in");
		text_add(t, "%s", chance(r, 2) ? "'*'" : "root");
		break;
	default:
		add_key(t, "in");
		ADD_SOME(r, t, spaces);
		break;
	}
}

static void
draft_groups(struct rnd *r, struct draft *d)
{
	char line[1024];

	for (size_t i = 0; i < N(groups); i++) {
		struct text t = text_over(line, sizeof(line));
		size_t n = rnd_below(r, 4);

		text_add(&t, "  %s: [", groups[i]);
		for (size_t j = 0; j < n; j++) {
			text_add(&t, "%s{", j == 0 ? "" : ", ");
			add_binding(r, &t);
			text_add(&t, "}");
		}
		text_add(&t, "]");
		assert_false(t.cut);
		add_line(d, DRAFT_GROUPS, line);
	}
}

static void
draft_definitions(struct rnd *r, struct draft *d)
{
	char *line = malloc(ITEM_CAP);

	assert_non_null(line);
	for (size_t i = 0; i < N(definitions); i++) {
		struct text t = text_over(line, ITEM_CAP);
		const struct place p = {.depth = 2, .n_defined = i};

		text_add(&t, "  %s: {", definitions[i]);
		add_condition(r, &t, &p);
		text_add(&t, "}");
		assert_false(t.cut);
		add_line(d, DRAFT_DEFINE, line);
	}
	free(line);
}

void
draft_add(struct rnd *r, struct draft *d, enum draft_section where)
{
	const struct place p = {.depth = 3,
	    .n_defined = d->sections[DRAFT_DEFINE].is_there ? N(definitions) : 0,
	    .in_sample = where == DRAFT_SAMPLE};
	char *line = malloc(ITEM_CAP);
	struct text t;

	assert_non_null(line);
	t = text_over(line, ITEM_CAP);
	text_add(&t, "- {");
	if (where == DRAFT_DENY)
		text_add(&t, "id: x%u, reason: x", d->n_ids++);
	if (where == DRAFT_GRANT)
		add_binding(r, &t);
	add_condition(r, &t, &p);
	text_add(&t, "}");
	assert_false(t.cut);
	add_line(d, where, line);
	free(line);
}

static void
draft_items(struct rnd *r, struct draft *d, enum draft_section where, size_t max)
{
	size_t n = rnd_below(r, max + 1);

	d->sections[where].is_there = n > 0;
	for (size_t i = 0; i < n; i++)
		draft_add(r, d, where);
}

void
draft_random(struct rnd *r, struct draft *out)
{
	static const char *const strategies[] = {NULL, NULL, "both", "direct", "policy"};

	*out = (struct draft){.strategy = one_of(r, strategies)};
	draft_spaces(r, out);
	draft_roles(r, out);
	draft_groups(r, out);
	draft_definitions(r, out);
	draft_items(r, out, DRAFT_ALLOW, 4);
	draft_items(r, out, DRAFT_DENY, 3);
	draft_items(r, out, DRAFT_GRANT, 8);
	draft_items(r, out, DRAFT_SAMPLE, 2);
	/* There, and empty. */
	if (chance(r, 20))
		out->sections[DRAFT_ALLOW].is_there = true;
}

void
draft_clear(struct draft *d)
{
	for (size_t s = 0; s < DRAFT_N; s++) {
		for (size_t i = 0; i < d->sections[s].n; i++)
			free(d->sections[s].lines[i]);
		free(d->sections[s].lines);
	}
	*d = (struct draft){.strategy = NULL};
}

void
draft_shuffle(struct rnd *r, struct draft *d)
{
	for (size_t s = 0; s < DRAFT_N; s++)
		for (size_t i = d->sections[s].n; i > 1; i--) {
			size_t j = rnd_below(r, i);
			char *other = d->sections[s].lines[j];

			d->sections[s].lines[j] = d->sections[s].lines[i - 1];
			d->sections[s].lines[i - 1] = other;
		}
}

char *
draft_text(const struct draft *d)
{
	static const char *const names[] = {
	    "spaces", "roles", "groups", "define", "allow", "deny", "grant", "sample"};
	char *text = NULL;
	size_t len_b = 0;
	FILE *f = open_memstream(&text, &len_b);

	assert_non_null(f);
	(void)fprintf(f, "version: 1\n");
	if (d->strategy != NULL)
		(void)fprintf(f, "strategy: %s\n", d->strategy);
	for (size_t s = 0; s < DRAFT_N; s++) {
		if (d->sections[s].is_there)
			(void)fprintf(f, "%s:\n", names[s]);
		for (size_t i = 0; i < d->sections[s].n; i++)
			(void)fprintf(f, "%s\n", d->sections[s].lines[i]);
	}
	assert_int_equal(fclose(f), 0);
	return text;
}

/* --- requests ----------------------------------------------------------------------------- */

/* At most three of the list, different ones. */
static void
take_some(struct rnd *r, const char *const *list, size_t n, const char **out)
{
	size_t count = rnd_below(r, 4), at = rnd_below(r, n);

	for (size_t i = 0; i < count && i < n; i++)
		out[i] = list[(at + i) % n];
}

#define MAYBE(r, list) (chance((r), 4) ? NULL : one_of((r), (list)))

/* On quarters of an hour, or a second or a few milliseconds off; often where a zone changes. */
static int64_t
random_moment_ms(struct rnd *r)
{
	int64_t s = chance(r, 2) ? one_of(r, edges_s)
		    : chance(r, 3)
			? (int64_t)rnd_below(r, UINT64_C(10000000000)) - INT64_C(2000000000)
			: INT64_C(1735689600) + (int64_t)rnd_below(r, 400 * 96) * 900;

	s += ((int64_t)rnd_below(r, 400) - 200) * 900 * (int64_t)rnd_below(r, 2);
	s += (int64_t)rnd_below(r, 3) - 1;
	return s * 1000 + (int64_t)rnd_below(r, 1000);
}

struct ref_request
request_random(struct rnd *r)
{
	struct ref_request q = {.login = chance(r, 20) ? NULL : one_of(r, logins),
	    .stale = chance(r, 4),
	    .member = !chance(r, 5),
	    .ip = MAYBE(r, addresses),
	    .creator_ip = MAYBE(r, addresses),
	    .has_time = !chance(r, 4),
	    .service = MAYBE(r, services),
	    .account = chance(r, 2) ? NULL : one_of(r, accounts),
	    .account_is_root = chance(r, 15),
	    .space = chance(r, 20) ? NULL : one_of(r, spaces),
	    .favour = chance(r, 5)};

	if (chance(r, 15))
		q.space = chance(r, 2) ? "root" : "nowhere";
	q.at_ms = random_moment_ms(r);
	take_some(r, bindings, N(bindings), q.bindings);
	take_some(r, groups, N(groups), q.own_groups);
	take_some(r, groups, N(groups), q.directory_groups);
	take_some(r, hosts, N(hosts), q.hosts);
	return q;
}

static void
shuffle_list(struct rnd *r, const char **list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	for (; n > 1; n--) {
		size_t j = rnd_below(r, n);
		const char *other = list[j];

		list[j] = list[n - 1];
		list[n - 1] = other;
	}
}

void
request_shuffle(struct rnd *r, struct ref_request *req)
{
	shuffle_list(r, req->bindings);
	shuffle_list(r, req->own_groups);
	shuffle_list(r, req->directory_groups);
	shuffle_list(r, req->hosts);
}
