#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "out.h"
#include "policy_warn.h"
#include "policyfile.h"
#include "role.h"
#include "verbs.h"

/* What stored bindings name: each name once. */
struct bound {
	const struct image *im;
	struct pack roles; /* all of them */
	struct pack lost_roles, lost_spaces; /* those that the policy does not declare */
};

/* What was found, told as it is found; or into a list in json. */
struct findings {
	const struct cli *c;
	struct out_json *json; /* NULL: for people */
	unsigned errors, warnings;
	struct bound bound;
};

static void
tell(struct findings *f, bool is_error, const struct diag *d)
{
	const char *level = is_error ? "error" : "warning";

	*(is_error ? &f->errors : &f->warnings) += 1;
	if (f->json != NULL) {
		out_object(f->json, NULL);
		out_text(f->json, "level", level);
		out_text(f->json, "file", d->file);
		out_number(f->json, "line", d->line);
		out_number(f->json, "column", d->col);
		out_text(f->json, "text", d->text);
		out_close(f->json);
		return;
	}
	(void)fprintf(f->c->out, "%s:", d->file);
	if (d->line != 0)
		(void)fprintf(f->c->out, "%u:%u:", d->line, d->col);
	(void)fprintf(f->c->out, " %s: %s\n", level, d->text);
}

static void
take_warning(void *ctx, const struct diag *warning)
{
	tell(ctx, false, warning);
}

static void
note(struct pack *names, const char *name)
{
	if (!strv_has(pack_borrow_strv(names), name))
		pack_entry(names, name);
}

static enum ak_err
take_key(void *ctx, const struct key *k)
{
	struct bound *b = ctx;
	struct binding binding;

	strv_for (k->rec.bindings, text) {
		if (binding_parse(text, &binding, NULL) != AK_OK)
			continue;
		note(&b->roles, binding.role);
		if (image_find_role(b->im, binding.role) == IMAGE_NONE)
			note(&b->lost_roles, binding.role);
		if (binding.scope != ROLE_SPACES)
			continue;
		strv_for (binding_borrow_names(&binding), space) {
			if (image_find_space(b->im, space) == IMAGE_NONE)
				note(&b->lost_spaces, space);
		}
	}
	return AK_OK;
}

static bool
is_wanted(void *ctx, const struct key_record *k)
{
	(void)ctx;
	return k->bindings.len_b > 0;
}

/* Only who may read the keys learns what is bound. */
static enum ak_err
find_bound(const struct cli *c, struct bound *b, bool *known)
{
	struct keys keys;
	enum ak_err err = keys_open(&c->paths, &keys, NULL);

	*known = false;
	if (err != AK_OK)
		return err == AK_ERR_NOMEM ? err : AK_OK;
	if (!keys.none || !keys.no_directory) {
		err = keys_each(&keys, is_wanted, take_key, b, NULL, NULL);
		*known = err == AK_OK;
	}
	keys_close(&keys);
	if (err != AK_OK && err != AK_ERR_NOMEM)
		return AK_OK;
	if (err == AK_OK)
		err = b->roles.err != AK_OK ? b->roles.err : b->lost_roles.err;
	return err == AK_OK ? b->lost_spaces.err : err;
}

static bool
is_bound(void *ctx, const char *role)
{
	const struct findings *f = ctx;

	return strv_has(pack_borrow_strv(&f->bound.roles), role);
}

static void
tell_lost(struct findings *f, const char *file, const char *what, const struct pack *names)
{
	strv_for (pack_borrow_strv(names), name) {
		struct diag d = DIAG_INIT;

		(void)diag_say(&d, AK_ERR_INVALID, file, 0, 0,
		    "keys are bound to the %s `%s', which this policy does not declare: that "
		    "gives them nothing (see `apikey list`)",
		    what, name);
		tell(f, false, &d);
	}
}

static enum ak_err
warn(struct findings *f, const struct policyfile *file, struct diag *why)
{
	struct bound *b = &f->bound;
	struct policy_warn out = {.take = take_warning, .ctx = f};
	bool known;
	enum ak_err err;

	b->im = file->image;
	err = find_bound(f->c, b, &known);
	if (known)
		out.is_bound = is_bound;
	if (err == AK_OK)
		err = policy_warnings(
		    file->bytes, file->len_b, file->name, file->image, &out, why);
	if (err == AK_OK && known) {
		tell_lost(f, file->name, "role", &b->lost_roles);
		tell_lost(f, file->name, "space", &b->lost_spaces);
	}
	pack_clear(&b->roles);
	pack_clear(&b->lost_roles);
	pack_clear(&b->lost_spaces);
	return err;
}

/* AK_OK though there are errors: they are what was asked for. */
static enum ak_err
check(struct findings *f, struct policyfile *file, struct diag *why)
{
	struct diag wrong = DIAG_INIT;
	struct live live;
	enum ak_err err;

	live_load(&f->c->paths, &live);
	/* A file that is to be checked elsewhere, or first of all, needs no host in order. */
	err = live.err == AK_ERR_NOMEM ? live.err : AK_OK;
	if (err == AK_OK && !live.settings_ok)
		tell(f, false, &live.problem);
	if (err == AK_OK)
		err = policyfile_compile(f->c, &live.settings, file, &wrong);
	live_clear(&live);
	if (err == AK_ERR_DENIED) {
		tell(f, true, &wrong);
		return AK_OK;
	}
	if (err == AK_OK)
		return warn(f, file, why);
	*why = wrong;
	return err;
}

static enum ak_err
finish(struct findings *f, const struct policyfile *file)
{
	if (f->json == NULL) {
		if (f->errors + f->warnings == 0)
			(void)fprintf(f->c->out, "%s: in order\n", file->name);
		return AK_OK;
	}
	out_close(f->json);
	out_text(f->json, "file", file->name);
	out_bool(f->json, "valid", f->errors == 0);
	out_number(f->json, "errors", f->errors);
	out_number(f->json, "warnings", f->warnings);
	return out_json_print(&f->json, OUT_INDENTED, f->c->out);
}

int
cmd_policy_check(struct cli *c, const struct args *a)
{
	struct findings f = {.c = c};
	struct policyfile file = POLICYFILE_INIT;
	struct diag why = DIAG_INIT;
	enum ak_err err = policyfile_read(c, a->operands[0], &file, &why);
	bool refused;

	if (err == AK_OK && a->output == OUTPUT_JSON) {
		/* Without one it would be an answer for people. */
		if ((f.json = out_json_new()) == NULL)
			err = AK_ERR_NOMEM;
		out_object(f.json, NULL);
		out_list(f.json, "findings");
	}
	if (err == AK_OK)
		err = check(&f, &file, &why);
	refused = f.errors > 0 || (args_has(a, ARG_STRICT) && f.warnings > 0);
	if (err == AK_OK)
		err = finish(&f, &file);
	out_json_free(&f.json);
	policyfile_clear(&file);
	if (err != AK_OK)
		return cli_fail(c, err, &why);
	return refused ? CLI_REFUSED : CLI_DONE;
}
