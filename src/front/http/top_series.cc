#include "front/http/top_series.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace oncemq::front {

void TopSeries::see(std::string_view name, std::span<const std::uint64_t> totals) {
  ONCE_CHECK(totals.size() == width_);
  auto found = rows_.find(name);
  if (found == rows_.end()) {
    Row fresh;
    fresh.last.resize(width_);
    fresh.own.resize(width_);
    found = rows_.emplace(std::string(name), std::move(fresh)).first;
  }
  Row& row = found->second;
  row.seen = true;
  row.score /= 2;
  for (std::size_t i = 0; i < width_; ++i) {
    // Totals begin anew when what they count was removed and made again.
    const std::uint64_t more = totals[i] >= row.last[i] ? totals[i] - row.last[i] : totals[i];
    row.last[i] = totals[i];
    row.own[i] += more;  // moved to the rest below, when the name has no series
    if (i == 0) row.score += more;
  }
}

void TopSeries::finish(
    const std::function<void(std::string_view name, std::span<const std::uint64_t>)>& visit) {
  std::erase_if(rows_, [](const auto& entry) { return !entry.second.seen; });
  // Who was listed stays unless somebody has clearly more traffic: series that come and go are of
  // no use to anybody.
  const auto rank = [](const Row& row) { return row.listed ? row.score * 2 + 1 : row.score; };
  std::vector<Row*> order;
  for (auto& [name, row] : rows_) order.push_back(&row);
  std::ranges::stable_sort(order, [&](const Row* a, const Row* b) { return rank(*a) > rank(*b); });
  for (std::size_t i = 0; i < order.size(); ++i) order[i]->listed = i < max_;
  for (auto& [name, row] : rows_) {
    row.seen = false;
    if (row.listed) {
      visit(name, row.own);
      continue;
    }
    any_other_ = true;
    for (std::size_t i = 0; i < width_; ++i) other_[i] += std::exchange(row.own[i], 0);
  }
  if (any_other_) visit("other", other_);
}

}  // namespace oncemq::front
