#!/usr/bin/env bash
# lane: format, layers, banned calls
# fast: yes
# needs: style
set -euo pipefail
cd "$(dirname "$0")/../.."

mapfile -t sources < <(find src include tests fuzz bench \
  \( -name '*.cc' -o -name '*.h' \) -type f 2>/dev/null | sort)
ill=$(printf '%s\n' "${sources[@]}" |
  xargs -P "$(nproc)" -n 40 clang-format-14 --dry-run 2>&1 | sed -n 's/:[0-9]*:[0-9]*: warning.*//p' |
  sort -u)
if [[ -n "$ill" ]]; then
  echo "not formatted; clang-format-14 -i would do it:"
  echo "$ill"
  exit 1
fi
echo "summary: ${#sources[@]} C++ files are formatted"

python3 tools/layers.py .
echo "summary: no upward include, no include circle"
python3 tools/tidy.py .
for script in run test .ci/run tools/setup.sh tests/lanes/*.sh; do bash -n "$script"; done
