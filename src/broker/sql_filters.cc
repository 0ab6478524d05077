#include "broker/sql_filters.h"

#include <utility>

namespace oncemq::broker {

Status SqlFilters::check_type(std::string_view type) const {
  if (type == "SQL92" && switches_.property_filter.load(std::memory_order_relaxed)) return {};
  // compat: words of upstream's answer, which operators search for.
  return fail(Errc::kNotSupported,
              "The broker does not support consumer to filter message by " + std::string(type));
}

Result<std::shared_ptr<const model::SqlFilter>> SqlFilters::filter(std::string_view expression) {
  ONCE_TRY(check_type("SQL92"));
  {
    MutexLock lock(mutex_);
    const auto known = rows_.find(expression);
    if (known != rows_.end()) {
      recent_.splice(recent_.begin(), recent_, known->second);
      return *known->second;
    }
  }
  auto compiled = model::SqlFilter::compile(expression);
  if (!compiled) return fail(std::move(compiled.error()));
  auto made = std::make_unique<const model::SqlFilter>(std::move(*compiled));
  const std::size_t bytes = made->bytes();
  if (!reserve(bytes)) return fail(Errc::kBusy, "too many SQL92 expressions are in use");
  const Filter filter(made.release(), [live = live_bytes_, bytes](const model::SqlFilter* ended) {
    *live -= bytes;
    std::default_delete<const model::SqlFilter>()(ended);
  });
  MutexLock lock(mutex_);
  const auto known = rows_.find(expression);  // somebody else was as fast
  if (known != rows_.end()) return *known->second;
  if (recent_.size() == kFiltersMax) {
    rows_.erase(recent_.back()->expression());
    recent_.pop_back();
  }
  recent_.push_front(filter);
  rows_.emplace(filter->expression(), recent_.begin());
  return filter;
}

bool SqlFilters::reserve(std::size_t bytes) {
  const auto fits = [&] { return *live_bytes_ <= live_bytes_max_; };
  *live_bytes_ += bytes;
  MutexLock lock(mutex_);
  for (auto row = recent_.end(); !fits() && row != recent_.begin();) {
    --row;
    if (row->use_count() > 1) continue;
    rows_.erase((*row)->expression());
    row = recent_.erase(row);
  }
  if (fits()) return true;
  *live_bytes_ -= bytes;
  return false;
}

Status SqlFilters::prepare(model::Subscription& subscription) {
  subscription.sql = nullptr;
  if (subscription.is_tag()) return {};
  ONCE_TRY(check_type(subscription.expression_type));
  auto compiled = filter(subscription.expression);
  if (!compiled) return fail(std::move(compiled.error()));
  subscription.sql = std::move(*compiled);
  return {};
}

Result<std::shared_ptr<const model::Subscription>> SqlFilters::subscription(
    std::string_view topic, std::string_view type, std::string_view expression) {
  if (type.empty() || type == "TAG") {
    auto parsed = model::parse_tag_expression(topic, expression);
    if (!parsed) return fail(std::move(parsed.error()));
    return std::make_shared<const model::Subscription>(std::move(*parsed));
  }
  model::Subscription made;
  made.topic = topic;
  made.expression = expression;
  made.expression_type = type;
  ONCE_TRY(prepare(made));
  return std::make_shared<const model::Subscription>(std::move(made));
}

std::size_t SqlFilters::size() const {
  MutexLock lock(mutex_);
  return recent_.size();
}

}  // namespace oncemq::broker
