#include "front/remoting/edge_metrics.h"

#include "wire/remoting/schema/all_requests.h"

namespace oncemq::front {
namespace {

constexpr std::string_view kNotServedName = "(not served)";
constexpr std::string_view kOtherAnswer = "OTHER";

}  // namespace

void EdgeMetrics::count_answer(std::size_t request, std::int32_t code) {
  static_assert(wire::AllRequests::size < kRequests, "each request has its row");
  std::size_t answer = 0;
  while (answer < wire::kResponseCodeNames.size() &&
         wire::number(wire::kResponseCodeNames[answer].code) != code)
    ++answer;
  answers_[slot(request)][answer].fetch_add(1, std::memory_order_relaxed);
}

void EdgeMetrics::for_each_request(
    const std::function<void(std::string_view, std::string_view, std::uint64_t)>& visit) const {
  for (const wire::RequestEntry& entry : wire::request_table())
    if (entry.service == wire::Service::kServed)
      visit(entry.meta.name, wire::lane_name(entry.meta.lane), calls_[slot(entry.index)].value());
  visit(kNotServedName, "none", calls_[slot(kNotServed)].value());
}

void EdgeMetrics::for_each_answer(
    const std::function<void(std::string_view, std::string_view, std::uint64_t)>& visit) const {
  const auto row = [&](std::string_view name, std::size_t index) {
    for (std::size_t answer = 0; answer < kAnswers; ++answer) {
      const std::uint64_t count = answers_[index][answer].load(std::memory_order_relaxed);
      if (count == 0) continue;
      visit(name,
            answer < wire::kResponseCodeNames.size() ? wire::kResponseCodeNames[answer].name
                                                     : kOtherAnswer,
            count);
    }
  };
  for (const wire::RequestEntry& entry : wire::request_table())
    if (entry.service == wire::Service::kServed) row(entry.meta.name, slot(entry.index));
  row(kNotServedName, slot(kNotServed));
}

}  // namespace oncemq::front
