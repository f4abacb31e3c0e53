#include "nss_module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "bench_time.h"

/* A function of the library, stored where a pointer to one lies: ISO C knows no other way from void *. */
static void
entry(void *library, const char *service, const char *name, void *out)
{
	char symbol[64];
	void *found;

	(void)snprintf(symbol, sizeof(symbol), "_nss_%s_%s", service, name);
	found = dlsym(library, symbol);
	memcpy(out, &found, sizeof(found));
}

void
nss_module_load(const char *service, struct nss_module *out)
{
	char file[64];
	void *library = RTLD_DEFAULT;

	if (strcmp(service, "files") != 0) {
		(void)snprintf(file, sizeof(file), "libnss_%s.so.2", service);
		library = dlopen(file, RTLD_NOW);
		if (library == NULL)
			bench_die(service, dlerror());
	}
	entry(library, service, "getpwnam_r", &out->getpwnam);
	entry(library, service, "getpwuid_r", &out->getpwuid);
	entry(library, service, "setpwent", &out->setpwent);
	entry(library, service, "getpwent_r", &out->getpwent);
	entry(library, service, "endpwent", &out->endpwent);
	entry(library, service, "getgrnam_r", &out->getgrnam);
	entry(library, service, "getgrgid_r", &out->getgrgid);
	entry(library, service, "initgroups_dyn", &out->initgroups);
	if (out->getpwnam == NULL || out->getpwuid == NULL || out->setpwent == NULL ||
	    out->getpwent == NULL || out->endpwent == NULL || out->getgrnam == NULL ||
	    out->getgrgid == NULL)
		bench_die(service, "the module lacks an entry");
}
