#include "base/metrics_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/check.h"
#include "base/utf8.h"

namespace oncemq {
namespace {

std::vector<std::string_view> split(std::string_view words) {
  std::vector<std::string_view> list;
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    list.push_back(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return list;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

constexpr std::string_view kTotal = "_total";

}  // namespace

std::string_view metric_type_name(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
  }
  return "unknown";
}

void append_label_value(std::string& out, std::string_view value) {
  while (!value.empty()) {
    const std::size_t size = utf8_length(value);
    if (size == 0) {
      out += "\xef\xbf\xbd";
      value.remove_prefix(1);
      continue;
    }
    if (value[0] == '\\')
      out += "\\\\";
    else if (value[0] == '"')
      out += "\\\"";
    else if (value[0] == '\n')
      out += "\\n";
    else
      out.append(value.substr(0, size));
    value.remove_prefix(size);
  }
}

MetricsText::MetricsText(std::span<const MetricRow> table, MetricsFormat format)
    : table_(table), format_(format), families_(table.size()) {
  for (std::size_t i = 0; i < table.size(); ++i) families_[i].labels = split(table[i].labels);
}

void MetricsText::sample(std::size_t row, std::string_view suffix, LabelValues labels,
                         std::string_view bound, std::string_view value) {
  Family& family = families_[row];
  ONCE_CHECK(labels.size() == family.labels.size(), "a sample has the labels of its row");
  std::string& out = family.samples;
  out.append(table_[row].name).append(suffix);
  if (!family.labels.empty() || !bound.empty()) {
    char separator = '{';
    for (std::size_t i = 0; i < labels.size(); ++i) {
      out += separator;
      out.append(family.labels[i]).append("=\"");
      append_label_value(out, labels.begin()[i]);
      out += '"';
      separator = ',';
    }
    if (!bound.empty()) {
      out += separator;
      out.append("le=\"").append(bound).append("\"");
    }
    out += '}';
  }
  out += ' ';
  out.append(value);
  out += '\n';
}

void MetricsText::add(std::size_t row, std::uint64_t value, LabelValues labels) {
  sample(row, {}, labels, {}, std::to_string(value));
}
void MetricsText::add(std::size_t row, std::int64_t value, LabelValues labels) {
  sample(row, {}, labels, {}, std::to_string(value));
}
void MetricsText::add(std::size_t row, double value, LabelValues labels) {
  sample(row, {}, labels, {}, number(value));
}

void MetricsText::add(std::size_t row, const DurationHistogram::View& view, LabelValues labels) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < DurationHistogram::kBounds; ++i) {
    count += view.counts[i];
    const double bound = static_cast<double>(DurationHistogram::bound_ns(i)) / 1e9;
    sample(row, "_bucket", labels, fmt::format("{:f}", bound), std::to_string(count));
  }
  count += view.counts[DurationHistogram::kBounds];
  sample(row, "_bucket", labels, "+Inf", std::to_string(count));
  sample(row, "_sum", labels, {}, number(static_cast<double>(view.sum_ns) / 1e9));
  sample(row, "_count", labels, {}, std::to_string(count));
}

std::string MetricsText::finish() && {
  std::string out;
  for (std::size_t i = 0; i < table_.size(); ++i) {
    const MetricRow& row = table_[i];
    std::string_view name = row.name;
    // OpenMetrics names the family without the suffix that its samples have.
    if (format_ == MetricsFormat::kOpenMetrics && row.type == MetricType::kCounter &&
        name.ends_with(kTotal))
      name.remove_suffix(kTotal.size());
    out.append("# HELP ").append(name).append(" ").append(row.help).append("\n");
    out.append("# TYPE ").append(name).append(" ").append(metric_type_name(row.type)).append("\n");
    out.append(families_[i].samples);
  }
  if (format_ == MetricsFormat::kOpenMetrics) out += "# EOF\n";
  return out;
}

}  // namespace oncemq
