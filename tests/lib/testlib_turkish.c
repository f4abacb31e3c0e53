/* testlib_turkish: a locale in which the small letter of I is no i: see testlib_turkish.h. */
#include "testlib_turkish.h"

#include <ctype.h>
#include <fcntl.h>
#include <locale.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testlib_cmocka.h"
#include "testlib_tmp.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char NAME[] = "tr_TR";

/* What is a letter, and which belong together, in a text of one byte a letter: there the C library's own functions say it. */
static const char SOURCE[] = "comment_char %\n"
			     "escape_char /\n"
			     "LC_CTYPE\n"
			     "upper <U0041>..<U005A>;<U0130>\n"
			     "lower <U0061>..<U007A>;<U0131>\n"
			     "alpha <U0041>..<U005A>;<U0130>;<U0061>..<U007A>;<U0131>\n"
			     "digit <U0030>..<U0039>\n"
			     "space <U0020>;<U0009>..<U000D>\n"
			     "blank <U0020>;<U0009>\n"
			     "cntrl <U0000>..<U001F>;<U007F>\n"
			     "punct <U0021>..<U002F>;<U003A>..<U0040>;<U005B>..<U0060>;"
			     "<U007B>..<U007E>\n"
			     "xdigit <U0030>..<U0039>;<U0041>..<U0046>;<U0061>..<U0066>\n"
			     "toupper (<U0069>,<U0130>);(<U0131>,<U0049>)\n"
			     "tolower (<U0049>,<U0131>);(<U0130>,<U0069>)\n"
			     "END LC_CTYPE\n";

/* ISO 8859-9: Latin 1 but for six letters. */
static void
write_charmap(const char *path)
{
	static const struct {
		unsigned byte, letter;
	} own[] = {{0xd0, 0x11e}, {0xdd, 0x130}, {0xde, 0x15e}, {0xf0, 0x11f}, {0xfd, 0x131},
	    {0xfe, 0x15f}};
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	(void)fprintf(out, "<code_set_name> ISO-8859-9\n<comment_char> %%\n<escape_char> /\n"
			   "<mb_cur_min> 1\n<mb_cur_max> 1\nCHARMAP\n");
	for (unsigned byte = 0; byte < 256; byte++) {
		unsigned letter = byte;

		for (size_t i = 0; i < N(own); i++)
			if (own[i].byte == byte)
				letter = own[i].letter;
		(void)fprintf(out, "<U%04X> /x%02x letter %u\n", letter, byte, byte);
	}
	(void)fprintf(out, "END CHARMAP\n");
	assert_int_equal(fclose(out), 0);
}

/* localedef warns of what else a locale has, and its answer says that it did: the caller asks the locale itself. */
static void
run_localedef(const char *map, const char *source, const char *to)
{
	const char *const argv[] = {"localedef", "-c", "-f", map, "-i", source, to, NULL};
	const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
	posix_spawn_file_actions_t quiet;
	int status;
	pid_t pid;

	assert_int_equal(posix_spawn_file_actions_init(&quiet), 0);
	assert_int_equal(
	    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0), 0);
	assert_int_equal(
	    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0), 0);
	assert_int_equal(posix_spawnp(&pid, argv[0], &quiet, NULL,
			     (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env),
	    0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)posix_spawn_file_actions_destroy(&quiet);
}

void
turkish_begin(const char *dir)
{
	char map[256], source[256], to[256];

	(void)snprintf(map, sizeof(map), "%s/charmap", dir);
	(void)snprintf(source, sizeof(source), "%s/source", dir);
	(void)snprintf(to, sizeof(to), "%s/%s", dir, NAME);
	if (!file_is_there(to)) {
		write_charmap(map);
		file_write(source, SOURCE, strlen(SOURCE), 0644);
		run_localedef(map, source, to);
	}
	assert_int_equal(setenv("LOCPATH", dir, 1), 0);
	assert_non_null(setlocale(LC_CTYPE, NAME));
	assert_int_equal(tolower('I'), 0xfd);
	assert_int_equal(toupper('i'), 0xdd);
}

void
turkish_end(void)
{
	assert_non_null(setlocale(LC_CTYPE, "C"));
	assert_int_equal(unsetenv("LOCPATH"), 0);
}
