#include <bit>
#include <charconv>
#include <cstring>

#include "base/check.h"
#include "wire/remoting/header.h"
#include "wire/remoting/header_scan.h"

namespace oncemq::wire {

namespace {

constexpr std::size_t kLongestEscape = 6;  // \u001f
constexpr char kHex[] = "0123456789abcdef";

// Writes one character that JSON wants escaped; returns the end.
char* write_escape(char* to, char c) {
  *to++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *to++ = c;
      return to;
    case '\n':
      *to++ = 'n';
      return to;
    case '\r':
      *to++ = 'r';
      return to;
    case '\t':
      *to++ = 't';
      return to;
    default:
      std::memcpy(to, "u00", 3);
      to[3] = kHex[static_cast<unsigned char>(c) >> 4];
      to[4] = kHex[static_cast<unsigned char>(c) & 0xf];
      return to + 5;
  }
}

bool needs_escape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

// Room for `text`, escaped, and for what a chunk stores too much.
std::size_t escaped_bound(std::string_view text) {
  return text.size() * kLongestEscape + kChunk;
}

char* write_escaped(char* to, std::string_view text) {
  const char* from = text.data();
  const char* const end = from + text.size();
  while (static_cast<std::size_t>(end - from) >= kChunk) {
    const Chunk chunk(from);
    chunk.store(to);
    const std::uint32_t found = chunk.needs_escape();
    const auto clean = found == 0 ? kChunk : static_cast<std::size_t>(std::countr_zero(found));
    from += clean;
    to += clean;
    if (found != 0) to = write_escape(to, *from++);
  }
  for (; from != end; ++from) {
    if (needs_escape(*from)) [[unlikely]]
      to = write_escape(to, *from);
    else
      *to++ = *from;
  }
  return to;
}

char* write_text(char* to, std::string_view text) {
  return to + text.copy(to, text.size());  // unlike memcpy, this takes an empty view
}

template <class T>
char* write_be(char* to, T number) {
  store_be(reinterpret_cast<std::byte*>(to), number);
  return to + sizeof number;
}

char* write_number(char* to, std::int64_t number) {
  return std::to_chars(to, to + 20, number).ptr;
}

}  // namespace

HeaderWriter::HeaderWriter(std::string& out, HeaderKind kind, const HeaderStart& start)
    : out_(out), kind_(kind), start_(start), begin_(out.size()) {
  char* to = room(kFramePrefix + 64 + start_.remark.size());
  std::memset(to, 0, kFramePrefix);
  to += kFramePrefix;
  if (kind_ == HeaderKind::kJson) {
    to = write_text(to, R"({"code":)");
    to = write_number(to, start_.code);
    to = write_text(to, R"(,"extFields":{)");
  } else {
    to = write_be(to, static_cast<std::int16_t>(start_.code));
    to = write_be(to, static_cast<std::uint8_t>(start_.language));
    to = write_be(to, static_cast<std::int16_t>(start_.version));
    to = write_be(to, start_.opaque);
    to = write_be(to, start_.flag);
    to = write_be(to, static_cast<std::int32_t>(start_.remark.size()));
    to = write_text(to, start_.remark);
    to = write_be(to, std::int32_t{0});
  }
  advance_to(to);
  ext_begin_ = size();
}

void HeaderWriter::field(std::string_view name, std::string_view value) {
  if (kind_ == HeaderKind::kJson) {
    char* to = room(escaped_bound(name) + escaped_bound(value) + 8);
    to = json_name(to, name);
    *to++ = '"';
    to = write_escaped(to, value);
    *to++ = '"';
    advance_to(to);
  } else {
    char* to = room(name.size() + value.size() + 6);
    to = write_be(to, static_cast<std::int16_t>(name.size()));
    to = write_text(to, name);
    to = write_be(to, static_cast<std::int32_t>(value.size()));
    to = write_text(to, value);
    advance_to(to);
  }
}

void HeaderWriter::field(std::string_view name, std::int64_t value) {
  char text[20];
  field(name, std::string_view(text, static_cast<std::size_t>(write_number(text, value) - text)));
}

void HeaderWriter::field(std::string_view name, double value) {
  char text[32];
  const auto written = std::to_chars(text, text + sizeof text, value);
  field(name, std::string_view(text, static_cast<std::size_t>(written.ptr - text)));
}

char* HeaderWriter::json_name(char* to, std::string_view name) {
  if (any_field_) *to++ = ',';
  any_field_ = true;
  *to++ = '"';
  to = write_escaped(to, name);
  *to++ = '"';
  *to++ = ':';
  return to;
}

void HeaderWriter::finish(std::size_t body_size) {
  if (kind_ == HeaderKind::kJson) {
    char* to = room(128 + escaped_bound(start_.remark));
    to = write_text(to, R"(},"flag":)");
    to = write_number(to, start_.flag);
    to = write_text(to, R"(,"language":")");
    to = write_text(to, language_name(start_.language));
    to = write_text(to, R"(","opaque":)");
    to = write_number(to, start_.opaque);
    if (!start_.remark.empty()) {
      to = write_text(to, R"(,"remark":")");
      to = write_escaped(to, start_.remark);
      *to++ = '"';
    }
    to = write_text(to, R"(,"serializeTypeCurrentRPC":"JSON","version":)");
    to = write_number(to, start_.version);
    *to++ = '}';
    advance_to(to);
  }
  const std::size_t ext_size = size() - ext_begin_;
  flush();
  const std::size_t header = out_.size() - begin_ - kFramePrefix;
  const std::size_t total = 4 + header + body_size;
  ONCE_CHECK(header <= 0xffffff && total + 4 <= kFrameLimit, "frame over the limit");
  auto* const frame = reinterpret_cast<std::byte*>(out_.data() + begin_);
  store_be(frame, static_cast<std::uint32_t>(total));
  store_be(frame + 4,
           (static_cast<std::uint32_t>(kind_) << 24) | static_cast<std::uint32_t>(header));
  if (kind_ == HeaderKind::kBinary)
    store_be(reinterpret_cast<std::byte*>(out_.data() + ext_begin_ - 4),
             static_cast<std::int32_t>(ext_size));
}

char* HeaderWriter::room(std::size_t bytes) {
  if (bytes <= sizeof buffer_ - used_) [[likely]]
    return buffer_ + used_;
  flush();
  if (bytes <= sizeof buffer_) return buffer_;
  large_begin_ = out_.size();
  out_.resize(large_begin_ + bytes);
  return out_.data() + large_begin_;
}

void HeaderWriter::advance_to(const char* end) {
  if (large_begin_ == kNotLarge) [[likely]] {
    used_ = static_cast<std::size_t>(end - buffer_);
  } else {
    out_.resize(static_cast<std::size_t>(end - out_.data()));
    large_begin_ = kNotLarge;
  }
}

void HeaderWriter::flush() {
  out_.append(buffer_, used_);
  used_ = 0;
}

void append_frame(std::string& out, HeaderKind kind, const HeaderStart& start, Bytes body) {
  HeaderWriter writer(out, kind, start);
  writer.finish(body.size());
  out.append(as_text(body));
}

}  // namespace oncemq::wire
