#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "base/result.h"
#include "wire/remoting/command.h"
#include "wire/remoting/header.h"

// How a request is described. One struct per request says everything about it once:
//
//   struct GetMaxOffset {
//     static constexpr RequestMeta meta{.code = 30, .name = "GET_MAX_OFFSET", ...};
//     struct Header {
//       std::string_view topic;
//       std::int32_t queue_id = 0;
//       std::optional<bool> committed;
//       static constexpr auto fields =
//           fields_of(field("topic", &Header::topic, kRequired),
//                     field("queueId", &Header::queue_id, kRequired),
//                     field("committed", &Header::committed));
//     };
//     struct Reply { ... };
//   };
//   using OffsetRequests = RequestList<GetMaxOffset, ...>;   // the family, at the end of its file
//
// Field types: string_view, int32, int64, bool, double, enums with EnumText, and optional<> of them
// where the receiver must tell "absent" from a default. Strings are views into the command.
namespace oncemq::wire {

// ---- what is known about a request besides its fields

// Who answers it.
enum class Peer : std::uint8_t { kBroker = 1, kNameServer = 2, kClient = 4 };
struct Peers {
  std::uint8_t bits = 0;
  constexpr Peers() = default;
  constexpr Peers(Peer peer) : bits(static_cast<std::uint8_t>(peer)) {}
  constexpr bool has(Peer peer) const { return (bits & static_cast<std::uint8_t>(peer)) != 0; }
  friend constexpr Peers operator|(Peers a, Peers b) {
    Peers both;
    both.bits = static_cast<std::uint8_t>(a.bits | b.bits);
    return both;
  }
  constexpr bool operator==(const Peers&) const = default;
};
constexpr Peers operator|(Peer a, Peer b) {
  return Peers(a) | Peers(b);
}

// Requests that share limits and metrics.
enum class Lane : std::uint8_t {
  kSend,
  kPull,
  kQuery,
  kOffset,
  kHeartbeat,
  kClient,
  kAdmin,
  kName,
};
std::string_view lane_name(Lane lane);  // "send", "pull", ...

// The right that a caller needs; evaluated when access control is on.
enum class Resource : std::uint8_t { kNone, kTopic, kGroup, kTopicAndGroup, kCluster };
enum class Action : std::uint8_t {
  kNone,
  kPub,
  kSub,
  kCreate,
  kUpdate,
  kDelete,
  kGet,
  kList,
  kAny
};
struct Access {
  Resource resource = Resource::kNone;
  Action action = Action::kNone;
};

// Conditions that the dispatcher checks before the handler runs.
enum class Guard : std::uint8_t {
  kStarted = 1,   // the broker serves: recovery is done, no shutdown; otherwise 14
  kReadable = 2,  // brokerPermission allows reading; otherwise 16
  kWritable = 4,  // brokerPermission allows writing; otherwise 16
};
struct Guards {
  std::uint8_t bits = 0;
  constexpr Guards() = default;
  constexpr Guards(Guard guard) : bits(static_cast<std::uint8_t>(guard)) {}
  constexpr bool has(Guard guard) const { return (bits & static_cast<std::uint8_t>(guard)) != 0; }
  friend constexpr Guards operator|(Guards a, Guards b) {
    Guards both;
    both.bits = static_cast<std::uint8_t>(a.bits | b.bits);
    return both;
  }
};
constexpr Guards operator|(Guard a, Guard b) {
  return Guards(a) | Guards(b);
}

// Some headers exist with long names and with one-letter names (SEND_MESSAGE, SEND_MESSAGE_V2).
enum class Names : std::uint8_t { kLong, kShort };

struct RequestMeta {
  std::int32_t code = 0;
  std::string_view name;  // upstream's name in capitals; also the metric label
  Peers to = Peer::kBroker;
  Lane lane = Lane::kAdmin;
  Access access;
  Guards guards = Guard::kStarted;
  Names names = Names::kLong;
};

// ---- fields

inline constexpr bool kRequired = true;
inline constexpr bool kOptional = false;

template <class Header, class T>
struct Field {
  std::string_view name;
  std::string_view short_name;  // the same as name when there is only one
  T Header::*member;
  bool required;

  constexpr std::string_view name_for(Names names) const {
    return names == Names::kLong ? name : short_name;
  }
};

template <class Header, class T>
constexpr Field<Header, T> field(std::string_view name, T Header::*member,
                                 bool required = kOptional) {
  return {name, name, member, required};
}
template <class Header, class T>
constexpr Field<Header, T> field(std::string_view name, std::string_view short_name,
                                 T Header::*member, bool required = kOptional) {
  return {name, short_name, member, required};
}
template <class... Fields>
constexpr std::tuple<Fields...> fields_of(Fields... fields) {
  return {fields...};
}

// Header or Reply of a request that has no fields.
struct NoFields {
  static constexpr std::tuple<> fields{};
};

// ---- text of field values, as Java prints and parses them

// Specialise for an enum: `static bool parse(std::string_view, E&)`, `static std::string_view
// text(E)`.
template <class E>
struct EnumText;

bool parse_field(std::string_view text, std::int32_t& into);
bool parse_field(std::string_view text, std::int64_t& into);
bool parse_field(std::string_view text, double& into);
bool parse_field(std::string_view text, bool& into);  // "true" in any case; all else is false
inline bool parse_field(std::string_view text, std::string_view& into) {
  into = text;
  return true;
}
template <class E>
requires std::is_enum_v<E>
bool parse_field(std::string_view text, E& into) {
  return EnumText<E>::parse(text, into);
}
template <class T>
bool parse_field(std::string_view text, std::optional<T>& into) {
  return parse_field(text, into.emplace());
}

// Finds fields that usually come in the order in which they are declared. Thread rule: confined.
class FieldCursor {
 public:
  explicit FieldCursor(const ExtFields& ext) : ext_(ext) {}
  const ExtField* take(std::string_view name) {
    if (next_ < ext_.size() && ext_[next_].is(name)) return &ext_[next_++];
    return search(name);
  }

