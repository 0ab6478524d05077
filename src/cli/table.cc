#include "cli/table.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace oncemq::cli {

namespace {

void add_number(std::string& text, unsigned char byte) {
  std::array<char, 5> escape{};
  std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned>(byte));
  text += escape.data();
}

// Values come from messages of strangers: what a terminal would obey is shown as its number.
std::string printable(const Json& value) {
  std::string text;
  for (const char c : value.as_string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f)
      text += c;
    else
      add_number(text, byte);
  }
  return text;
}

// Bytes of the UTF-8 sequence that begins the text, 0 when none does. Overlong forms and surrogates
// pass: this is for showing, not for judging.
std::size_t sequence_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t size = first < 0x80           ? 1
                           : (first >> 5) == 0x06 ? 2
                           : (first >> 4) == 0x0e ? 3
                           : (first >> 3) == 0x1e ? 4
                                                  : 0;
  if (size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((static_cast<unsigned char>(text[i]) >> 6) != 2) return 0;
  return size;
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const std::string& column : columns) widths.push_back(column.size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], printable(row[i]).size());

  std::string text;
  const auto add = [&](const std::string& cell, std::size_t i, bool right) {
    const std::string blanks(widths[i] - cell.size(), ' ');
    text += right ? blanks + cell : cell + blanks;
    text += i + 1 < columns.size() ? "  " : "";
  };
  const auto end_line = [&] {
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  };
  for (std::size_t i = 0; i < columns.size(); ++i)
    add(columns[i], i, !rows.empty() && rows.front()[i].kind() == Json::Kind::kInt);
  end_line();
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      add(printable(row[i]), i, row[i].kind() == Json::Kind::kInt);
    end_line();
  }
  return text;
}

std::string Table::json() const {
  Json list = Json::array();
  for (const auto& row : rows) {
    Json object = Json::object();
    for (std::size_t i = 0; i < row.size(); ++i) object.set(columns[i], row[i]);
    list.push(std::move(object));
  }
  return list.dump();
}

std::string bytes_text(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t size = sequence_size(bytes.substr(at));
    if (size == 0) break;
    at += size;
  }
  if (at == bytes.size()) return std::string(bytes);
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      text += c;
    else
      add_number(text, byte);
  }
  return text;
}

std::string time_text(std::int64_t ms) {
  if (ms <= 0) return "-";
  using std::chrono::days;
  using std::chrono::milliseconds;
  const std::chrono::sys_time<milliseconds> time{milliseconds(ms)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 32> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d.%03d", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return std::string(text.data(), static_cast<std::size_t>(size));
}

}  // namespace oncemq::cli
