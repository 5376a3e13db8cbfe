#!/usr/bin/env bash
set -eu
exec python3 test/tidy/tidy_test.py
