#!/usr/bin/env bash
# lane: the official Go client v2.1.2 against the built broker
# needs: go
# limit: 300
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq
cd tests/conformance/go
ONCEMQ=$OLDPWD/build/release/oncemq go test -count=1 -timeout 240s ./...
