#include "usermanager.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"
#include "tool.h"

#define LOGINCTL "/usr/bin/loginctl"
#define SYSTEMCTL "/usr/bin/systemctl"
#define NOT_LOADED 5 /* systemctl: there is no such unit */

bool
usermanager_is_here(void)
{
	struct stat st;

	return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- what logind knows ------------------------------------------------------------------------ */

/* The name from logind's file on the user: once the key is deleted, nobody else knows it. */
static bool
find_name(const char *path, char name[KEY_NAME_MAX + 1])
{
	char line[256];
	FILE *f = fopen(path, "re");

	name[0] = '\0';
	if (f == NULL)
		return false;
	while (name[0] == '\0' && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "NAME=", 5) == 0 && text_is_key_name(line + 5))
			(void)!text_copy(name, KEY_NAME_MAX + 1, line + 5);
	}
	(void)fclose(f);
	return name[0] != '\0';
}

/* The file is all that lingering is; where this process may not write, logind takes it away. */
static bool
end_lingering(const char *name, char *uid, int64_t until_ms)
{
	char path[64], tool[] = LOGINCTL, verb[] = "disable-linger",
		       quiet[] = "--no-ask-password";
	char *argv[] = {tool, quiet, verb, uid, NULL};

	(void)snprintf(path, sizeof(path), "/var/lib/systemd/linger/%s", name);
	if (unlink(path) == 0 || errno == ENOENT)
		return true;
	return tool_run(argv, until_ms, NULL, 0) == 0;
}

/* Stopped, though it be dead already: what it was to start is dropped too. */
static bool
stop_unit(const char *uid, int64_t until_ms)
{
	char unit[64], tool[] = SYSTEMCTL, stop[] = "stop", reset[] = "reset-failed";
	char quiet[] = "--no-ask-password";
	char *stop_argv[] = {tool, quiet, stop, unit, NULL};
	char *reset_argv[] = {tool, quiet, reset, unit, NULL};
	int status;

	(void)snprintf(unit, sizeof(unit), "user@%s.service", uid);
	status = tool_run(stop_argv, until_ms, NULL, 0);
	/* Whether there was a failure to forget is nobody's concern. */
	(void)tool_run(reset_argv, until_ms, NULL, 0);
	return status == 0 || status == NOT_LOADED;
}

enum ak_err
usermanager_end(uint32_t uid, int wait_ms)
{
	const int64_t until_ms = tool_now_ms() + wait_ms;
	char number[16], path[64], name[KEY_NAME_MAX + 1];
	bool ended = true;

	(void)snprintf(number, sizeof(number), "%u", uid);
	(void)snprintf(path, sizeof(path), "/run/systemd/users/%u", uid);
	if (!usermanager_is_here() || access(path, F_OK) != 0)
		return AK_OK;
	if (find_name(path, name))
		ended = end_lingering(name, number, until_ms);
	return stop_unit(number, until_ms) && ended ? AK_OK : AK_ERR_UNAVAILABLE;
}
