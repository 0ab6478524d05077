#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"
#include "broker/claims.h"
#include "broker/ids.h"

namespace oncemq::broker {

// What became of a send to an idempotent topic that is not simply new.
enum class Repeat : std::uint8_t {
  kLeftOut,     // a duplicate
  kShadowed,    // a duplicate that was stored all the same
  kOtherBody,   // known key, other body: stored
  kRefused,     // the same: refused
  kUndecided,   // told to try again
  kWithoutKey,  // stored, because it has no key
};
inline constexpr std::size_t kRepeatCount = 6;

// "left_out", and a sentence for the person who asks.
std::string_view repeat_name(Repeat repeat);
std::string_view repeat_sentence(Repeat repeat);

// How many of them there were since the start, and the latest by topic. Thread rule: monitor.
class DuplicateReport {
 public:
  // Of a topic, about 300 bytes each; of all topics that ever had one: 6 MB at most.
  static constexpr std::size_t kExamples = 20;
  static constexpr std::size_t kTopics = 1'000;  // further ones are only counted in total
  static constexpr std::size_t kKeyBytes = 128;  // longer keys are cut

  struct Example {
    std::int64_t at_ms = 0;
    Repeat repeat = Repeat::kLeftOut;
    std::string key;
    // Where the first one is; not known of other bodies and of duplicates within one batch.
    std::optional<dedup::Original> original;
  };
  using Counts = std::array<std::uint64_t, kRepeatCount>;
  struct Topic {
    Counts counts{};
    std::deque<Example> latest;  // newest first
  };

  void count(Repeat repeat) {
    totals_[static_cast<std::size_t>(repeat)].fetch_add(1, std::memory_order_relaxed);
  }
  // Counts it, and keeps it as an example.
  void note(Repeat repeat, const Claim& claim, std::int64_t at_ms);

  std::uint64_t total(Repeat repeat) const {
    return totals_[static_cast<std::size_t>(repeat)].load(std::memory_order_relaxed);
  }
  // Nothing but zeros when there was none. kUndecided and kWithoutKey have no examples and no
  // counts by topic.
  Topic of(std::string_view topic) const;

 private:
  std::array<std::atomic<std::uint64_t>, kRepeatCount> totals_{};
  mutable Mutex mutex_;
  std::unordered_map<std::string, Topic, TextHash, std::equal_to<>> topics_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
