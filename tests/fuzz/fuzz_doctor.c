/* fuzz_doctor: any bytes as the files of a host that the doctor looks at: findings that are sentences, and advice that does nothing but what it says when it is pasted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz_check.h"
#include "fuzz_cli.h"
#include "fuzz_file.h"
#include "fuzz_input.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static const struct {
	const char *name, *usual;
} files[] = {
    {"etc/apikey/policy.yaml",
	"version: 1\nroles:\n  viewer: {services: [sshd, sudo], accounts: [deploy]}\n"},
    {"etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n"},
    {"etc/ssh/sshd_config.d/50-apikey.conf", "Match Group apikey\n"},
    {"etc/sudoers", "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n"},
    {"etc/sudoers.d/more", "%sudo ALL=(ALL:ALL) ALL\n"},
    {"etc/pam.d/sshd", "@include common-auth\nsession required pam_apikey.so\n"},
    {"etc/pam.d/sudo", "@include common-auth\naccount required pam_apikey.so\n"},
    {"etc/pam.d/common-auth",
	"auth [success=2 default=ignore] pam_apikey.so\nauth requisite pam_deny.so\n"},
    {"etc/pam.d/other", "auth required pam_deny.so\n"},
    {"etc/nsswitch.conf", "passwd: files apikey\ngroup: files apikey\n"},
    {"etc/passwd", "root:x:0:0::/root:/bin/sh\ndeploy:x:1001:1001::/home/deploy:/bin/sh\n"},
    {"etc/group", "root:x:0:\nsudo:x:27:deploy\n"},
    {"etc/subuid", "deploy:100000:65536\n"},
    {"etc/apikey/apikey.yaml", "version: 1\nshell: /bin/sh\n"},
    {"root/usr/lib/pam.d/su", "auth sufficient pam_rootok.so\n"},
};

#define N_FILES (sizeof(files) / sizeof(files[0]))

static void
put(size_t i, const char *text)
{
	fuzz_file(fuzz_path(files[i].name), text, strlen(text));
}

/* Every file as it usually is. */
static void
furnish(void)
{
	static const char *const folders[] = {"root", "root/usr", "root/usr/lib",
	    "root/usr/lib/pam.d", "root/usr/sbin", "etc/apikey", "etc/ssh",
	    "etc/ssh/sshd_config.d", "etc/sudoers.d", "etc/pam.d"};

	(void)fuzz_paths();
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		fuzz_check(mkdir(fuzz_path(folders[i]), 0755) == 0, "a folder is made");
	fuzz_file(fuzz_path("root/usr/sbin/visudo"), "", 0);
	for (size_t i = 0; i < N_FILES; i++)
		put(i, files[i].usual);
}

static const char *
member(const json_t *finding, const char *name)
{
	const char *text = json_string_value(json_object_get(finding, name));

	return text == NULL ? "" : text;
}

/* Outside of single quotes, which begin behind a blank as words do, nothing runs another program. */
static void
check_advice(const char *advice)
{
	bool quoted = false;

	for (const char *at = advice; *at != '\0'; at++) {
		if (*at == '\'')
			quoted = !quoted && (at == advice || at[-1] == ' ');
		fuzz_check(quoted || *at != '`', "no backquote stands open");
		fuzz_check(quoted || strncmp(at, "$(", 2) != 0, "nor does anything like it");
		fuzz_check(*at != '\n', "advice is one line");
	}
}

static void
check_findings(const json_t *all)
{
	const json_t *f;
	size_t i;

	fuzz_check(json_is_array(all) && json_array_size(all) > 0, "there are findings");
	json_array_foreach(all, i, f)
	{
		const char *state = member(f, "state"), *advice = member(f, "advice");

		fuzz_check(member(f, "check")[0] != '\0' && member(f, "text")[0] != '\0',
		    "a finding is of a check, and says something");
		fuzz_check(strcmp(state, "ok") == 0 || strcmp(state, "note") == 0 ||
			       strcmp(state, "attention") == 0,
		    "it is well, or not");
		fuzz_check((strcmp(state, "ok") == 0) == (advice[0] == '\0'),
		    "who has something to mend is told how");
		check_advice(advice);
	}
}

static void
look(bool as_table, const char *tools_say)
{
	const char *words[] = {"apikey", "doctor", as_table ? NULL : "-o", "json", NULL};
	struct fuzz_run r = fuzz_cli(words, tools_say);
	json_t *all = as_table ? NULL : fuzz_json(&r);

	fuzz_check(
	    r.status == CLI_DONE || r.status == CLI_FAILED, "the doctor comes to an end");
	fuzz_check_terminal(&r);
	if (!as_table)
		check_findings(all);
	json_decref(all);
	fuzz_run_clear(&r);
}

/* The first byte: which file, or what programs say; and how it is told. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};
	uint8_t choice = fuzz_u8(&in);
	size_t which = choice % 32 % (N_FILES + 1);
	static bool furnished;
	char *text = fuzz_rest(&in);

	if (!furnished)
		furnish();
	furnished = true;
	if (which < N_FILES) {
		put(which, text);
		look(choice >= 224, "usepam yes\nkbdinteractiveauthentication yes\n");
		put(which, files[which].usual);
	} else {
		look(choice >= 224, text);
	}
	free(text);
	return 0;
}
