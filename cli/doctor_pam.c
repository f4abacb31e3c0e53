#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor_checks.h"
#include "doctor_ask.h"
#include "pamline.h"

/* Cron and user managers ask for no password. */
static const struct {
	const char *name;
	bool auth;
	const char *program; /* that asks for the service, whether it has a file or not; NULL: none */
} services[] = {{"sshd", true, "/usr/sbin/sshd"}, {"sudo", true, "/usr/bin/sudo"},
    {"sudo-i", true, NULL}, {"su", true, "/usr/bin/su"}, {"su-l", true, NULL},
    {"login", true, NULL}, {"cron", false, NULL}, {"atd", false, NULL},
    {"systemd-user", false, NULL}};

#define N_SERVICES (sizeof(services) / sizeof(services[0]))
#define FOUND_MAX (N_SERVICES * 3)

/* The same in several services is told once: most include the same files. */
struct found {
	enum pamline_fault fault;
	enum pamstack_phase phase;
	struct pamstack_line ours, other; /* file "": none */
	char word[PAMSTACK_ARGS_CAP];
	char where[256]; /* the services */
	bool opened; /* by a role, one of them */
	bool by_other; /* `other' has the lines of one of them */
	bool crossed; /* by a jump */
};

struct search {
	struct doctor *d;
	const char *dirs[3];
	char etc[PATH_CAP], usr[PATH_CAP];
	struct found *v;
	size_t n;
	char good[256]; /* services without a fault */
};

static void
add_word(char *list, size_t cap, const char *word)
{
	size_t len = strlen(list);

	(void)snprintf(list + len, cap - len, "%s%s", len == 0 ? "" : ", ", word);
}

static bool
same_line(const struct pamstack_line *a, const struct pamstack_line *b)
{
	return a->line == b->line && strcmp(a->file, b->file) == 0;
}

static void
add_service(char *list, size_t cap, const char *service, bool by_other)
{
	char word[64];

	(void)snprintf(word, sizeof(word), "%s%s", service,
	    by_other ? " (by `other', having no file)" : "");
	add_word(list, cap, word);
}

static void
take_fault(struct search *s, const char *service, bool by_other, const struct pamstack *stack,
    enum pamstack_phase phase, const struct pamline *p)
{
	struct found f = {.fault = p->fault, .phase = phase};

	if (p->ours != NULL)
		f.ours = *p->ours;
	if (p->other != NULL)
		f.other = *p->other;
	if (p->word != NULL)
		(void)snprintf(f.word, sizeof(f.word), "%s", p->word);
	for (size_t i = 0; i <= s->n && s->n < FOUND_MAX; i++) {
		struct found *have = &s->v[i];

		if (i == s->n) {
			*have = f;
			s->n++;
		} else if (have->fault != f.fault || have->phase != phase ||
			   !same_line(&have->ours, &f.ours) ||
			   !same_line(&have->other, &f.other)) {
			continue;
		}
		add_service(have->where, sizeof(have->where), service, by_other);
		have->by_other = have->by_other || by_other || stack->other;
		have->crossed = have->crossed || p->crossed;
		/* No role names it: it goes with every service. */
		have->opened = have->opened || strcmp(service, "systemd-user") == 0 ||
			       doctor_role_opens(s->d, service);
		return;
	}
}

/* false: there is no such service, or nothing was found. */
static bool
look_at(struct search *s, const char *service, bool by_other, enum pamstack_phase phase)
{
	struct pamstack stack;
	struct diag why = DIAG_INIT;
	struct pamline p;
	enum ak_err err =
	    pamstack_read(s->dirs, by_other ? "other" : service, phase, &stack, &why);
	bool found = false;

	if (err == AK_OK) {
		p = pamline_judge(&stack, phase);
		if ((found = p.fault != PAMLINE_GOOD))
			take_fault(s, service, by_other, &stack, phase, &p);
	} else if (err != AK_ERR_NOT_FOUND) {
		doctor_attend(s->d, "make it a file that root can read", "%s", why.text);
		found = true;
	}
	pamstack_clear(&stack);
	return found;
}

static bool
is_service(const struct search *s, const char *name)
{
	char path[PATH_CAP];
	struct stat st;
	bool is = false;

	for (size_t i = 0; s->dirs[i] != NULL && !is; i++) {
		struct text t = text_over(path, sizeof(path));

		text_add(&t, "%s/%s", s->dirs[i], name);
		is = !t.cut && lstat(path, &st) == 0;
	}
	return is;
}

