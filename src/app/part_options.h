#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "broker/options.h"
#include "model/settings.h"
#include "net/server.h"
#include "store/message_store.h"

// The settings table in the words of each part.
namespace oncemq::app {

struct Roles {
  bool namesrv = false;
  bool broker = false;
};
Roles roles_of(const model::Settings& settings);

// Address that routes show: brokerIP1, or a concrete bindAddress, or the host's first address.
std::string shown_address(const model::Settings& settings);

store::StoreOptions store_options(const model::Settings& settings);
// `port` is the one that was bound. kInvalidArgument: brokerIP1 is not an address.
Result<broker::Options> broker_options(const model::Settings& settings, std::int32_t port);
void fill_switches(const model::Settings& settings, broker::Switches& switches);
net::ServerOptions server_options(const model::Settings& settings);

}  // namespace oncemq::app
