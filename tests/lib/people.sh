#!/usr/bin/env bash
# The people of a Debian server in tests: root and bob with passwords, alice who may sudo.
#
# usage: people.sh [ROOT]
set -euo pipefail
root=${1:-/}

useradd -R "$root" -m -s /bin/bash bob
useradd -R "$root" -m -s /bin/bash -G sudo alice
# SHA-512 of the fewest rounds
printf '%s\n' root:root-pw bob:bob-pw alice:alice-pw | chpasswd -R "$root" -c SHA512 -s 1000
