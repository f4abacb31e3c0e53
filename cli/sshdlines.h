/* sshdlines: what sshd_config says so that somebody may type a token where passwords are off. */
#ifndef CLI_SSHDLINES_H
#define CLI_SSHDLINES_H

#define SSHDLINES_SETTING "PasswordAuthentication yes"

/* For printf, with the account. */
#define SSHDLINES_ACCOUNT "Match User %s\n    " SSHDLINES_SETTING "\n"

#endif
