#include "change.h"

#include <stdlib.h>

#include "diropts.h"
#include "keys.h"
#include "text.h"

static void
say_waiting(void *ctx, pid_t holder)
{
	const struct cli *c = ctx;

	cli_warn(c, "waiting for process %ld, which is changing keys too", (long)holder);
}

static enum ak_err
check_id(void *ctx, uint32_t id)
{
	const struct cli *c = ctx;

	return c->host.check_id(c->host.ctx, id);
}

static enum ak_err
open_store(struct change *ch, const struct change_options *opt)
{
	struct cli *c = ch->cli;
	struct store_options options = {
	    .hooks = {.waiting = say_waiting, .check_id = check_id, .ctx = c},
	    .accept_rollback = opt != NULL && opt->accept_rollback,
	    .trust_clock = opt != NULL && opt->trust_clock,
	    .look_only = ch->dry_run,
	};

	return store_open(&c->paths, &options, &ch->store, &ch->why);
}

/* Others wait for the locks, and nobody must wait for a terminal. */
static void
hush(struct change *ch)
{
	if (!ch->hushed)
		cli_hush(ch->cli);
	ch->hushed = true;
}

static void
speak(struct change *ch)
{
	if (!ch->hushed || ch->store != NULL || ch->pass.fd != -1)
		return;
	ch->hushed = false;
	cli_speak(ch->cli);
}

/*
 * What a writer that was killed left behind is made by the next, though that one
 * changes nothing. By a policy that may be half saved nothing is made unasked.
 * True: that writer judged nobody's sessions either.
 */
static bool
catch_up(struct change *ch)
{
	struct cli *c = ch->cli;
	struct diag why = DIAG_INIT;
	char said[DIAG_PRINT_CAP];

	if (ch->store == NULL || !ch->has_live || ch->dry_run || store_is_staged(ch->store) ||
	    !publish_is_due(ch->store, &ch->live))
		return false;
	if (ch->live.image == NULL || !ch->live.trusted) {
		cli_warn(c,
		    "what the name service serves is out of date, and the policy %s: run "
		    "`apikey publish`",
		    ch->live.image == NULL ? "is not valid" : "was changed just now");
		return false;
	}
	holdoff_begin(&ch->holdoff);
	change_come_first(ch);
	if (publish(ch->store, &ch->live, ch->now, NULL, &why) != AK_OK)
		cli_warn(c, "what the name service serves is out of date: %s",
		    diag_print(&why, said, sizeof(said)));
	c->host.names_changed(c->host.ctx);
	return true;
}

void
change_release(struct change *ch)
{
	bool caught_up = catch_up(ch);

	store_close(&ch->store);
	if (caught_up)
		change_enforce(ch, CHANGE_EVERYBODY);
	speak(ch);
}

/* Live sessions are judged, or there is nothing to be judged. */
static void
let_others_judge(struct change *ch)
{
	lock_release(&ch->pass);
	speak(ch);
}

enum ak_err
change_begin(struct change *ch, const struct args *a, const struct change_options *opt)
{
	struct cli *c = ch->cli;
	enum ak_err err;

	if (a != NULL && (err = diropts_parse(a, &ch->directory, &ch->why)) != AK_OK)
		return err;
	ch->dry_run = a != NULL && args_has(a, ARG_DRY_RUN);
	if (!ch->directory && (err = open_store(ch, opt)) != AK_OK)
		return err;
	if (!ch->directory)
		hush(ch);
	/* Both under the lock: waiting for it may have taken long. */
	live_load(&c->paths, &ch->live);
	ch->has_live = true;
	ch->now = c->host.now(c->host.ctx);
	return ch->directory ? dirkeys_open(c, a, &ch->live, &ch->keys, &ch->why) : AK_OK;
}

/* A new file of keys lies where another or none was. */
static bool
is_committed(const struct store *s)
{
	const struct index *local = store_borrow_local(s);
	struct source_id before = store_before(s);

	return local->fd != -1 &&
	       (local->head.generation != before.generation || local->head.id != before.id);
}

static enum ak_err
commit_directory(struct change *ch)
{
	enum ak_err err = dirkeys_commit(ch->keys, &ch->why);

	ch->committed = true; /* as far as it went: change_has_written */
	return err;
}

