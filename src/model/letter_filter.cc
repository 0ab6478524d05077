#include "model/letter_filter.h"

#include <algorithm>

#include "model/properties.h"

namespace oncemq::model {
namespace {

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// Words are separated by single spaces.
bool has_word(std::string_view words, std::string_view word) {
  while (true) {
    const std::size_t end = words.find(' ');
    if (words.substr(0, end) == word) return true;
    if (end == std::string_view::npos) return false;
    words.remove_prefix(end + 1);
  }
}

}  // namespace

bool LetterFilter::wants(const Letter& letter) const {
  if (letter.died_ms < begin_ms || letter.died_ms > end_ms) return false;
  const auto value = [&](std::string_view name) {
    return find_property(letter.properties, name).value_or(std::string_view());
  };
  if (!ids.empty() && !contains(ids, letter.id) && !contains(ids, value(property::kUniqueKey)) &&
      !contains(ids, value(property::kOriginMessageId)))
    return false;
  if (!key.empty() && !has_word(value(property::kKeys), key)) return false;
  if (!topic.empty() && value(property::kRetryTopic) != topic) return false;
  if (!tags.empty() && !contains(tags, value(property::kTags))) return false;
  if (!std::ranges::all_of(properties,
                           [&](const auto& pair) { return value(pair.first) == pair.second; }))
    return false;
  return !where || where->matches(letter.properties);
}

Status LetterFilter::set_where(std::string_view expression) {
  auto compiled = SqlFilter::compile(expression);
  if (!compiled) return fail(std::move(compiled.error()));
  where = std::make_shared<const SqlFilter>(std::move(*compiled));
  return {};
}

Status LetterFilter::check_times() const {
  if (begin_ms > end_ms) return fail(Errc::kInvalidArgument, "its begin is after its end");
  return {};
}

}  // namespace oncemq::model
