/* fuzz_proc: any bytes as files of /proc/PID and of /etc: no name that a process gives itself passes for another field, and no line for another account. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "etcfile.h"
#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_input.h"
#include "num.h"
#include "pack.h"
#include "proc.h"
#include "procfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

static int
folder(void)
{
	static int dir = -1;

	if (dir == -1)
		dir = open(fuzz_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fuzz_check(dir != -1, "there is a folder");
	return dir;
}

static void
check_scope(void)
{
	char scope[192];

	if (procfile_scope(folder(), scope, sizeof(scope)) == AK_OK && scope[0] != '\0') {
		const char *last = strrchr(scope, '/');

		fuzz_check(last != NULL && strncmp(last, "/session-", 9) == 0 &&
			       strlen(last) > strlen("/session-.scope") &&
			       strcmp(last + strlen(last) - 6, ".scope") == 0 &&
			       strchr(scope, '\n') == NULL,
		    "a scope is a login's, by its path's last part");
	}
}

/* Whatever they hold: an answer within its bounds. */
static void
read_any(struct fuzz_input *in)
{
	static const char *const names[] = {"stat", "status", "cgroup", "sessionid", "uid_map"};
	struct procfile_stat stat;
	struct procfile_status status;
	uint32_t audit;

	fuzz_file(fuzz_path(names[fuzz_u8(in) % 5]), in->at, in->left_b);
	if (procfile_stat(folder(), &stat) != AK_OK)
		fuzz_check(stat.state == '?' && stat.parent == 0 && stat.start == 0,
		    "what can't be read tells nothing");
	fuzz_check(stat.parent >= 0, "a parent is a process");
	if (procfile_status(folder(), &status) != AK_OK)
		fuzz_check(status.real == (uid_t)-1 && status.effective == (uid_t)-1 &&
			       status.saved == (uid_t)-1,
		    "what can't be read is nobody's");
	(void)!procfile_audit(folder(), &audit);
	(void)procfile_has_host_ids(folder());
	check_scope();
}

/* A name of any bytes, as the kernel writes it in stat: as it is. */
static void
read_named_stat(struct fuzz_input *in)
{
	uint32_t parent = fuzz_u32(in) & INT32_MAX, start = fuzz_u32(in);
	uint8_t threads = fuzz_u8(in);
	struct procfile_stat stat;
	char name[17], line[256];
	size_t len = in->left_b < 16 ? in->left_b : 16;
	int n;

	memcpy(name, in->at, len);
	name[len] = '\0';
	n = snprintf(line, sizeof(line),
	    "77 (%s) S %u 1 1 34816 1 4194304 1 2 3 4 5 6 7 8 20 0 %u 0 %u 9 9 9\n", name,
	    parent, threads, start);
	fuzz_file(fuzz_path("stat"), line, (size_t)n);
	fuzz_check(procfile_stat(folder(), &stat) == AK_OK && stat.state == 'S' &&
		       stat.parent == (pid_t)parent && stat.start == start &&
		       stat.threads == threads && stat.tty == 34816,
	    "a process's name changes none of its fields");
}

/* In status newlines and backslashes of the name are escaped (proc(5)). */
static void
read_named_status(struct fuzz_input *in)
{
	uint32_t uid = fuzz_u32(in), saved = fuzz_u32(in);
	bool nested = fuzz_u8(in) % 2 == 1;
	struct procfile_status status;
	char text[256];
	struct text t = text_over(text, sizeof(text));

	text_add(&t, "Name:\t");
	for (unsigned i = 0; i < 15 && in->left_b > 0; i++) {
		char c = (char)fuzz_u8(in);

		if (c == '\n')
			text_add(&t, "\\n");
		else if (c == '\\')
			text_add(&t, "\\\\");
		else if (c != '\0')
			text_add(&t, "%c", c);
	}
	text_add(&t,
	    "\nUmask:\t0022\nState:\tS\nUid:\t%u\t%u\t%u\t%u\nGid:\t1\t1\t1\t1\nNSpid:\t5%s\n",
	    uid, uid, saved, uid, nested ? "\t1" : "");
	fuzz_file(fuzz_path("status"), text, t.len);
	fuzz_check(procfile_status(folder(), &status) == AK_OK && status.real == uid &&
		       status.effective == uid && status.saved == saved &&
		       status.nested == nested,
	    "a process's name changes nobody it is");
}

/* NAME:x:ID:…, slowly. false: no such line. */
static bool
split(const char *line, size_t len, char *name, size_t cap, uint64_t *id)
{
	char copy[600];
	char *second, *third, *fourth;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, line, len);
	copy[len] = '\0';
	if ((second = strchr(copy, ':')) == NULL || (third = strchr(second + 1, ':')) == NULL ||
	    (fourth = strchr(third + 1, ':')) == NULL)
		return false;
	*second = *fourth = '\0';
	return num_parse(third + 1, 0, UINT32_MAX, id) == AK_OK &&
	       text_copy(name, cap, copy) == AK_OK;
}

static void
check_account(struct etcfile_set *set, const char *path, const char *line, size_t len)
{
	char name[600];
	uint64_t id;
	uint32_t found;

	if (!split(line, len, name, sizeof(name), &id))
		return;
	fuzz_check(etcfile_set_has_id(set, (uint32_t)id), "an id in the file is taken");
	fuzz_check(!text_is_key_name(name) || etcfile_set_has_name(set, name),
	    "a name in the file is taken");
	fuzz_check(
	    etcfile_find_id(path, name, &found) == AK_OK && etcfile_set_has_id(set, found),
	    "and is found");
}

static void
read_accounts(struct fuzz_input *in)
{
	struct etcfile_set set = {.names = NULL}, again = {.names = NULL};
	static char path[256];
	char *text, *end;

	(void)snprintf(path, sizeof(path), "%s", fuzz_path("passwd"));
	text = fuzz_rest(in);
	fuzz_file(path, text, strlen(text));
	fuzz_check(etcfile_set_add(&set, path) == AK_OK &&
		       etcfile_set_add(&again, path) == AK_OK && etcfile_set_equal(&set, &again),
	    "a file of accounts is read");
	for (char *line = text; *line != '\0'; line = *end == '\0' ? end : end + 1) {
		end = line + strcspn(line, "\n");
		check_account(&set, path, line, (size_t)(end - line));
	}
	fuzz_check(
	    set.n_names <= set.n_ids && set.n_ids <= strlen(text), "no more than there are");
	etcfile_set_clear(&set);
	etcfile_set_clear(&again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	static void (*const kinds[])(struct fuzz_input * in) = {
	    read_any, read_named_stat, read_named_status, read_accounts};
	struct fuzz_input in = {bytes, len_b};

	kinds[fuzz_u8(&in) % (sizeof(kinds) / sizeof(kinds[0]))](&in);
	return 0;
}
