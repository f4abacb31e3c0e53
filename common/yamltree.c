#include "yamltree.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define CHUNK_B 65536U

/* Nodes and their texts lie in chunks, and go with the document. */
struct chunk {
	struct chunk *next;
	size_t used_b, cap_b;
	max_align_t bytes[];
};

struct yaml_doc {
	struct chunk *chunks;
	const struct yaml_node *root;
};

struct frame {
	struct yaml_node *node, *last;
	bool wants_value; /* a mapping whose last child is a key */
};

struct builder {
	struct yaml_doc *doc;
	const char *file;
	struct diag *why;
	struct frame stack[YAML_MAX_DEPTH];
	unsigned depth, n_nodes, n_docs;
};

static void *
doc_alloc(struct yaml_doc *doc, size_t size_b)
{
	const size_t align_b = _Alignof(struct yaml_node);
	struct chunk *c = doc->chunks;
	size_t cap_b = size_b > CHUNK_B ? size_b : CHUNK_B;
	unsigned char *at;

	size_b = (size_b + align_b - 1) / align_b * align_b;
	if (cap_b < size_b)
		cap_b = size_b;
	if (c == NULL || size_b > c->cap_b - c->used_b) {
		if ((c = malloc(sizeof(*c) + cap_b)) == NULL)
			return NULL;
		*c = (struct chunk){.next = doc->chunks, .cap_b = cap_b};
		doc->chunks = c;
	}
	at = (unsigned char *)c->bytes + c->used_b;
	c->used_b += size_b;
	return at;
}

void
yamltree_free(struct yaml_doc **doc)
{
	if (*doc == NULL)
		return;
	for (struct chunk *c = (*doc)->chunks, *next; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(*doc);
	*doc = NULL;
}

const struct yaml_node *
yamltree_root_borrow(const struct yaml_doc *doc)
{
	return doc->root;
}

static const char alias_sentence[] =
    "aliases (*name) are not accepted here: write it out, or quote a text that begins with *";

static int
place_compare(const struct yaml_node *a, const struct yaml_node *b)
{
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->col < b->col ? -1 : a->col > b->col;
}

static int
text_compare(const void *a, const void *b)
{
	const struct yaml_node *const *x = a, *const *y = b;
	int order = strcmp((*x)->text, (*y)->text);

	return order != 0 ? order : place_compare(*x, *y);
}

/* By sorting: a long list must not cost its square. */
enum ak_err
yamltree_find_twins(const struct yaml_node *parent, const struct yaml_node **first,
    const struct yaml_node **second)
{
	const struct yaml_node **sorted;
	size_t n = 0, i = 0;
	bool pairs = parent->kind == YAML_MAPPING;

	*first = *second = NULL;
	for (const struct yaml_node *c = parent->first; c != NULL; c = c->next)
		n++;
	if (n < 2)
		return AK_OK;
	if ((sorted = calloc(n, sizeof(*sorted))) == NULL)
		return AK_ERR_NOMEM;
	n = 0;
	for (const struct yaml_node *c = parent->first; c != NULL; c = c->next, i++)
		if (c->kind == YAML_SCALAR && !(pairs && i % 2 == 1))
			sorted[n++] = c;
	qsort(sorted, n, sizeof(*sorted), text_compare);
	for (i = 1; i < n; i++)
		if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0 &&
		    (*second == NULL || place_compare(sorted[i], *second) < 0)) {
			*first = sorted[i - 1];
			*second = sorted[i];
		}
	free(sorted);
	return AK_OK;
}

static enum ak_err
refuse(const struct builder *b, const yaml_mark_t *mark, const char *sentence)
{
	return diag_say(b->why, AK_ERR_INVALID, b->file, (unsigned)mark->line + 1,
	    (unsigned)mark->column + 1, "%s", sentence);
}

static enum ak_err
refuse_properties(
    const struct builder *b, const yaml_mark_t *mark, const void *anchor, const void *tag)
{
	if (anchor != NULL)
		return refuse(b, mark, "anchors (&name) are not accepted here: write it out");
	if (tag != NULL)
		return refuse(b, mark,
		    "tags (!name) are not accepted here: remove it, or quote the text");
	return AK_OK;
}

