#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Those that would end or stop us with the echo off. */
static const int fatal[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGALRM};
#define N_FATAL (sizeof(fatal) / sizeof(fatal[0]))

static volatile sig_atomic_t caught;

static void
note_signal(int sig)
{
	caught = sig;
}

/* What is in force while a person types. */
struct typing {
	struct sigaction actions[N_FATAL];
	sigset_t mask; /* as it was before */
};

/* They arrive only while ppoll waits: so none slips in between a look at `caught` and a read that would wait for ever. */
static void
catch_signals(struct typing *old)
{
	struct sigaction sa = {.sa_handler = note_signal};
	sigset_t blocked;

	(void)sigemptyset(&sa.sa_mask);
	(void)sigemptyset(&blocked);
	for (size_t i = 0; i < N_FATAL; i++)
		(void)sigaddset(&blocked, fatal[i]);
	(void)sigprocmask(SIG_BLOCK, &blocked, &old->mask);
	caught = 0;
	for (size_t i = 0; i < N_FATAL; i++)
		(void)sigaction(fatal[i], &sa, &old->actions[i]);
}

static void
release_signals(const struct typing *old)
{
	for (size_t i = 0; i < N_FATAL; i++)
		(void)sigaction(fatal[i], &old->actions[i], NULL);
	if (caught != 0)
		(void)raise(caught); /* delivered by the next line */
	(void)sigprocmask(SIG_SETMASK, &old->mask, NULL);
}

/* Up to the end, or for a person (typing not NULL) up to a line's end; -1 with errno. What is too long fills the room. */
static ssize_t
read_all(int in, const struct typing *typing, char *room, size_t cap)
{
	struct pollfd ready = {.fd = in, .events = POLLIN};
	size_t len = 0;

	while (len < cap) {
		ssize_t n;

		if (typing != NULL && ppoll(&ready, 1, NULL, &typing->mask) == -1)
			return -1;
		n = read(in, room + len, cap - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
		if (typing != NULL && memchr(room, '\n', len) != NULL)
			break;
	}
	return (ssize_t)len;
}

static ssize_t
read_hidden(
    int in, FILE *f, const char *prompt, const struct termios *shown, char *room, size_t cap)
{
	struct termios hidden = *shown;
	struct typing typing;
	ssize_t n;
	int saved;

	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	catch_signals(&typing);
	(void)tcsetattr(in, TCSAFLUSH, &hidden);
	(void)fprintf(f, "%s: ", prompt);
	(void)fflush(f);
	n = read_all(in, &typing, room, cap);
	saved = errno;
	(void)tcsetattr(in, TCSAFLUSH, shown);
	(void)fputc('\n', f);
	release_signals(&typing);
	errno = saved;
	return n;
}

/* Into room, without one line end at its end; at least one byte. what: "token". */
static enum ak_err
read_text(int in, FILE *f, const char *what, const char *prompt, char *room, size_t cap,
    size_t *len_b, struct diag *why)
{
	struct termios shown;
	ssize_t n;
	size_t len;

	if (tcgetattr(in, &shown) == 0)
		n = read_hidden(in, f, prompt, &shown, room, cap);
	else
		n = read_all(in, NULL, room, cap);
	len = n == -1 ? 0 : (size_t)n;
	if (len > 0 && room[len - 1] == '\n')
		len--;
	if (len > 0 && room[len - 1] == '\r')
		len--;
	*len_b = len;
	if (n == -1)
		return diag_because(why, AK_ERR_UNAVAILABLE, "the %s could not be read: %s",
		    what, strerror(errno));
	if (len == 0)
		return diag_because(why, AK_ERR_INVALID, "no %s was given on stdin", what);
	return AK_OK;
}

enum ak_err
ask_token(int in, FILE *f, struct secret *out, struct diag *why)
{
	char room[SECRET_CAP + 2]; /* a secret, and a line's end */
	size_t len;
	enum ak_err err;

	*out = SECRET_INIT;
	err = read_text(in, f, "token", "Token", room, sizeof(room), &len, why);
	if (err == AK_OK && secret_set(out, room, len) != AK_OK)
		err = diag_because(why, AK_ERR_INVALID, "what was given is no token");
	explicit_bzero(room, sizeof(room));
	return err;
}

enum ak_err
ask_password(int in, FILE *f, char out[ASK_PASSWORD_CAP], struct diag *why)
{
	size_t len;
	enum ak_err err =
	    read_text(in, f, "password", "Password", out, ASK_PASSWORD_CAP, &len, why);

	if (err == AK_OK && (len == ASK_PASSWORD_CAP || memchr(out, '\0', len) != NULL))
		err = diag_because(why, AK_ERR_INVALID, "what was given is no password");
	if (err == AK_OK)
		out[len] = '\0';
	else
		explicit_bzero(out, ASK_PASSWORD_CAP);
	return err;
}
