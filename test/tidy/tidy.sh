#!/usr/bin/env bash
# The rules over the real tree. Runs on the checkout itself, found through the link to WORKSPACE.
set -eu
root=$(dirname "$(readlink -f WORKSPACE)")
exec python3 "$(dirname "$(readlink -f test/tidy/tidy.py)")/tidy.py" "$root"
