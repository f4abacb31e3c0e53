#include "ldapad.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	unsigned long code;
	const char *words;
} refusals[] = {
    {0x525, "there is no such account"},
    {0x52e, "the account's name or password is wrong"},
    {0x530, "the account may not log on at this time"},
    {0x531, "the account may not log on from here"},
    {0x532, "the account's password has expired"},
    {0x533, "the account is disabled"},
    {0x701, "the account has expired"},
    {0x773, "the account's password must be changed first"},
    {0x775, "the account is locked"},
};

const char *
ldapad_refusal(const char *said)
{
	static const char before[] = "AcceptSecurityContext error, data ";
	const char *at = strstr(said, before);
	unsigned long code = at == NULL ? 0 : strtoul(at + strlen(before), NULL, 16);

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].code == code)
			return refusals[i].words;
	return NULL;
}
