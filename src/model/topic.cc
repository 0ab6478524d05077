#include "model/topic.h"

#include <algorithm>
#include <array>
namespace oncemq::model {
namespace {

constexpr std::size_t kMaxTopicSize = 127;
constexpr std::size_t kMaxPrefixedTopicSize = 255;

constexpr std::array kSystemTopics = {
    topic::kAutoCreate, topic::kSchedule,
    topic::kHalf,       topic::kHalfOp,
    topic::kSelfTest,   topic::kTransCheckMax,
    topic::kTrace,      topic::kOffsetMoved,
    topic::kBenchmark,  std::string_view("CHECKPOINT_TOPIC"),
};
constexpr std::array kForbiddenTargets = {
    topic::kSchedule,       topic::kHalf,     topic::kHalfOp,
    topic::kTransCheckMax,  topic::kSelfTest, topic::kOffsetMoved,
    topic::kDeadLetterMark, topic::kPopLog,   topic::kAtomicLog,
};

template <std::size_t n>
bool contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string joined(std::string_view prefix, std::string_view name) {
  return std::string(prefix).append(name);
}

bool is_legal(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '%' ||
         c == '|' || c == '_' || c == '-';
}

Status check_name(std::string_view noun, std::string_view name, std::size_t max_size) {
  if (name.empty()) return fail(Errc::kInvalidArgument, joined(noun, " name is empty"));
  if (name.size() > max_size)
    return fail(Errc::kInvalidArgument,
                joined(noun, " name is longer than ") + std::to_string(max_size) + " characters");
  if (!std::all_of(name.begin(), name.end(), is_legal))
    return fail(Errc::kInvalidArgument, joined(noun, " name '").append(name) +
                                            "' has other characters than % | _ - a-z A-Z 0-9");
  return {};
}

}  // namespace

namespace topic {

std::string retry_topic(std::string_view group) {
  return joined(kRetryPrefix, group);
}
std::string dlq_topic(std::string_view group) {
  return joined(kDlqPrefix, group);
}
bool is_retry(std::string_view topic) {
  return topic.starts_with(kRetryPrefix);
}
bool is_dlq(std::string_view topic) {
  return topic.starts_with(kDlqPrefix);
}
bool is_system(std::string_view topic) {
  return topic.starts_with(kSystemPrefix) || contains(kSystemTopics, topic);
}
bool is_forbidden_target(std::string_view topic) {
  return contains(kForbiddenTargets, topic);
}

}  // namespace topic

Status check_topic_name(std::string_view name) {
  const bool prefixed = topic::is_retry(name) || topic::is_dlq(name);
  return check_name("topic", name, prefixed ? kMaxPrefixedTopicSize : kMaxTopicSize);
}

Status check_group_name(std::string_view name, std::size_t max_size) {
  return check_name("group", name, max_size);
}

}  // namespace oncemq::model