 private:
  const ExtField* search(std::string_view name);

  const ExtFields& ext_;
  std::size_t next_ = 0;
};

// kBadBytes: "missing field X" / "field X is not a number: ...".
Error missing_field(std::string_view name);
Error bad_field(std::string_view name, std::string_view value);

// Reads a Header or Reply out of the fields of a command. Unknown fields are skipped.
template <class Header>
Result<Header> decode_fields(const ExtFields& ext, Names names = Names::kLong) {
  Header header;
  const ExtField* broken = nullptr;
  std::string_view missing;
  FieldCursor cursor(ext);
  const auto read = [&](const auto& f) {
    const ExtField* found = cursor.take(f.name_for(names));
    if (found == nullptr) {
      if (f.required) missing = f.name_for(names);
      return !f.required;
    }
    if (parse_field(found->value, header.*(f.member))) return true;
    broken = found;
    return false;
  };
  const bool all = std::apply([&](const auto&... f) { return (read(f) && ...); }, Header::fields);
  if (all) return header;
  return broken != nullptr ? fail(bad_field(broken->name, broken->value))
                           : fail(missing_field(missing));
}

template <class T>
void write_field(HeaderWriter& writer, std::string_view name, const T& value, bool required) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    if (required || !value.empty()) writer.field(name, value);
  } else if constexpr (std::is_enum_v<T>) {
    writer.field(name, EnumText<T>::text(value));
  } else {
    writer.field(name, value);
  }
}
template <class T>
void write_field(HeaderWriter& writer, std::string_view name, const std::optional<T>& value,
                 bool required) {
  if (value.has_value()) write_field(writer, name, *value, required);
}

// Writes the fields of a Header or Reply. Not written: empty optional<>, and empty strings that are
// not required.
template <class Header>
void encode_fields(HeaderWriter& writer, const Header& header, Names names = Names::kLong) {
  std::apply(
      [&](const auto&... f) {
        (write_field(writer, f.name_for(names), header.*(f.member), f.required), ...);
      },
      Header::fields);
}

// ---- typed requests and answers

template <class Request>
Result<typename Request::Header> decode_header(const Command& command) {
  return decode_fields<typename Request::Header>(command.ext, Request::meta.names);
}
template <class Request>
Result<typename Request::Reply> decode_reply(const Command& command) {
  return decode_fields<typename Request::Reply>(command.ext);
}

// The number that stands for a code in a header of that kind: the binary header has 16 bits, so
// codes above 32767 travel as what is left of them (200050 as 3442).
constexpr std::int32_t wire_code(HeaderKind kind, std::int32_t code) {
  return kind == HeaderKind::kBinary ? static_cast<std::int16_t>(code & 0xffff) : code;
}

// Appends the frame of a request without its body.
template <class Request>
void encode_request(std::string& out, HeaderKind kind, std::int32_t opaque,
                    const typename Request::Header& header, std::size_t body_size = 0,
                    bool oneway = false) {
  HeaderWriter writer(out, kind,
                      HeaderStart{.code = wire_code(kind, Request::meta.code),
                                  .opaque = opaque,
                                  .flag = oneway ? Command::kFlagOneway : 0});
  encode_fields(writer, header, Request::meta.names);
  writer.finish(body_size);
}

// Appends the frame of an answer with fields, without its body. `start.flag` gets the response bit.
template <class Reply>
void encode_reply(std::string& out, HeaderKind kind, HeaderStart start, const Reply& reply,
                  std::size_t body_size = 0) {
  start.flag |= Command::kFlagResponse;
  HeaderWriter writer(out, kind, start);
  encode_fields(writer, reply);
  writer.finish(body_size);
}

// ---- lists

template <class T>
concept RequestStruct = requires {
  { T::meta } -> std::convertible_to<RequestMeta>;
  T::Header::fields;
  T::Reply::fields;
};

template <class... Requests>
requires(RequestStruct<Requests>&&...) struct RequestList {
  static constexpr std::size_t size = sizeof...(Requests);
};

template <class... Lists>
struct Concat;
template <class... A>
struct Concat<RequestList<A...>> {
  using type = RequestList<A...>;
};
template <class... A, class... B, class... More>
struct Concat<RequestList<A...>, RequestList<B...>, More...> {
  using type = typename Concat<RequestList<A..., B...>, More...>::type;
};
template <class... Lists>
using ConcatLists = typename Concat<Lists...>::type;

// A request that we know and do not serve.
struct NotServed {
  std::int32_t code;
  std::string_view name;
  Peers to;
  std::string_view reason;  // a sentence for the person who meets the refusal
};

}  // namespace oncemq::wire
