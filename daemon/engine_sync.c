#include <string.h>

#include "engine_impl.h"
#include "ldapconn.h"

/* A server that wants a whole refresh again sooner is not well: what follows a connection that failed is a pause. */
#define RESTART_EVERY_MS 60000

static struct ldapsync_cookie
cookie_of(const struct pack *p)
{
	return (struct ldapsync_cookie){.bytes = p->bytes, .len_b = p->len_b};
}

enum ak_err
engine_sync_send(struct engine_search *s, struct engine_conn *c, struct diag *why)
{
	struct pack value = PACK_INIT;
	LDAPControl control = {.ldctl_oid = (char[]){LDAP_CONTROL_SYNC}, .ldctl_iscritical = 1};
	enum ak_err err;

	s->refresh = (struct ldapsync_refresh){.with_cookie = s->cookie.len_b > 0};
	ldapsync_put_request(cookie_of(&s->cookie), &value);
	control.ldctl_value.bv_val = (char *)value.bytes;
	control.ldctl_value.bv_len = value.len_b;
	err = value.err != AK_OK ? value.err : engine_search_send(s, c, &control, why);
	pack_clear(&value);
	return err;
}

/* Within a refresh it belongs to the refresh's end. */
static enum ak_err
keep_cookie(struct engine_search *s, struct engine_conn *c, struct ldapsync_cookie cookie)
{
	struct pack *to = s->whole ? &s->cookie : &s->next_cookie;

	if (cookie.len_b == 0)
		return AK_OK;
	pack_clear(to);
	pack_bytes(to, cookie.bytes, cookie.len_b);
	if (s->whole)
		wire_put_cookie(&c->link->out, s->id, cookie.bytes, cookie.len_b);
	return to->err;
}

static void
put_uuids(struct engine_search *s, struct engine_conn *c, bool gone, const unsigned char *uuids,
    size_t n)
{
	/* That something is still there is news only while a refresh asks. */
	if (n > 0 && (gone || !s->whole))
		wire_put_uuids(&c->link->out, gone ? WIRE_GONE : WIRE_PRESENT, s->id, uuids, n);
}

static enum ak_err
malformed(struct engine_search *s, struct diag *why)
{
	return diag_because(why, AK_ERR_CORRUPT,
	    "%s: the server's answer is not as RFC 4533 has it", engine_search_words(s));
}

static enum ak_err
apply_state(struct engine_search *s, struct engine_conn *c, LDAPMessage *message,
    const struct berval *value, struct diag *why)
{
	struct ldapsync_state state;
	enum ak_err err = AK_OK;

	if (ldapsync_take_state(value->bv_val, value->bv_len, &state) != AK_OK)
		return malformed(s, why);
	switch (state.what) {
	case LDAPSYNC_PRESENT:
	case LDAPSYNC_DELETE:
		put_uuids(s, c, state.what == LDAPSYNC_DELETE, state.uuid, 1);
		break;
	case LDAPSYNC_ADD:
	case LDAPSYNC_MODIFY:
		s->refresh.entries = true;
		err = engine_search_put(s, c, message, state.uuid, why);
		break;
	}
	return err == AK_OK ? keep_cookie(s, c, state.cookie) : err;
}

static enum ak_err
take_entry(
    struct engine_search *s, struct engine_conn *c, LDAPMessage *message, struct diag *why)
{
	LDAPControl **controls = NULL, *state = NULL;
	enum ak_err err;

	if (ldap_get_entry_controls(c->ld, message, &controls) == LDAP_SUCCESS &&
	    controls != NULL)
		state = ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL);
	err = state != NULL ? apply_state(s, c, message, &state->ldctl_value, why)
			    : malformed(s, why);
	ldap_controls_free(controls);
	return err;
}

static enum ak_err
start_anew(struct engine_search *s, struct engine_conn *c, struct diag *why)
{
	engine_search_drop_cookie(s);
	return engine_search_begin(s, c, why);
}

