#!/usr/bin/env bash
# lane: requests and bytes that no official client would send, against the running binary
# limit: 300
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq
ONCEMQ=$PWD/build/release/oncemq python3 -m unittest discover -s tests/conformance/raw -v
