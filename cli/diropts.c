#include "diropts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum ak_err
diropts_parse(const struct args *a, bool *directory, struct diag *why)
{
	static const enum arg beside[] = {
	    ARG_BIND_DN, ARG_ASK_PASSWORD, ARG_PASSWORD_FILE, ARG_SASL, ARG_URI};
	const char *in = args_value(a, ARG_IN);

	*directory = in != NULL && strcmp(in, "directory") == 0;
	if (in != NULL && !*directory && strcmp(in, "local") != 0)
		return diag_because(
		    why, AK_ERR_INVALID, "--in is local or directory, not `%.40s'", in);
	for (size_t i = 0; !*directory && i < sizeof(beside) / sizeof(beside[0]); i++)
		if (args_has(a, beside[i]))
			return diag_because(why, AK_ERR_INVALID,
			    "-D, -W, -y, -Y and -H say how to reach the directory: add --in "
			    "directory, or leave them out");
	return AK_OK;
}

/* At most cap - 1 bytes of a descriptor; -1 with errno. */
static ssize_t
read_whole(int fd, char *buf, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, buf + len, cap - len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? (ssize_t)len : -1;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* One line end at the end is the editor's. */
static enum ak_err
take_password(const char *path, int fd, char out[ASK_PASSWORD_CAP], struct diag *why)
{
	ssize_t n = read_whole(fd, out, ASK_PASSWORD_CAP);
	size_t len = n == -1 ? 0 : (size_t)n;

	if (n == -1)
		return diag_say(why, AK_ERR_UNAVAILABLE, path, 0, 0, "%s", strerror(errno));
	if (len == ASK_PASSWORD_CAP)
		return diag_say(why, AK_ERR_INVALID, path, 0, 0, "is too long for a password");
	if (len > 0 && out[len - 1] == '\n')
		len--;
	if (len == 0 || memchr(out, '\0', len) != NULL)
		return diag_say(why, AK_ERR_INVALID, path, 0, 0, "holds no password");
	out[len] = '\0';
	return AK_OK;
}

static enum ak_err
read_password(
    const struct cli *c, const char *path, char out[ASK_PASSWORD_CAP], struct diag *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	enum ak_err err;

	if (fd == -1)
		return diag_say(why, errno == ENOENT ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE,
		    path, 0, 0, "%s", strerror(errno));
	if (fstat(fd, &st) == -1)
		err = diag_say(why, AK_ERR_UNAVAILABLE, path, 0, 0, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		err = diag_say(why, AK_ERR_UNSAFE, path, 0, 0, "is no regular file");
	else if ((st.st_uid != 0 && st.st_uid != c->paths.owner) || (st.st_mode & 077) != 0)
		err = diag_say(why, AK_ERR_UNSAFE, path, 0, 0,
		    "others than root can read the password: chown root and chmod 600");
	else
		err = take_password(path, fd, out, why);
	(void)close(fd);
	return err;
}

/* Simple: a DN, and its password. */
static enum ak_err
take_simple(const struct cli *c, const struct args *a, struct diropts *o, struct diag *why)
{
	const char *file = args_value(a, ARG_PASSWORD_FILE);
	bool asked = args_has(a, ARG_ASK_PASSWORD);

	o->login.bind = DIRSERVER_SIMPLE;
	o->login.dn = args_value(a, ARG_BIND_DN);
	o->login.password = o->password;
	if (o->login.dn == NULL || *o->login.dn == '\0')
		return diag_because(
		    why, AK_ERR_INVALID, "a password needs the DN that it is for: add -D DN");
	if (asked == (file != NULL))
		return diag_because(why, AK_ERR_INVALID,
		    "-D needs the password: add -W to be asked for it, or -y FILE, one of "
		    "them");
	if (file != NULL)
		return read_password(c, file, o->password, why);
	return ask_password(c->in, c->err, o->password, why);
}

static enum ak_err
take_sasl(const char *mechanism, struct diropts *o, struct diag *why)
{
	if (strcasecmp(mechanism, "EXTERNAL") == 0)
		o->login.bind = DIRSERVER_EXTERNAL;
	else if (strcasecmp(mechanism, "GSSAPI") == 0)
		o->login.bind = DIRSERVER_GSSAPI;
	else
		return diag_because(
		    why, AK_ERR_INVALID, "-Y is EXTERNAL or GSSAPI, not `%.40s'", mechanism);
	return AK_OK;
}

static bool
all_are_this_host(struct strv uris)
{
	strv_for (uris, uri) {
		if (strncasecmp(uri, "ldapi:", 6) != 0)
			return false;
	}
	return uris.len_b > 0;
}

static enum ak_err
take_uris(const struct args *a, const struct directory_settings *s, struct diropts *o,
    struct diag *why)
{
	const char *uri = args_value(a, ARG_URI);

	o->login.uris = s->uris;
	if (uri == NULL)
		return AK_OK;
	if (strncasecmp(uri, "ldap://", 7) != 0 && strncasecmp(uri, "ldaps://", 8) != 0 &&
	    strncasecmp(uri, "ldapi://", 8) != 0)
		return diag_because(why, AK_ERR_INVALID,
		    "-H `%.80s' is no server: write ldap://, ldaps:// or ldapi://", uri);
	if (text_copy(o->uri, sizeof(o->uri), uri) != AK_OK)
		return diag_because(why, AK_ERR_INVALID, "-H is too long");
	o->login.uris = (struct strv){.bytes = o->uri, .len_b = strlen(o->uri) + 1};
	return AK_OK;
}

enum ak_err
diropts_login(const struct cli *c, const struct args *a, const struct directory_settings *s,
    struct diropts *out, struct diag *why)
{
	const char *mechanism = args_value(a, ARG_SASL);
	bool simple = args_has(a, ARG_BIND_DN) || args_has(a, ARG_ASK_PASSWORD) ||
		      args_has(a, ARG_PASSWORD_FILE);
	enum ak_err err;

	*out = (struct diropts){.login = {.settings = s}};
	if (!s->present || s->keys.base[0] == '\0')
		return diag_because(why, AK_ERR_DENIED,
		    "%s names no directory for keys: give it directory.uris and directory.keys",
		    c->paths.config);
	if (simple && mechanism != NULL)
		return diag_because(why, AK_ERR_INVALID,
		    "-Y is one way to say who you are, -D another: give one of them");
	if ((err = take_uris(a, s, out, why)) != AK_OK)
		return err;
	if (simple)
		return take_simple(c, a, out, why);
	if (mechanism != NULL)
		return take_sasl(mechanism, out, why);
	out->login.bind = DIRSERVER_EXTERNAL;
	if (all_are_this_host(out->login.uris))
		return AK_OK;
	return diag_because(why, AK_ERR_DENIED,
	    "the directory must know who you are: give -D DN with -W or -y FILE, or -Y GSSAPI, "
	    "or on the server itself -H ldapi:///");
}

void
diropts_clear(struct diropts *o)
{
	explicit_bzero(o, sizeof(*o));
}
