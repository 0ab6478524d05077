#!/usr/bin/env bash
# lane: the Java and the Go client of README.md, as printed, against the built broker
# needs: java go
# limit: 600
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
start_server build/release/oncemq "$work"
python3 tools/readme.py README.md "$work/hello" "127.0.0.1:$namesrv_port"
for language in java go; do
  echo "== $language"
  (cd "$work/hello/$language" && timeout 240 bash run.sh) | tee "$work/$language.out"
  for ((i = 0; i < 10; i++)); do
    grep -q "^received hello $i\$" "$work/$language.out" || die "$language: hello $i is missing"
  done
done
stop_server
echo "summary: README's Java and Go clients sent and received 10 messages each"
