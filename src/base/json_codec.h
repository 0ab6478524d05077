#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/json_members.h"
#include "base/result.h"

// Reader and writer for values, containers and structs with json_members. For source files only:
// headers need no more than base/json_members.h.
//
// Reading is as lenient as upstream's: unknown members are skipped, absent and null ones leave the
// default, numbers may stand in strings, enums may be names or ordinals (unknown ones leave the
// default). An array or an object where the other is due is refused, and so is a number that does
// not fit.
namespace oncemq {

// Specialise for types that are written in a way of their own:
//   static Json write(const T&);  static Status read(const Json&, T&);
template <class T>
struct JsonCodec;

// Specialise for types that are keys of maps: static std::string write(const K&);
// static Status read(const std::string&, K&);
template <class K>
struct JsonKeyCodec;

template <class T>
Json json_write(const T& value) {
  return JsonCodec<T>::write(value);
}
template <class T>
Status json_read(const Json& json, T& into) {
  if (json.is_null()) return {};
  return JsonCodec<T>::read(json, into);
}
// kBadBytes with the path to what is wrong.
template <class T>
Result<T> from_json(const Json& json) {
  T value;
  if (Status read = json_read(json, value); !read) return fail(std::move(read.error()));
  return value;
}

Error json_mismatch(std::string_view expected);
// The same error, seen from one level further out.
Error json_within(std::string_view name, Error error);

template <>
struct JsonCodec<Json> {
  static Json write(const Json& value) { return value; }
  static Status read(const Json& json, Json& into) {
    into = json;
    return {};
  }
};

template <>
struct JsonCodec<std::string> {
  static Json write(const std::string& value) { return Json(value); }
  static Status read(const Json& json, std::string& into);
};
template <>
struct JsonCodec<bool> {
  static Json write(bool value) { return Json(value); }
  static Status read(const Json& json, bool& into);
};
template <>
struct JsonCodec<double> {
  static Json write(double value) { return Json(value); }
  static Status read(const Json& json, double& into);
};
template <>
struct JsonCodec<std::int32_t> {
  static Json write(std::int32_t value) { return Json(value); }
  static Status read(const Json& json, std::int32_t& into);
};
template <>
struct JsonCodec<std::int64_t> {
  static Json write(std::int64_t value) { return Json(value); }
  static Status read(const Json& json, std::int64_t& into);
};

// The ordinal that a name or number stands for; `fallback` when it is none of them.
Result<std::size_t> json_read_enum(const Json& json, std::span<const std::string_view> names,
                                   std::size_t fallback);

template <class E>
requires std::is_enum_v<E>
struct JsonCodec<E> {
  static Json write(E value) { return Json(JsonEnum<E>::names[static_cast<std::size_t>(value)]); }
  static Status read(const Json& json, E& into) {
    const Result<std::size_t> ordinal =
        json_read_enum(json, JsonEnum<E>::names, static_cast<std::size_t>(into));
    if (!ordinal) return fail(ordinal.error());
    into = static_cast<E>(*ordinal);
    return {};
  }
};

template <class T>
struct JsonCodec<std::optional<T>> {
  static Json write(const std::optional<T>& value) {
    return value.has_value() ? json_write(*value) : Json();
  }
  static Status read(const Json& json, std::optional<T>& into) {
    return json_read(json, into.emplace());
  }
};

// Items, entries and members without their types, so that what is the same for all of them is
// compiled once. The functions read one value into the container or member behind the pointer.
void json_add_item(Json::Array& out, Json value);
void json_add_entry(Json::Object& out, std::string key, Json value);
void json_put_member(Json::Object& out, std::string_view name, Json value);  // unless null
using JsonReadValue = Status (*)(const Json&, void*);
using JsonReadEntry = Status (*)(const std::string& key, const Json&, void*);
Status json_read_items(const Json& json, JsonReadValue read_one, void* into);
Status json_read_entries(const Json& json, JsonReadEntry read_one, void* into);
Status json_read_member(const Json& json, std::string_view name, JsonReadValue read, void* into);

template <class T>
struct JsonCodec<std::vector<T>> {
  static Json write(const std::vector<T>& values) {
    Json::Array items;
    items.reserve(values.size());
    for (const T& value : values) json_add_item(items, json_write(value));
    return Json::array(std::move(items));
  }
  static Status read(const Json& json, std::vector<T>& into) {
    into.clear();
    into.reserve(json.items().size());
    return json_read_items(
        json,
        [](const Json& item, void* values) {
          return json_read(item, static_cast<std::vector<T>*>(values)->emplace_back());
        },
        &into);
  }
};

template <class T>
struct JsonCodec<std::set<T>> {
  static Json write(const std::set<T>& values) {
    Json::Array items;
    items.reserve(values.size());
    for (const T& value : values) json_add_item(items, json_write(value));
    return Json::array(std::move(items));
  }
  static Status read(const Json& json, std::set<T>& into) {
    std::vector<T> values;
    ONCE_TRY(json_read(json, values));
    into = std::set<T>(values.begin(), values.end());
    return {};
  }
};

template <>
struct JsonKeyCodec<std::string> {
  static std::string write(const std::string& key) { return key; }
  static Status read(const std::string& text, std::string& into) {
    into = text;
    return {};
  }
};
template <>
struct JsonKeyCodec<std::int32_t> {
  static std::string write(std::int32_t key) { return std::to_string(key); }
  static Status read(const std::string& text, std::int32_t& into);
};
template <>
struct JsonKeyCodec<std::int64_t> {
  static std::string write(std::int64_t key) { return std::to_string(key); }
  static Status read(const std::string& text, std::int64_t& into);
};

template <class K, class V>
struct JsonCodec<std::map<K, V>> {
  static Json write(const std::map<K, V>& values) {
    Json::Object members;
    members.reserve(values.size());
    for (const auto& [key, value] : values)
      json_add_entry(members, JsonKeyCodec<K>::write(key), json_write(value));
    return Json::object(std::move(members));
  }
  // The last of two entries with the same key counts.
  static Status read(const Json& json, std::map<K, V>& into) {
    into.clear();
    return json_read_entries(
        json,
        [](const std::string& text, const Json& item, void* values) -> Status {
          K key{};
          ONCE_TRY(JsonKeyCodec<K>::read(text, key));
          V& value = (*static_cast<std::map<K, V>*>(values))[key];
          value = V{};
          return json_read(item, value);
        },
        &into);
  }
};

template <class Members>
constexpr bool json_members_sorted(const Members& members) {
  return std::apply(
      [](const auto&... member) {
        std::string_view before;
        return ((before < member.name && (before = member.name, true)) && ...);
      },
      members);
}

template <class T>
Status json_read_into(const Json& json, void* into) {
  return JsonCodec<T>::read(json, *static_cast<T*>(into));
}

template <class T>
requires requires {
  T::members;
}
struct JsonCodec<T> {
  static_assert(json_members_sorted(T::members), "members must stand in the order of their names");

  static Json write(const T& value) {
    Json::Object out;
    std::apply(
        [&](const auto&... member) {
          (json_put_member(out, member.name, json_write(value.*(member.member))), ...);
        },
        T::members);
    return Json::object(std::move(out));
  }
  static Status read(const Json& json, T& into) {
    if (!json.is_object()) return fail(json_mismatch("an object"));
    Status status;
    const auto get = [&]<class M>(const JsonMemberOf<T, M>& member) {
      status = json_read_member(json, member.name, json_read_into<M>, &(into.*(member.member)));
      return status.has_value();
    };
    std::apply([&](const auto&... member) { (void)(get(member) && ...); }, T::members);
    return status;
  }
};

}  // namespace oncemq
