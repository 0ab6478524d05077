#pragma once

#include <cstdint>
#include <string_view>

#include "model/sql_filter.h"
#include "model/subscription.h"

namespace oncemq::model {

// What a subscription lets through. A reader asks passes() with the tag hash that stands in the
// queue; only of messages that pass and only if wants_properties(), it asks matches() with the
// properties of the record. Views into a Subscription that must outlive it.
class Filter {
 public:
  Filter() = default;  // everything
  explicit Filter(const Subscription& subscription)
      : codes_(subscription.codes.empty() ? nullptr : &subscription.codes),
        sql_(subscription.sql.get()),
        nothing_(!subscription.is_tag() && sql_ == nullptr) {}

  bool passes(std::int64_t tags_code) const {
    if (nothing_) return false;
    if (codes_ != nullptr) {
      for (const std::int32_t code : *codes_)
        if (code == tags_code) return sql_ == nullptr || sql_->passes(tags_code);
      return false;
    }
    return sql_ == nullptr || sql_->passes(tags_code);
  }
  bool wants_properties() const { return sql_ != nullptr; }
  bool matches(std::string_view properties) const {
    return sql_ == nullptr || sql_->matches(properties);
  }

 private:
  const std::vector<std::int32_t>* codes_ = nullptr;
  const SqlFilter* sql_ = nullptr;
  bool nothing_ = false;  // an expression that was not compiled matches nothing
};

}  // namespace oncemq::model
