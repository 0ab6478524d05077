#include "tests/sdk/local_broker.h"

#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "os/random.h"

namespace oncemq::sdk {
namespace {

// Below the kernel's own ports, so that no outgoing connection has it; not those of
// tests/support/ports.py, which end in 1, 3 and 4.
std::int32_t some_port(os::Random& random) {
  return static_cast<std::int32_t>(10'000 + random.below(2'200) * 10 + 7);
}

}  // namespace

LocalBroker::LocalBroker() {
  log::set_level(log::Level::kError);
  settings_.bind_address = "127.0.0.1";
  settings_.broker_ip = "127.0.0.1";
  settings_.http_listen_port = 0;
  settings_.fast_listen_port = 0;
  settings_.log_level = "error";
  settings_.log_file_size = 8 << 20;
  settings_.index_slots = 1'000;
  settings_.index_entries = 4'000;
  settings_.message_delay_level = "1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s";
  os::SystemRandom random;
  for (int tries = 0; node_ == nullptr; ++tries) {
    ONCE_CHECK(tries < 100, "no port is free");
    settings_.namesrv_listen_port = some_port(random);
    settings_.listen_port = settings_.namesrv_listen_port + 1;
    auto node = std::make_unique<app::Node>(app::ServeOptions{.settings = settings_}, disk_);
    if (node->start())
      node_ = std::move(node);
    else
      (void)node->stop();
  }
}

LocalBroker::~LocalBroker() {
  if (node_ != nullptr) stop();
}

std::string LocalBroker::name_server() const {
  return "127.0.0.1:" + std::to_string(settings_.namesrv_listen_port);
}

void LocalBroker::stop() {
  const Status stopped = node_->stop();
  ONCE_CHECK(stopped.has_value(), "the broker stops");
  node_.reset();
}

void LocalBroker::start() {
  node_ = std::make_unique<app::Node>(app::ServeOptions{.settings = settings_}, disk_);
  const auto started = node_->start();
  ONCE_CHECK(started.has_value(), "the broker starts again");
}

}  // namespace oncemq::sdk
