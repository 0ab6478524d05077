#include "front/http/api_question.h"

#include <charconv>
#include <utility>

#include "front/http/request.h"

namespace oncemq::front {

Result<std::string> ApiQuestion::text(std::string_view name) const {
  return query_value(target, name);
}

Result<std::int64_t> ApiQuestion::number(std::string_view name, std::int64_t fallback,
                                         std::int64_t min, std::int64_t max) const {
  auto value = text(name);
  if (!value) return fail(std::move(value.error()));
  if (value->empty()) return fallback;
  std::int64_t number = 0;
  const char* const end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc{} || stop != end || number < min || number > max)
    return fail(Errc::kInvalidArgument, "'" + std::string(name) + "' is a number from " +
                                            std::to_string(min) + " to " + std::to_string(max));
  return number;
}

}  // namespace oncemq::front
