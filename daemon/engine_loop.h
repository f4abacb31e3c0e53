/* engine_loop: the engine's life: one server after the other, followed as long as it answers. */
#ifndef AK_ENGINE_LOOP_H
#define AK_ENGINE_LOOP_H

#include "engine_link.h"
#include "err.h"
#include "wire.h"

/* What the daemon told, put where the libraries look for it. Everything is borrowed. */
struct engine_config {
	const struct directory_settings *settings;
	const char *ca_file, *cert_file, *key_file; /* "": none */
	const char *password; /* "": none */
	const struct wire_blob *cookie; /* by search */
	struct strv names;
	uint32_t first; /* which of the URIs to begin with: counted from 0, and round */
};

/*
 * Until the daemon goes (AK_ERR_UNAVAILABLE), says what makes no sense
 * (AK_ERR_CORRUPT), or gave settings that can't be followed (AK_ERR_INVALID,
 * after a WIRE_STATE that says why). Troubles with servers are no end.
 */
enum ak_err engine_loop(
    const struct engine_config *config, struct engine_link *link) AK_MUST_CHECK;

#endif
