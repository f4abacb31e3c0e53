#include "account.h"

#include "converse.h"
#include "judge.h"
#include "report.h"
#include "result.h"

int
account_run(struct scene *sc)
{
	const struct handover *left = scene_borrow_handover(sc);
	uint32_t secret = left != NULL && left->uid == sc->key.rec.uid ? left->secret : 0;
	struct judgement j;
	int code;

	if (judge_scene(sc, secret, secret == 0, &j) == AK_OK)
		code = scene_leave_handover(sc, secret) == AK_OK ? PAM_SUCCESS : PAM_BUF_ERR;
	else
		code = result_of_reason(sc->phase, j.verdict.reason);
	report_decision(sc, code, &j.verdict, secret, NULL);
	if (code != PAM_SUCCESS)
		converse_tell(sc, j.verdict.why);
	judge_clear(&j);
	return code;
}
