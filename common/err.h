/* err: the outcomes that every room shares, and one text for each. */
#ifndef AK_ERR_H
#define AK_ERR_H

/*
 * Not found, denied, unavailable and corrupt are four different answers: an
 * outage is never "no such user". What is not AK_OK leaves outputs at their
 * safe value (denied, empty, NULL).
 */
enum ak_err {
	AK_OK = 0,
	AK_ERR_NOT_FOUND, /* looked, and it is not there */
	AK_ERR_DENIED, /* looked, and the answer is no */
	AK_ERR_UNAVAILABLE, /* could not look: missing, unreadable, I/O */
	AK_ERR_CORRUPT, /* looked, and a checksum or a bound is wrong */
	AK_ERR_NEWER, /* a file in a format that a later version made */
	AK_ERR_UNSAFE, /* a file with the wrong owner, mode or type */
	AK_ERR_ROLLBACK, /* an older copy than others were made from */
	AK_ERR_INVALID, /* what a person or file said is malformed */
	AK_ERR_EXISTS, /* the name or id is taken */
	AK_ERR_FULL, /* no id left, or a limit reached */
	AK_ERR_RANGE, /* the caller's buffer is too small */
	AK_ERR_NOMEM,
};

#define AK_MUST_CHECK __attribute__((warn_unused_result))
#define AK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* A few words for err, without a full stop; never NULL. */
const char *ak_strerror(enum ak_err err);

#endif
