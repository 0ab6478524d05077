#!/usr/bin/env bash
# lane: libFuzzer on every parser from the committed corpus, FUZZ_SECONDS (8) each
# needs: clang
# limit: 1200
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

mapfile -t names < <(find fuzz -maxdepth 1 -name '*.cc' -printf '%f\n' | sed 's/\.cc$//' | sort)
[[ ${#names[@]} -gt 0 ]] || die "there are no fuzz targets"
configure fuzz
build fuzz "${names[@]/#/fuzz_}"

# fuzz NAME runs one target; what it finds new stays in build/, a crash is kept beside it.
fuzz() {
  local found=build/fuzz/found/$1 status=0
  mkdir -p "$found/corpus"
  "build/fuzz/fuzz/fuzz_$1" -max_total_time="${FUZZ_SECONDS:-8}" -timeout=10 -rss_limit_mb=1024 \
    -print_final_stats=1 -artifact_prefix="$found/" "$found/corpus" "fuzz/corpus/$1" \
    >"$found/log" 2>&1 || status=$?
  if [[ $status -ne 0 ]]; then
    tail -n 60 "$found/log"
    echo "fuzz_$1 FAILED; the input is in $found/"
    return 1
  fi
  local runs
  runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$found/log")
  # A build folder that an earlier compiler configured makes programs that only replay the corpus.
  [[ -n $runs ]] || { echo "fuzz_$1 did not search: remove build/fuzz"; return 1; }
  echo "fuzz_$1: $runs runs"
}
export -f fuzz
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} bash -c 'fuzz {}'
echo "summary: ${#names[@]} fuzz targets, ${FUZZ_SECONDS:-8} s each, no finding"
