#!/usr/bin/env bash
# Runs a journey written in Python with the binaries of this build. Usage: journey.sh FILE
set -eu
CHECKOUT=$(dirname "$(readlink -f WORKSPACE)") PROGRAMS=$PWD exec python3 -B "$1"
