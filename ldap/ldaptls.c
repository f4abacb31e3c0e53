#include "ldaptls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* --- what was wrong ------------------------------------------------------------------------- */

void
ldaptls_add_clean(struct text *t, const char *s)
{
	size_t len = strlen(s);

	while (len > 0 && ((unsigned char)s[len - 1] <= ' ' || s[len - 1] == '.'))
		len--;
	for (size_t i = 0; i < len && !t->cut; i++)
		text_add(t, "%c", (unsigned char)s[i] < ' ' || s[i] == 0x7f ? ' ' : s[i]);
}

#define SYSTEM_CAS "/etc/ssl/certs/ca-certificates.crt"

/* The first error of TLS since the last ldaptls_forget_problem. */
static char noted[256];

/* gnutls_certificate_status_t: a published number for each. */
static const struct {
	unsigned long bit;
	const char *words;
} statuses[] = {
    {1UL << 10, "the server's certificate has expired"},
    {1UL << 9, "the server's certificate is not valid yet"},
    {1UL << 5, "the server's certificate is revoked"},
    {1UL << 6, "the server's certificate is not from a trusted CA (ca_file)"},
    {1UL << 7, "the server's certificate is from one that is no CA"},
    {1UL << 8, "the server's certificate uses an algorithm that is not safe"},
};

#define UNTRUSTED "peer cert untrusted or revoked (0x"

static const char *
words_for(const char *said)
{
	unsigned long status;

	if (strcmp(said, "peer certificate is expired") == 0)
		return statuses[0].words;
	if (strcmp(said, "peer certificate not yet active") == 0)
		return statuses[1].words;
	if (strncmp(said, UNTRUSTED, strlen(UNTRUSTED)) != 0)
		return said;
	status = strtoul(said + strlen(UNTRUSTED), NULL, 16);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if ((status & statuses[i].bit) != 0)
			return statuses[i].words;
	return "the server's certificate is not trusted";
}

/*
 * One of the library's lines. What GnuTLS found wrong with a certificate is
 * told there and nowhere else: the handle's message is "(unknown error code)".
 * TLS's first error says most.
 */
static void
note_line(const char *line)
{
	char said[sizeof(noted)];
	struct text t = text_over(said, sizeof(said)), to;

	if (noted[0] != '\0' || strncmp(line, "TLS: ", 5) != 0)
		return;
	ldaptls_add_clean(&t, line + 5);
	to = text_over(noted, sizeof(noted));
	text_add(&to, "%s", words_for(said));
}

void
ldaptls_init(void)
{
	(void)ber_set_option(NULL, LBER_OPT_LOG_PRINT_FN, (void *)note_line);
}

/* While TLS is made the library says all it knows; then it is quiet again. */
static void
listen_to(bool all)
{
	int level = all ? -1 : 0;

	(void)ldap_set_option(NULL, LDAP_OPT_DEBUG_LEVEL, &level);
}

const char *
ldaptls_problem(void)
{
	return noted;
}

void
ldaptls_forget_problem(void)
{
	noted[0] = '\0';
}

/* --- the handshake's deadline ---------------------------------------------------------------- */

/*
 * With GnuTLS the library asks again and again, without a pause or an end,
 * while a handshake waits for the server. So a layer under TLS waits for it,
 * and ends the handshake when its time is up. 0: no handshake, nothing waits.
 */
static int64_t deadline_ms;
static int handshake_s;

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t left = deadline_ms - now_ms();

	return left > 0 && (poll(&p, 1, (int)left) >= 0 || errno == EINTR);
}

static int
guard_setup(Sockbuf_IO_Desc *d, void *arg)
{
	d->sbiod_pvt = arg;
	return 0;
}

static int
guard_remove(Sockbuf_IO_Desc *d)
{
	d->sbiod_pvt = NULL;
	return 0;
}

static int
guard_ctrl(Sockbuf_IO_Desc *d, int option, void *arg)
{
	return LBER_SBIOD_CTRL_NEXT(d, option, arg);
}

static ber_slen_t
guard_read(Sockbuf_IO_Desc *d, void *buf, ber_len_t len)
{
	int fd = -1;

	for (;;) {
		ber_slen_t n = LBER_SBIOD_READ_NEXT(d, buf, len);

		if (n >= 0 || deadline_ms == 0 || (errno != EAGAIN && errno != EINTR))
			return n;
		(void)ber_sockbuf_ctrl(d->sbiod_sb, LBER_SB_OPT_GET_FD, &fd);
		if (!wait_readable(fd)) {
			ldaptls_forget_problem();
			note_line("TLS: the server does not answer");
			errno = ETIMEDOUT;
			return -1;
		}
	}
}

