#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace oncemq::front {

// The members of an order's body, each asked for once by name and kind. What is wrong is remembered
// and told by finish(), so that a handler reads all fields and asks once; the first mistake counts.
// Stricter than the config files' reader: a number is a number, a name stands once, and a member
// that nobody asked for is a mistake. Thread rule: confined.
class BodyFields {
 public:
  static constexpr std::size_t kTextMax = 1024;

  // kBadBytes: not JSON, or not an object. Empty text is an object without members.
  static Result<BodyFields> parse(std::string_view text);

  // Nothing when the member is not there, or null.
  std::optional<std::string> text(std::string_view name);
  std::optional<std::int64_t> number(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<bool> flag(std::string_view name);
  // 0 to 1.
  std::optional<double> fraction(std::string_view name);
  // 1 to `max` texts.
  std::optional<std::vector<std::string>> texts(std::string_view name, std::size_t max);
  // Names with texts; null values only when `nulls` (as nothing). At most `max`.
  std::optional<std::map<std::string, std::optional<std::string>>> pairs(std::string_view name,
                                                                         bool nulls,
                                                                         std::size_t max);
  // All members as texts, numbers and switches written out: for a table of settings.
  std::vector<std::pair<std::string, std::string>> all();

  // The member must be there.
  void require(std::string_view name);
  // The handler's own complaint about a member.
  void refuse(std::string_view name, std::string_view why);
  // kInvalidArgument with the member's name: a mistake of those above, a name that stands twice, or
  // one that is not asked for.
  Status finish();

 private:
  explicit BodyFields(Json body) : body_(std::move(body)) {}
  // The member, when it is there and not null; also notes that it is known.
  const Json* member(std::string_view name);

  Json body_;
  std::vector<std::string> known_;
  std::string mistake_;
};

}  // namespace oncemq::front
