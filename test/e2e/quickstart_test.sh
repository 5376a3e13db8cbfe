#!/usr/bin/env bash
# The whole journey of deploy/quickstart, with the binaries of this build.
set -eu
export MUSTER_QUICKSTART_PATIENCE=240
exec deploy/quickstart --check --clusters 12 --binaries "$PWD"
