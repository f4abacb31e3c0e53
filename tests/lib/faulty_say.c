/* faulty_say: one message of the misbehaving LDAP server at a time. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "faulty_ldap.h"

#define SYNC_STATE "1.3.6.1.4.1.4203.1.9.1.2"
#define SYNC_DONE "1.3.6.1.4.1.4203.1.9.1.3"
#define SYNC_INFO "1.3.6.1.4.1.4203.1.9.1.4"

BerElement *
faulty_reply(void)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	if (ber == NULL)
		exit(1);
	return ber;
}

/* Sends by the byte and the second, where the scenario is to be slow. */
void
faulty_send(BerElement *ber)
{
	struct berval bytes;
	ber_socket_t fd = -1;
	size_t at;

	if (scenario != SLOW) {
		if (ber_flush2(faulty_peer, ber, LBER_FLUSH_FREE_ALWAYS) != 0)
			exit(0);
		return;
	}
	if (ber_flatten2(ber, &bytes, 0) != 0)
		exit(1);
	(void)ber_sockbuf_ctrl(faulty_peer, LBER_SB_OPT_GET_FD, &fd);
	for (at = 0; at < bytes.bv_len; at++) {
		(void)poll(NULL, 0, 1000);
		if (send(fd, bytes.bv_val + at, 1, MSG_NOSIGNAL) != 1)
			exit(0);
	}
	ber_free(ber, 1);
}

void
faulty_say_result(ber_int_t id, ber_tag_t tag, ber_int_t code)
{
	BerElement *ber = faulty_reply();

	(void)ber_printf(ber, "{it{ess", id, tag, code, "", "");
	if (code == LDAP_REFERRAL)
		(void)ber_printf(ber, "t{s}", LDAP_TAG_REFERRAL, "ldap://192.0.2.1/" GROUPS_DN);
	(void)ber_printf(ber, "}}");
	faulty_send(ber);
}

/* The end of a search, with the controls that were asked for. next: where the next page begins; 0: nowhere. */
void
faulty_say_done(const struct search *s, ber_int_t code, long next)
{
	char cookie[24] = "";
	BerElement *value = faulty_reply(), *ber;
	struct berval bytes;

	if (next > 0)
		(void)snprintf(cookie, sizeof(cookie), "%ld", next);
	if (s->syncs)
		(void)ber_printf(value, "{s}", "rid=000,csn=1");
	else
		(void)ber_printf(value, "{is}", 0, cookie);
	if (ber_flatten2(value, &bytes, 0) != 0)
		exit(1);
	ber = faulty_reply();
	(void)ber_printf(ber, "{it{ess}", s->id, LDAP_RES_SEARCH_RESULT, code, "", "");
	if (s->syncs || s->pages)
		(void)ber_printf(ber, "t{{sO}}", LDAP_TAG_CONTROLS,
		    s->syncs ? SYNC_DONE : LDAP_CONTROL_PAGEDRESULTS, &bytes);
	(void)ber_printf(ber, "}");
	faulty_send(ber);
	ber_free(value, 1);
}

/* An intermediate message of RFC 4533 around its value, which is freed. */
void
faulty_say_info(const struct search *s, BerElement *value)
{
	BerElement *ber = faulty_reply();
	struct berval bytes;

	if (ber_flatten2(value, &bytes, 0) != 0)
		exit(1);
	(void)ber_printf(ber, "{it{tstO}}", s->id, LDAP_RES_INTERMEDIATE, LDAP_TAG_IM_RES_OID,
	    SYNC_INFO, LDAP_TAG_IM_RES_VALUE, &bytes);
	faulty_send(ber);
	ber_free(value, 1);
}

/* An entryUUID that follows from the name, so that a restarted server has the same. */
void
faulty_uuid_of(const char *name, char uuid[16])
{
	size_t i, len = strlen(name);

	for (i = 0; i < 16; i++)
		uuid[i] = (char)(name[i % len] + (char)i);
}

void
faulty_begin_entry(BerElement *ber, const struct search *s, const char *name)
{
	char dn[512];

	(void)snprintf(dn, sizeof(dn), "cn=%s," GROUPS_DN, name);
	(void)ber_printf(ber, "{it{s{{s[s]}{s[s]}", s->id, LDAP_RES_SEARCH_ENTRY, dn,
	    "objectClass", "posixGroup", "cn", name);
	if (scenario == HUGE_VALUE) {
		char *huge = malloc((1 << 20) + 1);

		if (huge == NULL)
			exit(1);
		memset(huge, 'x', 1 << 20);
		huge[1 << 20] = '\0';
		(void)ber_printf(ber, "{s[s]}", "description", huge);
		free(huge);
	}
}

void
faulty_end_entry(BerElement *ber, const struct search *s, const char *name)
{
	BerElement *value = faulty_reply();
	struct berval uuid = {.bv_len = 16}, bytes;
	char room[16];

	faulty_uuid_of(name, room);
	uuid.bv_val = room;
	(void)ber_printf(ber, "}}");
	(void)ber_printf(value, "{eO}", 1, &uuid);
	if (ber_flatten2(value, &bytes, 0) != 0)
		exit(1);
	if (s->syncs)
		(void)ber_printf(ber, "t{{sO}}", LDAP_TAG_CONTROLS, SYNC_STATE, &bytes);
	(void)ber_printf(ber, "}");
	faulty_send(ber);
	ber_free(value, 1);
}

/* Bytes as they are, without BER around. */
void
faulty_send_raw(const char *bytes, size_t len)
{
	ber_socket_t fd = -1;

	(void)ber_sockbuf_ctrl(faulty_peer, LBER_SB_OPT_GET_FD, &fd);
	(void)send(fd, bytes, len, MSG_NOSIGNAL);
}
