#include "model/sql_search.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace oncemq::model {
namespace {

// Places of a text that are looked at together: the compiler makes vector instructions of it.
constexpr std::size_t kBlock = 64;
constexpr std::size_t kWord = 8;
using Block = std::array<unsigned char, kBlock>;

}  // namespace

// A place is a candidate when two bytes fit: the first one, and the first that differs from it, so
// that runs of one byte have no candidates in each other.
std::optional<bool> sql_contains(std::string_view text, std::string_view what, SqlBudget& budget) {
  if (!budget.take(sql_cost::kSearch + text.size() / sql_cost::kBytesSearched)) return std::nullopt;
  if (what.size() > text.size()) return false;
  const char first = what.front();
  const std::size_t differs = what.find_first_not_of(first);
  const std::size_t second_at = differs == std::string_view::npos ? what.size() - 1 : differs;
  const char second = what[second_at];
  const std::size_t candidate_cost = sql_cost::kCompare + what.size() / sql_cost::kBytesCompared;
  const std::size_t places = text.size() - what.size() + 1;
  const auto look = [&](std::size_t at) -> std::optional<bool> {
    if (!budget.take(candidate_cost)) return std::nullopt;
    return std::memcmp(text.data() + at, what.data(), what.size()) == 0;
  };

  std::size_t begin = 0;
  for (; begin + kBlock <= places; begin += kBlock) {
    const char* const here = text.data() + begin;
    Block fits;
    for (std::size_t i = 0; i < kBlock; ++i)
      fits[i] = static_cast<unsigned char>((here[i] == first) & (here[second_at + i] == second));
    for (std::size_t i = 0; i < kBlock; i += kWord) {
      std::uint64_t word = 0;
      std::memcpy(&word, fits.data() + i, kWord);
      for (; word != 0; word &= word - 1) {
        const auto found = look(begin + i + static_cast<std::size_t>(std::countr_zero(word)) / 8);
        if (!found || *found) return found;
      }
    }
  }
  for (; begin < places; ++begin) {
    if (text[begin] != first || text[begin + second_at] != second) continue;
    const auto found = look(begin);
    if (!found || *found) return found;
  }
  return false;
}

}  // namespace oncemq::model
