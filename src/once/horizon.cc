#include "oncemq/once/horizon.h"

#include <algorithm>

#include "client/sdk/failure.h"
#include "model/delay_levels.h"

namespace oncemq::once {

namespace {
constexpr std::size_t kFirstRetryLevel = 3;  // the first retry waits as long as level 3
}  // namespace

sdk::Result<std::chrono::milliseconds> horizon(const HorizonOptions& options) {
  using std::chrono::milliseconds;
  const auto levels = model::parse_delay_levels(options.delay_levels);
  if (!levels) return sdk::failure(sdk::Errc::kInvalidArgument, levels.error().message);
  if (levels->empty() || options.attempts < 0 || options.log_retention.count() < 0 ||
      options.letter_retention.count() < 0)
    return sdk::failure(sdk::Errc::kInvalidArgument, "levels are missing, or a number is below 0");
  milliseconds retries{0};
  for (int attempt = 0; attempt < options.attempts; ++attempt) {
    const std::size_t level = kFirstRetryLevel + static_cast<std::size_t>(attempt);
    retries += milliseconds((*levels)[std::min(level, levels->size()) - 1]);
  }
  return options.log_retention + retries + options.letter_retention + retries;
}

}  // namespace oncemq::once
