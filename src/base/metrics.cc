#include "base/metrics.h"

#include <numeric>

namespace oncemq {

std::size_t metric_shard() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t mine =
      next.fetch_add(1, std::memory_order_relaxed) % kMetricShards;
  return mine;
}

std::uint64_t ShardedCounter::value() const {
  std::uint64_t sum = 0;
  for (const Cell& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t DurationHistogram::View::count() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

DurationHistogram::View DurationHistogram::view() const {
  View view;
  for (const Shard& shard : shards_) {
    for (std::size_t i = 0; i < view.counts.size(); ++i)
      view.counts[i] += shard.counts[i].load(std::memory_order_relaxed);
    view.sum_ns += shard.sum_ns.load(std::memory_order_relaxed);
  }
  return view;
}

}  // namespace oncemq
