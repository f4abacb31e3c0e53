#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "cli.h"
#include "host.h"
#include "ldapconn.h"
#include "startup.h"

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

	startup_keep_memory();
	if (startup_keep_descriptors() != 0)
		return CLI_FAILED;
	(void)umask(022); /* files that hold more get their own mode */
	(void)signal(SIGPIPE, SIG_IGN); /* a failed write is told instead */
	(void)setvbuf(stdout, out_room, _IOFBF, sizeof(out_room));
	ldapconn_init();
	openlog("apikey", LOG_PID, LOG_AUTHPRIV);
	code = cli_run(&c, argc, argv);
	explicit_bzero(out_room, sizeof(out_room));
	return code;
}
