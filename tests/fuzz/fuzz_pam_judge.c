#include "fuzz_pam_judge.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <string.h>

#include "fuzz_check.h"
#include "fuzz_pam_world.h"

/* ---- who ---- */

enum who {
	WHO_NOBODY, /* root, or an account that there is not */
	WHO_LOCAL, /* of no key's uid */
	WHO_KEY, /* a key's uid; the key may be none */
	WHO_UNTOLD, /* sudo's later phases: whoever its account phase found */
};

static const char *
item(int number)
{
	return world.items[number] == NULL ? "" : world.items[number];
}

static bool
is_service(const char *name)
{
	size_t len = strlen(name);
	const char *is = item(PAM_SERVICE);

	return strncmp(is, name, len) == 0 &&
	       (is[len] == '\0' || strcmp(is + len, "-i") == 0 || strcmp(is + len, "-l") == 0);
}

static enum who
who_by_uid(const struct run *r, uid_t uid)
{
	if (uid == 0)
		return WHO_NOBODY;
	if ((uid >= 70000 && uid <= 99999) ||
	    (r->kind == HOST_DIRECTORY && uid >= 1879048192 && uid <= 1999999999))
		return WHO_KEY;
	return WHO_LOCAL;
}

/* name: as PAM has it, or the name service. */
static enum who
find_who(const struct run *r, char phase, const char **name, uid_t *uid)
{
	const struct passwd *pw = world_find_name(world.items[PAM_USER]);

	*name = item(PAM_USER);
	*uid = pw == NULL ? (uid_t)-1 : pw->pw_uid;
	if (**name == '\0')
		return WHO_NOBODY;
	if (!is_service("sudo") || phase == 'a' || phase == 'p')
		return pw == NULL ? WHO_NOBODY : who_by_uid(r, *uid);
	if (phase != 'm')
		return WHO_UNTOLD;
	pw = world_find_uid(world.uid);
	*name = pw == NULL ? "" : pw->pw_name;
	*uid = world.uid;
	return who_by_uid(r, *uid);
}

static const struct host_key *
find_key(const char *name, uid_t uid)
{
	for (unsigned i = 0; i < HOST_KEYS; i++)
		if (host_keys[i].uid == uid && strcmp(host_keys[i].name, name) == 0)
			return &host_keys[i];
	return NULL;
}

/* ---- what a key may ---- */

static bool
is_good_address(const char *text)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned char b[16];

	if (inet_pton(AF_INET, text, b) == 1)
		return b[0] == 192 && b[1] == 0 && b[2] == 2;
	if (inet_pton(AF_INET6, text, b) != 1)
		return false;
	if (memcmp(b, mapped, sizeof(mapped)) == 0)
		return b[12] == 192 && b[13] == 0 && b[14] == 2;
	return b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8;
}

/* The gates that no policy lifts. */
static bool
passes_gates(const struct run *r, const struct host_key *k)
{
	unsigned after = r->local_changed ? 1 : 0;
	int64_t at = world.now_s - host_began_s;
	bool timed = k->from_s != 0 || k->until_s != NUM_NEVER;

	if (r->lockdown || (timed && at < -60))
		return false;
	if (k->directory)
		return r->kind == HOST_DIRECTORY && at >= 0 && at <= 86400;
	if (!r->local_changed && r->users_changed) /* an old copy was put back */
		return false;
	return !k->gone[after] && !k->disabled[after] && (k->from_s == 0 || at >= k->from_s) &&
	       at < k->until_s && (!k->bound || r->good_address);
}

static bool
secret_holds(const struct host_key *k, unsigned which)
{
	int64_t at = world.now_s - host_began_s;

	return which == 0 || (at < k->old_until_s && at >= -60);
}

