#include "modify.h"

enum ak_err
modify_key(struct change *ch, const struct key_record *k, bool changed, const char *event)
{
	enum ak_err err;

	if (!changed) {
		change_release(ch);
		return AK_OK;
	}
	if (k->not_before >= k->expires_at)
		return diag_because(&ch->why, AK_ERR_DENIED,
		    "%s would expire before it is valid: give a later end or an earlier "
		    "--not-before",
		    k->name);
	err = change_put(ch, k, event);
	return err == AK_OK ? change_publish(ch) : err;
}
