#include "err.h"

const char *
ak_strerror(enum ak_err err)
{
	switch (err) {
	case AK_OK:
		return "done";
	case AK_ERR_NOT_FOUND:
		return "not found";
	case AK_ERR_DENIED:
		return "denied";
	case AK_ERR_UNAVAILABLE:
		return "cannot be read";
	case AK_ERR_CORRUPT:
		return "damaged";
	case AK_ERR_NEWER:
		return "written by a newer apikey";
	case AK_ERR_UNSAFE:
		return "wrong owner, mode or type";
	case AK_ERR_ROLLBACK:
		return "older than what was made from it";
	case AK_ERR_INVALID:
		return "malformed";
	case AK_ERR_EXISTS:
		return "exists already";
	case AK_ERR_FULL:
		return "a limit is reached";
	case AK_ERR_RANGE:
		return "the buffer is too small";
	case AK_ERR_NOMEM:
		return "out of memory";
	}
	return "an unknown error";
}
