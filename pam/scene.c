#include "scene.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define HANDOVER_NAME "apikey_handover"
#define SESSION_NAME "apikey_session"
#define LIVE_NAME "apikey_live"

const char *
scene_item(const struct scene *sc, int item)
{
	const void *value = NULL;

	if (pam_get_item(sc->pamh, item, &value) != PAM_SUCCESS)
		return NULL;
	return value;
}

bool
scene_is_service(const struct scene *sc, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(sc->service, name, len) != 0)
		return false;
	return sc->service[len] == '\0' || strcmp(sc->service + len, "-i") == 0 ||
	       strcmp(sc->service + len, "-l") == 0;
}

void
scene_open(struct scene *sc, pam_handle_t *pamh, enum phase phase, int flags, int argc,
    const char **argv)
{
	const char *service;

	memset(sc, 0, sizeof(*sc));
	sc->pamh = pamh;
	sc->phase = phase;
	sc->flags = flags;
	sc->subject = SUBJECT_NOT_OURS;
	sc->ring = KEYRING_INIT;
	sc->paths = paths_installed();
	sc->options_err = options_parse(argc, argv, &sc->options);
	if (sc->options_err == AK_OK && sc->options.config != NULL)
		sc->options_err =
		    text_copy(sc->paths.config, sizeof(sc->paths.config), sc->options.config);
	service = scene_item(sc, PAM_SERVICE);
	sc->service = service == NULL ? "" : service;
	sc->user = "";
	sc->sudo = scene_is_service(sc, "sudo");
}

static const void *
borrow(const struct scene *sc, const char *name)
{
	const void *data = NULL;

	if (pam_get_data(sc->pamh, name, &data) != PAM_SUCCESS)
		return NULL;
	return data;
}

static void
drop_live(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	if (data != NULL)
		live_clear(data);
	free(data);
}

/* From the handle, which keeps it. NULL: no memory. */
static const struct live *
make_live(struct scene *sc)
{
	struct live *live = calloc(1, sizeof(*live));

	if (live == NULL)
		return NULL;
	live_load(&sc->paths, live);
	if (pam_set_data(sc->pamh, LIVE_NAME, live, drop_live) != PAM_SUCCESS)
		sc->unkept = live;
	return live;
}

const struct live *
scene_live(struct scene *sc)
{
	static const struct live none = {.problem = {.text = "out of memory"}};
	struct live *kept;

	if (sc->live != NULL)
		return sc->live;
	kept = (void *)(uintptr_t)borrow(sc, LIVE_NAME);
	if (kept != NULL)
		live_renew(&sc->paths, kept);
	sc->live = kept != NULL ? kept : make_live(sc);
	if (sc->live == NULL)
		sc->live = &none;
	return sc->live;
}

static void
forget_files(struct scene *sc)
{
	drop_live(sc->pamh, sc->unkept, 0);
	sc->live = sc->unkept = NULL;
	keyring_close(&sc->ring);
	sc->ring = KEYRING_INIT;
}

void
scene_close(struct scene *sc)
{
	key_clear(&sc->key);
	forget_files(sc);
	sc->have_key = false;
	sc->subject = SUBJECT_NOT_OURS;
}

static enum ak_err
find_same_key(struct scene *sc, const struct key_record *was)
{
	enum ak_err err = keyring_open(&sc->paths, &sc->ring);

	if (err == AK_OK)
		err = keyring_find_uid(&sc->ring, was->uid, &sc->key);
	if (err != AK_OK)
		return err;
	if (strcmp(sc->key.rec.name, was->name) == 0 && strcmp(sc->key.rec.id, was->id) == 0)
		return AK_OK;
	key_clear(&sc->key);
	return AK_ERR_NOT_FOUND;
}

enum ak_err
scene_look_again(struct scene *sc)
{
	struct key_record was = KEY_RECORD_INIT;
	enum ak_err err;

	if (!sc->have_key) {
		forget_files(sc);
		return keyring_open(&sc->paths, &sc->ring);
	}
	was.uid = sc->key.rec.uid;
	memcpy(was.name, sc->key.rec.name, sizeof(was.name));
	memcpy(was.id, sc->key.rec.id, sizeof(was.id));
	key_clear(&sc->key);
	forget_files(sc);
	if ((err = find_same_key(sc, &was)) == AK_OK)
		return AK_OK;
	sc->key = (struct key){.rec = was};
	return err;
}

const struct handover *
scene_borrow_handover(const struct scene *sc)
{
	return borrow(sc, HANDOVER_NAME);
}

const struct own_session *
scene_borrow_session(const struct scene *sc)
{
	return borrow(sc, SESSION_NAME);
}

static void
drop(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data);
}

/* data is libpam's from here on, or freed. */
static enum ak_err
leave(const struct scene *sc, const char *name, void *data)
{
	if (pam_set_data(sc->pamh, name, data, drop) == PAM_SUCCESS)
		return AK_OK;
	free(data);
	return AK_ERR_NOMEM;
}

enum ak_err
scene_leave_handover(const struct scene *sc, uint32_t secret)
{
	struct handover *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return AK_ERR_NOMEM;
	if (text_copy(h->user, sizeof(h->user), sc->user) != AK_OK)
		h->user[0] = '\0';
	h->account_uid = sc->account_uid;
	h->uid = sc->key.rec.uid;
	h->secret = secret;
	memcpy(h->name, sc->key.rec.name, sizeof(h->name));
	return leave(sc, HANDOVER_NAME, h);
}

static void
forget(const struct scene *sc, const char *name)
{
	if (borrow(sc, name) != NULL)
		(void)pam_set_data(sc->pamh, name, NULL, NULL);
}

void
scene_drop_live(struct scene *sc)
{
	sc->live = NULL;
	forget(sc, LIVE_NAME);
}

void
scene_drop_handover(const struct scene *sc)
{
	forget(sc, HANDOVER_NAME);
}

enum ak_err
scene_leave_session(const struct scene *sc, const struct session *s)
{
	struct own_session *own = calloc(1, sizeof(*own));

	if (own == NULL)
		return AK_ERR_NOMEM;
	own->session = *s;
	own->directory = sc->key.directory;
	return leave(sc, SESSION_NAME, own);
}

void
scene_drop_session(const struct scene *sc)
{
	forget(sc, SESSION_NAME);
}

void
scene_end_session(const struct scene *sc)
{
	struct own_session *own = (void *)(uintptr_t)borrow(sc, SESSION_NAME);

	if (own != NULL)
		own->past = true;
}
