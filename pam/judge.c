#include "judge.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "origin.h"
#include "samples.h"
#include "zone.h"

/* Any answer but "there is none" counts as on. */
static bool
locked_down(const struct scene *sc)
{
	struct stat st;

	return lstat(sc->paths.lockdown, &st) == 0 || errno != ENOENT;
}

bool
judge_is_roots_su(const struct scene *sc)
{
	const char *ruser = scene_item(sc, PAM_RUSER);

	return getuid() == 0 && ruser != NULL && strcmp(ruser, "root") == 0 &&
	       (scene_is_service(sc, "su") || scene_is_service(sc, "runuser"));
}

/* The addresses cost a few calls and files: only a key or policy that asks for them pays. */
static void
fill_addresses(struct scene *sc, struct judgement *j)
{
	struct decide_request *req = &j->request;
	bool doubtful;

	if (sc->key.rec.from.len_b == 0 &&
	    (req->policy == NULL || !image_asks_address(req->policy)))
		return;
	j->doubt = (struct policy_doubt){origin_is_own, sc};
	if (origin_of_call(sc, &j->address, &doubtful)) {
		req->address = &j->address;
		req->doubt = doubtful ? &j->doubt : NULL;
	}
	if (origin_of_session(sc, &j->origin))
		req->origin = &j->origin;
}

static void
fill_time(const struct scene *sc, struct judgement *j)
{
	struct decide_request *req = &j->request;
	struct timespec now = {.tv_sec = 0};

	req->time_undefined = clock_gettime(CLOCK_REALTIME, &now) == -1 ||
			      keyring_time_undefined(&sc->ring, now.tv_sec);
	req->now = now.tv_sec;
	if (req->policy == NULL || req->time_undefined)
		return;
	if (moments_resolve(req->policy, ZONE_DIR,
		(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &j->moments) == AK_OK)
		req->when = &j->moments;
}

/* What LDAP says of the key; after fill_time. */
static void
fill_directory(struct scene *sc, struct judgement *j)
{
	struct decide_request *req = &j->request;

	sc->directory = NULL;
	/* Without memory nothing is known of the key: it has no role from there, and what denies by a group fires. */
	(void)!directory_state_load(&sc->paths, &scene_live(sc)->settings.directory,
	    sc->key.rec.name, sc->key.directory, &j->directory);
	directory_state_fill(&j->directory, req->now, req->time_undefined, req);
	if (req->unknown)
		sc->directory = "unknown";
	else if (req->stale)
		sc->directory = "stale";
}

static enum ak_err
require_role(const struct scene *sc, struct judgement *j)
{
	struct text why;

	if (sc->options.role == NULL || decide_holds(&j->request, &j->verdict, sc->options.role))
		return AK_OK;
	j->verdict.reason = REASON_ROLE;
	why = text_over(j->verdict.why, sizeof(j->verdict.why));
	text_add(&why, "the stack asks for role %.180s", sc->options.role);
	return AK_ERR_DENIED;
}

enum ak_err
judge_scene(struct scene *sc, uint32_t secret, bool without_token, struct judgement *j)
{
	const struct live *live = scene_live(sc);
	struct decide_request *req = &j->request;
	enum ak_err err;

	memset(j, 0, sizeof(*j));
	if (judge_is_roots_su(sc)) {
		j->verdict.reason = REASON_PERMITTED;
		return text_copy(
		    j->verdict.why, sizeof(j->verdict.why), "root's own su needs no role");
	}
	req->key = &sc->key.rec;
	req->service = sc->service;
	req->account = sc->subject == SUBJECT_LOCAL ? sc->account : NULL;
	req->account_is_root = sc->account_uid == 0;
	req->secret = secret;
	req->without_token = without_token;
	req->policy = live->image;
	req->policy_problem = diag_print(&live->problem, j->problem, sizeof(j->problem));
	req->hosts = live->hosts;
	req->lockdown = locked_down(sc);
	fill_addresses(sc, j);
	fill_time(sc, j);
	fill_directory(sc, j);
	err = decide(req, NULL, &j->verdict);
	if (sc->phase == PHASE_AUTH || sc->phase == PHASE_ACCOUNT)
		samples_keep(&sc->paths, live, req, &j->verdict);
	return err == AK_OK ? require_role(sc, j) : err;
}

void
judge_clear(struct judgement *j)
{
	verdict_clear(&j->verdict);
	moments_clear(&j->moments);
	directory_state_clear(&j->directory);
}