static ber_slen_t
guard_write(Sockbuf_IO_Desc *d, void *buf, ber_len_t len)
{
	return LBER_SBIOD_WRITE_NEXT(d, buf, len);
}

static int
guard_close(Sockbuf_IO_Desc *d)
{
	(void)d;
	return 0;
}

static Sockbuf_IO guard = {
    .sbi_setup = guard_setup,
    .sbi_remove = guard_remove,
    .sbi_ctrl = guard_ctrl,
    .sbi_read = guard_read,
    .sbi_write = guard_write,
    .sbi_close = guard_close,
};

/* The socket is there, TLS not yet. */
static int
add_guard(
    LDAP *ld, Sockbuf *sb, LDAPURLDesc *server, struct sockaddr *addr, struct ldap_conncb *ctx)
{
	(void)ld, (void)server, (void)addr, (void)ctx;
	deadline_ms = now_ms() + (int64_t)handshake_s * 1000;
	return ber_sockbuf_add_io(sb, &guard, LBER_SBIOD_LEVEL_PROVIDER + 5, NULL);
}

static void
forget_guard(LDAP *ld, Sockbuf *sb, struct ldap_conncb *ctx)
{
	(void)ld, (void)sb, (void)ctx;
}

static struct ldap_conncb guarded = {.lc_add = add_guard, .lc_del = forget_guard};

int
ldaptls_guard(LDAP *ld, int timeout_s)
{
	listen_to(true);
	handshake_s = timeout_s;
	deadline_ms = 0;
	return ldap_set_option(ld, LDAP_OPT_CONNECT_CB, &guarded);
}

int
ldaptls_unguard(LDAP *ld)
{
	int fd = -1, flags;

	listen_to(false);
	deadline_ms = 0;
	if (ldap_get_option(ld, LDAP_OPT_DESC, &fd) != LDAP_OPT_SUCCESS ||
	    (flags = fcntl(fd, F_GETFL)) < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return LDAP_LOCAL_ERROR;
	return LDAP_SUCCESS;
}

/* --- what is asked for ---------------------------------------------------------------------- */

static bool
is_given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static int
set_int(LDAP *ld, int option, int value)
{
	return ldap_set_option(ld, option, &value);
}

/* Is the library built upon GnuTLS? Then it has no certificates of its own. */
static bool
is_gnutls(void)
{
	char *name = NULL;
	bool yes;

	(void)ldap_get_option(NULL, LDAP_OPT_X_TLS_PACKAGE, &name);
	yes = name != NULL && strcmp(name, "GnuTLS") == 0;
	ldap_memfree(name);
	return yes;
}

static int
set_path(LDAP *ld, int option, const char *path)
{
	return is_given(path) ? ldap_set_option(ld, option, path) : LDAP_OPT_SUCCESS;
}

/* The context comes last: it is made of what was set before. */
int
ldaptls_configure(LDAP *ld, const char *ca_file, const char *cert_file, const char *key_file)
{
	const char *cas = ca_file;
	int rc;

	if (!is_given(cas) && is_gnutls() && access(SYSTEM_CAS, R_OK) == 0)
		cas = SYSTEM_CAS;
	if ((rc = set_int(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_HARD)) !=
	    LDAP_OPT_SUCCESS)
		return rc;
	rc = set_int(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2);
	if (rc != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = set_path(ld, LDAP_OPT_X_TLS_CACERTFILE, cas)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = set_path(ld, LDAP_OPT_X_TLS_CERTFILE, cert_file)) != LDAP_OPT_SUCCESS)
		return rc;
	if ((rc = set_path(ld, LDAP_OPT_X_TLS_KEYFILE, key_file)) != LDAP_OPT_SUCCESS)
		return rc;
	return set_int(ld, LDAP_OPT_X_TLS_NEWCTX, 0);
}

/* With GnuTLS the library ignores the option for a least version, and leaks where it is given a priority string. */
bool
ldaptls_is_new_enough(LDAP *ld)
{
	char *version = NULL;
	bool yes;

	(void)ldap_get_option(ld, LDAP_OPT_X_TLS_VERSION, &version);
	yes = version != NULL &&
	      (strstr(version, "1.2") != NULL || strstr(version, "1.3") != NULL);
	ldap_memfree(version);
	return yes;
}
