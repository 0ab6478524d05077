#pragma once

#include <utility>

#include <gtest/gtest.h>

#include "oncemq/embedded.h"

// Brokers for tests. A port that a test asks for, or had before a stop, may be with a broker of
// another test for a moment: kBusy is tried again.
namespace oncemq::sdk {

inline EmbeddedBroker open_broker(const EmbeddedOptions& options = {}) {
  auto broker = EmbeddedBroker::open(options);
  while (!broker && broker.error().code == Errc::kBusy) broker = EmbeddedBroker::open(options);
  EXPECT_TRUE(broker) << broker.error().message;
  return std::move(*broker);
}

inline void start_again(EmbeddedBroker& broker) {
  auto started = broker.start();
  while (!started && started.error().code == Errc::kBusy) started = broker.start();
  EXPECT_TRUE(started) << started.error().message;
}

}  // namespace oncemq::sdk
