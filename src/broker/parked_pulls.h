#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "broker/ids.h"
#include "broker/options.h"
#include "model/offsets.h"
#include "model/subscription.h"
#include "os/clock.h"
#include "store/consume_queue.h"
#include "store/message_store.h"

namespace oncemq::broker {

enum class WakeReason : std::uint8_t {
  kArrived,   // a message that the filter lets through is committed
  kDeadline,  // answer with what there is; also when the broker stops
  kClosed,    // the channel is gone, nobody reads an answer
};

// What a waiter takes with its call and the texts of its request, for estimates of memory.
inline constexpr std::size_t kWaiterBytes = 320;

// The edge's side of a parked pull. wake() is called once at most, on any thread, with no lock
// held; it only posts to the loop that owns the connection.
class PullWaiter {
 public:
  virtual ~PullWaiter() = default;
  virtual void wake(WakeReason reason) = 0;
};

enum class ParkOutcome : std::uint8_t { kParked, kArrived, kFull };

struct ParkRequest {
  store::ConsumeQueue* queue = nullptr;
  model::QueueOffset offset;
  std::shared_ptr<const model::Subscription> subscription;  // shared with the registry; null: all
  std::int64_t timeout_ms = 0;
  ChannelId channel{};
};

// Pulls that found nothing and wait for an arrival. An arrival that the filter refuses
// does not wake; the next look starts behind it. Bound: Options::parked_pulls_max. Thread rule:
// monitor.
class ParkedPulls {
 public:
  ParkedPulls(const Options& options, store::MessageStore& store, os::Clock& clock);
  ~ParkedPulls();

  // kParked takes the waiter. kArrived: a message came meanwhile. kFull: the bound is reached.
  ParkOutcome park(const ParkRequest& request, std::unique_ptr<PullWaiter>& waiter);
  // From the store's commit listener.
  void arrived(std::span<store::ConsumeQueue* const> queues);
  // Wakes every pull of the queue, because something other than an arrival changed (reset).
  void disturb(store::ConsumeQueue& queue);
  // Wakes what is due; returns the next deadline (monotonic ms), or INT64_MAX.
  std::int64_t expire();
  // The channel closed: its pulls are woken with kClosed.
  void close(ChannelId channel);
  // Wakes all with kDeadline and takes no more.
  void stop();
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  // As if each waited alone on its queue and channel.
  std::size_t memory_bytes() const;

 private:
  struct Parked;
  struct Shard;
  static constexpr std::size_t kShards = 16;

  // Is there something for the request? If not, where the next look starts.
  struct Look {
    bool arrived = false;
    model::QueueOffset next;
  };
  Look look(const ParkRequest& request);
  static void remember(Shard& shard, std::uint64_t id, model::QueueOffset next);
  void wake(std::vector<std::unique_ptr<PullWaiter>>& waiters, WakeReason reason);
  Shard& shard_of(const store::ConsumeQueue* queue);

  const Options& options_;
  store::MessageStore& store_;
  os::Clock& clock_;
  std::atomic<std::size_t> size_{0};
  std::atomic<bool> stopped_{false};
  std::array<std::unique_ptr<Shard>, kShards> shards_;
};

}  // namespace oncemq::broker
