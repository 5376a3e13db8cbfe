#!/usr/bin/env bash
# Runs the story named by the first argument.
set -eu
exec python3 "test/e2e/kubernetes/$1"
