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
  const auto verdict = filter.evaluate(text);
  state.counters["work"] = static_cast<double>(verdict.work);
  state.counters["spent"] = static_cast<double>(verdict.spent);
}

// Properties of `bytes` bytes: pairs of `pair`, where # is a running number.
std::string many_pairs(std::string_view name, std::string_view value, int different) {
  std::string text;
  for (int i = 0; text.size() < kPropertiesMax; ++i)
    model::append_property(text, std::string(name) + std::to_string(i % different), value);
  return text;
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

// Shapes that cost as much as they can.

void hostile_names(benchmark::State& state) {
  evaluate(state, "n0 = 2 or n1 = 2", many_pairs("n", "1", 10));
}
BENCHMARK(hostile_names);

void hostile_pairs_not_asked_for(benchmark::State& state) {
  evaluate(state, "a_longer_name = 2", many_pairs("n", "1", 10));
}
BENCHMARK(hostile_pairs_not_asked_for);

void hostile_broken_pairs(benchmark::State& state) {
  evaluate(state, "a = 2", std::string(kPropertiesMax, model::kPairEnd));
}
BENCHMARK(hostile_broken_pairs);

// Names of one length whose hashes end alike: 'h' and 'p' differ in bits that the place has not.
void hostile_hashes(benchmark::State& state) {
  evaluate(state, "long_name_of_the_expression = 2",
           many_pairs("long_name_of_the_expressi", "1", 100));
}
BENCHMARK(hostile_hashes);

void longest_search(benchmark::State& state) {
  std::string text;
  model::append_property(text, "v", repeated("the quick brown fox ", kPropertiesMax / 20));
  evaluate(state, "v contains 'quick brown dog'", text);
}
BENCHMARK(longest_search);

void search_of(benchmark::State& state, const std::string& value, const std::string& what) {
  std::string text;
  model::append_property(text, "v", value);
  const std::string search = "v contains '" + what + "'";
  evaluate(state, search + repeated(" or " + search, 7), text);
}

void hostile_search_run(benchmark::State& state) {
  search_of(state, std::string(kPropertiesMax, 'a'), std::string(400, 'a') + "b");
}
BENCHMARK(hostile_search_run);

void hostile_search_ends_late(benchmark::State& state) {
  search_of(state, repeated("ab", kPropertiesMax / 2), repeated("ab", 200) + "c");
}
BENCHMARK(hostile_search_ends_late);

void hostile_search_short(benchmark::State& state) {
  search_of(state, repeated("ab", kPropertiesMax / 2), "abb");
}
BENCHMARK(hostile_search_short);

void hostile_numbers(benchmark::State& state) {
  std::string text;
  model::append_property(text, "v",
                         "0.1000000000000000055511151231257827021181583404541015625000001");
  evaluate(state, "v<0" + repeated(" or v<0", 127), text);
}
BENCHMARK(hostile_numbers);

void hostile_exponents(benchmark::State& state) {
  std::string text;
  model::append_property(text, "v",
                         "5.357543035931336604742125245300009052807024058527668037218e-300");
  evaluate(state, "v<0" + repeated(" or v<0", 127), text);
}
BENCHMARK(hostile_exponents);

void hostile_comparisons(benchmark::State& state) {
  std::string text;
  model::append_property(text, "v", std::string(kPropertiesMax / 2, 'a'));
  model::append_property(text, "w", std::string(kPropertiesMax / 2 - 1, 'a') + "b");
  evaluate(state, "v=w" + repeated(" or v=w", 127), text);
}
BENCHMARK(hostile_comparisons);

void longest_list(benchmark::State& state) {
  std::string expression = "v in ('000000'";
  for (int i = 1; i < 400; ++i) expression += ",'" + std::to_string(100'000 + i) + "'";
  std::string text;
  model::append_property(text, "v", "100400");
  evaluate(state, expression + ")", text);
}
BENCHMARK(longest_list);

void compile_longest(benchmark::State& state) {
  const std::string expression =
      "a=1" + repeated(" or a=1", 120) + " or b='" + std::string(3000, 'x') + "'";
  for (auto _ : state) benchmark::DoNotOptimize(model::SqlFilter::compile(expression));
}
BENCHMARK(compile_longest);

}  // namespace
