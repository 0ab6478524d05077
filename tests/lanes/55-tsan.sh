#!/usr/bin/env bash
# lane: all native tests with ThreadSanitizer
# needs: databases
# limit: 1800
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure tsan
build tsan
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
ctest --test-dir build/tsan -LE '^(tools|corpus)$' -j "$(nproc)" --output-on-failure \
  --no-tests=error
