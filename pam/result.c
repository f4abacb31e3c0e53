#include "result.h"

#include <stddef.h>
#include <syslog.h>

/* In authenticate a key that ended is refused like a wrong token; whoever holds the right one learns no more. */
static const struct {
	enum reason reason;
	int auth, later;
} reasons[] = {
    {REASON_PERMITTED, PAM_SUCCESS, PAM_SUCCESS},
    {REASON_LOCKDOWN, PAM_PERM_DENIED, PAM_PERM_DENIED},
    {REASON_SECRET_ENDED, PAM_AUTH_ERR, PAM_PERM_DENIED},
    {REASON_NO_TOKEN, PAM_AUTH_ERR, PAM_PERM_DENIED},
    {REASON_DISABLED, PAM_AUTH_ERR, PAM_PERM_DENIED},
    {REASON_NOT_YET, PAM_AUTH_ERR, PAM_PERM_DENIED},
    {REASON_EXPIRED, PAM_AUTH_ERR, PAM_ACCT_EXPIRED},
    {REASON_TIME_UNDEFINED, PAM_PERM_DENIED, PAM_PERM_DENIED},
    {REASON_DIRECTORY, PAM_PERM_DENIED, PAM_PERM_DENIED},
    {REASON_FROM, PAM_PERM_DENIED, PAM_PERM_DENIED},
    {REASON_NO_POLICY, PAM_PERM_DENIED, PAM_PERM_DENIED},
    {REASON_SPACE, PAM_PERM_DENIED, PAM_PERM_DENIED},
    {REASON_RULE, PAM_PERM_DENIED, PAM_PERM_DENIED},
    {REASON_NOT_ADMITTED, PAM_PERM_DENIED, PAM_PERM_DENIED},
    {REASON_ROLE, PAM_PERM_DENIED, PAM_PERM_DENIED},
    {REASON_FAILED, PAM_SYSTEM_ERR, PAM_SYSTEM_ERR},
    {REASON_AUDIT, PAM_SYSTEM_ERR, PAM_SYSTEM_ERR},
};

static const struct {
	enum ak_err err;
	int code;
} errs[] = {
    {AK_ERR_INVALID, PAM_AUTH_ERR}, /* not a token */
    {AK_ERR_NOT_FOUND, PAM_AUTH_ERR}, /* nobody's token */
    {AK_ERR_UNAVAILABLE, PAM_AUTHINFO_UNAVAIL}, {AK_ERR_CORRUPT, PAM_AUTHINFO_UNAVAIL},
    {AK_ERR_NEWER, PAM_AUTHINFO_UNAVAIL}, {AK_ERR_UNSAFE, PAM_AUTHINFO_UNAVAIL},
    {AK_ERR_ROLLBACK, PAM_AUTHINFO_UNAVAIL},
    {AK_ERR_DENIED, PAM_AUTH_ERR}, /* another's token, or a wrong secret */
};

int
result_of_reason(enum phase phase, enum reason reason)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].reason == reason)
			return phase == PHASE_AUTH ? reasons[i].auth : reasons[i].later;
	return PAM_SYSTEM_ERR;
}

int
result_of_err(enum ak_err err)
{
	for (size_t i = 0; i < sizeof(errs) / sizeof(errs[0]); i++)
		if (errs[i].err == err)
			return errs[i].code;
	return PAM_SYSTEM_ERR;
}

int
result_priority(int code)
{
	switch (code) {
	case PAM_SUCCESS:
		return LOG_INFO;
	case PAM_AUTHINFO_UNAVAIL:
	case PAM_SERVICE_ERR:
	case PAM_SYSTEM_ERR:
		return LOG_ERR;
	default:
		return LOG_NOTICE;
	}
}