static bool
policy_allows(const struct run *r, const struct host_key *k, const char *account)
{
	const char *service = item(PAM_SERVICE);
	enum host_role role = k->role[r->local_changed ? 1 : 0];
	bool user_manager = strcmp(service, "systemd-user") == 0; /* runs beside sshd's logins */
	bool opens = user_manager || strcmp(service, "sshd") == 0 ||
		     strcmp(service, "sudo") == 0 || strcmp(service, "su") == 0;

	if (r->edited)
		return true;
	if (r->kind == HOST_BROKEN || (r->kind == HOST_STRICT && strcmp(service, "sudo") == 0))
		return false;
	switch (role) {
	case HOST_ALL:
		return account == NULL;
	case HOST_SSHD_ALONE:
		return account == NULL && (user_manager || strcmp(service, "sshd") == 0);
	case HOST_OPENS:
		return opens && (account == NULL || strcmp(account, "deploy") == 0 ||
				    strcmp(account, "solo") == 0);
	default:
		return false;
	}
}

static bool
has_arg(const struct run *r, const char *arg)
{
	for (unsigned i = 0; i < r->n_args; i++)
		if (strcmp(r->args[i], arg) == 0)
			return true;
	return false;
}

static bool
has_two_roles(const struct run *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_args; i++)
		n += strncmp(r->args[i], "role=", 5) == 0 ? 1 : 0;
	return n > 1;
}

static bool
args_allow(const struct run *r, const struct host_key *k)
{
	if (has_arg(r, "nullok") || has_two_roles(r))
		return false;
	return r->edited || !has_arg(r, "role=opens") ||
	       k->role[r->local_changed ? 1 : 0] == HOST_OPENS;
}

static bool
may_enter(const struct run *r, const struct host_key *k, const char *account)
{
	return k != NULL && (r->forged || (passes_gates(r, k) && policy_allows(r, k, account) &&
					      args_allow(r, k)));
}

static bool
is_roots_su(void)
{
	return world.uid == 0 && strcmp(item(PAM_RUSER), "root") == 0 &&
	       (is_service("su") || is_service("runuser"));
}

static bool
needs_no_token(const struct run *r)
{
	static const char *const services[] = {
	    "sudo", "sudo-i", "su", "su-l", "cron", "atd", "systemd-user"};

	for (unsigned i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(item(PAM_SERVICE), services[i]) == 0)
			return true;
	return r->kind == HOST_STRICT || r->edited || r->forged;
}

static bool
is_token(const char *text, const struct host_key *k, unsigned which)
{
	return text != NULL && k->token[which].text.len_b > 0 &&
	       strcmp(text, k->token[which].text.text) == 0;
}

/* ---- the answers ---- */

/* Nothing was done to the host that could keep a key out. */
static bool
is_sound(const struct run *r)
{
	return !r->damaged && !r->edited && !r->forged && !world.failed &&
	       !world.name_service_down && r->local_changed == r->users_changed;
}

/* A token that opens something, typed or handed on. Root's own su asks no more of it than that it is a key's. */
static const struct host_key *
shown(const struct run *r, const struct answer *a, const char *name, const char *account)
{
	for (unsigned i = 0; i < HOST_KEYS * 2; i++) {
		const struct host_key *k = &host_keys[i / 2];

		if ((is_token(world.answer, k, i % 2) || is_token(a->authtok_before, k, i % 2)) &&
		    (account != NULL || r->forged || strcmp(k->name, name) == 0) &&
		    (is_roots_su() ||
			((r->forged || secret_holds(k, i % 2)) && may_enter(r, k, account))))
			return k;
	}
	return NULL;
}

/* The plainest login of all: a key's own account, its new token typed, nothing in its way. */
static bool
must_enter(const struct run *r, const struct answer *a, const struct host_key *k)
{
	bool plain =
	    k != NULL && is_sound(r) && r->n_args == 0 && !r->no_log &&
	    (strcmp(item(PAM_SERVICE), "sshd") == 0 || strcmp(item(PAM_SERVICE), "login") == 0);

	return plain && (!k->bound || is_good_address(item(PAM_RHOST))) &&
	       k->role[r->local_changed ? 1 : 0] != HOST_OPENS && a->authtok_before == NULL &&
	       world.conv_code == PAM_SUCCESS && is_token(world.answer, k, 0) &&
	       may_enter(r, k, NULL) && (!k->directory || world.now_s - host_began_s < 900);
}

