#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/node.h"
#include "model/settings.h"
#include "os/clock.h"
#include "os/memory_disk.h"

namespace oncemq::sdk {

// A whole broker with its name server in this process, on a disk in memory. Thread rule: confined.
class LocalBroker {
 public:
  LocalBroker();
  ~LocalBroker();

  std::string name_server() const;
  // Orderly, and again on the same ports with what is on the disk.
  void stop();
  void start();

 private:
  model::Settings settings_;
  os::MemoryDisk disk_;
  std::unique_ptr<app::Node> node_;
};

}  // namespace oncemq::sdk
