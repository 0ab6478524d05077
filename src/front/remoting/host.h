#pragma once

#include "model/host.h"
#include "net/address.h"

namespace oncemq::front {

inline model::HostAddress host_of(const net::Address& address) {
  return {.ip = address.ip, .is_v6 = address.is_v6, .port = address.port};
}

}  // namespace oncemq::front
