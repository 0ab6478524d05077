#include "model/properties.h"

#include <cstddef>
#include <cstdint>

namespace oncemq::model {
namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;

std::uint32_t unit_hash(std::uint32_t hash, std::uint32_t unit) {
  return 31 * hash + unit;
}

std::uint32_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

bool is_continuation(std::uint32_t byte) {
  return (byte & 0xC0) == 0x80;
}

struct CodePoint {
  std::uint32_t value = kReplacement;
  std::size_t bytes = 1;
};

// Decodes what starts at `at`, a byte above 0x7F. compat: what java.lang.String makes of malformed
// bytes decides the hash, so the number of bytes that one U+FFFD replaces follows the JDK: a cut
// sequence at the end is one, a surrogate is one for its three bytes, otherwise the longest prefix
// that could have become a code point.
CodePoint decode_multibyte(std::string_view text, std::size_t at) {
  const std::uint32_t first = byte_at(text, at);
  const std::size_t left = text.size() - at;
  if (first >= 0xC2 && first <= 0xDF) {
    if (left < 2) return {};
    const std::uint32_t second = byte_at(text, at + 1);
    if (!is_continuation(second)) return {};
    return {((first & 0x1F) << 6) | (second & 0x3F), 2};
  }
  if (first >= 0xE0 && first <= 0xEF) {
    if (left < 2) return {};
    const std::uint32_t second = byte_at(text, at + 1);
    if (!is_continuation(second) || (first == 0xE0 && second < 0xA0)) return {};
    if (left < 3) return {kReplacement, left};
    const std::uint32_t third = byte_at(text, at + 2);
    if (!is_continuation(third)) return {kReplacement, 2};
    const std::uint32_t value = ((first & 0x0F) << 12) | ((second & 0x3F) << 6) | (third & 0x3F);
    if (value >= 0xD800 && value <= 0xDFFF) return {kReplacement, 3};
    return {value, 3};
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (left < 2) return {};
    const std::uint32_t second = byte_at(text, at + 1);
    if (!is_continuation(second) || (first == 0xF0 && second < 0x90) ||
        (first == 0xF4 && second > 0x8F))
      return {};
    if (left < 3) return {kReplacement, left};
    const std::uint32_t third = byte_at(text, at + 2);
    if (!is_continuation(third)) return {kReplacement, 2};
    if (left < 4) return {kReplacement, left};
    const std::uint32_t fourth = byte_at(text, at + 3);
    if (!is_continuation(fourth)) return {kReplacement, 3};
    return {
        ((first & 0x07) << 18) | ((second & 0x3F) << 12) | ((third & 0x3F) << 6) | (fourth & 0x3F),
        4};
  }
  return {};
}

// The next segment up to kPairEnd, without it.
std::string_view take_segment(std::string_view& rest) {
  const std::size_t end = rest.find(kPairEnd);
  const std::string_view segment = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return segment;
}

bool is_named(std::string_view segment, std::string_view name) {
  return segment.size() > name.size() && segment[name.size()] == kNameEnd &&
         segment.substr(0, name.size()) == name;
}

}  // namespace

bool PropertyCursor::next(std::string_view& name, std::string_view& value) {
  while (!at_end())
    if (take(name, value)) return true;
  return false;
}

bool PropertyCursor::take(std::string_view& name, std::string_view& value) {
  const std::string_view segment = take_segment(rest_);
  const std::size_t middle = segment.find(kNameEnd);
  if (middle == std::string_view::npos || middle == 0 || middle + 1 == segment.size()) return false;
  name = segment.substr(0, middle);
  value = segment.substr(middle + 1);
  return true;
}

std::optional<std::string_view> find_property(std::string_view properties, std::string_view name) {
  while (!properties.empty()) {
    if (properties.back() == kPairEnd) {
      properties.remove_suffix(1);
      continue;
    }
    const std::size_t end = properties.rfind(kPairEnd);
    const std::size_t start = end == std::string_view::npos ? 0 : end + 1;
    const std::string_view segment = properties.substr(start);
    if (is_named(segment, name) && segment.size() > name.size() + 1)
      return segment.substr(name.size() + 1);
    properties = properties.substr(0, start);
  }
  return std::nullopt;
}

void append_property(std::string& properties, std::string_view name, std::string_view value) {
  if (!properties.empty() && properties.back() != kPairEnd) properties += kPairEnd;
  properties.append(name);
  properties += kNameEnd;
  properties.append(value);
  properties += kPairEnd;
}

std::string without_property(std::string_view properties, std::string_view name) {
  std::string result;
  result.reserve(properties.size());
  while (!properties.empty()) {
    const std::size_t before = properties.size();
    const char* start = properties.data();
    const std::string_view segment = take_segment(properties);
    if (!is_named(segment, name)) result.append(start, before - properties.size());
  }
  return result;
}

void set_property(std::string& properties, std::string_view name, std::string_view value) {
  properties = without_property(properties, name);
  append_property(properties, name, value);
}

std::int32_t java_hash(std::string_view text, std::int32_t seed) {
  auto hash = static_cast<std::uint32_t>(seed);
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t byte = byte_at(text, at);
    if (byte < 0x80) {
      hash = unit_hash(hash, byte);
      ++at;
      continue;
    }
    const CodePoint point = decode_multibyte(text, at);
    if (point.value < 0x10000) {
      hash = unit_hash(hash, point.value);
    } else {
      hash = unit_hash(hash, 0xD800 + ((point.value - 0x10000) >> 10));
      hash = unit_hash(hash, 0xDC00 + ((point.value - 0x10000) & 0x3FF));
    }
    at += point.bytes;
  }
  return static_cast<std::int32_t>(hash);
}

}  // namespace oncemq::model