static void
look_at_all(struct search *s)
{
	for (size_t i = 0; i < N_SERVICES; i++) {
		const char *name = services[i].name, *program = services[i].program;
		bool found = false, by_other = !is_service(s, name);

		if (by_other && (program == NULL || !doctor_is_there(s->d, program)))
			continue;
		if (by_other && !is_service(s, "other")) {
			doctor_attend(s->d, "", "%s has no file in %s, and there is no `other'",
			    name, s->etc);
			doctor_advise(s->d, "install the package of %s anew", program);
			continue;
		}
		if (services[i].auth)
			found = look_at(s, name, by_other, PAMSTACK_AUTH);
		found |= look_at(s, name, by_other, PAMSTACK_ACCOUNT);
		found |= look_at(s, name, by_other, PAMSTACK_SESSION);
		if (!found)
			add_service(s->good, sizeof(s->good), name, by_other);
	}
}

/* What a line of ours looks like there, with the options that it has; false: not one that a shell and sed take as it is. */
static bool
write_line(const struct found *f, struct text *out)
{
	const char *phase = pamstack_phase_name(f->phase);

	text_add(out, "%s\\t%s\\t%s", phase, pamline_control(f->phase), PAMLINE_MODULE);
	if (f->ours.file[0] == '\0')
		return !out->cut;
	strv_for (pamstack_args(&f->ours), word) {
		bool wrong = strcmp(word, f->word) == 0;

		/* Without what was meant by a value (`role=', or nearly so) the line may let more in. */
		if (wrong ? strpbrk(word, "=:") != NULL || strncmp(word, "role", 4) == 0
			  : strpbrk(word, "'\\&|[]#") != NULL)
			return false;
		if (wrong)
			continue;
		text_add(out, strpbrk(word, " \t") == NULL ? " %s" : " [%s]", word);
	}
	return !out->cut;
}

static bool
is_common(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash != NULL && strncmp(slash, "/common-", strlen("/common-")) == 0;
}

static bool
is_plain(const char *file)
{
	return file[strcspn(file, " \t'\"\\$`&;|<>()*?[]#~!{}")] == '\0';
}

/*
 * A file of pam-auth-update's is left to it. Where it leaves a file alone,
 * since that was edited, the line comes in by itself, before all others.
 */
static void
advise_insertion(struct doctor *d, const struct found *f, const char *line)
{
	const struct pamstack_line *at = &f->other;
	const char *phase = pamstack_phase_name(f->phase);
	bool common = is_common(at->file);

	if (f->by_other && !common)
		doctor_advise(d,
		    "give the service a file of its own in pam.d, with the line '%s %s %s'",
		    phase, pamline_control(f->phase), PAMLINE_MODULE);
	else if (at->file[0] == '\0')
		doctor_advise(d, "give the service the line '%s %s %s'", phase,
		    pamline_control(f->phase), PAMLINE_MODULE);
	else if (!is_plain(at->file) || (common && f->crossed))
		doctor_advise(d,
		    "put the line '%s %s %s' before line %u of %s by hand, and count the jumps "
		    "above it anew",
		    phase, pamline_control(f->phase), PAMLINE_MODULE, at->line, at->file);
	else if (common)
		doctor_advise(d,
		    "%sgrep -q '^%s.*pam_apikey' %s || sed -i '0,/^%s/s//%s\\n&/' %s",
		    doctor_is_there(d, "/usr/share/pam-configs/apikey")
			? "pam-auth-update --enable apikey; "
			: "",
		    phase, at->file, phase, line, at->file);
	else
		doctor_advise(
		    d, "sed -i '%u{/pam_apikey/!s/^/%s\\n/}' %s", at->line, line, at->file);
}

/* Ours stays one line: what moves it may shift jumps on both sides. */
static void
advise_moving(struct doctor *d, const struct found *f)
{
	if (f->other.file[0] == '\0')
		doctor_advise(d, "move line %u of %s by hand to where every login comes by it",
		    f->ours.line, f->ours.file);
	else
		doctor_advise(d,
		    "move line %u of %s before line %u of %s by hand, with the control %s, and "
		    "count the jumps anew",
		    f->ours.line, f->ours.file, f->other.line, f->other.file,
		    pamline_control(f->phase));
}

