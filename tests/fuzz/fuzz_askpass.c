/* fuzz_askpass: any prompt, any file: the token is given to the prompts of apikey-askpass(1), of the account that is wanted, and to nothing else; and nothing else is given. */
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "askpass_answer.h"
#include "fuzz_check.h"
#include "fuzz_file.h"
#include "fuzz_input.h"
#include "secret.h"
#include "text.h"
#include "token.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b);

/* An account: no blank, bracket, quote or control byte. */
#define ACCOUNT "([^]['()\x01-\x20\x7f]+)"

static const char *const shapes[] = {"^" ACCOUNT "'s password: ?$",
    "^\\(" ACCOUNT "\\) Password: ?$", "^\\[sudo\\] password for " ACCOUNT ": ?$"};

#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* Slowly: by the manual page. */
static bool
asks(const char *prompt, const char *wanted)
{
	static regex_t compiled[N_SHAPES];
	static bool ready;
	regmatch_t at[2];

	for (size_t i = 0; i < N_SHAPES; i++) {
		size_t len;

		fuzz_check(ready || regcomp(&compiled[i], shapes[i], REG_EXTENDED) == 0,
		    "a shape is a pattern");
		if (i == N_SHAPES - 1)
			ready = true;
		if (regexec(&compiled[i], prompt, 2, at, 0) != 0)
			continue;
		len = (size_t)(at[1].rm_eo - at[1].rm_so);
		if (wanted == NULL ||
		    (strlen(wanted) == len && memcmp(prompt + at[1].rm_so, wanted, len) == 0)) {
			return true;
		}
	}
	return wanted == NULL &&
	       (strcmp(prompt, "Password:") == 0 || strcmp(prompt, "Password: ") == 0);
}

/* The token that stands in the file alone, with newlines behind it or none; not with so many that they fill a screen. */
static bool
holds_token(const struct fuzz_input *in, char token[TOKEN_LEN + 1])
{
	if (in->left_b < TOKEN_LEN || in->left_b >= SECRET_CAP ||
	    memchr(in->at, '\0', TOKEN_LEN) != NULL ||
	    memcmp(in->at, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0 ||
	    in->at[TOKEN_LEN - 1] == '\n' || in->at[TOKEN_LEN - 1] == '\r')
		return false;
	for (size_t i = TOKEN_LEN; i < in->left_b; i++)
		if (in->at[i] != '\n' && in->at[i] != '\r')
			return false;
	memcpy(token, in->at, TOKEN_LEN);
	token[TOKEN_LEN] = '\0';
	return true;
}

static void
check_refusal(const char *out, const char *err)
{
	size_t len = strlen(err);

	fuzz_check(out[0] == '\0', "who is refused gets nothing");
	fuzz_check(strncmp(err, "apikey-askpass: ", 16) == 0 && err[len - 1] == '\n' &&
		       strchr(err, '\n') == err + len - 1,
	    "but is told why, in a line");
	for (const char *at = err; *at != '\n'; at++)
		fuzz_check(text_control_len(at) == 0, "that a terminal can show");
}

static void
check_answer(const char *prompt, const char *file, const char *wanted, const char *token)
{
	char *out = NULL, *err = NULL;
	size_t out_b, err_b;
	FILE *o = open_memstream(&out, &out_b), *e = open_memstream(&err, &err_b);
	int code;

	fuzz_check(o != NULL && e != NULL, "there is memory");
	code = askpass_answer(prompt, file, wanted, o, e);
	(void)fclose(o);
	(void)fclose(e);
	fuzz_check(code == (token == NULL), "the token is given where it is asked for");
	if (token == NULL)
		check_refusal(out, err);
	else
		fuzz_check(out_b == TOKEN_LEN + 1 && memcmp(out, token, TOKEN_LEN) == 0 &&
			       out[TOKEN_LEN] == '\n' && err_b == 0,
		    "and nothing else");
	free(out);
	free(err);
}

/* Who may read the file, and whether an account is wanted; the account; the prompt, up to a NUL; the file. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len_b)
{
	static const mode_t modes[] = {0600, 0400, 0700, 0600, 0640, 0604, 0620, 0601};
	struct fuzz_input in = {bytes, len_b};
	uint8_t choice = fuzz_u8(&in);
	mode_t mode = modes[choice % 8];
	char name[80], prompt[400], path[256], token[TOKEN_LEN + 1];
	const char *wanted;
	size_t len = 0;
	bool asked, given;

	(void)fuzz_line(&in, name, sizeof(name));
	wanted = choice >= 128 ? name : NULL;
	for (uint8_t c; len + 1 < sizeof(prompt) && (c = fuzz_u8(&in)) != '\0'; len++)
		prompt[len] = (char)c;
	prompt[len] = '\0';
	fuzz_check(text_copy(path, sizeof(path), fuzz_path("token")) == AK_OK, "it has a path");
	fuzz_file(path, in.at, in.left_b);
	fuzz_check(chmod(path, mode) == 0, "and a mode");
	asked = asks(prompt, wanted);
	given = asked && (mode & 077) == 0 && holds_token(&in, token);
	fuzz_check(askpass_is_asked(prompt, wanted) == asked, "a prompt is what the page says");
	check_answer(prompt, path, wanted, given ? token : NULL);
	check_answer(prompt, choice % 2 == 0 ? NULL : "", wanted, NULL);
	fuzz_check(chmod(path, 0600) == 0, "it can be written again");
	return 0;
}
