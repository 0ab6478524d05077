#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/metrics.h"

// The text that Prometheus reads: format 0.0.4, and OpenMetrics 1.0.0.
namespace oncemq {

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram };
std::string_view metric_type_name(MetricType type);  // "counter", ...

// One family. Counters end in _total, names of durations in _seconds, of sizes in _bytes.
struct MetricRow {
  std::string_view name;
  MetricType type = MetricType::kGauge;
  std::string_view labels;  // separated by ' ', in the order of the samples
  std::string_view help;
};

enum class MetricsFormat : std::uint8_t { kPrometheus, kOpenMetrics };

// Writes families in the order of their table, whatever the order in which samples are given, each
// with HELP and TYPE, also those without samples. Only rows of the table can be written. Thread
// rule: confined.
class MetricsText {
 public:
  using LabelValues = std::initializer_list<std::string_view>;

  MetricsText(std::span<const MetricRow> table, MetricsFormat format);

  // `row` is an index of the table; as many values as the row has labels.
  void add(std::size_t row, std::uint64_t value, LabelValues labels = {});
  void add(std::size_t row, std::int64_t value, LabelValues labels = {});
  void add(std::size_t row, double value, LabelValues labels = {});
  void add(std::size_t row, const DurationHistogram::View& view, LabelValues labels = {});

  std::string finish() &&;

 private:
  struct Family {
    std::vector<std::string_view> labels;  // names
    std::string samples;
  };

  void sample(std::size_t row, std::string_view suffix, LabelValues labels, std::string_view bound,
              std::string_view value);

  const std::span<const MetricRow> table_;
  const MetricsFormat format_;
  std::vector<Family> families_;
};

// A label value between its quotes: backslash, quote and line end escaped; what is not UTF-8
// becomes U+FFFD, because one bad byte would make the whole page unreadable.
void append_label_value(std::string& out, std::string_view value);

}  // namespace oncemq
