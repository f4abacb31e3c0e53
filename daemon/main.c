/* apikeyd: keeps what logins read in step with the host's files and an LDAP directory. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"
#include "startup.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "(unknown)"
#endif

static const char usage[] = "usage: apikeyd [-f]\n"
			    "       apikeyd -V | -h\n"
			    "\n"
			    "  -f  stay in the foreground, and print what is logged\n"
			    "  -V  print the version\n"
			    "  -h  print this text\n";

/* What the other process says until it is ready (a NUL) or no more. */
static int
wait_until_ready(int from)
{
	char buf[512];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		if (memchr(buf, '\0', (size_t)n) != NULL)
			return EXIT_SUCCESS;
		(void)!write(STDERR_FILENO, buf, (size_t)n);
	}
	return EXIT_FAILURE;
}

/*
 * A process of its own, while this one waits until the files of the host were
 * looked at. True in the new process, whose stderr this one listens to; false
 * in this one, where *status is what it ends with.
 */
static bool
go_to_background(int *status)
{
	int ends[2], null;
	pid_t pid;

	*status = EXIT_FAILURE;
	if (pipe2(ends, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		perror("apikeyd");
		return false;
	}
	if (pid != 0) {
		(void)close(ends[1]);
		*status = wait_until_ready(ends[0]);
		return false;
	}
	(void)setsid();
	(void)!chdir("/");
	(void)dup2(ends[1], STDERR_FILENO);
	(void)close(ends[0]);
	(void)close(ends[1]);
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		(void)close(null);
	}
	return true;
}

static int
run(bool foreground)
{
	struct daemon_how how = {.paths = paths_installed(),
	    .ready = -1,
	    .log = {.foreground = foreground},
	    .engine = AK_PKGLIBEXECDIR "/apikey-engine",
	    .engine_user = "_apikey",
	    .notify_address = getenv("NOTIFY_SOCKET"),
	    .watchdog_usec = getenv("WATCHDOG_USEC"),
	    .watchdog_pid = getenv("WATCHDOG_PID")};
	struct diag why = DIAG_INIT;
	char said[DIAG_PRINT_CAP];
	enum ak_err err;
	int status;

	if (geteuid() != how.paths.owner) {
		(void)fprintf(stderr, "apikeyd: must be started by root\n");
		return EXIT_FAILURE;
	}
	/* A service manager that wants to be told waits by itself. */
	if (!foreground && how.notify_address == NULL) {
		if (!go_to_background(&status))
			return status;
		how.ready = STDERR_FILENO;
	}
	how.log.paths = &how.paths;
	log_open(&how.log);
	err = daemon_run(&how, &why);
	if (err == AK_OK)
		return EXIT_SUCCESS;
	(void)diag_because(&why, err, "%s", ak_strerror(err));
	(void)fprintf(stderr, "apikeyd: %s\n", diag_print(&why, said, sizeof(said)));
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	bool foreground = false;
	int opt;

	if (startup_keep_descriptors() != 0)
		return EXIT_FAILURE;
	startup_keep_memory();
	(void)umask(077); /* files that others read get their own mode */
	while ((opt = getopt(argc, argv, "fVh")) != -1)
		switch (opt) {
		case 'f':
			foreground = true;
			break;
		case 'V':
			(void)printf("apikeyd %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			(void)fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			(void)fputs(usage, stderr);
			return 2;
		}
	if (optind < argc) {
		(void)fputs(usage, stderr);
		return 2;
	}
	return run(foreground);
}
