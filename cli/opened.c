#include "opened.h"

#include <string.h>

void
opened_find(const struct image *before, const struct image *im, struct pack *out)
{
	for (uint32_t i = 0; i < image_count_roles(im); i++)
		strv_for (image_role(im, i).accounts, glob) {
			bool had =
			    strcmp(glob, "*") == 0 || strv_has(pack_borrow_strv(out), glob);

			for (uint32_t k = 0; before != NULL && k < image_count_roles(before);
			     k++)
				had = had || strv_has(image_role(before, k).accounts, glob);
			if (!had)
				pack_entry(out, glob);
		}
}

void
opened_print(const struct pack *opened, FILE *f)
{
	if (opened->len_b == 0)
		return;
	(void)fprintf(f, "\nfor sshd_config, where passwords are off:\n");
	strv_for (pack_borrow_strv(opened), account) {
		(void)fprintf(f, "Match User %s\n    PasswordAuthentication yes\n", account);
	}
}
