#include "fuzz_pam_event.h"

#include <errno.h>
#include <security/pam_modules.h>
#include <string.h>

#include "fuzz_check.h"
#include "fuzz_pam_world.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static uint32_t
take_number(struct fuzz_input *in)
{
	unsigned high = fuzz_u8(in);

	return high << 8 | fuzz_u8(in);
}

/* A text of the input; ends at a NUL too. */
static const char *
take_text(struct fuzz_input *in, char out[WORLD_TEXT_CAP])
{
	size_t len = fuzz_u8(in) * 2;

	if (len > in->left_b)
		len = in->left_b;
	if (len >= WORLD_TEXT_CAP)
		len = WORLD_TEXT_CAP - 1;
	memcpy(out, in->at, len);
	out[len] = '\0';
	in->at += len;
	in->left_b -= len;
	return out;
}

/* One of a list; 0: none; 1: the input's own. */
static const char *
take_word(struct fuzz_input *in, const char *const *words, size_t n, char own[WORLD_TEXT_CAP])
{
	unsigned which = fuzz_u8(in);

	if (which == 0)
		return NULL;
	return which == 1 ? take_text(in, own) : words[(which - 2) % n];
}

static char answer_text[WORLD_TEXT_CAP], arg_texts[RUN_ARGS][WORLD_TEXT_CAP];
static struct token wrong[HOST_KEYS];

static void
set_item(struct fuzz_input *in, int item)
{
	static const char *const services[] = {"sshd", "sudo", "su", "cron", "login", "sudo-i",
	    "su-l", "systemd-user", "atd", "runuser"};
	static const char *const users[] = {"ci", "second", "disabled", "expired", "early",
	    "roleless", "sshonly", "bound", "opener", "robot", "deploy", "solo", "bob", "root",
	    "ghost", "alias", "toor"};
	static const char *const hosts[] = {"192.0.2.7", "198.51.100.1", "::ffff:192.0.2.9",
	    "2001:db8::1", "127.0.0.1", "host"};
	static const char *const names[] = {"root", "bob", "ci"};
	char own[WORLD_TEXT_CAP];

	if (item == PAM_SERVICE)
		world_set_item(item, take_word(in, services, N(services), own));
	else if (item == PAM_USER)
		world_set_item(item, take_word(in, users, N(users), own));
	else if (item == PAM_RHOST)
		world_set_item(item, take_word(in, hosts, N(hosts), own));
	else
		world_set_item(item, take_word(in, names, N(names), own));
}

/* A token, or what is nearly one. */
static const char *
take_answer(struct fuzz_input *in, char out[WORLD_TEXT_CAP])
{
	unsigned how = fuzz_u8(in), key = fuzz_u8(in) % HOST_KEYS, at;
	const struct token *t = &host_keys[key].token[how / 8 % 2];
	size_t len;

	if (how == 0)
		return NULL;
	if (how % 8 == 7)
		return take_text(in, out);
	if (how % 8 == 6 || t->text.len_b == 0)
		t = &wrong[key];
	len = t->text.len_b;
	memcpy(out, t->text.text, len + 1);
	switch (how % 8) {
	case 2:
		out[fuzz_u8(in) % len] = '\0';
		break;
	case 3:
		out[len] = (char)fuzz_u8(in);
		out[len + 1] = '\0';
		break;
	case 4:
		at = fuzz_u8(in) % (unsigned)len;
		out[at] ^= (char)fuzz_u8(in);
		break;
	case 5:
		memcpy(out, "APIKEY_", 7);
		break;
	default:
		break;
	}
	return out;
}

static void
take_args(struct fuzz_input *in, struct run *r)
{
	static const char *const args[] = {"debug", "try_first_pass", "use_first_pass",
	    "ignore_unknown_user", "prompt=Key:", "config=/nonexistent/apikey.yaml", "role=all",
	    "role=opens", "role=night:spaces:x", "nullok"};
	unsigned n = fuzz_u8(in) % (RUN_ARGS + 1);

	for (r->n_args = 0; r->n_args < n; r->n_args++) {
		const char *arg = take_word(in, args, N(args), arg_texts[r->n_args]);

		r->args[r->n_args] = arg == NULL ? "" : arg;
		r->edited |= strncmp(r->args[r->n_args], "config=", 7) == 0;
	}
}

