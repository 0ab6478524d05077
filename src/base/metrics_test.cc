#include "base/metrics.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/metrics_text.h"

namespace oncemq {
namespace {

using ::testing::HasSubstr;

// On the heap: GCC 12's AddressSanitizer does not align what it keeps of a stack to 64 bytes.
TEST(Metrics, CounterAddsUpWhatThreadsCount) {
  const auto owned = std::make_unique<ShardedCounter>();
  ShardedCounter& counter = *owned;
  std::vector<std::thread> threads;  // tidy: thread: the base layer has no os::Thread
  for (int i = 0; i < 12; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) counter.add();
      counter.add(5);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 12U * 1005U);
}

TEST(Metrics, BoundsAreInclusive) {
  EXPECT_EQ(DurationHistogram::bucket_of(-5), 0U);
  EXPECT_EQ(DurationHistogram::bucket_of(0), 0U);
  EXPECT_EQ(DurationHistogram::bucket_of(1), 0U);
  for (std::size_t i = 0; i < DurationHistogram::kBounds; ++i) {
    EXPECT_EQ(DurationHistogram::bucket_of(DurationHistogram::bound_ns(i)), i);
    EXPECT_EQ(DurationHistogram::bucket_of(DurationHistogram::bound_ns(i) + 1), i + 1);
  }
  EXPECT_EQ(DurationHistogram::bucket_of(INT64_MAX), DurationHistogram::kBounds);
}

TEST(Metrics, HistogramKeepsCountAndSum) {
  const auto owned = std::make_unique<DurationHistogram>();
  DurationHistogram& histogram = *owned;
  histogram.add(1'500, 3);
  histogram.add(40'000'000'000);
  histogram.add(-1);  // a clock that went nowhere
  const DurationHistogram::View view = histogram.view();
  EXPECT_EQ(view.count(), 5U);
  EXPECT_EQ(view.counts[0], 1U);
  EXPECT_EQ(view.counts[1], 3U);
  EXPECT_EQ(view.counts[DurationHistogram::kBounds], 1U);
  EXPECT_EQ(view.sum_ns, 40'000'004'500U);
}

constexpr MetricRow kTable[] = {
    {"b_seconds", MetricType::kHistogram, "stage", "How long."},
    {"a_total", MetricType::kCounter, "topic group", "How many."},
    {"c_ratio", MetricType::kGauge, "", "How full."},
};

std::string page(MetricsFormat format) {
  MetricsText text(kTable, format);
  text.add(2, 0.25);
  text.add(1, std::uint64_t{7}, {"t", "g"});
  const auto owned = std::make_unique<DurationHistogram>();
  DurationHistogram& histogram = *owned;
  histogram.add(2'000'000'000);
  text.add(0, histogram.view(), {"x"});
  return std::move(text).finish();
}

TEST(MetricsText, FollowsTheTableNotTheCalls) {
  const std::string text = page(MetricsFormat::kPrometheus);
  EXPECT_TRUE(
      text.starts_with("# HELP b_seconds How long.\n# TYPE b_seconds histogram\n"
                       "b_seconds_bucket{stage=\"x\",le=\"0.000001\"} 0\n"))
      << text;
  EXPECT_THAT(text, HasSubstr("b_seconds_bucket{stage=\"x\",le=\"1.048576\"} 0\n"
                              "b_seconds_bucket{stage=\"x\",le=\"2.097152\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("b_seconds_bucket{stage=\"x\",le=\"+Inf\"} 1\n"
                              "b_seconds_sum{stage=\"x\"} 2\nb_seconds_count{stage=\"x\"} 1\n"));
  EXPECT_TRUE(
      text.ends_with("# HELP a_total How many.\n# TYPE a_total counter\n"
                     "a_total{topic=\"t\",group=\"g\"} 7\n"
                     "# HELP c_ratio How full.\n# TYPE c_ratio gauge\nc_ratio 0.25\n"))
      << text;
}

TEST(MetricsText, OpenMetricsNamesFamiliesWithoutTotalAndEnds) {
  const std::string text = page(MetricsFormat::kOpenMetrics);
  EXPECT_THAT(text, HasSubstr("# TYPE a counter\na_total{topic=\"t\",group=\"g\"} 7\n"));
  EXPECT_TRUE(text.ends_with("c_ratio 0.25\n# EOF\n"));
}

TEST(MetricsText, LabelValuesCannotBreakThePage) {
  std::string out;
  append_label_value(out, "a\\b\"c\nd\xc3\xa4");
  EXPECT_EQ(out, "a\\\\b\\\"c\\nd\xc3\xa4");
  // Not UTF-8: a lone continuation, an overlong slash, a surrogate, a cut sequence.
  for (const std::string_view bad : {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x82", "\xff"}) {
    out.clear();
    append_label_value(out, bad);
    EXPECT_EQ(out.size(), 3 * bad.size()) << out;
    EXPECT_TRUE(out.starts_with("\xef\xbf\xbd"));
  }
}

}  // namespace
}  // namespace oncemq
