#include "policyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "yamltree.h"

#define READ_FIRST_B ((size_t)64 << 10)

/* To the end, or a byte more than a policy may have. */
static enum ak_err
read_all(int fd, struct policyfile *f)
{
	size_t cap_b = 0;
	ssize_t n = 1;

	while (n != 0 && f->len_b <= YAML_MAX_B) {
		if (f->len_b + 1 >= cap_b) {
			size_t more_b = cap_b == 0 ? READ_FIRST_B : cap_b * 2;
			char *more = realloc(f->bytes, more_b);

			if (more == NULL)
				return AK_ERR_NOMEM;
			f->bytes = more;
			cap_b = more_b;
		}
		n = read(fd, f->bytes + f->len_b, cap_b - f->len_b - 1);
		if (n == -1 && errno != EINTR)
			return AK_ERR_UNAVAILABLE;
		if (n > 0)
			f->len_b += (size_t)n;
	}
	f->bytes[f->len_b] = '\0';
	return AK_OK;
}

enum ak_err
policyfile_read(const struct cli *c, const char *name, struct policyfile *out, struct diag *why)
{
	bool piped = strcmp(name, "-") == 0;
	enum ak_err err;
	int fd;

	*out = POLICYFILE_INIT;
	out->name = piped ? "(standard input)" : name;
	fd = piped ? c->in : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return diag_say(why, errno == ENOENT ? AK_ERR_NOT_FOUND : AK_ERR_UNAVAILABLE,
		    name, 0, 0, "cannot be read: %s", strerror(errno));
	err = read_all(fd, out);
	if (err == AK_ERR_UNAVAILABLE)
		(void)diag_say(why, err, out->name, 0, 0, "cannot be read: %s", strerror(errno));
	if (err == AK_OK && out->len_b > YAML_MAX_B)
		err = diag_say(why, AK_ERR_DENIED, out->name, 0, 0,
		    "is larger than %u bytes, more than a policy may be", YAML_MAX_B);
	if (!piped)
		(void)close(fd);
	return err;
}

enum ak_err
policyfile_compile(const struct cli *c, const struct settings *settings, struct policyfile *f,
    struct diag *why)
{
	enum ak_err err =
	    live_compile(&c->paths, settings, f->bytes, f->len_b, f->name, &f->image, why);

	return err == AK_ERR_INVALID ? AK_ERR_DENIED : err;
}

void
policyfile_clear(struct policyfile *f)
{
	image_free(&f->image);
	free(f->bytes);
	*f = POLICYFILE_INIT;
}

enum ak_err
policyfile_need_settings(const struct live *live, struct diag *why)
{
	const struct diag *p = &live->problem;

	if (live->settings_ok)
		return AK_OK;
	return diag_say(why, AK_ERR_UNAVAILABLE, p->file, p->line, p->col, "%s", p->text);
}
