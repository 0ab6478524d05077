#include "front/http/body_fields.h"

#include <algorithm>
#include <utility>

namespace oncemq::front {
namespace {

// What is typed in a header of a terminal: no line ends or other controls, which would be more than
// one line in a file of settings or a log.
bool is_plain(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

}  // namespace

Result<BodyFields> BodyFields::parse(std::string_view text) {
  if (text.empty()) return BodyFields(Json::object());
  auto json = Json::parse(text);
  if (!json) return fail(Errc::kBadBytes, "the body is not JSON: " + json.error().message);
  if (!json->is_object()) return fail(Errc::kBadBytes, "the body is not a JSON object");
  return BodyFields(std::move(*json));
}

const Json* BodyFields::member(std::string_view name) {
  known_.emplace_back(name);
  const Json& value = body_[name];
  return value.is_null() ? nullptr : &value;
}

void BodyFields::refuse(std::string_view name, std::string_view why) {
  if (mistake_.empty()) mistake_.append("'").append(name).append("' ").append(why);
}

void BodyFields::require(std::string_view name) {
  if (body_[name].is_null()) refuse(name, "is missing");
}

std::optional<std::string> BodyFields::text(std::string_view name) {
  const Json* const value = member(name);
  if (value == nullptr) return std::nullopt;
  std::string text = value->is_string() ? value->as_string() : std::string();
  if (text.empty() || text.size() > kTextMax || !is_plain(text)) {
    refuse(name, "must be a text of 1 to " + std::to_string(kTextMax) + " bytes without controls");
    return std::nullopt;
  }
  return text;
}

std::optional<std::int64_t> BodyFields::number(std::string_view name, std::int64_t min,
                                               std::int64_t max) {
  const Json* const value = member(name);
  if (value == nullptr) return std::nullopt;
  const std::int64_t number = value->as_int();
  if (value->kind() != Json::Kind::kInt || number < min || number > max) {
    refuse(name, "must be a number from " + std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> BodyFields::flag(std::string_view name) {
  const Json* const value = member(name);
  if (value == nullptr) return std::nullopt;
  if (value->kind() != Json::Kind::kBool) {
    refuse(name, "must be true or false");
    return std::nullopt;
  }
  return value->as_bool();
}

std::optional<double> BodyFields::fraction(std::string_view name) {
  const Json* const value = member(name);
  if (value == nullptr) return std::nullopt;
  const bool number = value->kind() == Json::Kind::kDouble || value->kind() == Json::Kind::kInt;
  const double fraction = number ? value->as_double(-1) : -1;
  if (!(fraction >= 0 && fraction <= 1)) {
    refuse(name, "must be a number from 0 to 1");
    return std::nullopt;
  }
  return fraction;
}

std::optional<std::vector<std::string>> BodyFields::texts(std::string_view name, std::size_t max) {
  const Json* const value = member(name);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  bool good = value->is_array() && !value->items().empty() && value->items().size() <= max;
  for (const Json& item : value->items()) {
    if (!good) break;
    texts.push_back(item.as_string());
    good = item.is_string() && !texts.back().empty() && texts.back().size() <= kTextMax &&
           is_plain(texts.back());
  }
  if (!good) {
    refuse(name, "must be a list of 1 to " + std::to_string(max) + " texts");
    return std::nullopt;
  }
  return texts;
}

std::optional<std::map<std::string, std::optional<std::string>>> BodyFields::pairs(
    std::string_view name, bool nulls, std::size_t max) {
  const Json* const value = member(name);
  if (value == nullptr) return std::nullopt;
  std::map<std::string, std::optional<std::string>> pairs;
  bool good = value->is_object() && value->members().size() <= max;
  for (const auto& [key, item] : value->members()) {
    if (!good) break;
    const bool taken_away = item.is_null() && nulls;
    good = !key.empty() && is_plain(key) && (taken_away || item.is_string()) &&
           is_plain(item.as_string()) && item.as_string().size() <= kTextMax &&
           pairs.emplace(key, taken_away ? std::nullopt : std::optional(item.as_string())).second;
  }
  if (!good) {
    refuse(name, "must be an object of at most " + std::to_string(max) + " texts" +
                     (nulls ? ", null takes one away" : ""));
    return std::nullopt;
  }
  return pairs;
}

std::vector<std::pair<std::string, std::string>> BodyFields::all() {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, value] : body_.members()) {
    known_.push_back(name);
    const std::string text = value.as_string();
    const bool simple = value.kind() == Json::Kind::kString || value.kind() == Json::Kind::kInt ||
                        value.kind() == Json::Kind::kBool;
    if (!simple || text.size() > kTextMax || !is_plain(text) || !is_plain(name))
      refuse(name, "must be a text, a number, true or false");
    pairs.emplace_back(name, text);
  }
  return pairs;
}

Status BodyFields::finish() {
  std::vector<std::string_view> seen;
  for (const auto& [name, value] : body_.members()) {
    if (std::ranges::find(known_, name) == known_.end()) {
      std::string why = "is not known here";
      for (std::size_t i = 0; i < known_.size(); ++i)
        why.append(i == 0 ? "; what is: " : ", ").append(known_[i]);
      refuse(name, why);
    }
    if (std::ranges::find(seen, name) != seen.end()) refuse(name, "stands twice");
    seen.push_back(name);
  }
  if (mistake_.empty()) return {};
  return fail(Errc::kInvalidArgument, mistake_);
}

}  // namespace oncemq::front
