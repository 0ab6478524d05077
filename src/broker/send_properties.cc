#include "broker/send_properties.h"

#include <charconv>
#include <cstring>

#include "model/properties.h"

namespace oncemq::broker {

namespace property = model::property;

namespace {

enum class Name : std::uint8_t {
  kOther,
  kTags,
  kUniqueKey,
  kDelay,
  kWait,
  kHalf,
  kTimerDelaySec,
  kTimerDelayMs,
  kTimerDeliverMs,
  kTimerOut,
  kTimerDelete,
  kTimerRolls,
  kBroker,
  kForeign,
  kReal,
};

// By length first: nearly all names leave here after one comparison.
Name name_of(std::string_view name) {
  switch (name.size()) {
    case 4:
      if (name == property::kTags) return Name::kTags;
      if (name == property::kWait) return Name::kWait;
      break;
    case 5:
      if (name == property::kDelayLevel) return Name::kDelay;
      break;
    case 6:
      if (name == property::kPopCheckpoint) return Name::kForeign;
      break;
    case 7:
      if (name == property::kCluster) return Name::kBroker;
      break;
    case 8:
      if (name == property::kUniqueKey) return Name::kUniqueKey;
      if (name == property::kHalfMessage) return Name::kHalf;
      if (name == property::kTraceOn) return Name::kBroker;
      if (name == property::kRealQueueId) return Name::kReal;
      if (name == property::kCrc32) return Name::kForeign;
      break;
    case 10:
      if (name == property::kMsgRegion) return Name::kBroker;
      if (name == property::kRealTopic) return Name::kReal;
      if (name == property::kOnceTimer || name == property::kOnceDelay) return Name::kForeign;
      break;
    case 11:
      if (name == property::kOnceDueMs) return Name::kForeign;
      break;
    case 12:
      if (name == property::kTimerOutMs) return Name::kTimerOut;
      break;
    case 14:
      if (name == property::kTimerDelayMs) return Name::kTimerDelayMs;
      break;
    case 15:
      if (name == property::kTimerDelaySec) return Name::kTimerDelaySec;
      break;
    case 16:
      if (name == property::kTimerDeliverMs) return Name::kTimerDeliverMs;
      if (name == property::kTimerRollTimes) return Name::kTimerRolls;
      break;
    case 17:
      if (name == property::kTimerDeleteKey) return Name::kTimerDelete;
      break;
    default:
      break;
  }
  return Name::kOther;
}

bool is_timer(Name name) {
  return name == Name::kTimerDelaySec || name == Name::kTimerDelayMs ||
         name == Name::kTimerDeliverMs;
}

// Cuts the next pair off `rest`; `whole` includes its end mark. Pairs without a name mark come with
// an empty name.
bool cut_pair(std::string_view& rest, std::string_view& name, std::string_view& value,
              std::string_view& whole) {
  if (rest.empty()) return false;
  const char* begin = rest.data();
  const void* found = std::memchr(begin, model::kPairEnd, rest.size());
  const std::size_t size = found == nullptr
                               ? rest.size()
                               : static_cast<std::size_t>(static_cast<const char*>(found) - begin);
  const void* mark = std::memchr(begin, model::kNameEnd, size);
  if (mark == nullptr) {
    name = {};
    value = rest.substr(0, size);
  } else {
    const auto cut = static_cast<std::size_t>(static_cast<const char*>(mark) - begin);
    name = rest.substr(0, cut);
    value = rest.substr(cut + 1, size - cut - 1);
  }
  whole = rest.substr(0, found == nullptr ? size : size + 1);
  rest.remove_prefix(whole.size());
  return true;
}

}  // namespace

std::int32_t SendProperties::level() const {
  std::int32_t number = 0;
  const auto [end, error] =
      std::from_chars(delay_level.data(), delay_level.data() + delay_level.size(), number);
  const bool whole = error == std::errc{} && end == delay_level.data() + delay_level.size();
  return whole ? number : 0;
}

SendProperties scan_properties(std::string_view properties) {
  SendProperties seen;
  std::string_view name;
  std::string_view value;
  std::string_view whole;
  while (cut_pair(properties, name, value, whole)) {
    switch (name_of(name)) {
      case Name::kOther:
        break;
      case Name::kTags:
        seen.tags = value;
        break;
      case Name::kUniqueKey:
        seen.unique_key = value;
        break;
      case Name::kDelay:
        seen.delay_level = value;
        break;
      case Name::kWait:
        seen.has_wait = true;
        seen.wait = value != "false";
        break;
      case Name::kHalf:
        seen.half = value == "true";
        break;
      case Name::kTimerDelaySec:
        seen.timer_delay_sec = value;
        break;
      case Name::kTimerDelayMs:
        seen.timer_delay_ms = value;
        break;
      case Name::kTimerDeliverMs:
        seen.timer_deliver_ms = value;
        break;
      case Name::kTimerOut:
        seen.timer_out = !value.empty();
        break;
      case Name::kTimerDelete:
        seen.timer_delete = !value.empty();
        break;
      case Name::kTimerRolls:
        break;
      case Name::kBroker:
        seen.has_broker_pairs = true;
        break;
      case Name::kForeign:
        seen.has_foreign_pairs = true;
        break;
      case Name::kReal:
        seen.has_real_pairs = true;
        if (name == property::kRealTopic) seen.real_topic = value;
        break;
    }
  }
  seen.timer = !seen.timer_delay_sec.empty() || !seen.timer_delay_ms.empty() ||
               !seen.timer_deliver_ms.empty();
  return seen;
}

std::string_view copy_without(std::string_view properties, const DropPairs& drop, Arena& arena) {
  char* const start = arena.allocate(properties.size() + 1);
  char* to = start;
  std::string_view name;
  std::string_view value;
  std::string_view whole;
  while (cut_pair(properties, name, value, whole)) {
    const Name kind = name_of(name);
    const bool dropped =
        (kind == Name::kBroker && drop.broker) || (kind == Name::kForeign && drop.foreign) ||
        (kind == Name::kReal && drop.real) || (kind == Name::kDelay && drop.delay) ||
        (kind == Name::kWait && drop.wait) || (drop.timer && is_timer(kind)) ||
        (kind == Name::kTimerRolls && drop.rolls);
    if (dropped) continue;
    std::memcpy(to, whole.data(), whole.size());
    to += whole.size();
    if (whole.back() != model::kPairEnd) *to++ = model::kPairEnd;
  }
  return {start, static_cast<std::size_t>(to - start)};
}

char* put_pair(char* to, std::string_view name, std::string_view value) {
  std::memcpy(to, name.data(), name.size());
  to += name.size();
  *to++ = model::kNameEnd;
  if (!value.empty()) std::memcpy(to, value.data(), value.size());
  to += value.size();
  *to++ = model::kPairEnd;
  return to;
}

}  // namespace oncemq::broker
