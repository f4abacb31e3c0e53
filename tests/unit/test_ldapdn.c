#include "testlib_cmocka.h"

#include <stdio.h>
#include <string.h>

#include "ldapdn.h"

static void
equal_names_become_equal_texts(void **state)
{
	static const struct {
		const char *dn, *normal;
	} rows[] = {
	    {"cn=ci,dc=example,dc=com", "cn=ci,dc=example,dc=com"},
	    {"CN=CI,DC=Example,DC=com", "cn=ci,dc=example,dc=com"},
	    {"cn = ci , dc = example , dc = com", "cn=ci,dc=example,dc=com"},
	    {"cn=ci;dc=example", "cn=ci,dc=example"},
	    {"cn=the  two   blanks,o=x", "cn=the two blanks,o=x"},
	    {"cn=\\20ci\\20,o=x", "cn=ci,o=x"},
	    {"cn=Doe\\, John,o=x", "cn=doe\\2c john,o=x"},
	    {"cn=Doe\\2C John,o=x", "cn=doe\\2c john,o=x"},
	    {"cn=\"Doe, John\",o=x", "cn=doe\\2c john,o=x"},
	    {"cn=\\#1,o=x", "cn=\\231,o=x"},
	    {"cn=a#1,o=x", "cn=a#1,o=x"},
	    {"cn=a\\=b,o=x", "cn=a\\3db,o=x"},
	    {"cn=a=b,o=x", "cn=a\\3db,o=x"},
	    {"cn=a\\0ab,o=x", "cn=a\\0ab,o=x"},
	    {"cn=a\\00b,o=x", "cn=a\\00b,o=x"},
	    {"cn=M\303\274ller,o=x", "cn=m\303\274ller,o=x"},
	    {"cn=M\\C3\\BCller,o=x", "cn=m\303\274ller,o=x"},
	    {"uid=b+cn=a,o=x", "cn=a+uid=b,o=x"},
	    {"CN=A+UID=B,o=x", "cn=a+uid=b,o=x"},
	    {"2.5.4.3=#04024869,o=x", "cn=#04024869,o=x"},
	    {"cn= #04024869 ; o=#0402+uid=b", "cn=#04024869,o=#0402+uid=b"},
	    {"cn=a=#b,o=x", "cn=a\\3d#b,o=x"},
	    {"commonName=ci,organizationName=x", "cn=ci,o=x"},
	    {"CommonName=ci,2.5.4.10=x", "cn=ci,o=x"},
	    {"2.5.4.3=ci,ORGANIZATIONALUNITNAME=y,2.5.4.11=z", "cn=ci,ou=y,ou=z"},
	    {"userid=ci,domainComponent=x", "uid=ci,dc=x"},
	    {"0.9.2342.19200300.100.1.1=ci,0.9.2342.19200300.100.1.25=x", "uid=ci,dc=x"},
	    {"surname=a,localityName=b,stateOrProvinceName=c,countryName=de",
		"sn=a,l=b,st=c,c=de"},
	    {"2.5.4.4=a,2.5.4.7=b,2.5.4.8=c,2.5.4.6=de", "sn=a,l=b,st=c,c=de"},
	    {"userid=b+commonName=a,o=x", "cn=a+uid=b,o=x"},
	    {"2.5.4.33=a,commonNames=b,user=c", "2.5.4.33=a,commonnames=b,user=c"},
	    {"cn=ci,o=x#'0101'B", "cn=ci,o=x"},
	    {"cn=ci,o=x#''B", "cn=ci,o=x"},
	    {"cn=ci,o=x#'0121'B", "cn=ci,o=x#'0121'b"},
	    {"cn=ci,o='B", "cn=ci,o='b"},
	    {"cn=,o=x", "cn=,o=x"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[LDAPDN_CAP], again[LDAPDN_CAP];

		assert_err(rows[i].dn, AK_OK, ldapdn_normalise(rows[i].dn, out));
		assert_string_equal(out, rows[i].normal);
		assert_err(rows[i].dn, AK_OK, ldapdn_normalise(out, again));
		assert_string_equal(out, again);
	}
}

static void
what_is_no_name_is_refused(void **state)
{
	static const char *const rows[] = {"", "ci-deploy", "cn", "=ci", "cn=ci,", ",cn=ci",
	    "cn=ci,,o=x", "cn=ci\\", "cn=ci\\x1,o=x", "cn=\"ci,o=x", "cn=ci,o", "cn=#0,o=x",
	    "cn=#zz", "c n=ci", "#'01'B",
	    /* libldap itself takes these */
	    "cn=# n", "cn=#,o=x", "cn=#04024869 zz,o=x", "uid=a+cn=#04 x,o=y", "cn=#04,o=# 5",
	    "cn=\t# 5"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[LDAPDN_CAP] = "before";

		assert_err(rows[i], AK_ERR_INVALID, ldapdn_normalise(rows[i], out));
		assert_string_equal(out, "");
	}
}

/* cn=AAA…: as long as asked. */
static const char *
long_name(char *room, size_t len, char c)
{
	memset(room, c, len);
	memcpy(room, "cn=", 3);
	room[len] = '\0';
	return room;
}

static void
a_name_that_does_not_fit_is_out_of_range(void **state)
{
	static char room[5 * LDAPDN_CAP];
	char out[LDAPDN_CAP];

	(void)state;
	assert_err("fits", AK_OK, ldapdn_normalise(long_name(room, LDAPDN_CAP - 1, 'a'), out));
	assert_int_equal(strlen(out), LDAPDN_CAP - 1);
	assert_err(
	    "one more", AK_ERR_RANGE, ldapdn_normalise(long_name(room, LDAPDN_CAP, 'a'), out));
	assert_string_equal(out, "");
	assert_err("escapes", AK_ERR_RANGE,
	    ldapdn_normalise(long_name(room, LDAPDN_CAP / 2, '='), out));
	assert_err("endless", AK_ERR_RANGE,
	    ldapdn_normalise(long_name(room, sizeof(room) - 1, 'a'), out));
}

static void
a_name_of_too_many_parts_is_out_of_range(void **state)
{
	char dn[600] = "", out[LDAPDN_CAP];
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 17; i++)
		len += (size_t)snprintf(
		    dn + len, sizeof(dn) - len, "%scn=%d", i > 0 ? "+" : "", i);
	assert_err(dn, AK_ERR_RANGE, ldapdn_normalise(dn, out));
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(equal_names_become_equal_texts),
	    cmocka_unit_test(what_is_no_name_is_refused),
	    cmocka_unit_test(a_name_that_does_not_fit_is_out_of_range),
	    cmocka_unit_test(a_name_of_too_many_parts_is_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
