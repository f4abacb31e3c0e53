#include <stdlib.h>
#include <string.h>

#include "askpass_answer.h"
#include "startup.h"

int
main(int argc, char **argv)
{
	static char room[BUFSIZ]; /* stdout's, to be wiped */
	int code;

	startup_keep_memory();
	if (argc != 2) {
		(void)fprintf(stderr,
		    "usage: SSH_ASKPASS=apikey-askpass SSH_ASKPASS_REQUIRE=force ssh "
		    "NAME@HOST\n"
		    "ssh and sudo -A call it with their prompt; see apikey-askpass(1)\n");
		return 2;
	}
	(void)setvbuf(stdout, room, _IOFBF, sizeof(room));
	code = askpass_answer(
	    argv[1], getenv("APIKEY_TOKEN_FILE"), getenv("APIKEY_TOKEN_FOR"), stdout, stderr);
	explicit_bzero(room, sizeof(room));
	return code;
}
