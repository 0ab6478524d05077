#include "model/conf_file.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace oncemq::model {
namespace {

// One logical line: comments dropped, continuations joined, escapes still in place.
struct LogicalLine {
  std::string text;
  int line = 0;
};

std::vector<LogicalLine> logical_lines(std::string_view text) {
  std::vector<LogicalLine> lines;
  int number = 0;
  bool continued = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t' || line.front() == '\f'))
      line.remove_prefix(1);
    if (!continued && (line.empty() || line.front() == '#' || line.front() == '!')) continue;

    std::size_t backslashes = 0;
    while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') ++backslashes;
    const bool continues = backslashes % 2 == 1;
    if (continues) line.remove_suffix(1);
    if (continued)
      lines.back().text += line;
    else
      lines.push_back({std::string(line), number});
    continued = continues;
  }
  return lines;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | (code >> 6));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else {
    out += static_cast<char>(0xE0U | (code >> 12));
    out += static_cast<char>(0x80U | ((code >> 6) & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  }
}

// Resolves the escapes of `text`; false for a broken \u.
bool unescape(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    switch (c) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 'f':
        out += '\f';
        break;
      case 'u': {
        if (text.size() - i < 5) return false;
        unsigned code = 0;
        for (int k = 0; k < 4; ++k) {
          const int digit = hex_digit(text[++i]);
          if (digit < 0) return false;
          code = code * 16 + static_cast<unsigned>(digit);
        }
        append_utf8(out, code);
        break;
      }
      default:
        out += c;
    }
  }
  return true;
}

// Where the key of a logical line ends, and where its value begins.
std::pair<std::size_t, std::size_t> split_at(std::string_view line) {
  std::size_t key_end = 0;
  while (key_end < line.size()) {
    const char c = line[key_end];
    if (c == '\\') {
      key_end += 2;
      continue;
    }
    if (c == '=' || c == ':' || c == ' ' || c == '\t' || c == '\f') break;
    ++key_end;
  }
  key_end = std::min(key_end, line.size());
  std::size_t value = key_end;
  const auto skip_blanks = [&] {
    while (value < line.size() &&
           (line[value] == ' ' || line[value] == '\t' || line[value] == '\f'))
      ++value;
  };
  skip_blanks();
  if (value < line.size() && (line[value] == '=' || line[value] == ':')) {
    ++value;
    skip_blanks();
  }
  return {key_end, value};
}

}  // namespace

Result<std::vector<SettingAssignment>> parse_properties(std::string_view text) {
  std::vector<SettingAssignment> assignments;
  for (const LogicalLine& line : logical_lines(text)) {
    const auto [key_end, value_begin] = split_at(line.text);
    SettingAssignment assignment;
    assignment.line = line.line;
    const std::string_view all = line.text;
    if (!unescape(all.substr(0, key_end), assignment.name) ||
        !unescape(all.substr(value_begin), assignment.value)) {
      return fail(Errc::kBadBytes,
                  "line " + std::to_string(line.line) + ": \\u needs four hex digits");
    }
    if (assignment.name.empty())
      return fail(Errc::kBadBytes, "line " + std::to_string(line.line) + ": no key before '='");
    assignment.value = std::string(trimmed(assignment.value));
    assignments.push_back(std::move(assignment));
  }
  return assignments;
}

std::string escape_property(std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    switch (c) {
      case '\\':
        escaped += "\\\\";
        break;
      case '\n':
        escaped += "\\n";
        break;
      case '\r':
        escaped += "\\r";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string rewrite_properties(std::string_view text, std::string_view name,
                               std::string_view value) {
  // Physical lines that belong to the last assignment of `name`.
  std::size_t found_begin = std::string_view::npos;
  std::size_t found_end = 0;
  std::size_t position = 0;
  bool open = false;  // the text ends in a `\` that continues its last line
  while (position < text.size()) {
    const std::size_t begin = position;
    std::size_t end = position;
    bool comment = false;
    for (bool first = true;; first = false) {
      end = std::min(text.find('\n', position), text.size());
      std::string_view line = text.substr(position, end - position);
      if (first) {
        const std::string_view bare = trimmed(line);
        comment = bare.empty() || bare.front() == '#' || bare.front() == '!';
      }
      position = std::min(end + 1, text.size());
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      std::size_t backslashes = 0;
      while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\')
        ++backslashes;
      open = !comment && backslashes % 2 == 1;
      if (!open || position >= text.size()) break;
    }
    if (comment) continue;
    auto parsed = parse_properties(text.substr(begin, end - begin));
    if (parsed && !parsed->empty() && parsed->front().name == name) {
      found_begin = begin;
      found_end = end;
    }
  }
  const std::string line = std::string(name) + "=" + escape_property(value);
  if (found_begin != std::string_view::npos) {
    return std::string(text.substr(0, found_begin)) + line + std::string(text.substr(found_end));
  }
  std::string out(text);
  if (!out.empty() && out.back() != '\n') out += '\n';
  if (open) out += '\n';  // an empty line ends it, else it would swallow ours
  return out + line + "\n";
}

}  // namespace oncemq::model
