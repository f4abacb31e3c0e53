/* What one phase leaves on libpam's handle for the next: whole, or an error. */
#include <stdlib.h>
#include <string.h>

#include "scene.h"
#include "testlib_alloc.h"
#include "testlib_cmocka.h"
#include "testlib_keys.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

/* A handle with room for one word. */
static struct {
	const char *name;
	void *data;
	bool full;
} handle;

int __wrap_pam_set_data(pam_handle_t *pamh, const char *name, void *data,
    void (*cleanup)(pam_handle_t *pamh, void *data, int status));
int __wrap_pam_get_data(const pam_handle_t *pamh, const char *name, const void **data);

int
__wrap_pam_set_data(pam_handle_t *pamh, const char *name, void *data,
    void (*cleanup)(pam_handle_t *pamh, void *data, int status))
{
	if (handle.full)
		return PAM_BUF_ERR;
	if (handle.data != NULL)
		free(handle.data);
	assert_true(data == NULL || cleanup != NULL);
	(void)pamh;
	handle.name = name;
	handle.data = data;
	return PAM_SUCCESS;
}

int
__wrap_pam_get_data(const pam_handle_t *pamh, const char *name, const void **data)
{
	(void)pamh;
	if (handle.data == NULL || strcmp(handle.name, name) != 0)
		return PAM_NO_MODULE_DATA;
	*data = handle.data;
	return PAM_SUCCESS;
}

static enum ak_err
leave_handover(const struct scene *sc)
{
	return scene_leave_handover(sc, 2);
}

static enum ak_err
leave_session(const struct scene *sc)
{
	return scene_leave_session(sc, &(struct session){.uid = 70000});
}

static bool
has_handover(const struct scene *sc)
{
	const struct handover *h = scene_borrow_handover(sc);

	return h != NULL && strcmp(h->user, "deploy") == 0 && h->account_uid == 1005 &&
	       h->uid == 70000 && h->secret == 2 && strcmp(h->name, "ci") == 0;
}

static bool
has_session(const struct scene *sc)
{
	const struct own_session *own = scene_borrow_session(sc);

	return own != NULL && own->session.uid == 70000 && own->directory && !own->past;
}

static void
what_a_phase_leaves_is_whole_or_an_error(void **state)
{
	static const struct {
		const char *what;
		enum ak_err (*leave)(const struct scene *sc);
		bool (*has)(const struct scene *sc);
		void (*drop)(const struct scene *sc);
	} rows[] = {
	    {"handover", leave_handover, has_handover, scene_drop_handover},
	    {"session", leave_session, has_session, scene_drop_session},
	};
	struct scene sc = {.pamh = (pam_handle_t *)(void *)&handle,
	    .user = "deploy",
	    .account_uid = 1005,
	    .have_key = true};

	(void)state;
	sc.key = (struct key){.rec = key_make("ci", 70000), .directory = true};
	for (size_t i = 0; i < N(rows); i++) {
		enum ak_err err;

		alloc_fail_nth(1);
		err = rows[i].leave(&sc);
		assert_true(alloc_stop());
		assert_err(rows[i].what, AK_ERR_NOMEM, err);
		assert_null(handle.data);
		handle.full = true;
		assert_err(rows[i].what, AK_ERR_NOMEM, rows[i].leave(&sc));
		handle.full = false;
		assert_row(rows[i].what, !rows[i].has(&sc));
		assert_err(rows[i].what, AK_OK, rows[i].leave(&sc));
		assert_row(rows[i].what, rows[i].has(&sc));
		rows[i].drop(&sc);
		assert_null(handle.data);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_phase_leaves_is_whole_or_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
