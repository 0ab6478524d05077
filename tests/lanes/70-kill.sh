#!/usr/bin/env bash
# lane: kill -9 under load, KILL_ROUNDS (12) times each with ASYNC_FLUSH and SYNC_FLUSH, and half as often under consumers, retries, delays, POP, transactions and atomic commits, and producers that send everything again; a disk that is full; the checkers find nothing
# limit: 900
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq
# A check that cannot fail shows nothing: each one is shown what it must refuse.
python3 -m unittest discover -s tests/checkers
rounds=${KILL_ROUNDS:-12}
for flush in ASYNC_FLUSH SYNC_FLUSH; do
  python3 tests/kill/kill_loop.py build/release/oncemq --rounds "$rounds" --flush "$flush"
  python3 tests/kill/semantics_loop.py build/release/oncemq --rounds $(((rounds + 1) / 2)) --flush "$flush"
  python3 tests/kill/transaction_loop.py build/release/oncemq --rounds $(((rounds + 1) / 2)) --flush "$flush"
  python3 tests/kill/atomic_loop.py build/release/oncemq --rounds $(((rounds + 1) / 2)) --flush "$flush"
  python3 tests/kill/once_loop.py build/release/oncemq --rounds $(((rounds + 1) / 2)) --flush "$flush"
  python3 tests/kill/disk_full.py build/release/oncemq --flush "$flush"
done
