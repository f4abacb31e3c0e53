/* answer: a key as it is shown: its fields in JSON and as a table, and what a change to it answers. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "args.h"
#include "cli.h"
#include "out.h"
#include "keyring.h"
#include "token.h"
#include "used.h"

/* "active", "disabled", "expired" or "pending", at that moment. */
const char *answer_state(const struct key_record *k, int64_t now);

/* "local" or "directory". */
const char *answer_source(const struct key *k);

/* The fields of a key into the object that is open in j. */
void answer_json(struct out_json *j, const struct key *k, const struct used *used, int64_t now);

/* One key alone: a table of two columns, or JSON. */
enum ak_err answer_show(
    const struct cli *c, const struct args *a, const struct key *k, int64_t now) AK_MUST_CHECK;

/* Which of both -o asks for; frees j and t in any case. */
enum ak_err answer_print(const struct cli *c, const struct args *a, struct out_json **j,
    struct out_table *t) AK_MUST_CHECK;

/* For a verb about the key that its first operand names: what say answers about it. */
int answer_about_key(struct cli *c, const struct args *a,
    enum ak_err (*say)(const struct cli *c, const struct args *a, const struct key *k));

/* What came of a verb for one key. */
struct outcome {
	bool changed;
	int64_t sessions_ended; /* -1: that is for others to see (keys in LDAP) */
};

/*
 * What a change to one key answers: JSON, or for people done_text ("disabled")
 * or that nothing changed.
 */
enum ak_err answer_changed(const struct cli *c, const struct args *a, const struct key *k,
    int64_t now, struct outcome out, const char *done_text) AK_MUST_CHECK;

/* The same for a list of keys: begin, one call each, end. */
struct answer_list {
	const struct cli *c;
	const struct args *a;
	struct out_json *json; /* NULL: for people */
	struct used used; /* for JSON */
};

struct answer_list answer_list_begin(const struct cli *c, const struct args *a);
void answer_list_add(struct answer_list *l, const struct key *k, int64_t now,
    struct outcome out, const char *done_text);
enum ak_err answer_list_end(struct answer_list *l) AK_MUST_CHECK;

/*
 * What a verb answers that may have made a token: JSON unless -q or -o table.
 * tok NULL: none was made. A token that could not be written is lost; that is
 * said, with what to do, and CLI_FAILED.
 */
enum cli_exit answer_token(const struct cli *c, const struct args *a, const struct key *k,
    const struct token *tok, int64_t now, struct outcome out);

#endif
