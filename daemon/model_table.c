#include "model_impl.h"

#include <stdlib.h>
#include <string.h>

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

struct blob *
blob_new(const struct pack *p)
{
	struct blob *b = p->err == AK_OK ? malloc(sizeof(*b) + p->len_b) : NULL;

	if (b == NULL)
		return NULL;
	b->refs = 1;
	b->len_b = p->len_b;
	memcpy(b->bytes, p->bytes, p->len_b);
	return b;
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