/* What fails here fails in the pass again, and is said there. */
void
change_come_first(struct change *ch)
{
	struct diag ignored = DIAG_INIT;

	if (ch->pass.fd != -1 ||
	    enforce_lock(&ch->cli->paths, true, &ch->pass, &ignored) != AK_OK)
		return;
	/* Signals wait by the store's lock and then by holdoff: to let go of this one must not bring the mask of now back. */
	ch->pass.masked = false;
}

/* Before the lock's end nothing can end the command, and after that nothing may before it has done it all. */
enum ak_err
change_commit(struct change *ch)
{
	struct cli *c = ch->cli;
	char said[DIAG_PRINT_CAP];
	enum ak_err err;

	/* A server may let one wait: that can be given up. */
	if (ch->directory)
		return commit_directory(ch);
	holdoff_begin(&ch->holdoff);
	change_come_first(ch);
	err = publish(ch->store, &ch->live, ch->now, &ch->result, &ch->why);

	ch->committed = err == AK_OK || is_committed(ch->store);
	if (store_borrow_local(ch->store)->fd != -1)
		ch->n_keys = store_borrow_local(ch->store)->head.order[ORDER_KEYS].count;
	(void)!text_copy(ch->kept, sizeof(ch->kept), store_borrow_kept(ch->store));
	store_close(&ch->store);
	if (ch->committed)
		c->host.names_changed(c->host.ctx);
	if (err == AK_OK && ch->result.without_policy)
		cli_warn(c, "no key may do anything now, and groups stay as they were: %s%s",
		    diag_print(&ch->live.problem, said, sizeof(said)),
		    live_is_lost(&ch->live) ? ": run `apikey publish` once it can be read" : "");
	ch->unfinished = err == AK_OK && ch->result.without_policy && live_is_lost(&ch->live);
	return err;
}

static bool
is_written(void *ctx, const struct key_record *k)
{
	return change_has_written(ctx, k);
}

enum ak_err
change_publish(struct change *ch)
{
	enum ak_err err = change_commit(ch);

	trail_log(&ch->trail, ch->cli, is_written, ch);
	if (ch->committed)
		change_enforce(ch, CHANGE_STAGED);
	else
		let_others_judge(ch);
	return err;
}

void
change_enforce(struct change *ch, enum change_whom whom)
{
	struct enforce_how how = {.uids = ch->uids, .n_uids = ch->n_uids};

	if (whom == CHANGE_STAGED && ch->n_uids == 0) {
		let_others_judge(ch);
		return;
	}
	if (whom == CHANGE_EVERYBODY)
		how = (struct enforce_how){.uids = NULL};
	how.locked = ch->pass.fd != -1;
	holdoff_begin(&ch->holdoff);
	endings_run(ch->cli, &how, &ch->endings);
	let_others_judge(ch);
	endings_tell(ch->cli, &ch->endings);
}

struct outcome
change_outcome(const struct change *ch, const struct key_record *k, bool changed)
{
	return (struct outcome){.changed = changed,
	    .sessions_ended = ch->directory ? -1 : (int64_t)endings_count(&ch->endings, k->uid)};
}

void
change_warn_bound(const struct change *ch)
{
	const struct image *im = ch->live.image;

	if (im != NULL && image_policy(im).strategy == IMAGE_POLICY_ONLY)
		cli_warn(ch->cli,
		    "direct bindings give nothing here: %s says `strategy: policy', so roles "
		    "come from its `grant' alone",
		    image_policy_file(im));
}

int
change_end(struct change *ch, enum ak_err err, int code)
{
	lock_release(&ch->pass);
	change_release(ch);
	dirkeys_close(&ch->keys);
	if (ch->has_live)
		live_clear(&ch->live);
	if (err != AK_OK)
		code = cli_fail(ch->cli, err, &ch->why);
	else if (code == CLI_DONE && (ch->endings.failed || ch->unfinished))
		code = CLI_FAILED;
	trail_clear(&ch->trail);
	endings_clear(&ch->endings);
	free(ch->uids);
	ch->uids = NULL;
	holdoff_end(&ch->holdoff);
	return code;
}
