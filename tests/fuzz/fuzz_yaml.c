/* fuzz_yaml: any bytes as YAML: refused with a place in the file, or a tree within its limits that, written anew, is read as the same. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "pack.h"
#include "yamltree.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

/* What is known of the file: how many lines, and how many nodes were seen. */
struct extent {
	unsigned lines;
	size_t nodes;
};

static const struct yaml_node *look_node(
    const struct yaml_node *n, struct extent *e, unsigned depth);

/* Not many are compared each with each. */
static void
check_twins(const struct yaml_node *parent, unsigned n)
{
	const struct yaml_node *first, *second, *own = NULL;
	bool mapping = parent->kind == YAML_MAPPING;

	fuzz_check(yamltree_find_twins(parent, &first, &second) == AK_OK, "twins are found");
	for (const struct yaml_node *b = parent->first; n < 200 && own == NULL && b != NULL;
	     b = mapping ? b->next->next : b->next)
		for (const struct yaml_node *a = parent->first; a != b && own == NULL;
		     a = mapping ? a->next->next : a->next)
			if (a->kind == YAML_SCALAR && b->kind == YAML_SCALAR &&
			    strcmp(a->text, b->text) == 0)
				own = b;
	fuzz_check(n >= 200 || own == second, "and the first repetition is the one");
	fuzz_check(!mapping || second == NULL, "no mapping has a key twice");
}

static void
look_children(const struct yaml_node *n, struct extent *e, unsigned depth)
{
	unsigned count = 0;

	fuzz_check(n->text == NULL && depth <= YAML_MAX_DEPTH, "lists lie within the depth");
	for (const struct yaml_node *child = n->first; child != NULL;
	     child = look_node(child, e, depth)) {
		if (n->kind == YAML_MAPPING && count % 2 == 0)
			fuzz_check(child->kind == YAML_SCALAR && child->next != NULL,
			    "a key is a text, and has a value");
		count++;
	}
	check_twins(n, count);
}

static const struct yaml_node *
look_node(const struct yaml_node *n, struct extent *e, unsigned depth)
{
	fuzz_check(++e->nodes <= YAML_MAX_NODES, "nodes are as many as may be");
	fuzz_check(n->line >= 1 && n->line <= e->lines + 1 && n->col >= 1, "each has a place");
	if (n->kind == YAML_SCALAR)
		fuzz_check(n->text != NULL && n->first == NULL && text_is_utf8(n->text),
		    "a scalar is text");
	else
		look_children(n, e, depth + 1);
	return n->next;
}

/* One character of UTF-8 at *at, as YAML's escape. */
static void
write_escaped(const unsigned char **at, struct pack *out)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *s = *at;
	unsigned more = s[0] < 0x80 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
	uint32_t c = more == 0 ? s[0] : s[0] & (0x3fU >> more);

	for (unsigned i = 1; i <= more; i++)
		c = c << 6 | (s[i] & 0x3f);
	pack_bytes(out, "\\U", 2);
	for (int shift = 28; shift >= 0; shift -= 4)
		pack_u8(out, (uint8_t)hex[c >> shift & 15]);
	*at += more + 1;
}

static void
write_text(const char *text, struct pack *out)
{
	const unsigned char *at = (const unsigned char *)text;

	pack_u8(out, '"');
	while (*at != '\0') {
		if (*at < 0x20 || *at >= 0x7f || *at == '"' || *at == '\\')
			write_escaped(&at, out);
		else
			pack_u8(out, *at++);
	}
	pack_u8(out, '"');
}

/* On one line, in brackets and quotes; keys with their mark, so that they may be long. */
static void
write_node(const struct yaml_node *n, struct pack *out)
{
	bool key = true;

	if (n->kind == YAML_SCALAR) {
		write_text(n->text, out);
		return;
	}
	pack_u8(out, n->kind == YAML_MAPPING ? '{' : '[');
	for (const struct yaml_node *child = n->first; child != NULL; child = child->next) {
		if (n->kind == YAML_MAPPING && key)
			pack_bytes(out, "? ", 2);
		write_node(child, out);
		pack_bytes(out, n->kind == YAML_MAPPING && key ? " : " : " , ", 3);
		key = !key;
	}
	pack_u8(out, n->kind == YAML_MAPPING ? '}' : ']');
}

static bool
is_same(const struct yaml_node *a, const struct yaml_node *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == YAML_SCALAR)
		return strcmp(a->text, b->text) == 0;
	for (a = a->first, b = b->first; a != NULL && b != NULL; a = a->next, b = b->next)
		if (!is_same(a, b))
			return false;
	return a == NULL && b == NULL;
}

static void
check_again(const struct yaml_node *root)
{
	struct pack out = PACK_INIT;
	struct yaml_doc *doc = NULL;

	write_node(root, &out);
	fuzz_check(out.err == AK_OK, "there is memory");
	fuzz_check(
	    yamltree_parse((const char *)out.bytes, out.len_b, "f", &doc, NULL) == AK_OK &&
		is_same(root, yamltree_root_borrow(doc)),
	    "a tree that is written anew is read as the same");
	yamltree_free(&doc);
	pack_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	struct extent e = {.lines = 1};
	struct diag why = DIAG_INIT;
	struct yaml_doc *doc = NULL;
	const struct yaml_node *root;

	for (size_t i = 0; i < len_b; i++)
		e.lines += bytes[i] == '\n' || bytes[i] == '\r';
	if (yamltree_parse((const char *)bytes, len_b, "f", &doc, &why) != AK_OK) {
		fuzz_check(doc == NULL && why.text[0] != '\0' && strcmp(why.file, "f") == 0 &&
			       why.line >= 1 && why.line <= e.lines + 1,
		    "a refusal says why, and where: the end is behind the last line");
		fuzz_check(strpbrk(why.text, "\n\r") == NULL, "in one line");
		return 0;
	}
	fuzz_check(memchr(bytes, '\0', len_b) == NULL, "what is read has no NUL");
	if ((root = yamltree_root_borrow(doc)) != NULL) {
		(void)look_node(root, &e, 0);
		check_again(root);
	}
	yamltree_free(&doc);
	return 0;
}
