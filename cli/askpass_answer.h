/* askpass_answer: what apikey-askpass says to a prompt: the token, or no. */
#ifndef CLI_ASKPASS_ANSWER_H
#define CLI_ASKPASS_ANSWER_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Does the prompt ask for a password, of the one account that wanted names
 * ("ci-deploy@bastion"; NULL: of any)? These do, and nothing else does:
 *   ci-deploy@bastion's password:      ssh, password
 *   (ci-deploy@bastion) Password:      ssh, keyboard-interactive
 *   [sudo] password for ci-deploy:     sudo; wanted is then "ci-deploy"
 *   Password:                          names nobody: never, when one is wanted
 */
bool askpass_is_asked(const char *prompt, const char *wanted);

/*
 * Print the token that stands in file (NULL: none was named) when the prompt
 * asks for it; else one sentence on err. The file must be a regular one of
 * this user or root that nobody else may read. Answers the exit code.
 */
int askpass_answer(
    const char *prompt, const char *file, const char *wanted, FILE *out, FILE *err);

#endif
