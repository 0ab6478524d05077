#!/usr/bin/env bash
# lane: tests of every layer and of the tools, committed fuzz corpus (release build)
# fast: yes
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release
# Everything that ctest knows, except what has a lane of its own: nothing can be left out.
own=$(find tests/lanes -name '*-*.sh' -not -name '*-unit.sh' |
  sed -E 's#.*/[0-9]+-([a-z-]+)\.sh#\1#' | paste -s -d '|')
ctest --test-dir build/release -LE "^($own)\$" -j "$(nproc)" --output-on-failure --no-tests=error
