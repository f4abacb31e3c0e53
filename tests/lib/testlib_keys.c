#include "testlib_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "testlib_cmocka.h"

const char *const HOST_POLICY =
    "version: 1\n"
    "roles:\n"
    "  viewer: {services: [sshd]}\n"
    "  editor: {services: [sshd, sudo], unix_groups: [apikey-editors]}\n"
    "  app: {services: [cron], unix_groups: [app, apikey-app]}\n";

static void
make_folder(const char *path)
{
	if (mkdir(path, 0755) == -1 || chmod(path, 0755) == -1)
		fail_msg("%s cannot be made", path);
}

void
host_make(struct host *h, struct tmp *tmp)
{
	char etc[TMP_CAP * 2], state[TMP_CAP * 2];

	*h = (struct host){.why = DIAG_INIT};
	(void)snprintf(etc, sizeof(etc), "%s", tmp_path(tmp, "etc"));
	(void)snprintf(state, sizeof(state), "%s", tmp_path(tmp, "state"));
	make_folder(etc);
	make_folder(tmp_path(tmp, "etc/apikey"));
	make_folder(state);
	assert_err("paths", AK_OK, paths_under(etc, state, geteuid(), &h->paths));
	host_groups(h, "root:x:0:\nsudo:x:27:bob\nstaff:x:50:\napp:x:1005:bob\n");
	host_policy(h, HOST_POLICY);
}

void
host_wipe(struct host *h)
{
	char path[PATH_CAP + 32];
	static const char *const names[] = {"local.idx", "local.idx.prev", "users.idx",
	    "directory-keys.idx", "directory-groups.idx", "freshness", "policy.image", "lock",
	    ".local.idx.new", ".users.idx.new", ".policy.image.new", "local.idx.refused",
	    "local.idx.refused.2"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", h->paths.state, names[i]);
		(void)unlink(path);
	}
}

/* Two edits within the clock's grain differ in size at least. */
static void
edit(struct host *h, const char *path, const char *text)
{
	char *padded;
	size_t len;

	if (text == NULL) {
		(void)unlink(path);
		return;
	}
	h->edits++;
	len = strlen(text);
	padded = malloc(len + h->edits + 3);
	assert_non_null(padded);
	memcpy(padded, text, len);
	padded[len++] = '#';
	for (unsigned i = 0; i < h->edits; i++)
		padded[len++] = '.';
	padded[len++] = '\n';
	file_write(path, padded, len, 0644);
	free(padded);
}

void
host_policy(struct host *h, const char *yaml)
{
	edit(h, h->paths.policy, yaml);
}

void
host_settings(struct host *h, const char *yaml)
{
	edit(h, h->paths.config, yaml);
}

void
host_groups(struct host *h, const char *lines)
{
	edit(h, h->paths.group, lines);
}

struct key_record
key_make(const char *name, uint32_t uid)
{
	struct key_record k = KEY_RECORD_INIT;

	(void)snprintf(k.name, sizeof(k.name), "%s", name);
	(void)snprintf(k.id, sizeof(k.id), "K%09u", uid);
	k.uid = uid;
	k.state = KEY_ACTIVE;
	k.created_at = HOST_NOW;
	k.created_by = "a test";
	k.home = "/home/key";
	k.shell = "/bin/sh";
	return k;
}

struct key_record
key_with_token(const char *name, uint32_t uid, struct token *tok)
{
	struct key_record k = key_make(name, uid);
	struct verifier v;

	assert_err("token", AK_OK, token_new(k.id, tok));
	assert_err("verifier", AK_OK, token_make_verifier(tok, &v));
	k.n_secrets = 1;
	k.secrets[0] =
	    (struct key_secret){.number = 1, .created_at = HOST_NOW, .not_after = NUM_NEVER};
	memcpy(k.secrets[0].salt, v.salt, sizeof(v.salt));
	memcpy(k.secrets[0].digest, v.digest, sizeof(v.digest));
	return k;
}

void
key_bind(struct key_record *k, const char *binding)
{
	k->bindings = (struct strv){.bytes = binding, .len_b = strlen(binding) + 1};
}

struct store *
host_open(struct host *h)
{
	struct store *s = NULL;
	char said[DIAG_PRINT_CAP];

	h->why = DIAG_INIT;
	if (store_open(&h->paths, &h->opt, &s, &h->why) != AK_OK)
		fail_msg("the store: %s", diag_print(&h->why, said, sizeof(said)));
	return s;
}

enum ak_err
host_publish_open(struct host *h, struct store *s, int64_t now)
{
	struct live live;
	enum ak_err err;

	live_load(&h->paths, &live);
	err = publish(s, &live, now, &h->res, &h->why);
	live_clear(&live);
	return err;
}

