#include "bench_ldap.h"

#include "bench_time.h"

LDAP *
bench_ldap_open(const char *uri)
{
	int rc, version = LDAP_VERSION3;
	LDAP *ld = NULL;
	char none[] = "";
	struct berval nothing = {.bv_len = 0, .bv_val = none};

	rc = ldap_initialize(&ld, uri);
	if (rc == LDAP_SUCCESS)
		rc = ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	if (rc == LDAP_SUCCESS)
		rc = ldap_sasl_bind_s(ld, NULL, "EXTERNAL", &nothing, NULL, NULL, NULL);
	if (rc != LDAP_SUCCESS)
		bench_die(uri, ldap_err2string(rc));
	return ld;
}

void
bench_ldap_change(LDAP *ld, const char *group, char *member, bool in)
{
	char *values[] = {member, NULL};
	char attribute[] = "member";
	LDAPMod mod = {.mod_op = in ? LDAP_MOD_ADD : LDAP_MOD_DELETE,
	    .mod_type = attribute,
	    .mod_values = values};
	LDAPMod *mods[] = {&mod, NULL};
	int rc = ldap_modify_ext_s(ld, group, mods, NULL, NULL);

	if (rc != LDAP_SUCCESS)
		bench_die(group, ldap_err2string(rc));
}
