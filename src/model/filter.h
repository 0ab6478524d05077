#pragma once

#include <cstddef>
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
  // What evaluations have cost so far.
  struct Spending {
    std::size_t work = 0;    // units of SqlBudget
    std::uint32_t over = 0;  // evaluations that SqlFilter::kWorkMax was not enough for: no match
  };
  bool matches(std::string_view properties, Spending& spending) const {
    if (sql_ == nullptr) return true;
    const SqlFilter::Verdict verdict = sql_->evaluate(properties);
    spending.work += verdict.work;
    if (verdict.spent) ++spending.over;
    return verdict.value.is_true();
  }

 private:
  const std::vector<std::int32_t>* codes_ = nullptr;
  const SqlFilter* sql_ = nullptr;
  bool nothing_ = false;  // an expression that was not compiled matches nothing
};

}  // namespace oncemq::model
