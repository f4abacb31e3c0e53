#include <string.h>
#include <sys/time.h>

#include "engine_impl.h"
#include "ldapconn.h"

/* So long the daemon may wait for a word while answers pour in. */
#define DRAIN_MS 100
/* While the daemon has no time for us the server isn't read, and isn't blamed. */
#define FULL_WAIT_MS 1000
/* A larger message no directory sends; it is refused before room is made for it. */
#define MESSAGE_MAX_B ((ber_len_t)64 << 20)

/* --- what the server can -------------------------------------------------------------------- */

static bool
has_value(struct berval **values, const char *wanted)
{
	for (; values != NULL && *values != NULL; values++)
		if ((*values)->bv_len == strlen(wanted) &&
		    memcmp((*values)->bv_val, wanted, (*values)->bv_len) == 0)
			return true;
	return false;
}

/*
 * A server that doesn't show its list is asked, and says no where it can't. A
 * domain controller that is new, or was put back, answers while it still fetches
 * what the others have.
 */
static enum ak_err
look_at_server(struct engine *e, struct diag *why)
{
	char controls[] = "supportedControl", synced[] = "isSynchronized",
	     *wanted[] = {controls, synced, NULL};
	struct timeval limit = {.tv_sec = e->conn.timeout_s};
	LDAPMessage *answer = NULL, *entry = NULL;
	struct berval **values = NULL, **whole = NULL;
	int rc = ldap_search_ext_s(e->conn.ld, "", LDAP_SCOPE_BASE, "(objectClass=*)", wanted,
	    0, NULL, NULL, &limit, LDAP_NO_LIMIT, &answer);
	bool partial;

	if (rc == LDAP_SUCCESS && (entry = ldap_first_entry(e->conn.ld, answer)) != NULL) {
		values = ldap_get_values_len(e->conn.ld, entry, controls);
		whole = ldap_get_values_len(e->conn.ld, entry, synced);
	}
	e->conn.polled = values != NULL && !has_value(values, LDAP_CONTROL_SYNC);
	e->conn.pages = has_value(values, LDAP_CONTROL_PAGEDRESULTS);
	partial = has_value(whole, "FALSE");
	ldap_value_free_len(values);
	ldap_value_free_len(whole);
	ldap_msgfree(answer);
	if (partial)
		return diag_because(why, AK_ERR_UNAVAILABLE,
		    "the domain controller does not have all entries yet (isSynchronized)");
	/* A "no" of the server is an answer; its silence is none. */
	if (rc < 0) {
		(void)ldapconn_fail(e->conn.ld, rc, "the server does not answer", why);
		return AK_ERR_UNAVAILABLE;
	}
	return AK_OK;
}

static void
limit_messages(LDAP *ld)
{
	Sockbuf *sb = NULL;
	ber_len_t max = MESSAGE_MAX_B;

	if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, (void *)&sb) == LDAP_OPT_SUCCESS && sb != NULL)
		(void)ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &max);
}

/* --- messages ------------------------------------------------------------------------------- */

static enum ak_err
fall_back_to_polling(struct engine *e, struct diag *why)
{
	for (int i = 0; i < ENGINE_SEARCHES; i++)
		engine_search_stop(&e->searches[i], e->conn.ld);
	e->conn.polled = true;
	return engine_refresh_all(e, true, why);
}

static enum ak_err
take_message(struct engine *e, LDAPMessage *message, struct diag *why)
{
	int id = ldap_msgid(message);
	enum ak_err err;

	if (id == 0)
		return diag_because(why, AK_ERR_UNAVAILABLE, "the server ends the connection");
	if (id == e->probe_id && ldap_msgtype(message) == LDAP_RES_SEARCH_RESULT)
		engine_note_probe(e);
	for (int i = 0; i < ENGINE_SEARCHES; i++) {
		if (e->searches[i].msgid != id)
			continue;
		err = engine_search_take(&e->searches[i], &e->conn, message, why);
		if (err == AK_ERR_NOT_FOUND)
			err = fall_back_to_polling(e, why);
		if (err != AK_OK)
			return err;
	}
	engine_note_message(e);
	return AK_OK;
}

/*
 * All that is here: messages wait in the library's own buffer too, where poll(2)
 * doesn't see them. *more: it was cut short.
 */
static enum ak_err
drain(struct engine *e, bool *more, struct diag *why)
{
	int64_t until = engine_now_ms() + DRAIN_MS;
	struct timeval at_once = {0};
	enum ak_err err = AK_OK;

	*more = false;
	while (err == AK_OK) {
		LDAPMessage *message = NULL;
		int type, code = LDAP_SERVER_DOWN;

		if (engine_link_is_full(e->link))
			return AK_OK;
		if (engine_now_ms() > until) {
			*more = true;
			return AK_OK;
		}
		type = ldap_result(e->conn.ld, LDAP_RES_ANY, LDAP_MSG_ONE, &at_once, &message);
		if (type == 0)
			return AK_OK;
		if (type < 0) {
			(void)ldap_get_option(e->conn.ld, LDAP_OPT_RESULT_CODE, &code);
			(void)ldapconn_fail(e->conn.ld, code, "the connection is lost", why);
			return diag_because(why, AK_ERR_UNAVAILABLE, "the connection is lost");
		}
		err = take_message(e, message, why);
		ldap_msgfree(message);
	}
	return err;
}

/* --- serving -------------------------------------------------------------------------------- */

static enum ak_err
begin(struct engine *e, struct diag *why)
{
	enum ak_err err;
	bool from_scratch;

	limit_messages(e->conn.ld);
	if ((err = look_at_server(e, why)) != AK_OK)
		return err;
	engine_tell_state(e, WIRE_REFRESHING, "");
	from_scratch = e->conn.polled || e->wants_refresh;
	e->wants_refresh = e->wants_names = false;
	if ((err = engine_refresh_all(e, from_scratch, why)) == AK_OK)
		engine_note_message(e);
	return err;
}

enum ak_err
engine_serve(struct engine *e, struct diag *why)
{
	enum ak_err err, end = AK_OK;
	bool more = false;
	int fd = -1;

	e->is_whole = false;
	e->probe_id = 0;
	e->whole_since = 0;
	err = begin(e, why);
	(void)ldap_get_option(e->conn.ld, LDAP_OPT_DESC, &fd);
	while (err == AK_OK && end == AK_OK) {
		if (engine_link_is_full(e->link)) {
			end = engine_wait(e, -1, engine_now_ms() + FULL_WAIT_MS);
			engine_forgive(e);
		} else if ((err = drain(e, &more, why)) == AK_OK &&
			   (err = engine_run_clock(e, why)) == AK_OK) {
			end = engine_wait(e, fd, more ? 0 : engine_next_due(e));
		}
	}
	for (int i = 0; i < ENGINE_SEARCHES; i++)
		engine_search_stop(&e->searches[i], NULL);
	return end;
}
