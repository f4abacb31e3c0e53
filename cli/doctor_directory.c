#include "doctor_checks.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A certificate that ends within 14 days. */
#define SOON_TEXT "1209600"

static void
look_at_file(struct doctor *d, const char *option, const char *path, bool secret)
{
	mode_t never = secret ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH;
	char word[DOCTOR_WORD_CAP];
	struct stat st;

	if (path[0] == '\0')
		return;
	(void)doctor_word(path, word);
	if (stat(path, &st) == -1)
		doctor_attend(d, "put it there, or change the setting", "%s, %s: %s", option,
		    path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || st.st_size == 0)
		doctor_attend(d, "put the right one there, or change the setting",
		    "%s, %s, is empty or no regular file", option, path);
	else if (st.st_uid != 0 && st.st_uid != d->c->paths.owner) {
		doctor_attend(d, "", "%s, %s, belongs to uid %u, not to root", option, path,
		    (unsigned)st.st_uid);
		doctor_advise(
		    d, "chown root %s && chmod %s %s", word, secret ? "0600" : "go-w", word);
	} else if ((st.st_mode & never) != 0) {
		doctor_attend(d, "", "%s, %s, has mode %04o: others than root can %s it",
		    option, path, (unsigned)(st.st_mode & 07777), secret ? "use" : "write to");
		doctor_advise(d, "chmod %s %s", secret ? "0600" : "go-w", word);
	}
}

/* Where openssl(1) is there; of a bundle it reads the first one. */
static void
look_at_certificate(struct doctor *d, const char *option, const char *path)
{
	char tool[] = "/usr/bin/openssl", verb[] = "x509", quiet[] = "-noout", in[] = "-in";
	char checkend[] = "-checkend", soon[] = SOON_TEXT, file[PATH_CAP], said[512];
	char *argv[] = {tool, verb, quiet, checkend, soon, in, file, NULL};

	if (path[0] == '\0' || access(path, R_OK) == -1 ||
	    text_copy(file, sizeof(file), path) != AK_OK)
		return;
	if (doctor_tool(d, argv, said, sizeof(said)) == 1 && strstr(said, "will expire") != NULL)
		doctor_attend(d, "have a new one signed, and put it there",
		    "the certificate of %s, %s, ends within 14 days, or has ended", option,
		    path);
}

static void
look_at_roles(struct doctor *d)
{
	const struct image *im = d->live.image;

	if (im == NULL)
		return;
	strv_for (d->live.settings.directory.may_grant, role) {
		if (strcmp(role, "*") != 0 && image_find_role(im, role) == IMAGE_NONE)
			doctor_attend(d, "declare the role in the policy, or take it out there",
			    "may_grant names the role %s, which %s does not declare", role,
			    d->c->paths.policy);
	}
}

/* The directory: heard, believed in what it may, and spoken to safely. */
void
doctor_directory(struct doctor *d)
{
	const struct directory_settings *s = &d->live.settings.directory;

	if (!s->present) {
		doctor_ok(d, "none is set: keys are those of this host");
		return;
	}
	look_at_file(d, "ca_file", s->ca_file, false);
	look_at_file(d, "cert_file", s->cert_file, false);
	look_at_file(d, "key_file", s->key_file, true);
	look_at_file(d, "password_file", s->password_file, true);
	look_at_certificate(d, "ca_file", s->ca_file);
	look_at_certificate(d, "cert_file", s->cert_file);
	look_at_roles(d);
	(void)doctor_needs(d, STATUS_DIRECTORY,
	    "see that a server of 'uris' can be reached from here: 'apikey sync' tries at "
	    "once");
	if (doctor_count(d) == 0)
		doctor_ok(d, "%s is heard",
		    d->status.reply.uri[0] == '\0' ? "the directory" : d->status.reply.uri);
}
