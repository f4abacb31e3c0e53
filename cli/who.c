#include "who.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "num.h"
#include "text.h"

#define UNSET_LOGINUID UINT32_MAX

static void
name_uid(uid_t uid, char *buf, size_t cap)
{
	char room[16384];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(uid, &pw, room, sizeof(room), &found) == 0 && found != NULL &&
	    text_is_passwd_field(pw.pw_name) && text_copy(buf, cap, pw.pw_name) == AK_OK)
		return;
	(void)snprintf(buf, cap, "%lu", (unsigned long)uid);
}

bool
who_login_uid(const char *loginuid_file, uid_t *uid)
{
	char line[16] = "";
	uint64_t v = UNSET_LOGINUID;
	FILE *f = fopen(loginuid_file, "re");

	if (f == NULL)
		return false;
	if (fgets(line, sizeof(line), f) != NULL)
		line[strcspn(line, "\n")] = '\0';
	(void)fclose(f);
	if (num_parse(line, 0, UINT32_MAX, &v) != AK_OK || v == UNSET_LOGINUID)
		return false;
	*uid = (uid_t)v;
	return true;
}

void
who_name(const char *loginuid_file, const char *sudo_user, uid_t real, char *buf, size_t cap)
{
	uid_t uid;

	if (who_login_uid(loginuid_file, &uid))
		name_uid(uid, buf, cap);
	else if (sudo_user == NULL || *sudo_user == '\0' || !text_is_passwd_field(sudo_user) ||
		 text_copy(buf, cap, sudo_user) != AK_OK)
		name_uid(real, buf, cap);
}
