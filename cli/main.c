#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "cli.h"
#include "host.h"
#include "ldapconn.h"

/* A closed 0, 1 or 2 would be given to the next file that is opened, and an answer written into that. */
static int
keep_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			return -1;
	return 0;
}

/* Tokens pass through: no core holds one, and no other process of the user reads one here. */
static void
keep_memory(void)
{
	const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int
main(int argc, char **argv)
{
	static char out_room[BUFSIZ]; /* our own, to be wiped: a token is written through it */
	struct cli c = {.paths = paths_installed(),
	    .in = STDIN_FILENO,
	    .out = stdout,
	    .err = stderr,
	    .host = host_installed()};
	int code;

	keep_memory();
	if (keep_descriptors() != 0)
		return CLI_FAILED;
	(void)umask(022); /* files that hold more get their own mode */
	(void)signal(SIGPIPE, SIG_IGN); /* a failed write is told instead */
	(void)setlocale(LC_CTYPE, "");
	(void)setvbuf(stdout, out_room, _IOFBF, sizeof(out_room));
	ldapconn_init();
	openlog("apikey", LOG_PID, LOG_AUTHPRIV);
	code = cli_run(&c, argc, argv);
	explicit_bzero(out_room, sizeof(out_room));
	return code;
}
