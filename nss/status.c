#include "status.h"

#include <errno.h>

/* ERANGE beside anything but TRYAGAIN would have the caller grow its buffer for ever. */
static int
system_errno(void)
{
	return errno == 0 || errno == ERANGE ? EIO : errno;
}

int
status_begin(void)
{
	int caller_errno = errno;

	errno = 0;
	return caller_errno;
}

enum nss_status
status_end(int caller_errno, enum ak_err err, int *errnop)
{
	enum nss_status status = NSS_STATUS_UNAVAIL;
	int error = EIO;

	if (err == AK_ERR_NOT_FOUND) {
		status = NSS_STATUS_NOTFOUND;
		error = ENOENT;
	} else if (err == AK_ERR_RANGE) {
		status = NSS_STATUS_TRYAGAIN;
		error = ERANGE;
	} else if (err == AK_ERR_UNAVAILABLE) {
		error = system_errno();
	} else if (err == AK_ERR_NOMEM) {
		error = ENOMEM;
	} else if (err == AK_ERR_UNSAFE) {
		error = EACCES;
	}
	errno = caller_errno;
	if (err == AK_OK)
		return NSS_STATUS_SUCCESS;
	*errnop = error;
	return status;
}
