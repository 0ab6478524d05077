#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/heap_bytes.h"
#include "base/mutex.h"
#include "base/result.h"
#include "broker/causes.h"
#include "broker/client_registry.h"
#include "broker/ids.h"
#include "broker/options.h"
#include "broker/topic_table.h"
#include "store/consume_queue.h"

namespace oncemq::broker {

// How far each group has been given each queue by pulls, to know a redelivery when it happens and
// to tell its cause. Kept on disk (config/once-deliveries.json) now and then and when the broker
// stops, so that what a restart repeats is told as such; after a kill the file is up to its
// interval old, and what was given since then is not known: the counts are a lower bound.
// Rows: Options::offsets_max (about 150 bytes each); queues beyond are not watched. Thread rule:
// monitor.
class Deliveries {
 public:
  Deliveries(const Options& options, const ClientRegistry& clients, Causes& causes)
      : options_(options), clients_(clients), causes_(causes) {}

  struct Given {
    const store::ConsumeQueue* queue = nullptr;
    std::string_view group;
    ChannelId channel{};
    std::int64_t from = 0;       // queue offset of the first message
    std::int64_t next = 0;       // behind the last
    std::uint64_t messages = 0;  // fewer than next - from, where a filter leaves some out
  };
  // Messages go to a consumer.
  void given(const Given& given);
  // Behind the furthest message that pulls gave to the group, as far as that is known.
  std::optional<std::int64_t> reached(const store::ConsumeQueue& queue,
                                      std::string_view group) const;
  // The group was told to go on elsewhere (reset): what it reads again has that cause.
  void reset(const store::ConsumeQueue& queue, std::string_view group);

  // kCorrupt. Topics that are gone are left out.
  Status load(std::string_view json, const TopicTable& topics);
  std::string dump() const;
  // True once after changes; the caller writes dump().
  bool take_dirty() { return dirty_.exchange(false); }
  // As if each queue had one group.
  std::size_t memory_bytes() const {
    constexpr std::size_t kRow =
        kHashNodeBytes<decltype(Shard::queues)> + kTreeNodeBytes<Groups> + kNameHeapBytes;
    return rows_.load(std::memory_order_relaxed) * kRow;
  }

 private:
  static constexpr std::size_t kShards = 16;
  struct Row {
    std::int64_t high = 0;  // everything before was given at least once
    std::int64_t next = 0;  // where the group is expected to go on
    ChannelId channel{};
    Cause cause = Cause::kOffsetBack;  // of the stretch between the last jump and `high`
    bool restored = false;             // from the file; nothing given since
    bool reset = false;
  };
  using Groups = std::map<std::string, Row, std::less<>>;
  struct Shard {
    mutable Mutex mutex;
    std::unordered_map<const store::ConsumeQueue*, Groups> queues ONCE_GUARDED_BY(mutex);
  };
  static std::size_t shard_of(const store::ConsumeQueue* queue);
  static Cause cause_of(const Row& row, ChannelId channel);

  const Options& options_;
  const ClientRegistry& clients_;
  Causes& causes_;
  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> rows_{0};
  std::atomic<bool> dirty_{false};
};

}  // namespace oncemq::broker
