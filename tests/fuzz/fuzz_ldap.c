/* fuzz_ldap: any bytes as a name, as values, and as an entry on the wire: a name has one form, values are whole, and a key that lacks one is marked. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ldap.h>
#include <openldap.h>

#include "dirtext.h"
#include "fuzz_check.h"
#include "fuzz_input.h"
#include "ldapentry.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static const struct ldapplan *
plan(enum directory_search_id search)
{
	static const char members[] = "member\0uniqueMember\0memberUid";
	static const struct directory_settings d = {
	    .group_name = "cn",
	    .members = {members, sizeof(members)},
	    .role_attribute = "apikeyBinding",
	    .keys = {"ou=keys", "(objectClass=apikeyKey)"},
	    .groups = {"ou=groups", "(objectClass=groupOfNames)"},
	    .principal = {"ou=services", "(&(objectClass=account)(uid=%n))"},
	};
	static struct ldapplan plans[DIRECTORY_PRINCIPALS + 1];

	if (plans[search].n == 0)
		fuzz_check(ldapplan_make(&d, search, &plans[search], NULL) == AK_OK, "a plan");
	return &plans[search];
}

static void
check_name(const char *dn)
{
	char once[LDAPDN_CAP], twice[LDAPDN_CAP];

	if (ldapdn_normalise(dn, once) != AK_OK) {
		fuzz_check(once[0] == '\0', "what is no name is none");
		return;
	}
	fuzz_check(ldapdn_normalise(once, twice) == AK_OK && strcmp(once, twice) == 0,
	    "a name has one form");
	for (const char *at = once; *at != '\0'; at++)
		fuzz_check(
		    (unsigned char)*at >= ' ' && *at != 0x7f && !(*at >= 'A' && *at <= 'Z'),
		    "in small letters, without control characters");
}

/* As the daemon gets it, and makes a key of it. */
static void
check_entry(struct ldapentry *e)
{
	struct directory_entry out, again;
	struct pack bytes = PACK_INIT;
	struct diag why = DIAG_INIT;
	struct key_record k;

	if (ldapentry_finish(e, &out) != AK_OK)
		return;
	for (unsigned s = 1; s < SLOT_COUNT; s++) {
		fuzz_check(
		    out.values[s].len_b == 0 || strv_valid(out.values[s]), "values are whole");
		strv_for (out.values[s], value)
			fuzz_check(strlen(value) <= LDAPENTRY_VALUE_MAX_B,
			    "and no longer than may be");
	}
	strv_for (out.values[SLOT_MEMBER_DN], dn)
		check_name(dn);
	fuzz_check(
	    e->problem.text[0] == '\0' || e->plan->search != DIRECTORY_KEYS || e->unusable,
	    "a key that lacks a value is marked");
	fuzz_check(strpbrk(e->problem.text, "\n\r") == NULL, "a problem is one line");
	directory_entry_pack(&out, &bytes);
	if (bytes.err == AK_OK && out.dn[0] != '\0')
		fuzz_check(directory_entry_unpack(bytes.bytes, bytes.len_b, &again) == AK_OK &&
			       strcmp(again.dn, out.dn) == 0,
		    "what is passed on can be read");
	pack_clear(&bytes);
	if (e->plan->search != DIRECTORY_KEYS)
		return;
	if (dirtext_key_of_entry(&out, &k, &why) == AK_OK) {
		fuzz_check(
		    text_is_key_name(k.name) && !id_is_reserved(k.uid) && k.home[0] == '\0',
		    "a key is one that could be");
		key_record_clear(&k);
	} else {
		fuzz_check(why.text[0] != '\0', "a key that is none says why");
	}
}

static enum directory_search_id
take_search(struct fuzz_input *in)
{
	return (enum directory_search_id)(1 + fuzz_u8(in) % 3);
}

