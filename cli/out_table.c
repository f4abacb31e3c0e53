#include <string.h>

#include "out.h"

#define MAX_COLUMNS 16U

struct out_table
out_table_init(const char *const *headings, unsigned n_columns)
{
	struct out_table t = {.cells = PACK_INIT, .n_columns = n_columns};

	if (headings != NULL)
		for (t.n_columns = 0; headings[t.n_columns] != NULL; t.n_columns++)
			out_cell(&t, headings[t.n_columns]);
	if (t.n_columns == 0 || t.n_columns > MAX_COLUMNS)
		t.cells.err = AK_ERR_RANGE;
	return t;
}

void
out_table_clear(struct out_table *t)
{
	pack_wipe(&t->cells); /* one of them may be a token */
}

void
out_cell(struct out_table *t, const char *text)
{
	size_t at = t->cells.len_b;

	pack_entry(&t->cells, text == NULL || *text == '\0' ? "-" : text);
	if (t->cells.err != AK_OK)
		return;
	text_mask_controls((char *)t->cells.bytes + at);
}

void
out_cell_strv(struct out_table *t, struct strv v)
{
	struct pack joined = PACK_INIT;

	strv_for (v, entry) {
		if (joined.len_b > 0)
			pack_bytes(&joined, ", ", 2);
		pack_bytes(&joined, entry, strlen(entry));
	}
	pack_u8(&joined, 0);
	if (joined.err == AK_OK)
		out_cell(t, (const char *)joined.bytes);
	else if (t->cells.err == AK_OK)
		t->cells.err = joined.err;
	pack_clear(&joined);
}

/* Characters, in UTF-8. */
static size_t
width_of(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void
print_cell(const char *cell, size_t width, bool last, FILE *f)
{
	size_t have = width_of(cell);

	(void)fputs(cell, f);
	if (last)
		(void)fputc('\n', f);
	for (; !last && have < width + 2; have++)
		(void)fputc(' ', f);
}

enum ak_err
out_table_print(const struct out_table *t, FILE *f)
{
	size_t widths[MAX_COLUMNS] = {0}, width;
	unsigned column = 0;

	if (t->cells.err != AK_OK)
		return t->cells.err;
	strv_for (pack_borrow_strv(&t->cells), cell) {
		width = width_of(cell);
		if (width > widths[column])
			widths[column] = width;
		column = (column + 1) % t->n_columns;
	}
	strv_for (pack_borrow_strv(&t->cells), again) {
		print_cell(again, widths[column], column + 1 == t->n_columns, f);
		column = (column + 1) % t->n_columns;
	}
	return AK_OK;
}
