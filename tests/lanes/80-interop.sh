#!/usr/bin/env bash
# lane: one folder opened by Apache's broker and ours in turn, stopped and killed; mixed broker and name server
# needs: java
# limit: 600
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq
mvn -B -ntp -f tests/conformance/java/pom.xml test -Dtest='DiskInteropTest,TransactionInteropTest,MixedRolesTest' \
  -Doncemq.binary="$PWD/build/release/oncemq"
