#!/usr/bin/env bash
# lane: bytes recorded from Apache RocketMQ 5.3.3, read and written
# fast: yes
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release
ctest --test-dir build/release -L '^golden$' -j "$(nproc)" --output-on-failure --no-tests=error
