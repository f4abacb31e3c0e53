#include "eval.h"
#include "role.h"

static void
place_spaces(
    const struct image *im, const struct image_binding *b, policy_place_fn *take, void *ctx)
{
	switch (b->scope) {
	case IMAGE_GLOBAL:
		take(ctx, false, "root");
		break;
	case IMAGE_IN_SPACES:
		for (uint32_t i = 0; i < b->n_spaces; i++)
			take(ctx, false,
			    image_space(im, image_bound_space(im, b->first_space + i)).name);
		break;
	case IMAGE_IN_ALL_SPACES:
		for (uint32_t i = 0; i < image_count_spaces(im); i++)
			if (image_space(im, i).line != 0)
				take(ctx, false, image_space(im, i).name);
		break;
	case IMAGE_ON_HOSTS:
		strv_for (b->hosts, host) {
			take(ctx, true, host);
		}
		break;
	}
}

void
policy_held_places(
    const struct image *im, const struct policy_held *h, policy_place_fn *take, void *ctx)
{
	struct image_binding b;
	struct binding written;

	if (h->source == POLICY_FROM_GROUP) {
		b = image_group_binding(im, h->row);
		place_spaces(im, &b, take, ctx);
	} else if (h->source == POLICY_FROM_GRANT) {
		b = image_rule(im, IMAGE_GRANT_RULES, h->row).grants;
		place_spaces(im, &b, take, ctx);
	} else if (binding_parse(h->name, &written, NULL) == AK_OK) {
		if (written.scope == ROLE_GLOBAL)
			take(ctx, false, "root");
		strv_for (binding_borrow_names(&written), name) {
			if (written.scope == ROLE_HOSTS)
				take(ctx, true, name);
			else if (image_find_space(im, name) != IMAGE_NONE)
				take(ctx, false, name);
		}
	}
}