/* What a change stages; k is NULL, or its uid names the key. */
static enum ak_err
change(struct host *h, const struct key_record *put, uint32_t remove, int64_t now)
{
	struct store *s = NULL;
	struct key k;
	enum ak_err err;

	h->why = DIAG_INIT;
	if ((err = store_open(&h->paths, &h->opt, &s, &h->why)) != AK_OK)
		return err;
	if (put != NULL)
		err = store_put(s, put);
	if (remove != 0 && (err = store_find_uid(s, remove, &k)) == AK_OK) {
		err = store_remove(s, &k.rec, now);
		key_clear(&k);
	}
	if (err == AK_OK)
		err = host_publish_open(h, s, now);
	store_close(&s);
	return err;
}

enum ak_err
host_publish(struct host *h, int64_t now)
{
	return change(h, NULL, 0, now);
}

enum ak_err
host_put(struct host *h, const struct key_record *k)
{
	return change(h, k, 0, HOST_NOW);
}

enum ak_err
host_remove(struct host *h, uint32_t uid)
{
	return change(h, NULL, uid, HOST_NOW);
}

static void
dump_user(FILE *out, const struct index_view *v)
{
	struct user_record u;

	assert_err("user", AK_OK, user_record_unpack(v->value, v->value_len_b, &u));
	(void)fprintf(out, "user %s %u gids", u.name, u.uid);
	for (uint32_t i = 0; i < u.n_gids; i++)
		(void)fprintf(out, "%s %u", i == u.n_gids - u.n_marked ? " marked" : "",
		    le32_load(u.gids + 4 * (size_t)i));
	(void)fprintf(out, "\n  of %s: %s %s %s, number %u\n", u.name, u.gecos, u.home, u.shell,
	    v->number);
}

static void
dump_group(FILE *out, const struct index_view *v)
{
	struct group_record g;

	assert_err("group", AK_OK, group_record_unpack(v->value, v->value_len_b, &g));
	(void)fprintf(out, "group %s %u members", g.name, g.gid);
	strv_for (g.members, member) {
		(void)fprintf(out, " %s", member);
	}
	if (g.marked.len_b > 0)
		(void)fprintf(out, " marked");
	strv_for (g.marked, member) {
		(void)fprintf(out, " %s", member);
	}
	(void)fprintf(out, "\n");
}

char *
host_dump(const struct host *h)
{
	static unsigned char buf[1 << 20];
	char *text = NULL;
	size_t len_b = 0;
	FILE *out = open_memstream(&text, &len_b);
	struct index ix;
	struct index_walk w;
	struct index_view v;
	enum ak_err err;

	assert_non_null(out);
	assert_err("users.idx", AK_OK, index_open(h->paths.users, h->paths.owner, &ix));
	for (unsigned order = 0; order < INDEX_ORDERS; order++) {
		index_walk_start(&ix, order, ix.head.order[order].records_at, &w);
		while ((err = index_walk_next(&ix, &w, buf, sizeof(buf), &v)) == AK_OK)
			order == ORDER_USERS ? dump_user(out, &v) : dump_group(out, &v);
		assert_err("the walk's end", AK_ERR_NOT_FOUND, err);
	}
	index_close(&ix);
	assert_int_equal(fclose(out), 0);
	return text;
}

bool
dump_has(const char *dump, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = strstr(dump, line); at != NULL; at = strstr(at + 1, line))
		if ((at == dump || at[-1] == '\n') && at[len] == '\n')
			return true;
	print_error("no `%s' in:\n%s", line, dump);
	return false;
}

void
host_keep(const struct host *h, struct host_files *f)
{
	f->local = file_read(h->paths.local, &f->local_len_b);
	f->users = file_read(h->paths.users, &f->users_len_b);
	f->image = file_read(h->paths.image, &f->image_len_b);
}

void
host_put_back(struct host *h, const struct host_files *f)
{
	host_wipe(h);
	if (f->local != NULL)
		file_write(h->paths.local, f->local, f->local_len_b, 0600);
	if (f->users != NULL)
		file_write(h->paths.users, f->users, f->users_len_b, 0644);
	if (f->image != NULL)
		file_write(h->paths.image, f->image, f->image_len_b, 0600);
}

void
host_files_clear(struct host_files *f)
{
	free(f->local);
	free(f->users);
	free(f->image);
	*f = (struct host_files){.local = NULL};
}

void
host_make_newer(const char *path)
{
	size_t len_b;
	char *bytes = file_read(path, &len_b);
	struct stat st;

	assert_non_null(bytes);
	assert_true(len_b > 12);
	assert_int_equal(stat(path, &st), 0);
	bytes[8]++;
	file_write(path, bytes, len_b, st.st_mode & 07777);
	free(bytes);
}

void
host_settle(struct host *h)
{
	struct live l;
	struct image_sources src;
	struct timespec now;

	live_load(&h->paths, &l);
	if (l.image != NULL && clock_gettime(CLOCK_REALTIME, &now) == 0) {
		src = *image_borrow_sources(l.image);
		src.built_at_ns = ((int64_t)now.tv_sec + 3) * 1000000000;
		image_set_sources(l.image, &src);
		l.from_store = false;
		assert_err("", AK_OK, live_store(&h->paths, &l, NULL));
	}
	live_clear(&l);
}
