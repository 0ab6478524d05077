#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>

// Says once how the members of a struct are called in JSON; base/json_codec.h makes reader and
// writer of it.
//
//   struct QueueData {
//     std::string broker_name;
//     std::int32_t perm = 6;
//     static constexpr auto members =
//         json_members(json_member("brokerName", &QueueData::broker_name),
//                      json_member("perm", &QueueData::perm));
//   };
//
// Members stand in the order in which upstream writes them: by name, in byte order. That is checked
// when the writer is compiled.
namespace oncemq {

template <class Struct, class T>
struct JsonMemberOf {
  std::string_view name;
  T Struct::*member;
};

template <class Struct, class T>
constexpr JsonMemberOf<Struct, T> json_member(std::string_view name, T Struct::*member) {
  return {name, member};
}
template <class... Members>
constexpr std::tuple<Members...> json_members(Members... members) {
  return {members...};
}

// Specialise for an enum: `static constexpr std::array<std::string_view, N> names{...}` by ordinal.
template <class E>
struct JsonEnum;

}  // namespace oncemq
