#include "wire/remoting/schema/all_requests.h"

#include <algorithm>
#include <array>
#include <limits>

#include "wire/remoting/schema/not_served.h"

namespace oncemq::wire {

namespace {

constexpr std::size_t kEntries = AllRequests::size + ClientCalls::size + kNotServed.size();
using Table = std::array<RequestEntry, kEntries>;

template <class... Requests>
constexpr void put(Table& table, std::size_t& at, Service service, RequestList<Requests...>) {
  std::uint16_t index = 0;
  ((table[at++] = RequestEntry{.meta = Requests::meta, .service = service, .index = index++}), ...);
}

constexpr Table make_table() {
  Table table{};
  std::size_t at = 0;
  put(table, at, Service::kServed, AllRequests{});
  put(table, at, Service::kSent, ClientCalls{});
  for (const NotServed& row : kNotServed)
    table[at++] = RequestEntry{.meta = {.code = row.code, .name = row.name, .to = row.to},
                               .service = Service::kNotServed,
                               .reason = row.reason};
  std::sort(table.begin(), table.end(),
            [](const RequestEntry& a, const RequestEntry& b) { return a.meta.code < b.meta.code; });
  return table;
}

constexpr Table kTable = make_table();

constexpr bool codes_are_unique() {
  for (std::size_t i = 1; i < kTable.size(); ++i)
    if (kTable[i - 1].meta.code == kTable[i].meta.code) return false;
  return true;
}
constexpr bool binary_codes_are_unique() {
  for (const RequestEntry& a : kTable)
    for (const RequestEntry& b : kTable)
      if (a.meta.code != b.meta.code && wire_code(HeaderKind::kBinary, a.meta.code) ==
                                            wire_code(HeaderKind::kBinary, b.meta.code))
        return false;
  return true;
}
static_assert(codes_are_unique(), "two requests have the same code");
static_assert(binary_codes_are_unique(), "two requests have the same code in binary headers");

// What is asked all day lies below; the rest is found by searching.
constexpr std::size_t kDirect = 512;
constexpr std::uint8_t kNobody = std::numeric_limits<std::uint8_t>::max();
static_assert(kEntries < kNobody);

constexpr std::array<std::uint8_t, kDirect> make_direct() {
  std::array<std::uint8_t, kDirect> direct{};
  direct.fill(kNobody);
  for (std::size_t i = 0; i < kTable.size(); ++i)
    if (kTable[i].meta.code < static_cast<std::int32_t>(kDirect))
      direct[static_cast<std::size_t>(kTable[i].meta.code)] = static_cast<std::uint8_t>(i);
  return direct;
}
constexpr std::array<std::uint8_t, kDirect> kDirectTable = make_direct();

std::string peers_text(Peers peers) {
  std::string text;
  const auto add = [&](Peer peer, std::string_view name) {
    if (!peers.has(peer)) return;
    if (!text.empty()) text += ", ";
    text += name;
  };
  add(Peer::kBroker, "broker");
  add(Peer::kNameServer, "name server");
  add(Peer::kClient, "client");
  return text;
}

std::string service_text(const RequestEntry& entry) {
  switch (entry.service) {
    case Service::kServed:
      return "served";
    case Service::kSent:
      return "sent by the broker";
    case Service::kNotServed:
      return "not served: " + std::string(entry.reason);
  }
  return {};
}

}  // namespace

std::span<const RequestEntry> request_table() {
  return kTable;
}

const RequestEntry* find_request(HeaderKind kind, std::int32_t code) {
  if (code >= 0 && code < static_cast<std::int32_t>(kDirect)) {
    const std::uint8_t at = kDirectTable[static_cast<std::size_t>(code)];
    return at == kNobody ? nullptr : &kTable[at];
  }
  const auto* found = std::find_if(kTable.begin(), kTable.end(), [&](const RequestEntry& entry) {
    return wire_code(kind, entry.meta.code) == code;
  });
  return found == kTable.end() ? nullptr : found;
}

std::string compat_markdown() {
  std::string out =
      "# Compatibility\n"
      "\n"
      "Requests of the remoting protocol, as Apache RocketMQ 5.3 numbers them. A request that is\n"
      "not served is answered with code 3 and the reason; one-way requests are answered by "
      "nobody.\n"
      "In binary headers a code above 32767 travels as its lower 16 bits. Codes from 31000 to "
      "31999\n"
      "are ours; Apache's brokers do not know them.\n"
      "\n"
      "This page is printed from the tables in `src/wire/remoting/schema`: `oncemq docs compat`.\n"
      "\n";
  out += "Where SQL92 filters differ from Apache's: [sql-filters.md](sql-filters.md).\n\n";
  std::size_t served = 0;
  for (const RequestEntry& entry : kTable) served += entry.service == Service::kServed ? 1 : 0;
  out += std::to_string(served) + " requests are served.\n\n";
  out += "| code | in binary headers | request | answered by | here |\n";
  out += "| --: | --: | --- | --- | --- |\n";
  for (const RequestEntry& entry : kTable) {
    const std::int32_t binary = wire_code(HeaderKind::kBinary, entry.meta.code);
    out += "| " + std::to_string(entry.meta.code) + " | " +
           (binary == entry.meta.code ? std::string() : std::to_string(binary)) + " | " +
           std::string(entry.meta.name) + " | " + peers_text(entry.meta.to) + " | " +
           service_text(entry) + " |\n";
  }
  return out;
}

}  // namespace oncemq::wire
