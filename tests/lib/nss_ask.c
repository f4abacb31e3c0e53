#include "nss_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initgroups.h"
#include "text.h"

char *
nss_passwd_line(const struct passwd *pw, char *buf, size_t cap_b)
{
	(void)snprintf(buf, cap_b, "%s:%s:%u:%u:%s:%s:%s\n", pw->pw_name, pw->pw_passwd,
	    pw->pw_uid, pw->pw_gid, pw->pw_gecos, pw->pw_dir, pw->pw_shell);
	return buf;
}

char *
nss_group_line(const struct group *gr, char *buf, size_t cap_b)
{
	struct text t = text_over(buf, cap_b);

	text_add(&t, "%s:%s:%u:", gr->gr_name, gr->gr_passwd, gr->gr_gid);
	for (char **m = gr->gr_mem; *m != NULL; m++)
		text_add(&t, "%s%s", m == gr->gr_mem ? "" : ",", *m);
	text_add(&t, "\n");
	return buf;
}

static void
ask_list(const struct nss_source *src, enum nss_kind kind, struct place_room room,
    struct nss_answer *out)
{
	struct walk *users = calloc(1, sizeof(*users));
	struct group_walk *groups = calloc(1, sizeof(*groups));
	struct passwd pw;
	struct group gr;
	char line[1024];
	struct text t = text_over(out->text, sizeof(out->text));

	if (users == NULL || groups == NULL)
		abort();
	for (;;) {
		out->status = kind == ASK_PWENT
				  ? passwd_next(src, users, room, &pw, &out->error)
				  : group_next(src, groups, room, &gr, &out->error);
		if (out->status != NSS_STATUS_SUCCESS)
			break;
		text_add(&t, "%s",
		    kind == ASK_PWENT ? nss_passwd_line(&pw, line, sizeof(line))
				      : nss_group_line(&gr, line, sizeof(line)));
	}
	free(users);
	free(groups);
}

static void
ask_initgroups(
    const struct nss_source *src, const struct nss_question *q, struct nss_answer *out)
{
	long start = 1, size = 1;
	gid_t *gids = malloc(sizeof(*gids));
	struct initgroups_list list = {
	    .start = &start, .size = &size, .gids = &gids, .limit = -1};
	struct text t = text_over(out->text, sizeof(out->text));

	if (gids == NULL)
		abort();
	gids[0] = q->id;
	out->status = initgroups_add(src, q->name, q->id, list, &out->error);
	for (long i = 1; i < start; i++)
		text_add(&t, "%u\n", gids[i]);
	free(gids);
}

void
nss_ask(const struct nss_source *src, const struct nss_question *q, struct nss_answer *out)
{
	char buf[1024];
	struct place_room room = {.buf = buf, .cap_b = sizeof(buf)};
	struct passwd pw;
	struct group gr;

	out->error = 0;
	out->text[0] = '\0';
	if (q->kind == ASK_PWNAM)
		out->status = passwd_by_name(src, q->name, room, &pw, &out->error);
	else if (q->kind == ASK_PWUID)
		out->status = passwd_by_uid(src, q->id, room, &pw, &out->error);
	else if (q->kind == ASK_GRNAM)
		out->status = group_by_name(src, q->name, room, &gr, &out->error);
	else if (q->kind == ASK_GRGID)
		out->status = group_by_gid(src, q->id, room, &gr, &out->error);
	else if (q->kind == ASK_INITGROUPS)
		ask_initgroups(src, q, out);
	else
		ask_list(src, q->kind, room, out);
	if (out->status != NSS_STATUS_SUCCESS)
		return;
	if (q->kind == ASK_PWNAM || q->kind == ASK_PWUID)
		(void)nss_passwd_line(&pw, out->text, sizeof(out->text));
	else if (q->kind == ASK_GRNAM || q->kind == ASK_GRGID)
		(void)nss_group_line(&gr, out->text, sizeof(out->text));
}
