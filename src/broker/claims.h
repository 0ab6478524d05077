#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dedup/dedup_index.h"
#include "dedup/original.h"
#include "model/idempotence_policy.h"

namespace oncemq::broker {

// A message that is about to be stored in an idempotent topic (docs/idempotent-produce.md). Views
// live as long as the batch that it belongs to. Thread rule: external value.
struct Claim {
  enum class Decision : std::uint8_t {
    kStore,       // the key is ours until settle()
    kStoreAgain,  // a duplicate that shadow mode lets pass
    kLeaveOut,    // stored before, as `original`
    kSameAs,      // the same send as an earlier claim of this list: `same_as`
    kTryAgain,    // the first one is being stored on another thread, or the index is full
    kRefuse,      // the key is known with another body
  };

  const model::IdempotencePolicy* policy = nullptr;
  std::string_view topic;
  std::string_view key;
  std::size_t request = 0;    // of the batch
  std::size_t item = 0;       // of the batch
  std::int32_t queue_id = 0;  // where the client's message goes, before any delay
  Decision decision = Decision::kTryAgain;
  std::size_t same_as = 0;
  dedup::Original original;               // of kLeaveOut
  std::optional<dedup::Original> stored;  // of kStore: where it was appended, before settle()
};

// The claims of one batch, in the order of its messages. The memory is reused. Thread rule:
// confined.
class Claims {
 public:
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }
  Claim& operator[](std::size_t number) { return rows_[number]; }
  const Claim& operator[](std::size_t number) const { return rows_[number]; }
  // Takes back what was added last.
  void shrink(std::size_t size);
  void clear() { shrink(0); }

 private:
  friend class Idempotence;

  std::vector<Claim> rows_;
  std::vector<dedup::Ask> asks_;
  std::vector<dedup::Answer> answers_;
  std::vector<dedup::Settled> settled_;
  std::vector<std::size_t> by_key_;  // scratch: claims that were granted
};

}  // namespace oncemq::broker
