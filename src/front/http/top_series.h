#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace oncemq::front {

// Keeps a counter's series few: the busiest names have their own, all others are added up. Works on
// differences between scrapes, so that "other" never goes back when a name moves in or out; a name
// that comes back begins at 0, as after a restart. About 200 bytes per name ever seen and still
// reported. Thread rule: confined.
class TopSeries {
 public:
  // At most `max` names of `width` values each.
  TopSeries(std::size_t max, std::size_t width) : max_(max), width_(width), other_(width) {}

  // One scrape: every name with its totals, then finish(). A name that is not told any more is
  // forgotten.
  void see(std::string_view name, std::span<const std::uint64_t> totals);
  // visit(name, values), sorted by name; the rest last, as "other", when there is any.
  void finish(
      const std::function<void(std::string_view name, std::span<const std::uint64_t>)>& visit);

 private:
  struct Row {
    std::vector<std::uint64_t> last;  // totals at the last scrape
    std::vector<std::uint64_t> own;   // what its series shows
    std::uint64_t score = 0;          // traffic, halved with each scrape
    bool listed = false;
    bool seen = false;
  };

  const std::size_t max_;
  const std::size_t width_;
  std::map<std::string, Row, std::less<>> rows_;
  std::vector<std::uint64_t> other_;
  bool any_other_ = false;
};

}  // namespace oncemq::front
