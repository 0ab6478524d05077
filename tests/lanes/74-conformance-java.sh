#!/usr/bin/env bash
# lane: the official Java client 5.3.3 against the built broker
# needs: java
# limit: 900
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq
mvn -B -ntp -f tests/conformance/java/pom.xml test -Dtest='!MqAdminTest,!MqAdminCompareTest,!DiskInteropTest,!TransactionInteropTest,!MixedRolesTest' \
  -Doncemq.binary="$PWD/build/release/oncemq"