static void
advise(struct doctor *d, const struct found *f)
{
	char buf[DOCTOR_TEXT_CAP];
	struct text line = text_over(buf, sizeof(buf));

	if (f->fault == PAMLINE_BROKEN)
		doctor_advise(d, "mend line %u of %s by hand: see pam.conf(5)", f->other.line,
		    f->other.file);
	else if (f->fault == PAMLINE_SHUT)
		doctor_advise(d, "leave it where that is meant; else mend it: see pam.conf(5)");
	else if (f->fault == PAMLINE_BEHIND || f->fault == PAMLINE_PASSED_BY)
		advise_moving(d, f);
	else if (!write_line(f, &line) || f->ours.continued || !is_plain(f->ours.file))
		doctor_advise(d, "mend line %u of %s by hand, with the control %s",
		    f->ours.line, f->ours.file, pamline_control(f->phase));
	else if (f->ours.file[0] == '\0')
		advise_insertion(d, f, buf);
	else
		doctor_advise(d, "sed -i '%us|.*|%s|' %s", f->ours.line, buf, f->ours.file);
}

/* Within a file from its end on: a line that comes in shifts none that is still to be told. */
static int
compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	const struct pamstack_line *in_x = x->ours.file[0] != '\0' ? &x->ours : &x->other;
	const struct pamstack_line *in_y = y->ours.file[0] != '\0' ? &y->ours : &y->other;
	int order = strcmp(in_x->file, in_y->file);

	if (order == 0)
		order = (in_x->line < in_y->line) - (in_x->line > in_y->line);
	return order != 0 ? order : (int)x->phase - (int)y->phase;
}

static const char *
sentence(const struct found *f)
{
	switch (f->fault) {
	case PAMLINE_BROKEN:
		return "nothing that pam.conf(5) knows, so the phase fails";
	case PAMLINE_MISSING:
		return f->phase == PAMSTACK_SESSION
			   ? "no line of " PAMLINE_MODULE
			     ": sessions are not recorded, and not ended with their right"
			   : "no line of " PAMLINE_MODULE ": keys are refused";
	case PAMLINE_OPEN:
		return f->phase == PAMSTACK_SESSION
			   ? "no line of " PAMLINE_MODULE
			     ": sessions are not recorded, and not ended with their right"
			   : "no line of " PAMLINE_MODULE
			     ", and the stack lets keys in without asking";
	case PAMLINE_BEHIND:
		return "stands behind another module, which is asked about keys first";
	case PAMLINE_PASSED_BY:
		return "stands behind a line that can end the stack or jump over it";
	case PAMLINE_SHUT:
		return "other lines of the stack refuse everybody";
	case PAMLINE_LOCKS_OUT:
		return "refuses everybody who is no key: user_unknown is not ignored";
	case PAMLINE_LOCKS_ROOT_OUT:
		return "locks root out when the module is missing: module_unknown is not "
		       "ignored";
	case PAMLINE_ENDS_SETCRED:
		return "ends logins by keyboard-interactive and cron for everybody: ignore is "
		       "not ignored";
	case PAMLINE_OVERRULED:
		return "is not final: other modules are asked about a key that it refuses";
	case PAMLINE_REFUSED:
		return "is not final: a key that it permits is refused behind it";
	default:
		return "has an option that is none, or the value of one twice, so keys are "
		       "refused";
	}
}

/* The line at fault: ours, or where ours is missing. */
static void
tell(struct doctor *d, const struct found *f)
{
	const struct pamstack_line *at = f->ours.file[0] != '\0' ? &f->ours : &f->other;
	char buf[DOCTOR_TEXT_CAP];
	struct text t = text_over(buf, sizeof(buf));

	if (at->file[0] != '\0')
		text_add(&t, "%s:%u: ", at->file, at->line);
	text_add(&t, "%s: %s", pamstack_phase_name(f->phase), sentence(f));
	if (at == &f->ours && f->other.file[0] != '\0')
		text_add(&t, " (%s, %s:%u)", f->other.module, f->other.file, f->other.line);
	if (f->word[0] != '\0')
		text_add(&t, " (%s)", f->word);
	text_add(&t, "; in %s", f->where);
	if (f->opened && f->fault != PAMLINE_SHUT)
		doctor_attend(d, "", "%s", buf);
	else
		doctor_note(d, "", "%s%s", buf, f->opened ? "" : ", which no role opens");
	advise(d, f);
}

