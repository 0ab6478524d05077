// SQL92 filters: what a message costs, usual and hostile, and what compiling costs.
#include <initializer_list>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>

#include "model/properties.h"
#include "model/sql_filter.h"

namespace {

using namespace oncemq;

constexpr std::size_t kPropertiesMax = 32'000;

std::string usual_properties() {
  std::string text;
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"UNIQ_KEY", "7F000001123418B4AAC27D3C5A8E0001"},
           {"WAIT", "true"},
           {"TAGS", "paid"},
           {"amount", "5"},
           {"region", "north"},
           {"MSG_REGION", "DefaultRegion"},
           {"TRACE_ON", "true"},
           {"CLUSTER", "DefaultCluster"}})
    model::append_property(text, name, value);
  return text;
}

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

void evaluate(benchmark::State& state, const std::string& expression, const std::string& text) {
  const auto filter = model::SqlFilter::compile(expression).value();
  for (auto _ : state) benchmark::DoNotOptimize(filter.matches(text));
}

void usual(benchmark::State& state) {
  evaluate(state, "amount > 3 AND amount < 10 AND region = 'north'", usual_properties());
}
BENCHMARK(usual);

void longest_chain(benchmark::State& state) {
  evaluate(state, "amount=1" + repeated(" or amount=1", 127), usual_properties());
}
BENCHMARK(longest_chain);

void most_properties(benchmark::State& state) {
  std::string text;
  for (int i = 0; text.size() < kPropertiesMax; ++i)
    model::append_property(text, "n" + std::to_string(i % 100), "1");
  std::string expression = "n0 = 2";
  for (int i = 1; i < 64; ++i) expression += " or n" + std::to_string(i) + " = 2";
  evaluate(state, expression, text);
}
BENCHMARK(most_properties);

// All of the text budget, with a pattern that nearly matches everywhere.
void hostile_searches(benchmark::State& state) {
  std::string text;
  model::append_property(text, "v", std::string(kPropertiesMax, 'a'));
  const std::string search = "v contains '" + std::string(400, 'a') + "b'";
  evaluate(state, search + repeated(" or " + search, 3), text);
}
BENCHMARK(hostile_searches);

void compile_longest(benchmark::State& state) {
  const std::string expression =
      "a=1" + repeated(" or a=1", 120) + " or b='" + std::string(3000, 'x') + "'";
  for (auto _ : state) benchmark::DoNotOptimize(model::SqlFilter::compile(expression));
}
BENCHMARK(compile_longest);

}  // namespace