/* A node as the next child of the innermost open list or mapping. */
static enum ak_err
add_node(struct builder *b, const yaml_mark_t *mark, enum yaml_kind kind, struct yaml_node **out)
{
	struct frame *top = b->depth == 0 ? NULL : &b->stack[b->depth - 1];
	struct frame *in = top != NULL && top->node != NULL ? top : NULL;
	struct yaml_node *node;

	if (++b->n_nodes > YAML_MAX_NODES)
		return refuse(b, mark, "more than 1,000,000 values in one file");
	if (in != NULL && in->node->kind == YAML_MAPPING) {
		if (!in->wants_value && kind != YAML_SCALAR)
			return refuse(b, mark, "a key must be a word, not a list or a mapping");
		in->wants_value = !in->wants_value;
	}
	if ((node = doc_alloc(b->doc, sizeof(*node))) == NULL)
		return AK_ERR_NOMEM;
	*node = (struct yaml_node){
	    .kind = kind, .line = (unsigned)mark->line + 1, .col = (unsigned)mark->column + 1};
	if (in == NULL)
		b->doc->root = node;
	else if (in->last == NULL)
		in->node->first = node;
	else
		in->last->next = node;
	if (in != NULL)
		in->last = node;
	*out = node;
	return AK_OK;
}

static enum ak_err
add_scalar(struct builder *b, const yaml_event_t *ev)
{
	const char *value = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	struct yaml_node *node;
	enum ak_err err;
	char *text;

	if ((err = refuse_properties(
		 b, &ev->start_mark, ev->data.scalar.anchor, ev->data.scalar.tag)) != AK_OK)
		return err;
	if (memchr(value, '\0', len) != NULL)
		return refuse(b, &ev->start_mark, "an escaped NUL byte (\\0) is in this text");
	if ((err = add_node(b, &ev->start_mark, YAML_SCALAR, &node)) != AK_OK)
		return err;
	if ((text = doc_alloc(b->doc, len + 1)) == NULL)
		return AK_ERR_NOMEM;
	memcpy(text, value, len);
	text[len] = '\0';
	node->text = text;
	node->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return AK_OK;
}

static enum ak_err
open_node(struct builder *b, const yaml_event_t *ev, enum yaml_kind kind)
{
	bool list = kind == YAML_SEQUENCE;
	struct yaml_node *node;
	enum ak_err err;

	err = refuse_properties(b, &ev->start_mark,
	    list ? ev->data.sequence_start.anchor : ev->data.mapping_start.anchor,
	    list ? ev->data.sequence_start.tag : ev->data.mapping_start.tag);
	if (err != AK_OK)
		return err;
	if (b->depth == YAML_MAX_DEPTH)
		return refuse(b, &ev->start_mark, "nested deeper than 64 levels");
	if ((err = add_node(b, &ev->start_mark, kind, &node)) != AK_OK)
		return err;
	b->stack[b->depth++] = (struct frame){.node = node};
	return AK_OK;
}

static enum ak_err
close_node(struct builder *b)
{
	const struct yaml_node *node = b->stack[--b->depth].node, *first, *second;
	enum ak_err err;

	if (node == NULL || node->kind != YAML_MAPPING)
		return AK_OK;
	if ((err = yamltree_find_twins(node, &first, &second)) != AK_OK || second == NULL)
		return err;
	return diag_say(b->why, AK_ERR_INVALID, b->file, second->line, second->col,
	    "`%.80s' is given twice (first at line %u)", second->text, first->line);
}

static enum ak_err
open_document(struct builder *b, const yaml_event_t *ev)
{
	if (b->n_docs++ > 0)
		return refuse(b, &ev->start_mark,
		    "a second document begins here: one file holds one document");
	if (ev->data.document_start.version_directive != NULL ||
	    ev->data.document_start.tag_directives.start !=
		ev->data.document_start.tag_directives.end)
		return refuse(b, &ev->start_mark, "%YAML and %TAG lines are not accepted here");
	return AK_OK;
}

static enum ak_err
take_event(struct builder *b, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return open_document(b, ev);
	case YAML_ALIAS_EVENT:
		return refuse(b, &ev->start_mark, alias_sentence);
	case YAML_SCALAR_EVENT:
		return add_scalar(b, ev);
	case YAML_SEQUENCE_START_EVENT:
		return open_node(b, ev, YAML_SEQUENCE);
	case YAML_MAPPING_START_EVENT:
		return open_node(b, ev, YAML_MAPPING);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_node(b);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return AK_OK;
}

