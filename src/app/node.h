#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/serve.h"
#include "base/result.h"
#include "model/settings.h"
#include "os/disk.h"

namespace oncemq::broker {
class Broker;
}

namespace oncemq::app {

// Broker and name service in this process, with all their threads. Thread rule: confined to who
// made it.
class Node {
 public:
  // The disk outlives it.
  Node(ServeOptions options, os::Disk& disk);
  ~Node();

  // Serves from now on. After an error only stop() may follow, as after a success.
  Status start();
  // Drains, saves, closes. Once.
  Status stop();
  // "ready in 12 ms: ..."; after start().
  std::string ready_line() const;
  // Null without that role; between start() and stop().
  broker::Broker* broker();

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

void set_log_level(const model::Settings& settings);

}  // namespace oncemq::app
