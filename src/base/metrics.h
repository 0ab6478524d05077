#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

// What hot paths count. Cells are sharded by thread, so that threads which count the same thing do
// not pass a cache line around; a reader adds the cells up and may see a sum that is a moment old.
namespace oncemq {

inline constexpr std::size_t kMetricShards = 8;
// Which cell the calling thread writes. Threads beyond the number of shards share.
std::size_t metric_shard();

// A number that only grows. 512 bytes. Thread rule: monitor.
class ShardedCounter {
 public:
  void add(std::uint64_t count = 1) {
    cells_[metric_shard()].value.fetch_add(count, std::memory_order_relaxed);
  }
  std::uint64_t value() const;

 private:
  struct alignas(64) Cell {
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Cell, kMetricShards> cells_;
};

// Durations in buckets whose upper bounds double: 1 us, 2 us ... 16.8 s, and the rest. 2 KiB.
// Thread rule: monitor.
class DurationHistogram {
 public:
  static constexpr std::size_t kBounds = 25;

  // Inclusive upper bound of a bucket; bucket kBounds has none.
  static constexpr std::int64_t bound_ns(std::size_t bucket) {
    return std::int64_t{1000} << bucket;
  }
  static constexpr std::size_t bucket_of(std::int64_t ns) {
    if (ns <= 0) return 0;
    const auto bucket =
        static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(ns - 1) / 1000));
    return bucket < kBounds ? bucket : kBounds;
  }

  // `count` events that took the same time.
  void add(std::int64_t ns, std::uint64_t count = 1) {
    Shard& shard = shards_[metric_shard()];
    shard.counts[bucket_of(ns)].fetch_add(count, std::memory_order_relaxed);
    if (ns > 0)
      shard.sum_ns.fetch_add(static_cast<std::uint64_t>(ns) * count, std::memory_order_relaxed);
  }

  // Thread rule: external.
  struct View {
    std::array<std::uint64_t, kBounds + 1> counts{};  // per bucket, not cumulative
    std::uint64_t sum_ns = 0;
    std::uint64_t count() const;
  };
  View view() const;

 private:
  struct alignas(64) Shard {
    std::array<std::atomic<std::uint64_t>, kBounds + 1> counts{};
    std::atomic<std::uint64_t> sum_ns{0};
  };
  std::array<Shard, kMetricShards> shards_;
};

}  // namespace oncemq
