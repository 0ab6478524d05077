#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "base/metrics_text.h"
#include "front/http/http_parts.h"
#include "front/http/metric_table.h"
#include "front/http/top_series.h"

namespace oncemq::front {

// Makes the page of /metrics. Thread rule: confined to the http loop, except answered().
class MetricsPage {
 public:
  // `own` is the server of the HTTP port itself.
  MetricsPage(const net::Server& own, const os::Clock& clock, std::size_t series_max);

  std::string make(const HttpParts& parts, MetricsFormat format);
  void answered(int status);

 private:
  void add_process(const HttpParts& parts);
  void add_net(const HttpParts& parts);
  void add_requests(const EdgeMetrics& metrics);
  void add_topics(broker::Broker& broker);
  void add_traffic(broker::Broker& broker);
  void add_lag(broker::Broker& broker, store::MessageStore& store);
  void add_dead_letters(broker::Broker& broker, store::MessageStore& store);
  void add_causes(broker::Broker& broker);
  void add_filters(broker::Broker& broker);
  void add_memory(const HttpParts& parts);
  void add_transactions(broker::Broker& broker, store::MessageStore& store);
  void add_faults(const broker::Faults& faults);
  void add_idempotence(broker::Broker& broker);
  void add_timers(broker::Broker& broker);
  void add_store(const HttpParts& parts);

  template <class T>
  void add(Metric metric, const T& value, MetricsText::LabelValues labels = {}) {
    text_->add(static_cast<std::size_t>(metric), value, labels);
  }

  const net::Server& own_;
  const os::Clock& clock_;
  const std::size_t series_max_;
  TopSeries topics_;
  TopSeries pairs_;
  TopSeries causes_;
  TopSeries filters_;
  MetricsText* text_ = nullptr;  // while make() runs
  std::int64_t last_scrape_ns_ = 0;
  const std::int64_t start_ms_;

  static constexpr std::array kStatuses = {200, 201, 400, 403, 404, 405, 409, 411,
                                           413, 414, 415, 421, 431, 500, 503, 505};
  std::array<std::uint64_t, kStatuses.size() + 1> answers_{};  // last: others
};

}  // namespace oncemq::front
