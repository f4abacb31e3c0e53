#include "policyfile.h"

#include <stdlib.h>

#include "wholefile.h"
#include "yamltree.h"

enum ak_err
policyfile_read(const struct cli *c, const char *name, struct policyfile *out, struct diag *why)
{
	*out = POLICYFILE_INIT;
	out->name = wholefile_name(name);
	return wholefile_read(c, name, YAML_MAX_B, "a policy", &out->bytes, &out->len_b, why);
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