static void
judge_authenticate(
    struct run *r, const struct answer *a, enum who who, const char *name, uid_t uid)
{
	const char *account = who == WHO_LOCAL ? name : NULL;
	const struct host_key *k = NULL;

	r->verified = NULL;
	if (a->code == PAM_SUCCESS) {
		k = shown(r, a, name, account);
		fuzz_check(k != NULL, "nobody authenticates but by a token of a key that may");
		r->verified = k;
		r->verified_for = uid;
	} else {
		fuzz_check(!world_has_data("apikey_handover") &&
			       world_getenv("APIKEY_HANDLE") == NULL &&
			       host_count_handles(r->kind) <= a->handles_before,
		    "a denial leaves no word for later phases");
		fuzz_check(who != WHO_KEY || !must_enter(r, a, find_key(name, uid)),
		    "a key that may enters with its token");
	}
	fuzz_check(a->asked <= 1, "who authenticates is asked once");
	fuzz_check(a->authtok_before == NULL || world.items[PAM_AUTHTOK] == a->authtok_before,
	    "a password that is there stays");
	fuzz_check(world.items[PAM_AUTHTOK] == NULL || a->authtok_before != NULL ||
		       strncmp(world.items[PAM_AUTHTOK], "apikey_", 7) != 0,
	    "a token is left for no other module");
	if (who == WHO_LOCAL && a->code != PAM_USER_UNKNOWN && a->code != PAM_INCOMPLETE &&
	    !r->edited && !r->forged)
		fuzz_check(
		    strncmp(world.answer == NULL ? "" : world.answer, "apikey_", 7) == 0 ||
			strncmp(a->authtok_before == NULL ? "" : a->authtok_before, "apikey_",
			    7) == 0,
		    "of a local account's login nothing is ours but a token");
}

static void
judge_account(
    const struct run *r, const struct answer *a, enum who who, const char *name, uid_t uid)
{
	const struct host_key *k = find_key(name, uid);
	bool verified = r->verified != NULL && r->verified_for == uid;

	if (a->code == PAM_SUCCESS && who == WHO_KEY && !r->forged) {
		fuzz_check(k != NULL && (is_roots_su() || may_enter(r, k, NULL)),
		    "no key passes whose gates and policy do not let it");
		fuzz_check(is_roots_su() || needs_no_token(r) || (verified && r->verified == k),
		    "without a token a key passes for few services alone");
	}
	fuzz_check(a->code != PAM_SUCCESS || who == WHO_KEY || who == WHO_UNTOLD,
	    "of a local account the next module is asked too");
	if (who == WHO_LOCAL && strcmp(name, "solo") == 0 && a->code == PAM_USER_UNKNOWN &&
	    is_sound(r) && r->kind != HOST_BROKEN && !r->session)
		fuzz_check(is_roots_su() || (verified && may_enter(r, r->verified, "solo")),
		    "an account of keys alone is entered with a key alone");
}

static void
judge_open(
    const struct run *r, const struct answer *a, enum who who, const char *name, uid_t uid)
{
	const struct host_key *k = who == WHO_LOCAL ? r->verified : find_key(name, uid);
	unsigned n = host_count_open(r->kind);

	fuzz_check(!world.hung_up || (a->code != PAM_SUCCESS && is_service("sshd")),
	    "the process is ended for a refused session of sshd's alone");
	fuzz_check(world_getenv("APIKEY_HANDLE") == NULL, "no handle reaches the session");
	if (is_service("sudo"))
		return;
	/* Where that can't be written down it may stay, for whoever ends it. */
	fuzz_check(a->code == PAM_SUCCESS || n <= a->open_before || world.failed,
	    "a session that was refused is none");
	if (a->code != PAM_SUCCESS)
		return;
	fuzz_check(is_roots_su() || r->forged || may_enter(r, k, who == WHO_LOCAL ? name : NULL),
	    "a session is opened for a key that may");
	fuzz_check(n > 0, "a session that was opened has its record");
}