/* A folder that libpam may look in: the one that its own modules are in. */
static bool
is_libpams(const char *folder)
{
	char path[PATH_CAP];
	struct stat st;
	struct text t = text_over(path, sizeof(path));

	text_add(&t, "%s/pam_permit.so", folder);
	return !t.cut && stat(path, &st) == 0;
}

/* Loaded as root into sshd and sudo: whoever may write it is root. */
static bool
is_roots(const struct doctor *d, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == d->c->paths.owner &&
	       (st->st_mode & 022) == 0;
}

/* Then whether it is there, and its mode, is told by the check of files. */
static bool
is_installed(const struct doctor *d, const char *path)
{
	for (size_t i = 0; d->c->host.installed[i] != NULL; i++)
		if (strcmp(d->c->host.installed[i], path) == 0)
			return true;
	return false;
}

/* false: it is not there. */
static bool
try_module(struct doctor *d, const char *folder)
{
	char path[PATH_CAP];
	struct stat st;
	struct diag why = DIAG_INIT;
	struct text t = text_over(path, sizeof(path));

	text_add(&t, "%s/" PAMLINE_MODULE, folder);
	if (t.cut || stat(path, &st) == -1)
		return !t.cut && is_installed(d, path);
	if (!is_roots(d, &st)) {
		if (is_installed(d, path))
			return true;
		doctor_attend(d, "", "%s is not root's alone, and was not loaded", path);
		doctor_advise(d, "chown root:root %s && chmod 644 %s", path, path);
	} else if (d->c->host.load(d->c->host.ctx, path, &why) != AK_OK) {
		/* Another architecture's: no program of this one loads it. */
		if (strstr(why.text, "wrong ELF class") != NULL)
			return false;
		doctor_attend(d, "apt-get install --reinstall libpam-apikey",
		    "%s can't be loaded, so keys are refused: %s", path, why.text);
	} else {
		doctor_ok(d, "%s is there and can be loaded", path);
	}
	return true;
}

/* The folder of this build's own architecture; only without libpam's modules in it any that has them. */
static void
find_folders(struct doctor *d, glob_t *g)
{
	static const char own[] = AK_LIBDIR "/security";
	static const char *const patterns[] = {own, "/usr/lib/*/security", "/lib/*/security",
	    "/usr/lib64/security", "/lib64/security", "/usr/lib/security", "/lib/security"};
	char pattern[PATH_CAP];

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if (doctor_path(d, patterns[i], pattern))
			(void)glob(pattern, i == 0 ? 0 : GLOB_APPEND, NULL, g);
		if (i == 0 && g->gl_pathc == 1 && is_libpams(g->gl_pathv[0]))
			return;
	}
}

static void
check_module(struct doctor *d)
{
	char libpams[PATH_CAP] = "";
	bool found = false;
	glob_t g = {.gl_pathc = 0};

	find_folders(d, &g);
	for (size_t i = 0; i < g.gl_pathc && !found; i++) {
		if (!is_libpams(g.gl_pathv[i]))
			continue;
		if (libpams[0] == '\0')
			(void)snprintf(libpams, sizeof(libpams), "%s", g.gl_pathv[i]);
		found = try_module(d, g.gl_pathv[i]);
	}
	globfree(&g);
	if (!found)
		doctor_attend(d, "apt-get install --reinstall libpam-apikey",
		    "there is no " PAMLINE_MODULE
		    " in %s, where libpam looks: keys are refused",
		    libpams[0] == '\0' ? "security/" : libpams);
}

/* pam.conf(5): in every service that keys may come by, our line is asked first, is final for keys, and for nobody else. */
void
doctor_pam(struct doctor *d)
{
	struct search s = {.d = d, .good = ""};

	check_module(d);
	if (!doctor_etc(d, "pam.d", s.etc) || !doctor_path(d, "/usr/lib/pam.d", s.usr) ||
	    (s.v = calloc(FOUND_MAX, sizeof(*s.v))) == NULL) {
		d->err = AK_ERR_NOMEM;
		return;
	}
	s.dirs[0] = s.etc;
	s.dirs[1] = s.usr;
	look_at_all(&s);
	qsort(s.v, s.n, sizeof(*s.v), compare_found);
	for (size_t i = 0; i < s.n; i++)
		tell(d, &s.v[i]);
	if (s.good[0] != '\0')
		doctor_ok(d, "asked first, and final for keys, in %s", s.good);
	else if (s.n == 0)
		doctor_attend(d, "install libpam-runtime and the services that keys log in by",
		    "%s has no service that keys could log in by", s.etc);
	free(s.v);
}
