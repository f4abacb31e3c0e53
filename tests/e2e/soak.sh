#!/usr/bin/env bash
# The soak (./dev soak) of 2,000 logins.
exec bash "$(dirname "$0")/../soak/run.sh" 2000
