#include "broker/duplicate_report.h"

namespace oncemq::broker {

std::string_view repeat_name(Repeat repeat) {
  switch (repeat) {
    case Repeat::kLeftOut:
      return "left_out";
    case Repeat::kShadowed:
      return "shadowed";
    case Repeat::kOtherBody:
      return "other_body";
    case Repeat::kRefused:
      return "refused";
    case Repeat::kUndecided:
      return "undecided";
    case Repeat::kWithoutKey:
      return "without_key";
  }
  return "";
}

std::string_view repeat_sentence(Repeat repeat) {
  switch (repeat) {
    case Repeat::kLeftOut:
      return "the same send was stored before; its sender got the first one's place";
    case Repeat::kShadowed:
      return "the same send was stored before; stored again, because the topic is in shadow mode";
    case Repeat::kOtherBody:
      return "the key was sent before with another body; stored";
    case Repeat::kRefused:
      return "the key was sent before with another body; refused";
    case Repeat::kUndecided:
      return "the first one was being stored at that moment; its sender was told to try again";
    case Repeat::kWithoutKey:
      return "has no key; stored";
  }
  return "";
}

void DuplicateReport::note(Repeat repeat, const Claim& claim, std::int64_t at_ms) {
  count(repeat);
  Example example{.at_ms = at_ms,
                  .repeat = repeat,
                  .key = std::string(claim.key.substr(0, kKeyBytes)),
                  .original = std::nullopt};
  if (claim.original.time_ms != 0) example.original = claim.original;
  MutexLock lock(mutex_);
  auto found = topics_.find(claim.topic);
  if (found == topics_.end()) {
    if (topics_.size() >= kTopics) return;
    found = topics_.emplace(std::string(claim.topic), Topic{}).first;
  }
  Topic& topic = found->second;
  ++topic.counts[static_cast<std::size_t>(repeat)];
  if (topic.latest.size() == kExamples) topic.latest.pop_back();
  topic.latest.push_front(std::move(example));
}

DuplicateReport::Topic DuplicateReport::of(std::string_view topic) const {
  MutexLock lock(mutex_);
  const auto found = topics_.find(topic);
  return found == topics_.end() ? Topic{} : found->second;
}

}  // namespace oncemq::broker
