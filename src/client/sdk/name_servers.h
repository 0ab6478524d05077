#pragma once

#include <string>
#include <vector>

#include "client/sdk/failure.h"
#include "net/address.h"

namespace oncemq::sdk {

// "HOST:PORT" in numbers, looked up where waiting for DNS holds nobody up. kInvalidArgument: there
// is none | kUnreachable.
inline Result<std::vector<std::string>> resolve_name_servers(
    const std::vector<std::string>& names) {
  if (names.empty()) return failure(Errc::kInvalidArgument, "there is no name server");
  std::vector<std::string> all;
  for (const std::string& name : names) {
    const auto address = net::resolve(name);
    if (!address) return failure(Errc::kUnreachable, address.error().message);
    all.push_back(address->front().to_string());
  }
  return all;
}

}  // namespace oncemq::sdk
