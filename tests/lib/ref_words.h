/* ref_words: what random policies and requests are made of: few words, so that things meet. */
#ifndef REF_WORDS_H
#define REF_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "testlib_random.h"

static const char *const spaces[] = {"a", "b", "c", "d", "e", "f"};
static const char *const roles[] = {"r0", "r1", "r2", "r3", "r4"};
static const char *const definitions[] = {"d0", "d1", "d2", "d3"};
static const char *const headers[] = {"# may_grant: *", "# may_grant:", "# may_grant: r0 r2",
    "# may_grant: r1 *", "# may_grant: r0 r1 r2 r3 r4", "# directory: none"};
static const char *const hosts[] = {"h0", "h1", "H1", "h2.example.com"};
static const char *const logins[] = {
    "ci-cd-web", "ci-cd-monitoring", "db-monitoring", "backup", "ci", "deploy", "_"};
static const char *const login_globs[] = {"ci-cd-*", "*-monitoring", "*", "backup", "ci", "ci*",
    "*c*i*", "_", "ci-cd-web", "deploy", "nobody", "**", "*-*-*", "c*", "ci-*", "ci*web", "d*"};
static const char *const groups[] = {"staff", "Ops Team", "team-a", "team-b", "Team-a"};
static const char *const group_globs[] = {
    "staff", "Ops*", "team-*", "*", "*a", "Team-a", "nobody", "* *"};
static const char *const services[] = {"sshd", "sudo", "sudo-i", "su", "cron", "systemd-user"};
static const char *const service_globs[] = {
    "sshd", "sudo", "sudo*", "su", "*", "cron", "systemd-*", "*d", "none"};
static const char *const accounts[] = {"deploy", "app", "postgres", "backup", "ci"};
static const char *const account_globs[] = {"deploy", "app*", "*", "p*s", "backup", "none"};
static const char *const blocks[] = {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0",
    "192.168.100.0/24", "192.0.2.128/25", "::/0", "2001:db8::/32", "2001:db8:0:8000::/49",
    "2001:db8::1", "::ffff:10.0.0.0/104", "10.1.2.2/31", "128.0.0.0/1"};
static const char *const addresses[] = {"10.1.2.3", "10.1.2.4", "10.2.0.1", "10.255.255.255",
    "11.0.0.0", "192.168.100.0", "192.168.101.0", "192.0.2.127", "192.0.2.128",
    "::ffff:10.1.2.3", "2001:db8::1",
    "2001:db8:0:8000::", "2001:db8:0:7fff::", "2001:db9::", "::1", "::10.1.2.3", "localhost",
    "127.0.0.1", "fe80::1%eth0"};
static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const zones[] = {"UTC", "Europe/Berlin", "America/New_York",
    "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Europe/Dublin",
    "America/Sao_Paulo", "Pacific/Auckland"};
static const char *const dates[] = {"1969-12-31", "1970-01-01", "2011-12-30", "2011-12-31",
    "2024-02-29", "2025-03-09", "2025-03-30", "2025-03-31", "2025-10-26", "2025-11-02",
    "2026-01-01", "2038-01-20", "2045-07-01"};
static const char *const bindings[] = {"r0", "r1", "r2:spaces:a", "r2:spaces:b,c",
    "r3:spaces:d", "r1:spaces:root", "r4:hosts:h0", "r0:hosts:h1,h2.example.com",
    "r3:spaces:nowhere,a", "nobody", "nobody:spaces:a", "r4:spaces:e,f", "r1:hosts:a"};

/* Moments at which something happens in one of the zones, or at the ends of what computers count. */
static const int64_t edges_s[] = {0, 1325239200 /* Samoa, 2011 */,
    1741503600 /* New York, spring */, 1743296400 /* Berlin, spring */,
    1743865200 /* Lord Howe */, 1761440400 /* Berlin, autumn */,
    1762063200 /* New York, autumn */, 1735689600 /* 2025 */, INT64_C(2147483647),
    INT64_C(2382476400) /* 2045-06-30 */, INT64_C(4102444800) /* 2100 */,
    -1577923200 /* 1920 */};

#define N(list) (sizeof(list) / sizeof((list)[0]))
#define one_of(r, list) ((list)[rnd_below((r), N(list))])

static inline bool
ref_chance(struct rnd *r, unsigned in)
{
	return rnd_below(r, in) == 0;
}

#endif
