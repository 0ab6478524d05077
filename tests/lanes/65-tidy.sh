#!/usr/bin/env bash
# lane: clang-tidy and clang's thread-safety analysis on all sources
# needs: clang
# limit: 1500
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release layers  # lists new sources in compile_commands.json
mapfile -t sources < <(find src -name '*.cc' -not -name '*_test.cc' | sort)
printf '%s\n' "${sources[@]}" | python3 tools/clang_tidy.py build/release
