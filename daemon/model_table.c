#include "model_impl.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

struct slot **
table_head(struct table *t, uint32_t hash)
{
	return t->heads == NULL ? &t->only : &t->heads[hash & t->mask];
}

/* Without memory it stays as it is, with longer chains. */
static void
grow(struct table *t)
{
	size_t n = t->heads == NULL ? 64 : (t->mask + 1) * 2;
	struct table bigger = {.heads = calloc(n, sizeof(struct slot *)), .mask = n - 1};

	if (bigger.heads == NULL)
		return;
	for (size_t i = 0; i <= t->mask; i++)
		for (struct slot *s = *table_head(t, (uint32_t)i), *next; s != NULL; s = next) {
			struct slot **head = table_head(&bigger, s->hash);

			next = s->next;
			s->next = *head;
			*head = s;
		}
	bigger.n = t->n;
	free(t->heads);
	*t = bigger;
}

void
table_enter(struct table *t, struct slot *s)
{
	struct slot **head;

	if (t->n > t->mask)
		grow(t);
	head = table_head(t, s->hash);
	s->next = *head;
	*head = s;
	t->n++;
}

void
table_leave(struct table *t, const struct slot *s)
{
	struct slot **at = table_head(t, s->hash);

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	t->n--;
}

void
table_each(const struct table *t, void (*take)(void *ctx, struct slot *s), void *ctx)
{
	for (size_t i = 0; i <= t->mask; i++)
		for (struct slot *s = t->heads == NULL ? t->only : t->heads[i], *next;
		     s != NULL; s = next) {
			next = s->next;
			take(ctx, s);
		}
}

void
table_clear(struct table *t)
{
	free(t->heads);
	*t = (struct table){.heads = NULL};
}

/* The seed that all records here are sealed with: any will do, if it is the same (index_make). */
#define SEED 0U

static struct blob *
blob_sized(const struct pack *p, size_t before_b)
{
	struct blob *b = p->err == AK_OK && p->len_b < INDEX_RECORD_MAX_B - before_b
			     ? malloc(sizeof(*b) + before_b + p->len_b)
			     : NULL;

	if (b == NULL)
		return NULL;
	*b = (struct blob){
	    .refs = 1, .len_b = (uint32_t)(before_b + p->len_b), .value_at = (uint16_t)before_b};
	memcpy(b->bytes + before_b, p->bytes, p->len_b);
	return b;
}

struct blob *
blob_new(const struct pack *p)
{
	return blob_sized(p, 0);
}

/* Its shape: index.c. */
struct blob *
blob_record(const struct pack *p, unsigned order, uint32_t number, const struct index_key *keys,
    uint8_t n_keys)
{
	size_t at = INDEX_RECORD_HEADER_B;
	struct blob *b;

	for (unsigned i = 0; i < n_keys; i++)
		at += 1 + keys[i].len_b;
	if ((b = blob_sized(p, at)) == NULL)
		return NULL;
	b->n_keys = n_keys;
	memset(b->bytes, 0, INDEX_RECORD_HEADER_B);
	le32_store(b->bytes + 4, b->len_b);
	b->bytes[8] = n_keys;
	b->bytes[9] = (unsigned char)order;
	le32_store(b->bytes + 12, number);
	at = INDEX_RECORD_HEADER_B;
	for (unsigned i = 0; i < n_keys; i++) {
		b->bytes[at] = (unsigned char)keys[i].len_b;
		memcpy(b->bytes + at + 1, keys[i].bytes, keys[i].len_b);
		at += 1 + keys[i].len_b;
	}
	le32_store(b->bytes, hash_crc32(SEED, b->bytes + 4, b->len_b - 4));
	return b;
}

struct index_view
blob_view(const struct blob *b)
{
	return (struct index_view){.bytes = b->bytes,
	    .len_b = b->len_b,
	    .keys = b->bytes + INDEX_RECORD_HEADER_B,
	    .keys_len_b = b->value_at - INDEX_RECORD_HEADER_B,
	    .n_keys = b->n_keys,
	    .order = b->bytes[9],
	    .number = le32_load(b->bytes + 12),
	    .value = b->bytes + b->value_at,
	    .value_len_b = b->len_b - b->value_at,
	    .crc_seed = SEED};
}

struct blob *
blob_share(struct blob *b)
{
	if (b != NULL)
		b->refs++;
	return b;
}

/* Some hold what verifies a token. */
void
blob_drop(struct blob **b)
{
	if (*b != NULL && --(*b)->refs == 0) {
		explicit_bzero((*b)->bytes, (*b)->len_b);
		free(*b);
	}
	*b = NULL;
}

bool
blob_equal(const struct blob *a, const struct blob *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->len_b == b->len_b && memcmp(a->bytes, b->bytes, a->len_b) == 0;
}
