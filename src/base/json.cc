#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace oncemq {
namespace {

const Json kNullValue;

void append_integer(std::string& out, std::int64_t number) {
  char text[24];
  const auto [end, error] = std::to_chars(text, text + sizeof text, number);
  out.append(text, end);
}

void append_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof text, number);
  out.append(text, end);
  if (std::find_if(text, end, [](char c) { return c == '.' || c == 'e'; }) == end) out += ".0";
}

template <class Number>
bool read_whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::int64_t truncated(double number, std::int64_t fallback) {
  // 2^63 as double is exact; everything below it in magnitude fits.
  constexpr double kLimit = 9223372036854775808.0;
  return number >= -kLimit && number < kLimit ? static_cast<std::int64_t>(number) : fallback;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

}  // namespace

Json Json::array(Array items) {
  Json result;
  result.kind_ = Kind::kArray;
  result.array_ = std::move(items);
  return result;
}

Json Json::object(Object members) {
  Json result;
  result.kind_ = Kind::kObject;
  result.object_ = std::move(members);
  return result;
}

std::int64_t Json::as_int(std::int64_t fallback) const {
  switch (kind_) {
    case Kind::kBool:
    case Kind::kInt:
      return int_;
    case Kind::kDouble:
      return truncated(double_, fallback);
    case Kind::kString: {
      std::int64_t number = 0;
      if (read_whole(text_, number)) return number;
      double real = 0;
      return read_whole(text_, real) ? truncated(real, fallback) : fallback;
    }
    case Kind::kNull:
    case Kind::kArray:
    case Kind::kObject:
      break;
  }
  return fallback;
}

double Json::as_double(double fallback) const {
  switch (kind_) {
    case Kind::kBool:
    case Kind::kInt:
      return static_cast<double>(int_);
    case Kind::kDouble:
      return double_;
    case Kind::kString: {
      double number = 0;
      return read_whole(text_, number) ? number : fallback;
    }
    case Kind::kNull:
    case Kind::kArray:
    case Kind::kObject:
      break;
  }
  return fallback;
}

bool Json::as_bool(bool fallback) const {
  switch (kind_) {
    case Kind::kBool:
    case Kind::kInt:
      return int_ == 1;
    case Kind::kDouble:
      return double_ == 1;
    case Kind::kString:
      for (const std::string_view yes : {"true", "1", "y", "t"})
        if (equals_ignoring_case(text_, yes)) return true;
      for (const std::string_view no : {"false", "0", "n", "f"})
        if (equals_ignoring_case(text_, no)) return false;
      return fallback;
    case Kind::kNull:
    case Kind::kArray:
    case Kind::kObject:
      break;
  }
  return fallback;
}

std::string Json::as_string(std::string_view fallback) const {
  std::string text;
  switch (kind_) {
    case Kind::kString:
      return text_;
    case Kind::kBool:
      return int_ != 0 ? "true" : "false";
    case Kind::kInt:
      append_integer(text, int_);
      return text;
    case Kind::kDouble:
      append_double(text, double_);
      return text;
    case Kind::kNull:
    case Kind::kArray:
    case Kind::kObject:
      break;
  }
  return std::string(fallback);
}

const Json& Json::operator[](std::string_view name) const {
  for (auto member = object_.rbegin(); member != object_.rend(); ++member)
    if (member->first == name) return member->second;
  return kNullValue;
}

bool Json::has(std::string_view name) const {
  return std::any_of(object_.begin(), object_.end(),
                     [&](const Member& member) { return member.first == name; });
}

Json& Json::set(std::string_view name, Json value) {
  ONCE_CHECK(kind_ == Kind::kObject, "set on a value that is no object");
  for (auto member = object_.rbegin(); member != object_.rend(); ++member) {
    if (member->first != name) continue;
    member->second = std::move(value);
    return *this;
  }
  object_.emplace_back(name, std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  ONCE_CHECK(kind_ == Kind::kArray, "push on a value that is no array");
  array_.push_back(std::move(value));
  return *this;
}

// Writes a value; pretty (sorted, indented by tabs) or compact. Thread rule: confined.
class JsonWriter {
 public:
  JsonWriter(bool pretty, bool raw_object_keys) : pretty_(pretty), raw_keys_(raw_object_keys) {}

  std::string take() { return std::move(out_); }

  void write(const Json& value) {
    switch (value.kind_) {
      case Json::Kind::kNull:
        out_ += "null";
        break;
      case Json::Kind::kBool:
        out_ += value.int_ != 0 ? "true" : "false";
        break;
      case Json::Kind::kInt:
        append_integer(out_, value.int_);
        break;
      case Json::Kind::kDouble:
        append_double(out_, value.double_);
        break;
      case Json::Kind::kString:
        append_json_string(out_, value.text_);
        break;
      case Json::Kind::kArray:
        write_items(value.array_);
        break;
      case Json::Kind::kObject:
        write_members(value.object_);
        break;
    }
  }

 private:
  void write_items(const Json::Array& items) {
    open('[');
    for (std::size_t at = 0; at < items.size(); ++at) {
      next(at);
      write(items[at]);
    }
    close(']', items.empty());
  }

  void write_members(const Json::Object& members) {
    std::vector<const Json::Member*> order;
    order.reserve(members.size());
    for (const Json::Member& member : members) order.push_back(&member);
    if (pretty_)
      std::stable_sort(order.begin(), order.end(),
                       [](const auto* a, const auto* b) { return a->first < b->first; });
    open('{');
    for (std::size_t at = 0; at < order.size(); ++at) {
      next(at);
      const std::string& key = order[at]->first;
      if (raw_keys_ && key.starts_with('{') && stands_bare(key))
        out_ += key;
      else
        append_json_string(out_, key);
      out_ += ':';
      write(order[at]->second);
    }
    close('}', order.empty());
  }

  // A name that only begins as an object does would end the text it stands in.
  static bool stands_bare(const std::string& key) {
    const Result<Json> object = Json::parse(key);
    return object && object->dump() == key &&
           std::none_of(object->object_.begin(), object->object_.end(), [](const auto& member) {
             return member.second.is_object() || member.second.is_array();
           });
  }

  void open(char bracket) {
    out_ += bracket;
    ++depth_;
  }
  void next(std::size_t at) {
    if (at > 0) out_ += ',';
    new_line();
  }
  void close(char bracket, bool empty) {
    --depth_;
    if (!empty) new_line();
    out_ += bracket;
  }
  void new_line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(depth_, '\t');
  }

  const bool pretty_;
  const bool raw_keys_;
  std::size_t depth_ = 0;
  std::string out_;
};

std::string Json::dump(bool raw_object_keys) const {
  JsonWriter writer(false, raw_object_keys);
  writer.write(*this);
  return writer.take();
}

std::string Json::dump_pretty() const {
  JsonWriter writer(true, false);
  writer.write(*this);
  return writer.take();
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && c != '"' && c != '\\') {
      out += c;
      continue;
    }
    out += '\\';
    switch (c) {
      case '"':
      case '\\':
        out += c;
        break;
      case '\b':
        out += 'b';
        break;
      case '\f':
        out += 'f';
        break;
      case '\n':
        out += 'n';
        break;
      case '\r':
        out += 'r';
        break;
      case '\t':
        out += 't';
        break;
      default:
        out += "u00";
        out += kHex[byte >> 4];
        out += kHex[byte & 0xF];
    }
  }
  out += '"';
}

}  // namespace oncemq
