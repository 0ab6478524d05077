// The reading half of base/json.h.
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"

namespace oncemq {
namespace {

constexpr int kMaxDepth = 64;

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6));
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3F));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\b';
}

// Ends a bare word: white space, punctuation, quotes, the start of a comment.
bool ends_word(char c) {
  return is_space(c) || std::string_view(",:{}[]\"'/").find(c) != std::string_view::npos;
}

// Recursive descent. A function that returns false has set the error. Thread rule: confined.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Json> run() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    Json value;
    if (!read_value(value, 0) || !skip_space()) return failure();
    if (at_ != text_.size()) {
      (void)refuse("something follows the value");
      return failure();
    }
    return value;
  }

 private:
  bool refuse(const char* why) {
    if (why_ == nullptr) {
      why_ = why;
      error_at_ = at_;
    }
    return false;
  }

  tl::unexpected<Error> failure() const {
    std::size_t line = 1;
    std::size_t line_start = 0;
    for (std::size_t i = 0; i < error_at_ && i < text_.size(); ++i) {
      if (text_[i] != '\n') continue;
      ++line;
      line_start = i + 1;
    }
    return fail(Errc::kBadBytes, "JSON line " + std::to_string(line) + " column " +
                                     std::to_string(error_at_ - line_start + 1) + ": " + why_);
  }

  bool at_end() const { return at_ == text_.size(); }
  char here() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // White space and comments.
  bool skip_space() {
    while (!at_end()) {
      if (is_space(text_[at_])) {
        ++at_;
      } else if (text_.substr(at_).starts_with("//")) {
        const std::size_t end = text_.find('\n', at_);
        at_ = end == std::string_view::npos ? text_.size() : end + 1;
      } else if (text_.substr(at_).starts_with("/*")) {
        const std::size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return refuse("comment without an end");
        at_ = end + 2;
      } else {
        break;
      }
    }
    return true;
  }

  // White space and any number of commas, which the reference reader does not count.
  bool skip_commas() {
    do {
      if (!skip_space()) return false;
    } while (take(','));
    return true;
  }

  bool read_value(Json& value, int depth) {
    if (!skip_space()) return false;
    if (at_end()) return refuse("a value is missing");
    switch (here()) {
      case '{':
        return read_object(value, depth + 1);
      case '[':
        return read_array(value, depth + 1);
      case '"':
      case '\'': {
        std::string text;
        if (!read_string(text)) return false;
        value = Json(std::move(text));
        return true;
      }
      default:
        return read_word(value);
    }
  }

  bool read_array(Json& value, int depth) {
    if (depth > kMaxDepth) return refuse("nested too deeply");
    ++at_;
    value = Json::array();
    while (true) {
      if (!skip_commas()) return false;
      if (take(']')) return true;
      if (!read_value(value.items().emplace_back(), depth)) return false;
      if (!skip_space()) return false;
      if (here() != ',' && here() != ']') return refuse("',' or ']' is missing");
    }
  }

  bool read_object(Json& value, int depth) {
    if (depth > kMaxDepth) return refuse("nested too deeply");
    ++at_;
    value = Json::object();
    while (true) {
      if (!skip_commas()) return false;
      if (take('}')) return true;
      std::string key;
      if (!read_key(key, depth) || !skip_space()) return false;
      if (!take(':')) return refuse("':' is missing");
      value.members().emplace_back(std::move(key), Json());
      if (!read_value(value.members().back().second, depth)) return false;
      if (!skip_space()) return false;
      if (here() != ',' && here() != '}') return refuse("',' or '}' is missing");
    }
  }

  bool read_key(std::string& key, int depth) {
    if (at_end()) return refuse("'}' is missing");
    if (here() == '"' || here() == '\'') return read_string(key);
    const std::size_t start = at_;
    if (here() == '{' || here() == '[') {
      Json unused;
      if (!read_value(unused, depth)) return false;
    } else {
      while (!at_end() && !ends_word(text_[at_])) ++at_;
      if (at_ == start) return refuse("a key is missing");
    }
    key = text_.substr(start, at_ - start);
    return true;
  }

  bool read_string(std::string& out) {
    const char quote = text_[at_++];
    while (!at_end()) {
      const std::size_t stop = text_.find_first_of(quote == '"' ? "\"\\" : "'\\", at_);
      if (stop == std::string_view::npos) break;
      out.append(text_, at_, stop - at_);
      at_ = stop + 1;
      if (text_[stop] == quote) return true;
      if (!read_escape(out)) return false;
    }
    at_ = text_.size();
    return refuse("string without an end");
  }

  bool read_hex(std::size_t digits, std::uint32_t& number) {
    const std::string_view text = text_.substr(at_, digits);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (text.size() != digits || error != std::errc() || end != text.data() + digits)
      return refuse("hexadecimal digits are missing");
    at_ += digits;
    return true;
  }

  bool read_escape(std::string& out) {
    if (at_end()) return refuse("string without an end");
    const char c = text_[at_++];
    switch (c) {
      case '"':
      case '\'':
      case '\\':
      case '/':
        out += c;
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
      case 'F':
        out += '\f';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'v':
        out += '\v';
        return true;
      case 'x': {
        std::uint32_t point = 0;
        if (!read_hex(2, point)) return false;
        append_utf8(out, point);
        return true;
      }
      case 'u':
        return read_unicode(out);
      default:
        if (c < '0' || c > '7') return refuse("unknown escape");
        out += static_cast<char>(c - '0');
        return true;
    }
  }

  bool read_unicode(std::string& out) {
    std::uint32_t point = 0;
    if (!read_hex(4, point)) return false;
    if (point >= 0xD800 && point < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
      const std::size_t back = at_;
      std::uint32_t low = 0;
      at_ += 2;
      if (!read_hex(4, low)) return false;
      if (low >= 0xDC00 && low < 0xE000)
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
      else
        at_ = back;
    }
    append_utf8(out, point >= 0xD800 && point < 0xE000 ? 0xFFFD : point);
    return true;
  }

  bool read_word(Json& value) {
    const std::size_t start = at_;
    while (!at_end() && !ends_word(text_[at_])) ++at_;
    const std::string_view word = text_.substr(start, at_ - start);
    if (word == "null" || word == "undefined") {
      value = Json();
    } else if (word == "true" || word == "false") {
      value = Json(word == "true");
    } else if (!read_number(word, value)) {
      at_ = start;
      return refuse(word.empty() ? "a value is missing" : "neither a number nor true, false, null");
    }
    return true;
  }

  static bool read_number(std::string_view word, Json& value) {
    if (word.starts_with('+')) word.remove_prefix(1);
    // compat: the reference writes 1L or 1.5F for some Java types when class names are on.
    if (word.size() > 1 && std::string_view("LSBFD").find(word.back()) != std::string_view::npos)
      word.remove_suffix(1);
    const std::size_t first = word.starts_with('-') ? 1 : 0;
    if (first == word.size() || (word[first] != '.' && (word[first] < '0' || word[first] > '9')))
      return false;  // also keeps "inf" and "nan" out
    const char* const end = word.data() + word.size();
    std::int64_t number = 0;
    if (const auto [stop, error] = std::from_chars(word.data(), end, number);
        error == std::errc() && stop == end) {
      value = Json(number);
      return true;
    }
    double real = 0;
    const auto [stop, error] = std::from_chars(word.data(), end, real);
    if (stop != end || (error != std::errc() && error != std::errc::result_out_of_range))
      return false;
    value = Json(real);
    return true;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  const char* why_ = nullptr;
  std::size_t error_at_ = 0;
};

}  // namespace

Result<Json> Json::parse(std::string_view text) {
  return Parser(text).run();
}

}  // namespace oncemq
