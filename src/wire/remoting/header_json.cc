// Reading of JSON headers. One pass; nothing is allocated except once per Command the room for
// strings that carry escapes.
#include <array>
#include <bit>
#include <charconv>
#include <string>

#include "wire/remoting/header.h"
#include "wire/remoting/header_scan.h"

namespace oncemq::wire {

namespace {

constexpr int kMaxDepth = 32;  // of unknown members

// Every text with properties carries two \u escapes per property, so they are worth a table.
constexpr std::uint8_t kNoHex = 0x10;
constexpr std::array<std::uint8_t, 256> hex_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoHex);
  for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = i;
  for (std::uint8_t i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(10 + i);
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::uint8_t>(10 + i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> kHexValues = hex_values();

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
bool is_number_part(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}
bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

// A scalar as it stands: the text between the quotes, or the literal.
struct Scalar {
  enum class Kind : std::uint8_t { kNull, kText, kNumber, kBool };
  Kind kind = Kind::kNull;
  std::string_view text;
};

class Scanner {
 public:
  Scanner(Bytes header, Command& command)
      : begin_(reinterpret_cast<const char*>(header.data())),
        at_(begin_),
        end_(begin_ + header.size()),
        command_(command) {}

  Status run() {
    if (!members([this](std::string_view name) { return top_member(name); })) return failure();
    skip_space();
    if (at_ != end_) return stop("something behind the header"), failure();
    return {};
  }

 private:
  // All of these return false after stop(), which keeps the first reason.
  bool stop(const char* why) {
    if (why_ == nullptr) why_ = why;
    return false;
  }
  Status failure() const {
    return fail(Errc::kBadBytes, "header, byte " + std::to_string(at_ - begin_) + ": " + why_);
  }

  void skip_space() {
    while (at_ != end_ && is_space(*at_)) ++at_;
  }
  // Clients write no spaces, so that is what is tried first.
  bool take(char c) {
    if (at_ != end_ && *at_ == c) [[likely]] {
      ++at_;
      return true;
    }
    return take_behind_space(c);
  }
  [[gnu::noinline]] bool take_behind_space(char c) {
    skip_space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  // An object; `member` is called behind each colon.
  template <class Member>
  bool members(Member member) {
    if (!take('{')) return stop("expected an object");
    if (take('}')) return true;
    do {
      std::string_view name;
      if (!take('"')) return stop("expected a name");
      if (!text(name)) return false;
      if (!take(':')) return stop("expected a colon");
      if (!member(name)) return false;
    } while (take(','));
    return take('}') || stop("expected a comma or the end of the object");
  }

  bool top_member(std::string_view name) {
    if (name == "code") return number(command_.code);
    if (name == "extFields") return ext_fields();
    if (name == "flag") return number(command_.flag);
    if (name == "language") return language();
    if (name == "opaque") return number(command_.opaque);
    if (name == "version") return number(command_.version);
    if (name == "remark") return remark();
    return skip_value();
  }

  bool number(std::int32_t& into) {
    Scalar value;
    if (!scalar(value)) return false;
    if (value.kind == Scalar::Kind::kNull) return true;
    const char* last = value.text.data() + value.text.size();
    const auto [end, error] = std::from_chars(value.text.data(), last, into);
    return (error == std::errc() && end == last) || stop("expected an int32");
  }

  bool language() {
    Scalar value;
    if (!scalar(value)) return false;
    std::int64_t ordinal = -1;
    if (value.kind == Scalar::Kind::kNumber) {
      std::from_chars(value.text.data(), value.text.data() + value.text.size(), ordinal);
      command_.language = language_of(ordinal);
    } else {
      command_.language = language_of(value.text);
    }
    return true;
  }

  bool remark() {
    Scalar value;
    if (!scalar(value)) return false;
    command_.remark = value.text;
    return true;
  }

  bool ext_fields() {
    command_.ext.clear();
    skip_space();
    if (at_ != end_ && *at_ == 'n') return skip_value();
    return members([this](std::string_view name) {
      Scalar value;
      if (!scalar(value)) return false;
      if (value.kind == Scalar::Kind::kNull) return true;
      return command_.ext.add(name, value.text) || stop("too many fields");
    });
  }

  bool scalar(Scalar& into) {
    if (take('"')) {
      into.kind = Scalar::Kind::kText;
      return text(into.text);
    }
    return literal(into);
  }

  // Behind any space.
  bool literal(Scalar& into) {
    if (at_ == end_) return stop("expected a value");
    const char* start = at_;
    if (is_letter(*at_)) {
      while (at_ != end_ && is_letter(*at_)) ++at_;
      const std::string_view word(start, static_cast<std::size_t>(at_ - start));
      if (word == "null") return true;
      into.kind = Scalar::Kind::kBool;
      into.text = word;
      return word == "true" || word == "false" || stop("unknown word");
    }
    while (at_ != end_ && is_number_part(*at_)) ++at_;
    into.kind = Scalar::Kind::kNumber;
    into.text = std::string_view(start, static_cast<std::size_t>(at_ - start));
    return !into.text.empty() || stop("expected a text, number or boolean");
  }

  // Whatever stands here, without looking into it.
  bool skip_value() {
    int depth = 0;
    do {
      skip_space();
      if (at_ == end_) return stop("expected a value");
      const char c = *at_;
      if (c == '{' || c == '[') {
        if (++depth > kMaxDepth) return stop("nested too deeply");
        ++at_;
      } else if (c == '}' || c == ']') {
        if (--depth < 0) return stop("expected a value");
        ++at_;
      } else if (depth > 0 && (c == ',' || c == ':')) {
        ++at_;
      } else {
        Scalar ignored;
        if (!scalar(ignored)) return false;
      }
    } while (depth > 0);
    return true;
  }

  // The rest of a text whose opening quote is behind us.
  [[gnu::always_inline]] bool text(std::string_view& into) {
    const char* start = at_;
    find_run_end();
    if (at_ == end_) return stop("text without an end");
    if (*at_ == '"') [[likely]] {
      into = std::string_view(start, static_cast<std::size_t>(at_ - start));
      ++at_;
      return true;
    }
    return text_with_escapes(start, into);
  }

  // Moves to the next quote or backslash, or to the end.
  void find_run_end() {
    while (static_cast<std::size_t>(end_ - at_) >= kChunk) {
      if (const std::uint32_t found = Chunk(at_).ends_run(); found != 0) {
        at_ += std::countr_zero(found);
        return;
      }
      at_ += kChunk;
    }
    while (at_ != end_ && *at_ != '"' && *at_ != '\\') ++at_;
  }

  [[gnu::noinline]] bool text_with_escapes(const char* start, std::string_view& into) {
    // The chunk that is stored behind a run may be longer than the run.
    if (write_ == nullptr)
      write_ = command_.scratch(static_cast<std::size_t>(end_ - begin_) + kChunk);
    char* const text_start = write_;
    std::memcpy(write_, start, static_cast<std::size_t>(at_ - start));
    write_ += at_ - start;
    for (;;) {
      if (*at_ == '"') break;
      if (!escape()) return false;
      copy_run();
      if (at_ == end_) return stop("text without an end");
    }
    ++at_;
    into = std::string_view(text_start, static_cast<std::size_t>(write_ - text_start));
    return true;
  }

  // Like find_run_end, and copies on the way.
  void copy_run() {
    while (static_cast<std::size_t>(end_ - at_) >= kChunk) {
      const Chunk chunk(at_);
      chunk.store(write_);
      if (const std::uint32_t found = chunk.ends_run(); found != 0) {
        at_ += std::countr_zero(found);
        write_ += std::countr_zero(found);
        return;
      }
      at_ += kChunk;
      write_ += kChunk;
    }
    while (at_ != end_ && *at_ != '"' && *at_ != '\\') *write_++ = *at_++;
  }

  bool escape() {
    if (end_ - at_ < 2) return stop("escape without an end");
    const char c = at_[1];
    at_ += 2;
    switch (c) {
      case 'u':
        return unicode_escape();
      case 'n':
        *write_++ = '\n';
        return true;
      case 'r':
        *write_++ = '\r';
        return true;
      case 't':
        *write_++ = '\t';
        return true;
      case 'b':
        *write_++ = '\b';
        return true;
      case 'f':
        *write_++ = '\f';
        return true;
      case '"':
      case '\\':
      case '/':
        *write_++ = c;
        return true;
      default:
        return stop("unknown escape");
    }
  }

  bool unicode_escape() {
    std::uint32_t unit = 0;
    if (!hex4(unit)) return false;
    if (unit < 0x80) [[likely]] {
      *write_++ = static_cast<char>(unit);
      return true;
    }
    if (unit >= 0xD800 && unit < 0xE000) return surrogate(unit);
    utf8(unit);
    return true;
  }

  // compat: half a pair becomes '?', as it does when Java turns it into bytes.
  bool surrogate(std::uint32_t high) {
    std::uint32_t low = 0;
    const bool pair = high < 0xDC00 && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u';
    if (!pair) {
      *write_++ = '?';
      return true;
    }
    const char* const second = at_;
    at_ += 2;
    if (!hex4(low)) return false;
    if (low >= 0xDC00 && low < 0xE000) {
      utf8(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
    } else {
      *write_++ = '?';
      at_ = second;
    }
    return true;
  }

  bool hex4(std::uint32_t& into) {
    if (end_ - at_ < 4) return stop("escape without an end");
    std::uint32_t unit = 0;
    std::uint32_t bad = 0;
    for (int i = 0; i < 4; ++i) {
      const std::uint8_t digit = kHexValues[static_cast<unsigned char>(at_[i])];
      unit = unit << 4 | (digit & 0xf);
      bad |= digit & kNoHex;
    }
    if (bad != 0) return stop("expected four hex digits");
    at_ += 4;
    into = unit;
    return true;
  }

  void utf8(std::uint32_t point) {
    const auto tail = [&](int shift) {
      *write_++ = static_cast<char>(0x80 | ((point >> shift) & 0x3f));
    };
    if (point < 0x80) {
      *write_++ = static_cast<char>(point);
    } else if (point < 0x800) {
      *write_++ = static_cast<char>(0xC0 | (point >> 6));
      tail(0);
    } else if (point < 0x10000) {
      *write_++ = static_cast<char>(0xE0 | (point >> 12));
      tail(6);
      tail(0);
    } else {
      *write_++ = static_cast<char>(0xF0 | (point >> 18));
      tail(12);
      tail(6);
      tail(0);
    }
  }

  const char* const begin_;
  const char* at_;
  const char* const end_;
  Command& command_;
  char* write_ = nullptr;  // in the command's scratch, once there was an escape
  const char* why_ = nullptr;
};

}  // namespace

Status decode_json_header(Bytes header, Command& command) {
  return Scanner(header, command).run();
}

}  // namespace oncemq::wire
