#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/options.h"
#include "model/sql_filter.h"
#include "model/subscription.h"

namespace oncemq::broker {

// Makes subscriptions out of expressions. Compiled SQL92 expressions are kept, the least recently
// asked for go first: at most kFiltersMax of them, 60 KiB each in the worst case (15 MiB), 3 KiB
// typically. Subscriptions and waiting pulls hold theirs longer; all together take kLiveBytesMax at
// most. Thread rule: monitor.
class SqlFilters {
 public:
  static constexpr std::size_t kFiltersMax = 256;
  static constexpr std::size_t kLiveBytesMax = 64U << 20;  // of 20,000 typical expressions

  explicit SqlFilters(const Switches& switches, std::size_t live_bytes_max = kLiveBytesMax)
      : switches_(switches), live_bytes_max_(live_bytes_max) {}

  // What a request of any kind says: the type is TAG (or empty) or SQL92.
  // kSubscriptionBroken with place and reason; kNotSupported: the type is unknown, or SQL92 is
  // switched off (enablePropertyFilter); kBusy: too many expressions are in use.
  Result<std::shared_ptr<const model::Subscription>> subscription(std::string_view topic,
                                                                  std::string_view type,
                                                                  std::string_view expression);
  // kSubscriptionBroken, kNotSupported, kBusy.
  Result<std::shared_ptr<const model::SqlFilter>> filter(std::string_view expression);
  // Gives `subscription` its compiled filter; nothing to do for tags. Errors as above, and the
  // subscription then matches nothing.
  Status prepare(model::Subscription& subscription);

  std::size_t size() const;
  // Of all that are in use or kept.
  std::size_t live_bytes() const { return *live_bytes_; }

 private:
  using Filter = std::shared_ptr<const model::SqlFilter>;  // shared by subscriptions and pulls

  Status check_type(std::string_view type) const;
  // Takes room for a filter, for which those go that are only kept. False: all are in use.
  bool reserve(std::size_t bytes);

  const Switches& switches_;
  const std::size_t live_bytes_max_;
  // Shared with the filters, which give their room back wherever and whenever they end.
  const std::shared_ptr<std::atomic<std::size_t>> live_bytes_ =
      std::make_shared<std::atomic<std::size_t>>(0);
  mutable Mutex mutex_;
  std::list<Filter> recent_ ONCE_GUARDED_BY(mutex_);  // latest first
  // Keys are the expressions of the filters themselves.
  std::unordered_map<std::string_view, std::list<Filter>::iterator> rows_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
