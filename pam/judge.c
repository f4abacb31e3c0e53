#include "judge.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "origin.h"

/* Any answer but "there is none" counts as on. */
static bool
locked_down(const struct scene *sc)
{
	struct stat st;

	return lstat(sc->paths.lockdown, &st) == 0 || errno != ENOENT;
}

/* Root may become anybody: its own su and runuser need no role. */
static bool
is_roots_su(const struct scene *sc)
{
	static const char *const services[] = {"su", "su-l", "runuser", "runuser-l"};
	const char *ruser = scene_item(sc, PAM_RUSER);

	if (getuid() != 0 || ruser == NULL || strcmp(ruser, "root") != 0)
		return false;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(sc->service, services[i]) == 0)
			return true;
	return false;
}

enum ak_err
judge_scene(const struct scene *sc, uint32_t secret, bool without_token, struct judgement *j)
{
	const struct key_record *key = &sc->key.rec;
	struct timespec now = {.tv_sec = 0};
	struct net_addr address;
	struct decide_request req = {
	    .key = key, .service = sc->service, .secret = secret, .without_token = without_token};

	memset(j, 0, sizeof(*j));
	live_load(&sc->paths, &j->live);
	if (is_roots_su(sc)) {
		j->verdict.reason = REASON_PERMITTED;
		return text_copy(j->verdict.why, sizeof(j->verdict.why), "root's own su needs no role");
	}
	req.policy = j->live.image;
	req.policy_problem = diag_print(&j->live.problem, j->problem, sizeof(j->problem));
	req.hosts = j->live.hosts;
	req.lockdown = locked_down(sc);
	req.time_undefined = clock_gettime(CLOCK_REALTIME, &now) == -1 ||
	    keyring_time_undefined(&sc->ring, now.tv_sec);
	req.now = now.tv_sec;
	/* The list of this host's addresses costs a few calls: only who is bound to an address pays. */
	if (key->from.len_b > 0 && origin_find(sc, &address))
		req.address = &address;
	return decide(&req, NULL, &j->verdict);
}

void
judge_clear(struct judgement *j)
{
	verdict_clear(&j->verdict);
	live_clear(&j->live);
}
