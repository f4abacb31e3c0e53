#include "engine_search.h"
#include "ldapconn.h"

#define PAGE_ENTRIES 500

/* The next page; value: the server's mark of how far it came, empty at first. */
static enum ak_err
send_page(struct engine_search *s, struct engine_conn *c, struct berval *mark, struct diag *why)
{
	LDAPControl *control = NULL;
	enum ak_err err;
	int rc = LDAP_SUCCESS;

	if (c->pages)
		rc = ldap_create_page_control(c->ld, PAGE_ENTRIES, mark, 0, &control);
	if (rc != LDAP_SUCCESS)
		return ldapconn_fail(c->ld, rc, engine_search_words(s), why);
	err = engine_search_send(s, c, control, why);
	ldap_control_free(control);
	return err;
}

enum ak_err
engine_poll_send(struct engine_search *s, struct engine_conn *c, struct diag *why)
{
	return send_page(s, c, NULL, why);
}

/* The end of a page, or of all. */
static enum ak_err
take_page(
    struct engine_search *s, struct engine_conn *c, LDAPControl **controls, struct diag *why)
{
	LDAPControl *page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	struct berval mark = {0};
	ber_int_t estimate;
	enum ak_err err;

	if (page != NULL &&
	    ldap_parse_pageresponse_control(c->ld, page, &estimate, &mark) != LDAP_SUCCESS)
		return diag_because(why, AK_ERR_CORRUPT, "%s: the server's pages can't be read",
		    engine_search_words(s));
	if (mark.bv_len == 0)
		err = engine_search_end(s, c, true);
	else
		err = send_page(s, c, &mark, why);
	ber_memfree(mark.bv_val);
	return err;
}

static enum ak_err
take_result(
    struct engine_search *s, struct engine_conn *c, LDAPMessage *message, struct diag *why)
{
	LDAPControl **controls = NULL;
	int rc = LDAP_DECODING_ERROR, parsed;
	enum ak_err err = AK_ERR_UNAVAILABLE;

	s->msgid = 0;
	parsed = ldap_parse_result(c->ld, message, &rc, NULL, NULL, NULL, &controls, 0);
	if (parsed == LDAP_SUCCESS && rc == LDAP_SUCCESS)
		err = take_page(s, c, controls, why);
	else
		(void)ldapconn_fail(
		    c->ld, parsed != LDAP_SUCCESS ? parsed : rc, engine_search_words(s), why);
	ldap_controls_free(controls);
	return err;
}

enum ak_err
engine_poll_take(
    struct engine_search *s, struct engine_conn *c, LDAPMessage *message, struct diag *why)
{
	switch (ldap_msgtype(message)) {
	case LDAP_RES_SEARCH_ENTRY:
		return engine_search_put(s, c, message, NULL, why);
	case LDAP_RES_SEARCH_RESULT:
		return take_result(s, c, message, why);
	default:
		/* Referrals are not followed. */
		return AK_OK;
	}
}
