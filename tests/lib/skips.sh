#!/usr/bin/env bash
# Runs a test program. Its cmocka says "not ok N # SKIP" of a case that was skipped, which the driver counts as failed.
set -o pipefail
"$@" | sed -u 's/^not ok \([0-9]* # SKIP\)/ok \1/'
