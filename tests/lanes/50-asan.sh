#!/usr/bin/env bash
# lane: all native tests with AddressSanitizer and UndefinedBehaviorSanitizer
# needs: databases
# limit: 1800
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure asan
build asan
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
ctest --test-dir build/asan -LE '^tools$' -j "$(nproc)" --output-on-failure --no-tests=error
