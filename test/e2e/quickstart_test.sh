#!/usr/bin/env bash
# The whole journey of deploy/quickstart, with the binaries of this build.
set -eu
exec deploy/quickstart --check --binaries "$PWD"
