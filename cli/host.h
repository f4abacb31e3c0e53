/* host: the machine as the installed command finds it: clock, accounts, syslog, nscd. */
#ifndef CLI_HOST_H
#define CLI_HOST_H

#include "cli.h"

struct cli_host host_installed(void);

#endif