static enum ak_err
end_refresh(struct engine_search *s, struct engine_conn *c, struct diag *why)
{
	bool drop = ldapsync_drops_unnamed(&s->refresh);

	if (ldapsync_ignored_cookie(
		&s->refresh, cookie_of(&s->cookie), cookie_of(&s->next_cookie)))
		return start_anew(s, c, why);
	/* Without a newer one the one that was sent is still true. */
	if (s->next_cookie.len_b == 0 && s->refresh.with_cookie)
		pack_bytes(&s->next_cookie, s->cookie.bytes, s->cookie.len_b);
	return engine_search_end(s, c, drop);
}

static enum ak_err
apply_info(struct engine_search *s, struct engine_conn *c, const struct ldapsync_info *info,
    struct diag *why)
{
	bool is_end =
	    info->kind == LDAPSYNC_REFRESH_DELETE || info->kind == LDAPSYNC_REFRESH_PRESENT;
	enum ak_err err;

	if (info->kind == LDAPSYNC_ID_SET)
		put_uuids(
		    s, c, info->gone, info->uuids.bytes, info->uuids.len_b / LDAPSYNC_UUID_B);
	if ((err = keep_cookie(s, c, info->cookie)) != AK_OK || s->whole || !is_end)
		return err;
	if (info->kind == LDAPSYNC_REFRESH_PRESENT)
		s->refresh.present_phase = true;
	return info->refresh_done ? end_refresh(s, c, why) : AK_OK;
}

static enum ak_err
take_info(struct engine_search *s, struct engine_conn *c, LDAPMessage *message, struct diag *why)
{
	struct ldapsync_info info;
	struct berval *value = NULL;
	char *oid = NULL;
	enum ak_err err = AK_OK;

	if (ldap_parse_intermediate(c->ld, message, &oid, &value, NULL, 0) != LDAP_SUCCESS)
		err = malformed(s, why);
	else if (oid != NULL && strcmp(oid, LDAP_SYNC_INFO) == 0) {
		if (value == NULL ||
		    ldapsync_take_info(value->bv_val, value->bv_len, &info) != AK_OK) {
			err = malformed(s, why);
		} else {
			err = apply_info(s, c, &info, why);
			pack_clear(&info.uuids);
		}
	}
	ldap_memfree(oid);
	ber_bvfree(value);
	return err;
}

static enum ak_err
take_result(
    struct engine_search *s, struct engine_conn *c, LDAPMessage *message, struct diag *why)
{
	int64_t now = engine_now_ms();
	bool may_restart = (s->whole || s->refresh.with_cookie) && now >= s->no_restart_before;
	int rc = LDAP_DECODING_ERROR;

	s->msgid = 0;
	if (ldap_parse_result(c->ld, message, &rc, NULL, NULL, NULL, NULL, 0) != LDAP_SUCCESS)
		return malformed(s, why);
	switch (ldapsync_judge_result(rc, may_restart)) {
	case LDAPSYNC_FROM_SCRATCH:
		s->no_restart_before = now + RESTART_EVERY_MS;
		return start_anew(s, c, why);
	case LDAPSYNC_UNKNOWN:
		return AK_ERR_NOT_FOUND;
	case LDAPSYNC_GIVE_UP:
		break;
	}
	if (rc == LDAP_SUCCESS)
		return diag_because(
		    why, AK_ERR_UNAVAILABLE, "%s: the server ended it", engine_search_words(s));
	(void)ldapconn_fail(c->ld, rc, engine_search_words(s), why);
	return AK_ERR_UNAVAILABLE;
}

enum ak_err
engine_sync_take(
    struct engine_search *s, struct engine_conn *c, LDAPMessage *message, struct diag *why)
{
	switch (ldap_msgtype(message)) {
	case LDAP_RES_SEARCH_ENTRY:
		return take_entry(s, c, message, why);
	case LDAP_RES_INTERMEDIATE:
		return take_info(s, c, message, why);
	case LDAP_RES_SEARCH_RESULT:
		return take_result(s, c, message, why);
	default:
		/* Referrals are not followed. */
		return AK_OK;
	}
}
