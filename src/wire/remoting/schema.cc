#include "wire/remoting/schema.h"

#include <charconv>

#include "wire/remoting/schema/offsets.h"

namespace oncemq::wire {

namespace {

template <class T>
bool parse_number(std::string_view text, T& into) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, into);
  return error == std::errc() && end == last && !text.empty();
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c =
        text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + ('a' - 'A')) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

}  // namespace

std::string_view lane_name(Lane lane) {
  switch (lane) {
    case Lane::kSend:
      return "send";
    case Lane::kPull:
      return "pull";
    case Lane::kQuery:
      return "query";
    case Lane::kOffset:
      return "offset";
    case Lane::kHeartbeat:
      return "heartbeat";
    case Lane::kClient:
      return "client";
    case Lane::kAdmin:
      return "admin";
    case Lane::kName:
      return "name";
  }
  return "unknown";
}

bool parse_field(std::string_view text, std::int32_t& into) {
  return parse_number(text, into);
}
bool parse_field(std::string_view text, std::int64_t& into) {
  return parse_number(text, into);
}
bool parse_field(std::string_view text, double& into) {
  return parse_number(text, into);
}
bool parse_field(std::string_view text, bool& into) {
  into = equals_ignoring_case(text, "true");
  return true;
}

bool EnumText<Boundary>::parse(std::string_view text, Boundary& into) {
  into = equals_ignoring_case(text, "upper") ? Boundary::kUpper : Boundary::kLower;
  return true;
}

const ExtField* FieldCursor::search(std::string_view name) {
  for (std::size_t i = 0; i < ext_.size(); ++i) {
    if (ext_[i].is(name)) {
      next_ = i + 1;
      return &ext_[i];
    }
  }
  return nullptr;
}

Error missing_field(std::string_view name) {
  return Error{Errc::kBadBytes, "missing field " + std::string(name)};
}

Error bad_field(std::string_view name, std::string_view value) {
  constexpr std::size_t kShown = 64;
  return Error{Errc::kBadBytes, "field " + std::string(name) + " does not read: '" +
                                    std::string(value.substr(0, kShown)) + "'"};
}

}  // namespace oncemq::wire
