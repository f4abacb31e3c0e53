/* nss_module: the entries of any NSS module, as glibc finds them: by name in the module's library. */
#ifndef NSS_MODULE_H
#define NSS_MODULE_H

#include <grp.h>
#include <nss.h>
#include <pwd.h>

/* NULL where the module has no such entry. */
struct nss_module {
	enum nss_status (*getpwnam)(const char *, struct passwd *, char *, size_t, int *);
	enum nss_status (*getpwuid)(uid_t, struct passwd *, char *, size_t, int *);
	enum nss_status (*setpwent)(int);
	enum nss_status (*getpwent)(struct passwd *, char *, size_t, int *);
	enum nss_status (*endpwent)(void);
	enum nss_status (*getgrnam)(const char *, struct group *, char *, size_t, int *);
	enum nss_status (*getgrgid)(gid_t, struct group *, char *, size_t, int *);
	enum nss_status (*initgroups)(
	    const char *, gid_t, long *, long *, gid_t **, long, int *);
};

/* The service as nsswitch.conf calls it; `files` is in libc itself. The end where there is no such module. */
void nss_module_load(const char *service, struct nss_module *out);

#endif
