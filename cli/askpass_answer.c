#include "askpass_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret.h"
#include "token.h"

/* How a prompt looks: before the account, after it. */
struct shape {
	const char *before, *after;
};

static const struct shape shapes[] = {
    {"", "'s password:"},
    {"(", ") Password:"},
    {"[sudo] password for ", ":"},
};

/* No blank or bracket: a server's own words can't pass for an account. */
static bool
is_account(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f || strchr("()[]'", s[i]) != NULL)
			return false;
	return len > 0;
}

static bool
fits(const struct shape *shape, const char *prompt, size_t len, const char *wanted)
{
	size_t before = strlen(shape->before), after = strlen(shape->after), account;

	if (len <= before + after || strncmp(prompt, shape->before, before) != 0 ||
	    strncmp(prompt + len - after, shape->after, after) != 0)
		return false;
	account = len - before - after;
	if (!is_account(prompt + before, account))
		return false;
	return wanted == NULL ||
	       (strlen(wanted) == account && strncmp(prompt + before, wanted, account) == 0);
}

bool
askpass_is_asked(const char *prompt, const char *wanted)
{
	size_t len = strlen(prompt);

	/* One blank ends each of them, but some callers cut it. */
	if (len > 0 && prompt[len - 1] == ' ')
		len--;
	if (wanted == NULL && len == strlen("Password:") &&
	    strncmp(prompt, "Password:", len) == 0)
		return true;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (fits(&shapes[i], prompt, len, wanted))
			return true;
	return false;
}

/* NULL, or what is wrong with the file. */
static const char *
check_file(int fd)
{
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "is no regular file";
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return "belongs to another user";
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return "can be used by others: run chmod 600 on it";
	return NULL;
}

/* NULL, or what is wrong. A file that holds something else is not given away. */
static const char *
read_token(int fd, struct secret *out)
{
	char room[SECRET_CAP];
	size_t len = 0;
	ssize_t n;
	const char *wrong = NULL;

	while (len < sizeof(room) && (n = read(fd, room + len, sizeof(room) - len)) != 0) {
		if (n == -1 && errno != EINTR) {
			wrong = strerror(errno);
			break;
		}
		len += n == -1 ? 0 : (size_t)n;
	}
	/* A full room may be the front of something longer. */
	while (len > 0 && len < sizeof(room) && (room[len - 1] == '\n' || room[len - 1] == '\r'))
		len--;
	if (wrong == NULL && (len != TOKEN_LEN || secret_set(out, room, len) != AK_OK ||
				 strncmp(out->text, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0))
		wrong = "holds no token";
	explicit_bzero(room, sizeof(room));
	return wrong;
}

int
askpass_answer(const char *prompt, const char *file, const char *wanted, FILE *out, FILE *err)
{
	struct secret token = SECRET_INIT;
	const char *wrong;
	int fd;

	if (!askpass_is_asked(prompt, wanted)) {
		(void)fprintf(err,
		    "apikey-askpass: this is not the password prompt that the token answers\n");
		return 1;
	}
	if (file == NULL || *file == '\0') {
		(void)fprintf(err,
		    "apikey-askpass: set APIKEY_TOKEN_FILE to the file that holds the token\n");
		return 1;
	}
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if ((wrong = check_file(fd)) == NULL)
		wrong = read_token(fd, &token);
	if (fd != -1)
		(void)close(fd);
	if (wrong == NULL && (fprintf(out, "%s\n", token.text) < 0 || fflush(out) != 0))
		wrong = "could not be passed on";
	if (wrong != NULL)
		(void)fprintf(err, "apikey-askpass: %s: %s\n", file, wrong);
	secret_clear(&token);
	return wrong == NULL ? 0 : 1;
}