/* What the file may say from now on that the host does not. Nothing is decided by the audit log and by last uses. */
static void
take_down(struct run *r, enum host_file file, enum damage how)
{
	bool says_other = how == DAMAGE_FORGED || how == DAMAGE_OTHER || how == DAMAGE_TEXT;

	switch (file) {
	case FILE_LOCAL:
	case FILE_USERS:
	case FILE_DIRECTORY_KEYS:
		r->forged |= says_other;
		break;
	case FILE_IMAGE:
		r->edited |= says_other;
		break;
	case FILE_POLICY:
	case FILE_CONFIG:
	case FILE_GROUP:
		r->edited |=
		    how != DAMAGE_WRITABLE && how != DAMAGE_FIFO && how != DAMAGE_FOLDER;
		break;
	case FILE_DIRECTORY_GROUPS:
		r->granted |= says_other && r->kind == HOST_DIRECTORY;
		break;
	case FILE_FRESHNESS:
		r->heard |= says_other;
		break;
	case FILE_AUDIT:
		r->no_log = how == DAMAGE_FOLDER || how == DAMAGE_LINK || how == DAMAGE_FIFO;
		break;
	case FILE_LOCKDOWN:
		if (how != DAMAGE_WRITABLE)
			r->lockdown = how != DAMAGE_REMOVED;
		break;
	case FILE_LASTUSED:
	case HOST_FILES:
		break;
	}
}

static void
take_damage(struct fuzz_input *in, struct run *r)
{
	enum host_file file = fuzz_u8(in) % HOST_FILES;
	enum damage how = fuzz_u8(in) % DAMAGES;
	uint32_t at = take_number(in);
	size_t len_b = fuzz_u8(in);

	if (len_b > in->left_b)
		len_b = in->left_b;
	host_damage(r->kind, file, how, at, in->at, len_b);
	in->at += len_b;
	in->left_b -= len_b;
	r->damaged = true;
	take_down(r, file, how);
}

static void
take_clock(struct fuzz_input *in)
{
	int64_t steps = (int64_t)take_number(in) - 256;

	world.now_s = host_began_s + steps * 60 + 1;
}

struct failure failure;

static void
take_failure(struct fuzz_input *in)
{
	static const int reasons[] = {EMFILE, ENFILE, EACCES, EIO, EINTR, ENOSPC, ENOMEM};
	unsigned how = fuzz_u8(in), n = fuzz_u8(in);

	if (how % 4 < 2) {
		failure.alloc = n;
		world.fail_alloc_on = how % 4 == 1;
	} else {
		failure.call = n;
		world.fail_errno = reasons[how / 4 % N(reasons)];
	}
}

static void
change_keys(struct fuzz_input *in, struct run *r)
{
	unsigned which = fuzz_u8(in) % 3;

	host_change(r->kind, which != 1, which != 0);
	r->local_changed |= which != 1;
	r->users_changed |= which != 0;
}

void
fuzz_pam_event(struct fuzz_input *in, struct run *r, unsigned what)
{
	static const int codes[] = {
	    PAM_SUCCESS, PAM_CONV_ERR, PAM_CONV_AGAIN, PAM_BUF_ERR, PAM_IGNORE, 4711, -1};
	static const int items[] = {PAM_SERVICE, PAM_USER, PAM_RHOST, PAM_RUSER, PAM_TTY};
	unsigned at;

	switch (what) {
	case 0:
		set_item(in, items[fuzz_u8(in) % N(items)]);
		break;
	case 1:
		world.answer = take_answer(in, answer_text);
		break;
	case 2:
		world_set_item(PAM_AUTHTOK, take_answer(in, world.texts[0]));
		break;
	case 3:
		world.conv_code = codes[fuzz_u8(in) % N(codes)];
		break;
	case 4:
		take_args(in, r);
		break;
	case 5:
		take_damage(in, r);
		break;
	case 6:
		take_clock(in);
		break;
	case 7:
		take_failure(in);
		break;
	case 8:
		change_keys(in, r);
		break;
	case 9:
		world.uid = (uid_t[]){0, 1000, 1005, 1006, 70000, 70001, 70006, 70008, 70050,
		    1879048192}[fuzz_u8(in) % 10];
		break;
	case 10:
		at = take_number(in);
		host_damage_records(r->kind, at % 2 == 0 ? "sessions" : "handles",
		    at / 4 | (unsigned)fuzz_u8(in) << 16, at / 2 % 2 == 1);
		r->damaged = true;
		break;
	case 11: /* sshd asks in a child, and the session is opened by its parent */
		world_end(true);
		break;
	case 12:
		world_end(false);
		world_set_item(PAM_AUTHTOK, NULL);
		r->verified = NULL;
		break;
	default:
		world.name_service_down = fuzz_u8(in) % 2 == 1;
		break;
	}
}

void
fuzz_pam_make_tokens(void)
{
	for (unsigned i = 0; i < HOST_KEYS; i++)
		fuzz_check(token_new(host_keys[i].token[0].id, &wrong[i]) == AK_OK,
		    "another token can be made");
}
