#include "base/json_codec.h"

#include <limits>

namespace oncemq {

namespace {

bool is_scalar(const Json& json) {
  return !json.is_array() && !json.is_object();
}

template <class T>
bool fits(std::int64_t number) {
  return number >= std::numeric_limits<T>::min() && number <= std::numeric_limits<T>::max();
}

template <class K>
Status read_key(const std::string& text, K& into) {
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();
  const std::int64_t number = Json(text).as_int(kNone);
  if (number == kNone || !fits<K>(number)) return fail(json_mismatch("a number as key"));
  into = static_cast<K>(number);
  return {};
}

}  // namespace

Error json_mismatch(std::string_view expected) {
  return Error{Errc::kBadBytes, "expected " + std::string(expected)};
}

Error json_within(std::string_view name, Error error) {
  error.message = std::string(name) + ": " + error.message;
  return error;
}

Status JsonCodec<std::string>::read(const Json& json, std::string& into) {
  if (!is_scalar(json)) return fail(json_mismatch("a string"));
  into = json.as_string();
  return {};
}

Status JsonCodec<bool>::read(const Json& json, bool& into) {
  if (!is_scalar(json)) return fail(json_mismatch("a boolean"));
  into = json.as_bool(into);
  return {};
}

Status JsonCodec<double>::read(const Json& json, double& into) {
  if (!is_scalar(json)) return fail(json_mismatch("a number"));
  into = json.as_double(into);
  return {};
}

Status JsonCodec<std::int32_t>::read(const Json& json, std::int32_t& into) {
  if (!is_scalar(json)) return fail(json_mismatch("a number"));
  const std::int64_t number = json.as_int(into);
  if (!fits<std::int32_t>(number)) return fail(json_mismatch("a number of 32 bits"));
  into = static_cast<std::int32_t>(number);
  return {};
}

Status JsonCodec<std::int64_t>::read(const Json& json, std::int64_t& into) {
  if (!is_scalar(json)) return fail(json_mismatch("a number"));
  into = json.as_int(into);
  return {};
}

Result<std::size_t> json_read_enum(const Json& json, std::span<const std::string_view> names,
                                   std::size_t fallback) {
  if (!is_scalar(json)) return fail(json_mismatch("a name"));
  const std::string text = json.as_string();
  for (std::size_t i = 0; i < names.size(); ++i)
    if (text == names[i] || text == std::to_string(i)) return i;
  return fallback;
}

Status JsonKeyCodec<std::int32_t>::read(const std::string& text, std::int32_t& into) {
  return read_key(text, into);
}

Status JsonKeyCodec<std::int64_t>::read(const std::string& text, std::int64_t& into) {
  return read_key(text, into);
}

void json_add_item(Json::Array& out, Json value) {
  out.push_back(std::move(value));
}

void json_add_entry(Json::Object& out, std::string key, Json value) {
  out.emplace_back(std::move(key), std::move(value));
}

Status json_read_items(const Json& json, JsonReadValue read_one, void* into) {
  if (!json.is_array()) return fail(json_mismatch("an array"));
  std::size_t index = 0;
  for (const Json& item : json.items()) {
    if (Status read = read_one(item, into); !read)
      return fail(json_within("[" + std::to_string(index) + "]", std::move(read.error())));
    ++index;
  }
  return {};
}

Status json_read_entries(const Json& json, JsonReadEntry read_one, void* into) {
  if (!json.is_object()) return fail(json_mismatch("an object"));
  for (const auto& [key, item] : json.members())
    if (Status read = read_one(key, item, into); !read)
      return fail(json_within(key, std::move(read.error())));
  return {};
}

void json_put_member(Json::Object& out, std::string_view name, Json value) {
  if (!value.is_null()) out.emplace_back(std::string(name), std::move(value));
}

Status json_read_member(const Json& json, std::string_view name, JsonReadValue read, void* into) {
  const Json& member = json[name];
  if (member.is_null()) return {};
  Status status = read(member, into);
  if (!status) return fail(json_within(name, std::move(status.error())));
  return status;
}

}  // namespace oncemq
