#include "doctor_ask.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "index.h"
#include "num.h"

bool
doctor_path(const struct doctor *d, const char *path, char out[PATH_CAP])
{
	struct text t = text_over(out, PATH_CAP);

	text_add(&t, "%s%s", d->c->host.root, path);
	return !t.cut;
}

bool
doctor_is_there(const struct doctor *d, const char *path)
{
	char whole[PATH_CAP];
	struct stat st;

	return doctor_path(d, path, whole) && lstat(whole, &st) == 0;
}

char *
doctor_line(char **at)
{
	return *at == NULL || **at == '\0' ? NULL : strsep(at, "\n");
}

/* NAME:x:UID:GID:TEXT:HOME:SHELL */
static bool
read_account(char *line, const char *name, struct doctor_account *out)
{
	char *field[7], *rest = line;
	uint64_t uid;

	for (size_t i = 0; i < 7; i++)
		if ((field[i] = strsep(&rest, ":")) == NULL)
			return false;
	if (strcmp(field[0], name) != 0 || num_parse(field[2], 0, UINT32_MAX, &uid) != AK_OK)
		return false;
	out->uid = (uint32_t)uid;
	return text_copy(out->home, sizeof(out->home), field[5]) == AK_OK &&
	       text_copy(out->shell, sizeof(out->shell), field[6]) == AK_OK;
}

enum ak_err
doctor_account(const struct doctor *d, const char *name, struct doctor_account *out)
{
	enum ak_err err;
	char *text = doctor_read(d, "passwd", &err), *at = text, *line;
	unsigned number = 0;

	if (text == NULL)
		return err == AK_ERR_NOMEM ? err : AK_ERR_UNAVAILABLE;
	err = AK_ERR_NOT_FOUND;
	while (err != AK_OK && (line = doctor_line(&at)) != NULL) {
		number++;
		*out = (struct doctor_account){.line = number};
		if (read_account(line, name, out))
			err = AK_OK;
	}
	free(text);
	return err;
}

enum ak_err
doctor_a_key(const struct doctor *d, struct doctor_key *out)
{
	const struct paths *p = &d->c->paths;
	struct index_record rec;
	struct user_record user;
	struct index ix;
	uint64_t at;
	enum ak_err err;

	if ((err = index_open(p->users, p->owner, &ix)) != AK_OK)
		return err;
	err = ix.head.order[ORDER_USERS].count == 0 ? AK_ERR_NOT_FOUND
						    : index_seek(&ix, ORDER_USERS, 0, &at);
	if (err == AK_OK && (err = index_read_at(&ix, at, &rec)) == AK_OK) {
		err = user_record_unpack(rec.view.value, rec.view.value_len_b, &user);
		if (err == AK_OK)
			err = text_copy(out->name, sizeof(out->name), user.name);
		if (err == AK_OK)
			out->uid = user.uid;
		index_record_clear(&rec);
	}
	index_close(&ix);
	return err;
}

static void
add_once(struct pack *out, const char *name)
{
	if (name[0] != '\0' && !strv_has(pack_borrow_strv(out), name))
		pack_entry(out, name);
}

/* Those of passwd(5) that a pattern of the policy matches. */
static void
add_matching(const struct doctor *d, const char *glob, struct pack *out)
{
	enum ak_err err;
	char *text = doctor_read(d, "passwd", &err), *at = text, *line;

	while ((line = doctor_line(&at)) != NULL) {
		line[strcspn(line, ":")] = '\0';
		if (text_glob(glob, line))
			add_once(out, line);
	}
	free(text);
}

void
doctor_shared_accounts(const struct doctor *d, struct pack *out)
{
	const struct image *im = d->live.image;

	*out = PACK_INIT;
	for (uint32_t i = 0; im != NULL && i < image_count_roles(im); i++)
		strv_for (image_role(im, i).accounts, glob) {
			if (strchr(glob, '*') == NULL)
				add_once(out, glob);
			else if (strcmp(glob, "*") != 0)
				add_matching(d, glob, out);
		}
	for (uint32_t i = 0; im != NULL && i < image_count_accounts(im); i++)
		add_once(out, image_account(im, i).name);
}

bool
doctor_role_opens(const struct doctor *d, const char *service)
{
	const struct image *im = d->live.image;
	bool opens = im == NULL;

	for (uint32_t i = 0; !opens && i < image_count_roles(im); i++)
		opens = strv_glob(image_role(im, i).services, service);
	return opens;
}