/* Is it a code that the phase may have, with whatever went wrong? */
static bool
is_possible(char phase, int code)
{
	switch (code) {
	case PAM_SUCCESS:
		return phase != 'p';
	case PAM_USER_UNKNOWN:
		return true;
	case PAM_CONV_ERR:
	case PAM_INCOMPLETE:
	case PAM_AUTH_ERR:
		return phase == 'a';
	case PAM_ACCT_EXPIRED:
		return phase == 'm';
	case PAM_BUF_ERR:
		return phase == 'a';
	case PAM_SESSION_ERR:
		return phase == 'o';
	case PAM_PERM_DENIED:
	case PAM_AUTHINFO_UNAVAIL:
	case PAM_SERVICE_ERR:
	case PAM_SYSTEM_ERR:
		return strchr("amop", phase) != NULL;
	default:
		return false;
	}
}

/* Where no line can be written that the settings want. */
static void
judge_log(const struct run *r, const struct answer *a)
{
	if (r->no_log && r->kind == HOST_STRICT && !r->edited && !is_roots_su() &&
	    (a->phase == 'a' || a->phase == 'm' || (a->phase == 'o' && !is_service("sudo"))))
		fuzz_check(a->code != PAM_SUCCESS, "without its line in the log nobody enters");
}

/* Did this handle open one for that name? */
static bool
is_own_session(const struct run *r)
{
	return world_has_data("apikey_session") && !is_service("sudo") &&
	       strcmp(item(PAM_USER), r->session_user) == 0;
}

/*
 * Of a login that is known to be a key's it is no person's affair when its account, or its handle, can't be looked up: it is
 * refused where something is decided, and let go where nothing is.
 */
static bool
may_be_known(const struct run *r, const struct answer *a)
{
	bool known = r->verified != NULL || world_has_data("apikey_handover");
	bool decides = a->phase == 'm' || a->phase == 'o';

	return (decides ? a->code != PAM_SUCCESS : a->phase == 's' || a->phase == 'c') &&
	       known && (world.failed || world.name_service_down || r->damaged);
}

void
judge(struct run *r, const struct answer *a)
{
	struct answer told = *a;
	const char *name;
	uid_t uid;
	enum who who = find_who(r, a->phase, &name, &uid);

	r->good_address |= is_good_address(item(PAM_RHOST));
	fuzz_check(a->code != PAM_IGNORE || has_arg(r, "ignore_unknown_user"),
	    "PAM_IGNORE is for those who asked for it");
	if (told.code == PAM_IGNORE)
		told.code = PAM_USER_UNKNOWN;
	fuzz_check(is_possible(a->phase, told.code), "a phase has its own answers");
	fuzz_check(told.code != PAM_INCOMPLETE || world.conv_code == PAM_CONV_AGAIN,
	    "it is not done yet when somebody will answer later");
	fuzz_check(a->phase == 'a' || a->asked == 0, "authenticate alone asks");
	if (a->lets_go && is_own_session(r)) {
		fuzz_check(told.code == PAM_SUCCESS && a->told == 0,
		    "a session that was opened is let go, whatever there is no more");
		return;
	}
	if (who == WHO_NOBODY || (who == WHO_LOCAL && strcmp(name, "deploy") != 0 &&
				     strcmp(name, "solo") != 0 && !r->edited && !r->forged))
		fuzz_check((told.code == PAM_USER_UNKNOWN && a->asked == 0 && a->told == 0) ||
			       (told.code == PAM_INCOMPLETE && world.items[PAM_USER] == NULL) ||
			       may_be_known(r, a),
		    "whoever is no key gets PAM_USER_UNKNOWN, and no word");
	if (who == WHO_KEY)
		fuzz_check(told.code != PAM_USER_UNKNOWN || !is_sound(r),
		    "a key's account is ours, as long as its files are");
	judge_log(r, &told);
	if (a->phase == 'a')
		judge_authenticate(r, &told, who, name, uid);
	else if (a->phase == 'm')
		judge_account(r, &told, who, name, uid);
	else if (a->phase == 'o')
		judge_open(r, &told, who, name, uid);
	r->session |= a->phase == 'o' && told.code == PAM_SUCCESS;
	if (a->phase == 'o' && told.code == PAM_SUCCESS && !is_service("sudo"))
		(void)snprintf(r->session_user, sizeof(r->session_user), "%s", item(PAM_USER));
}
