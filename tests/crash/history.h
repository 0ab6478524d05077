#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// What the clients of a store know, and the judgement on what a later look into it finds. Knows
// nothing of the store: texts and numbers only.
namespace oncemq::crash {

// A message that a client sent. Its id is unique and its body can be derived from it, so that every
// stored byte can be judged.
struct Sent {
  std::string topic;
  std::int32_t queue_id = 0;
  std::size_t body_size = 0;
};

std::string body_of(std::string_view id, std::size_t size);  // size >= id + 1
std::string_view id_of(std::string_view body);               // empty when it is no such body

struct Place {
  std::int64_t log_offset = 0;
  std::int64_t queue_offset = 0;
  auto operator<=>(const Place&) const = default;
};

// One message that a look into the store found.
struct FoundMessage {
  std::string body;
  Place place;
};

struct FoundQueue {
  std::string topic;
  std::int32_t queue_id = 0;
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::vector<FoundMessage> messages;  // from min to max, as the reader gave them
};

using Found = std::vector<FoundQueue>;

// Which acknowledgements must have survived.
enum class Promise : std::uint8_t {
  kAll,   // the crash was one that the policy covers
  kNone,  // not covered: what is left must still be a whole beginning
};

// Thread rule: confined.
class History {
 public:
  void sending(const std::string& id, Sent message);
  // The store said where it stands; not yet a promise.
  void appended(const std::string& id, Place place);
  // The store said a definite no: it must never appear.
  void refused(const std::string& id);
  // The client was told OK.
  void acknowledged(const std::string& id);
  // A consumer was shown it.
  void seen(const std::string& id);

  // Every violated rule, one sentence each; empty when all hold:
  //   bytes     what is found was sent, to that queue, with those bytes
  //   once      nothing is found at two places
  //   dense     a queue has every offset from min to max, ascending in the log
  //   place     a message is found where the store said it stands
  //   promise   acknowledged and seen messages are found (Promise::kAll)
  //   prefix    what is found is a beginning of what was appended
  //   gone      what a former look did not find, and what was refused, stays away
  std::vector<std::string> violations(const Found& found, Promise promise) const;

  // A look after a restart settles the fate of everything before it: found messages are as good as
  // acknowledged, the others must stay away.
  void settle(const Found& found);

  std::size_t appended_count() const { return places_.size(); }

 private:
  void check_queue(const FoundQueue& queue, std::set<std::string>& ids,
                   std::vector<std::string>& broken) const;
  void check_message(const FoundQueue& queue, const FoundMessage& message,
                     std::set<std::string>& ids, std::vector<std::string>& broken) const;

  std::map<std::string, Sent> sent_;
  std::map<std::string, Place> places_;
  std::set<std::string> acknowledged_;
  std::set<std::string> seen_;
  std::set<std::string> gone_;
};

}  // namespace oncemq::crash
