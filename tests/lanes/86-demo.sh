#!/usr/bin/env bash
# lane: the demonstration, on its own broker with SQLite and with a PostgreSQL that the test starts
# needs: databases
# limit: 600
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq oncemq_demo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
demo() { python3 demo/demo.py build/release/oncemq build/release/oncemq_demo "$@"; }
demo | tee "$work/out"
grep -q '^Every payment was booked once, and the sums match\.$' "$work/out" || die "it does not say so"
# It shows nothing if the other bank was right, too.
grep -qE '^at least once .* \+[1-9][0-9,]*$' "$work/out" || die "nothing was booked twice"

# Ends with this shell, or when its standard input is closed.
coproc postgres { exec python3 tests/support/postgres.py; }
read -r url <&"${postgres[0]}"
demo --payments 1000 --store "$url"
exec {postgres[1]}>&-
wait "$postgres_PID" || true
echo "summary: every payment was booked once, in SQLite and in PostgreSQL"
