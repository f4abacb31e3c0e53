/* fuzz_pam_libpam: libpam, as far as the module sees it: items, data, environment, conversation, log. */
#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "fuzz_pam_world.h"
#include "text.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

struct pam_handle {
	struct {
		char *name;
		void *data;
		void (*cleanup)(pam_handle_t *pamh, void *data, int status);
	} data[8];
	char *env[32];
};

static struct pam_handle handle;

pam_handle_t *
world_borrow_handle(void)
{
	return &handle;
}

void
world_set_item(int item, const char *text)
{
	world.items[item] = NULL;
	if (text != NULL && text_copy(world.texts[item], WORLD_TEXT_CAP, text) == AK_OK)
		world.items[item] = world.texts[item];
}

static void
forget(size_t i, int status)
{
	if (handle.data[i].data != NULL && handle.data[i].cleanup != NULL)
		handle.data[i].cleanup(&handle, handle.data[i].data, status);
	free(handle.data[i].name);
	memset(&handle.data[i], 0, sizeof(handle.data[i]));
}

void
world_end(bool kept_env)
{
	for (size_t i = 0; i < N(handle.data); i++)
		forget(i, PAM_SUCCESS);
	for (size_t i = 0; i < N(handle.env) && !kept_env; i++) {
		free(handle.env[i]);
		handle.env[i] = NULL;
	}
}

static size_t
find_data(const char *name)
{
	size_t i = 0;

	while (i < N(handle.data) &&
	       (handle.data[i].name == NULL || strcmp(handle.data[i].name, name) != 0))
		i++;
	return i;
}

bool
world_has_data(const char *name)
{
	size_t i = find_data(name);

	return i < N(handle.data) && handle.data[i].data != NULL;
}

const char *
world_getenv(const char *name)
{
	return pam_getenv(&handle, name);
}

static void
check_handle(const pam_handle_t *pamh)
{
	fuzz_check(pamh == &handle, "libpam gets the handle that it gave");
}

/* ---- what the module calls ---- */

int
pam_get_item(const pam_handle_t *pamh, int item, const void **value)
{
	check_handle(pamh);
	fuzz_check(item > 0 && item < WORLD_ITEMS, "an item is one of libpam's");
	*value = world.items[item];
	return PAM_SUCCESS;
}

int
pam_set_item(pam_handle_t *pamh, int item, const void *value)
{
	char *copy = strdup(value);

	check_handle(pamh);
	fuzz_check(item == PAM_AUTHTOK, "the module sets no item but the password");
	if (copy == NULL)
		return PAM_BUF_ERR;
	world_set_item(item, copy);
	free(copy);
	return PAM_SUCCESS;
}

int
pam_get_user(pam_handle_t *pamh, const char **user, const char *prompt)
{
	check_handle(pamh);
	fuzz_check(prompt == NULL, "the prompt for a name is the application's");
	*user = world.items[PAM_USER];
	if (*user != NULL)
		return PAM_SUCCESS;
	return world.conv_code == PAM_SUCCESS ? PAM_CONV_ERR : world.conv_code;
}

int
pam_set_data(pam_handle_t *pamh, const char *name, void *data,
    void (*cleanup)(pam_handle_t *pamh, void *data, int status))
{
	size_t i = find_data(name);
	char *copy;

	check_handle(pamh);
	if (i < N(handle.data)) {
		copy = handle.data[i].name;
		handle.data[i].name = NULL;
		forget(i, PAM_DATA_REPLACE);
	} else if ((copy = strdup(name)) == NULL) {
		return PAM_BUF_ERR;
	}
	for (i = 0; i < N(handle.data) && handle.data[i].name != NULL; i++)
		;
	fuzz_check(i < N(handle.data), "the module leaves a few data alone");
	handle.data[i].name = copy;
	handle.data[i].data = data;
	handle.data[i].cleanup = cleanup;
	return PAM_SUCCESS;
}

int
pam_get_data(const pam_handle_t *pamh, const char *name, const void **data)
{
	size_t i = find_data(name);

	check_handle(pamh);
	if (i == N(handle.data))
		return PAM_NO_MODULE_DATA;
	*data = handle.data[i].data;
	return PAM_SUCCESS;
}

static size_t
find_env(const char *name, size_t len)
{
	size_t i = 0;

	while (i < N(handle.env) &&
	       (handle.env[i] == NULL || strncmp(handle.env[i], name, len) != 0 ||
		   handle.env[i][len] != '='))
		i++;
	return i;
}

const char *
pam_getenv(pam_handle_t *pamh, const char *name)
{
	size_t len = strlen(name), i = find_env(name, len);

	check_handle(pamh);
	return i < N(handle.env) ? handle.env[i] + len + 1 : NULL;
}