/* Attributes and their values, in any order; a name's first byte may choose one that is asked for. */
static void
read_values(struct fuzz_input *in)
{
	const struct ldapplan *p = plan(take_search(in));
	static struct ldapentry e;
	char attribute[128], value[512];

	if (ldapentry_begin(&e, p, fuzz_line(in, value, sizeof(value))) != AK_OK)
		return;
	while (in->left_b > 0) {
		uint8_t which = fuzz_u8(in);
		struct berval values[2] = {{.bv_val = value}};
		struct text t = text_over(attribute, sizeof(attribute));
		char rest[64];

		text_add(&t, "%s%s", which < 128 ? p->attributes[which % p->n].name : "",
		    fuzz_line(in, rest, sizeof(rest)));
		values[0].bv_len = fuzz_u8(in);
		for (size_t i = 0; i < values[0].bv_len; i++)
			value[i] = (char)fuzz_u8(in);
		ldapentry_add(&e, attribute, values);
	}
	fuzz_check(
	    e.more_of[0] == '\0' || e.more_from > 0, "a list goes on behind its beginning");
	check_entry(&e);
	ldapentry_clear(&e);
}

static void
put_length(unsigned char *at, size_t len_b)
{
	at[0] = 0x83;
	at[1] = (unsigned char)(len_b >> 16);
	at[2] = (unsigned char)(len_b >> 8);
	at[3] = (unsigned char)len_b;
}

/* SEQUENCE { msgid, [APPLICATION 4] entry }: the answer to the search that is under way. */
static bool
send_entry(int fd, int msgid, const struct fuzz_input *in)
{
	static unsigned char message[32768];
	size_t len_b = in->left_b < 30000 ? in->left_b : 30000;

	message[0] = 0x30;
	put_length(message + 1, 3 + 5 + len_b);
	message[5] = 0x02;
	message[6] = 1;
	message[7] = (unsigned char)msgid;
	message[8] = 0x64;
	put_length(message + 9, len_b);
	if (len_b > 0)
		memcpy(message + 13, in->at, len_b);
	return write(fd, message, 13 + len_b) == (ssize_t)(13 + len_b);
}

/* The two passes that a long list takes, over the same entry. */
static void
take_message(LDAP *ld, LDAPMessage *message, const struct ldapplan *p)
{
	static struct ldapentry e;

	memset(&e, 0, sizeof(e));
	if (ldapentry_read(&e, p, ld, message) == AK_OK) {
		check_name(e.dn);
		check_entry(&e);
		if (e.more_of[0] != '\0' && ldapentry_read_more(&e, ld, message) == AK_OK)
			check_entry(&e);
	}
	ldapentry_clear(&e);
}

static void
read_message(struct fuzz_input *in)
{
	const struct ldapplan *p = plan(take_search(in));
	struct timeval now = {0};
	LDAPMessage *message = NULL;
	int ends[2], msgid = 0;
	LDAP *ld = NULL;

	fuzz_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 &&
		       ldap_init_fd(ends[0], LDAP_PROTO_TCP, "ldap://x", &ld) == LDAP_SUCCESS,
	    "there is a connection");
	fuzz_check(ldap_search_ext(ld, "dc=x", LDAP_SCOPE_SUBTREE, "(cn=*)", NULL, 0, NULL,
		       NULL, NULL, 0, &msgid) == LDAP_SUCCESS &&
		       send_entry(ends[1], msgid, in),
	    "and a search under way");
	(void)shutdown(ends[1], SHUT_WR);
	if (ldap_result(ld, msgid, LDAP_MSG_ONE, &now, &message) == LDAP_RES_SEARCH_ENTRY)
		take_message(ld, message, p);
	(void)ldap_msgfree(message);
	(void)ldap_unbind_ext(ld, NULL, NULL);
	(void)close(ends[1]);
}

/* The first byte: a name, values, or an entry as it comes from the server. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct fuzz_input in = {bytes, len_b};
	char *dn;

	switch (fuzz_u8(&in) % 3) {
	case 0:
		dn = fuzz_rest(&in);
		check_name(dn);
		free(dn);
		break;
	case 1:
		read_values(&in);
		break;
	default:
		read_message(&in);
		break;
	}
	return 0;
}
