#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endings.h"
#include "holdoff.h"
#include "livelist.h"
#include "out.h"
#include "verbs.h"

/* It is to outlive a crash. */
static void
sync_folder(const char *path)
{
	char folder[PATH_CAP];
	int fd;

	(void)snprintf(folder, sizeof(folder), "%s", path);
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

static int
make_file(const char *path)
{
	char folder[PATH_CAP];
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd = open(path, flags, 0644);

	if (fd == -1 && errno == ENOENT) {
		(void)snprintf(folder, sizeof(folder), "%s", path);
		if (mkdir(dirname(folder), 0755) == 0)
			fd = open(path, flags, 0644);
	}
	return fd;
}

/* Whatever lies there counts as on (pam_apikey(8)), were it a link to nowhere. */
static enum ak_err
turn_on(const char *path, bool *changed, struct diag *why)
{
	int fd = make_file(path);

	*changed = fd != -1;
	if (fd == -1 && errno != EEXIST)
		return diag_say(why, AK_ERR_UNAVAILABLE, path, 0, 0,
		    "cannot be made, so keys are not refused: %s", strerror(errno));
	if (fd != -1) {
		(void)fsync(fd);
		(void)close(fd);
		sync_folder(path);
	}
	return AK_OK;
}

static enum ak_err
turn_off(const char *path, bool *changed, struct diag *why)
{
	*changed = unlink(path) == 0;
	if (!*changed && errno == EISDIR)
		return diag_say(why, AK_ERR_DENIED, path, 0, 0,
		    "is a folder, and keys stay refused: look into it, and remove it by hand");
	if (!*changed && errno != ENOENT)
		return diag_say(why, AK_ERR_UNAVAILABLE, path, 0, 0,
		    "cannot be removed, so keys stay refused: %s", strerror(errno));
	if (*changed)
		sync_folder(path);
	return AK_OK;
}

static void
log_changed(struct cli *c, const char *event)
{
	struct audit line;

	audit_start(&line, event);
	cli_log_who(c, &line);
	cli_log(c, line.line);
}

static enum ak_err
answer(const struct cli *c, const struct args *a, bool on, bool changed, const struct endings *e)
{
	struct out_json *j;

	if (a->output != OUTPUT_JSON) {
		(void)fprintf(c->out, "%s\n",
		    !changed && e->n == 0 ? "nothing to change"
		    : on ? "every key is refused on this host, until `apikey lockdown off`"
			 : "keys are admitted again");
		return AK_OK;
	}
	j = out_json_new();
	out_object(j, NULL);
	out_bool(j, "lockdown", on);
	out_bool(j, "changed", changed || e->n > 0);
	out_number(j, "sessions_ended", (int64_t)e->n);
	endings_json(j, e);
	return out_json_print(&j, OUT_INDENTED, c->out);
}

static void
end_all(struct cli *c, struct endings *ended)
{
	const struct enforce_how all = {.end_all = true};
	struct livelist list = LIVELIST_INIT;
	struct diag ignored = DIAG_INIT;

	endings_run(c, &all, ended);
	/* Records that can't be read were told just now. */
	if (livelist_look(&c->paths, &list, &ignored) == AK_OK &&
	    livelist_tell_elsewhere(c, &list, NULL, NULL) > 0)
		ended->failed = true;
	livelist_clear(&list);
}

/* No file of ours but this one is needed: it is for the hour in which they are all broken. */
int
cmd_lockdown_on(struct cli *c, const struct args *a)
{
	struct endings ended = ENDINGS_INIT;
	struct holdoff h = {.active = false};
	struct diag why = DIAG_INIT;
	bool changed;
	enum ak_err err;
	int code = CLI_DONE;

	holdoff_begin(&h);
	if ((err = turn_on(c->paths.lockdown, &changed, &why)) == AK_OK) {
		if (changed)
			log_changed(c, "lockdown-on");
		if (args_has(a, ARG_END_SESSIONS))
			end_all(c, &ended);
		endings_tell(c, &ended);
		err = answer(c, a, true, changed, &ended);
	}
	if (err != AK_OK)
		code = cli_fail(c, err, &why);
	else if (ended.failed)
		code = CLI_FAILED;
	endings_clear(&ended);
	holdoff_end(&h);
	return code;
}

int
cmd_lockdown_off(struct cli *c, const struct args *a)
{
	struct endings none = ENDINGS_INIT;
	struct diag why = DIAG_INIT;
	bool changed;
	enum ak_err err = turn_off(c->paths.lockdown, &changed, &why);

	if (err == AK_OK) {
		if (changed)
			log_changed(c, "lockdown-off");
		err = answer(c, a, false, changed, &none);
	}
	return err == AK_OK ? CLI_DONE : cli_fail(c, err, &why);
}
