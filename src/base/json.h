#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// JSON as RocketMQ's Java side (FastJSON 1.2) reads and writes it: see remoting.md §5. Used for
// bodies, config files and admin output; request headers have their own allocation-free codec in
// wire.
namespace oncemq {

// A value. Objects keep the order of their members; a key that was a number or an object in the
// text is kept as that text. Thread rule: external.
class Json {
 public:
  enum class Kind : std::uint8_t { kNull, kBool, kInt, kDouble, kString, kArray, kObject };
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;
  Json(bool value) : kind_(Kind::kBool), int_(value ? 1 : 0) {}
  Json(std::int64_t value) : kind_(Kind::kInt), int_(value) {}
  Json(std::int32_t value) : kind_(Kind::kInt), int_(value) {}
  Json(double value) : kind_(Kind::kDouble), double_(value) {}
  Json(std::string value) : kind_(Kind::kString), text_(std::move(value)) {}
  Json(std::string_view value) : kind_(Kind::kString), text_(value) {}
  Json(const char* value) : kind_(Kind::kString), text_(value) {}
  static Json array(Array items = {});
  static Json object(Object members = {});

  // Reads the dialect: bare, single-quoted, numeric and object keys; comments; trailing commas;
  // `\x..` escapes. Nesting deeper than 64 and anything behind the value are refused. kBadBytes
  // with line and column.
  static Result<Json> parse(std::string_view text);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_object() const { return kind_ == Kind::kObject; }
  bool is_array() const { return kind_ == Kind::kArray; }
  bool is_string() const { return kind_ == Kind::kString; }

  // Lenient conversions, as FastJSON does them: numbers in strings, booleans as text, 1/0.
  // `fallback` when not possible.
  std::int64_t as_int(std::int64_t fallback = 0) const;
  double as_double(double fallback = 0) const;
  bool as_bool(bool fallback = false) const;
  std::string as_string(std::string_view fallback = {}) const;  // numbers and booleans as text
  const Array& items() const { return array_; }                 // empty unless an array
  Array& items() { return array_; }
  const Object& members() const { return object_; }  // empty unless an object
  Object& members() { return object_; }

  // Member by name, or a shared null. The last one wins when a name stands twice.
  const Json& operator[](std::string_view name) const;
  bool has(std::string_view name) const;
  // Object only: replaces or appends, looking at every member; large tables are appended to
  // members() instead. Returns *this for chaining.
  Json& set(std::string_view name, Json value);
  // Array only.
  Json& push(Json value);

  // Compact text. Keys are quoted. `raw_object_keys`: keys that are a flat object as this function
  // writes it stand bare, as FastJSON writes maps keyed by MessageQueue.
  std::string dump(bool raw_object_keys = false) const;
  // Tab-indented with sorted keys, as ConfigManager persists files (store.md §9).
  std::string dump_pretty() const;

 private:
  friend class JsonWriter;
  Kind kind_ = Kind::kNull;
  std::int64_t int_ = 0;
  double double_ = 0;
  std::string text_;
  Array array_;
  Object object_;
};

// Appends `text` as a quoted JSON string.
void append_json_string(std::string& out, std::string_view text);

}  // namespace oncemq
