#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "token.h"

enum cli_exit
cli_exit_for(enum ak_err err)
{
	switch (err) {
	case AK_OK:
		return CLI_DONE;
	case AK_ERR_NOT_FOUND:
	case AK_ERR_DENIED:
	case AK_ERR_EXISTS:
		return CLI_REFUSED;
	case AK_ERR_INVALID:
		return CLI_USAGE;
	case AK_ERR_UNAVAILABLE:
	case AK_ERR_CORRUPT:
	case AK_ERR_NEWER:
	case AK_ERR_UNSAFE:
	case AK_ERR_ROLLBACK:
	case AK_ERR_FULL:
	case AK_ERR_RANGE:
	case AK_ERR_NOMEM:
		break;
	}
	return CLI_FAILED;
}

int
cli_fail(const struct cli *c, enum ak_err err, const struct diag *why)
{
	char buf[sizeof(why->file) + sizeof(why->text) + 32];

	if (why->text[0] == '\0')
		cli_warn(c, "%s", ak_strerror(err));
	else
		cli_warn(c, "%s", diag_print(why, buf, sizeof(buf)));
	return (int)cli_exit_for(err);
}

void
cli_warn(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	(void)fputs("apikey: ", c->err);
	va_start(ap, fmt);
	(void)vfprintf(c->err, fmt, ap);
	va_end(ap);
	(void)fputc('\n', c->err);
}

/* Without memory to keep it in, what there is to say is said at once. */
void
cli_hush(struct cli *c)
{
	FILE *keep;

	if (c->held.depth++ > 0 ||
	    (keep = open_memstream(&c->held.text, &c->held.len_b)) == NULL)
		return;
	c->held.err = c->err;
	c->err = keep;
}

void
cli_speak(struct cli *c)
{
	if (--c->held.depth > 0 || c->held.err == NULL)
		return;
	(void)fclose(c->err);
	c->err = c->held.err;
	c->held.err = NULL;
	(void)fwrite(c->held.text, 1, c->held.len_b, c->err);
	free(c->held.text);
	c->held.text = NULL;
}

/* Once: of a thousand keys that are deleted each has a line, and every process is looked at for it. */
void
cli_log_who(struct cli *c, struct audit *line)
{
	const struct cli_host *host = &c->host;

	if (!c->actor_known) {
		host->who(host->ctx, c->who, sizeof(c->who));
		host->from(host->ctx, &c->paths, c->from, sizeof(c->from));
		c->actor_known = true;
	}
	audit_add(line, "by", c->who);
	audit_add(line, "from", c->from);
}

void
cli_log(struct cli *c, const char *line)
{
	enum ak_err err = c->host.log(c->host.ctx, &c->paths, line);

	if (err != AK_OK && !c->log_failed)
		cli_warn(c, "the audit log %s can't be written: %s; syslog has the lines",
		    c->paths.audit,
		    err == AK_ERR_UNSAFE
			? ak_strerror(err)
			: "see that its folder is there, and that the disk has room");
	c->log_failed = c->log_failed || err != AK_OK;
}

/* A key may be named apikey_x; no name is as long as a token. */
const char *
cli_shown(const char *text)
{
	if (strlen(text) > KEY_NAME_MAX && strstr(text, TOKEN_PREFIX) != NULL)
		return TOKEN_PREFIX "(redacted)";
	return text;
}

enum cli_exit
cli_flush(const struct cli *c)
{
	errno = 0;
	if (fflush(c->out) == 0 && !ferror(c->out))
		return CLI_DONE;
	cli_warn(c, "the answer could not be written: %s",
	    errno == 0 ? "the output failed" : strerror(errno));
	clearerr(c->out);
	return CLI_FAILED;
}