/* The place of a byte: columns count characters, as libyaml's do. */
static enum ak_err
refuse_byte(const struct builder *b, const char *bytes, size_t at, const char *sentence)
{
	yaml_mark_t mark = {.line = 0};

	for (size_t i = 0; i < at; i++)
		if (bytes[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else if (((unsigned char)bytes[i] & 0xc0) != 0x80) {
			mark.column++;
		}
	return refuse(b, &mark, sentence);
}

/*
 * What libyaml would take, or take for the end of the file: a reader of the
 * file in an editor must see the lines that the parser sees.
 */
static enum ak_err
scan_bytes(const struct builder *b, const char *bytes, size_t len_b)
{
	static const struct {
		const char *bytes;
		size_t len_b;
		const char *sentence;
	} bad[] = {
	    {"\0", 1, "a NUL byte (is this UTF-16? save it as UTF-8)"},
	    {"\xef\xbb\xbf", 3, "a byte order mark (BOM): save the file as UTF-8 without one"},
	    {"\xc2\x85", 2, "U+0085 breaks lines in YAML, but not in an editor: remove it"},
	    {"\xe2\x80\xa8", 3, "U+2028 breaks lines in YAML, but not in an editor: remove it"},
	    {"\xe2\x80\xa9", 3, "U+2029 breaks lines in YAML, but not in an editor: remove it"},
	};
	const char *end = bytes + len_b, *hit;

	if (len_b >= 2 &&
	    (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
		return refuse_byte(b, bytes, 0, "this is UTF-16: save it as UTF-8");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if ((hit = memmem(bytes, len_b, bad[i].bytes, bad[i].len_b)) != NULL)
			return refuse_byte(b, bytes, (size_t)(hit - bytes), bad[i].sentence);
	for (hit = bytes; (hit = memchr(hit, '\r', (size_t)(end - hit))) != NULL; hit++)
		if (hit + 1 == end || hit[1] != '\n')
			return refuse_byte(b, bytes, (size_t)(hit - bytes),
			    "a carriage return that ends no line: remove it");
	return AK_OK;
}

static enum ak_err
refuse_syntax(const struct builder *b, const yaml_parser_t *p, const char *bytes, size_t len_b)
{
	const char *problem = p->problem == NULL ? "this is not YAML" : p->problem;
	unsigned line = (unsigned)p->problem_mark.line + 1;
	unsigned col = (unsigned)p->problem_mark.column + 1;

	if (p->error == YAML_MEMORY_ERROR)
		return AK_ERR_NOMEM;
	if (p->error == YAML_READER_ERROR)
		return refuse_byte(
		    b, bytes, p->problem_offset < len_b ? p->problem_offset : len_b, problem);
	if (p->context != NULL && strstr(p->context, "scanning an alias") != NULL)
		return refuse(b, &p->context_mark, alias_sentence);
	if (strstr(problem, "cannot start any token") != NULL)
		return diag_say(b->why, AK_ERR_INVALID, b->file, line, col,
		    "no value can begin with this character: quote it (a tab: use spaces)");
	if (p->context == NULL)
		return refuse(b, &p->problem_mark, problem);
	return diag_say(b->why, AK_ERR_INVALID, b->file, line, col, "%s (%s, line %u)", problem,
	    p->context, (unsigned)p->context_mark.line + 1);
}

static enum ak_err
build(struct builder *b, const char *bytes, size_t len_b)
{
	yaml_parser_t parser;
	yaml_event_t ev;
	enum ak_err err = AK_OK;
	bool end = false;

	if (!yaml_parser_initialize(&parser))
		return AK_ERR_NOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len_b);
	while (!end && err == AK_OK) {
		if (!yaml_parser_parse(&parser, &ev)) {
			err = refuse_syntax(b, &parser, bytes, len_b);
			break;
		}
		err = take_event(b, &ev);
		end = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	return err;
}

enum ak_err
yamltree_parse(
    const char *bytes, size_t len_b, const char *file, struct yaml_doc **out, struct diag *why)
{
	struct builder b = {.file = file, .why = why};
	const struct yaml_node *root;
	enum ak_err err;

	*out = NULL;
	if (len_b > YAML_MAX_B)
		return diag_say(why, AK_ERR_INVALID, file, 0, 0, "larger than 8 MiB");
	if ((b.doc = calloc(1, sizeof(*b.doc))) == NULL) {
		err = AK_ERR_NOMEM;
		goto out;
	}
	if ((err = scan_bytes(&b, bytes, len_b)) != AK_OK)
		goto out;
	if ((err = build(&b, bytes, len_b)) != AK_OK)
		goto out;
	root = b.doc->root;
	if (root != NULL && root->kind == YAML_SCALAR && root->plain && root->text[0] == '\0')
		b.doc->root = NULL;
	*out = b.doc;
	b.doc = NULL;
out:
	yamltree_free(&b.doc);
	return err == AK_ERR_NOMEM ? diag_because(why, err, "out of memory") : err;
}