int
pam_putenv(pam_handle_t *pamh, const char *pair)
{
	size_t len = strcspn(pair, "="), i = find_env(pair, len);
	char *copy = NULL;

	check_handle(pamh);
	fuzz_check(strncmp(pair, "APIKEY_", 7) == 0 || strncmp(pair, "SSH_", 4) == 0,
	    "the module's variables begin with APIKEY_");
	if (pair[len] == '=' && (copy = strdup(pair)) == NULL)
		return PAM_BUF_ERR;
	if (i < N(handle.env))
		free(handle.env[i]);
	for (size_t free_at = 0; i == N(handle.env) && free_at < N(handle.env); free_at++)
		if (handle.env[free_at] == NULL)
			i = free_at;
	fuzz_check(i < N(handle.env), "there is room for a few variables");
	handle.env[i] = copy;
	return PAM_SUCCESS;
}

static void __attribute__((format(printf, 2, 0)))
say(const char *how, const char *fmt, va_list ap)
{
	size_t len = strlen(world.log);
	char line[4096];
	struct text log;

	if (len > sizeof(world.log) / 2)
		return;
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	log = text_over(world.log + len, sizeof(world.log) - len);
	text_add(&log, "<%s> %s\n", how, line);
}

void
pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...)
{
	char how[16];
	va_list ap;

	check_handle(pamh);
	(void)snprintf(how, sizeof(how), "%d", priority);
	va_start(ap, fmt);
	say(how, fmt, ap);
	va_end(ap);
}

int
pam_prompt(pam_handle_t *pamh, int style, char **response, const char *fmt, ...)
{
	va_list ap;

	check_handle(pamh);
	va_start(ap, fmt);
	say(style == PAM_PROMPT_ECHO_OFF ? "prompt" : "told", fmt, ap);
	va_end(ap);
	if (style != PAM_PROMPT_ECHO_OFF) {
		fuzz_check(
		    style == PAM_ERROR_MSG && response == NULL, "people are told errors");
		world.told++;
		return world.conv_code;
	}
	world.asked++;
	*response = NULL;
	if (world.conv_code != PAM_SUCCESS || world.answer == NULL)
		return world.conv_code;
	*response = strdup(world.answer);
	return *response == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
}

/* ---- the name service ---- */

static const struct passwd people[] = {
    {.pw_name = (char *)"root", .pw_uid = 0},
    {.pw_name = (char *)"toor", .pw_uid = 0},
    {.pw_name = (char *)"bob", .pw_uid = 1000},
    {.pw_name = (char *)"deploy", .pw_uid = 1005},
    {.pw_name = (char *)"solo", .pw_uid = 1006},
    {.pw_name = (char *)"ci", .pw_uid = 70000},
    {.pw_name = (char *)"second", .pw_uid = 70001},
    {.pw_name = (char *)"disabled", .pw_uid = 70002},
    {.pw_name = (char *)"expired", .pw_uid = 70003},
    {.pw_name = (char *)"early", .pw_uid = 70004},
    {.pw_name = (char *)"roleless", .pw_uid = 70005},
    {.pw_name = (char *)"sshonly", .pw_uid = 70006},
    {.pw_name = (char *)"bound", .pw_uid = 70007},
    {.pw_name = (char *)"opener", .pw_uid = 70008},
    {.pw_name = (char *)"robot", .pw_uid = 1879048192},
    {.pw_name = (char *)"ghost", .pw_uid = 70050},
    {.pw_name = (char *)"alias", .pw_uid = 70000},
};

const struct passwd *
world_find_name(const char *name)
{
	for (size_t i = 0; name != NULL && i < N(people) && !world.name_service_down; i++)
		if (strcmp(people[i].pw_name, name) == 0)
			return &people[i];
	return NULL;
}

const struct passwd *
world_find_uid(uid_t uid)
{
	for (size_t i = 0; i < N(people) && !world.name_service_down; i++)
		if (people[i].pw_uid == uid)
			return &people[i];
	return NULL;
}

/* As libpam, which keeps a copy: no memory is nobody. */
static struct passwd *
lend(const struct passwd *pw)
{
	static struct passwd lent;
	void *copy = malloc(1);

	free(copy);
	if (pw == NULL || copy == NULL)
		return NULL;
	lent = *pw;
	return &lent;
}

struct passwd *
pam_modutil_getpwnam(pam_handle_t *pamh, const char *name)
{
	check_handle(pamh);
	return lend(world_find_name(name));
}

struct passwd *
pam_modutil_getpwuid(pam_handle_t *pamh, uid_t uid)
{
	check_handle(pamh);
	return lend(world_find_uid(uid));
}
