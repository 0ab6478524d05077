#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "oncemq/result.h"

namespace oncemq::sdk {

struct EmbeddedOptions {
  // Made when it is missing; one broker at a time. Empty: in memory, gone with the broker.
  std::string folder{};
  // Names and values of docs/configuration.md; for what differs here see docs/sdk.md.
  std::map<std::string, std::string> settings{};
};

// What goes wrong on purpose (docs/faults.md).
enum class Fault : std::uint8_t {
  kLoseSendResponse,  // stores the message and closes the connection instead of answering
  kDeliverTwice,      // gives messages once more that a group was just given
  kLoseAck,           // drops acks and committed offsets, without an answer
  kExpireHandle,      // ends a popped message's invisible time just before its ack arrives
  kPause,             // holds the requests that name the topic until the fault ends
};

// Ends by itself after `count` strikes or `lasts`, what comes first. Thread rule: external.
struct FaultOrder {
  Fault fault = Fault::kLoseSendResponse;
  std::string topic{};
  std::string group{};                 // consumer's, or producer's for sends; empty: any
  double probability = 1;              // of each chance, 0 to 1
  std::int64_t count = 0;              // at most 10^9; 0: no end
  std::chrono::milliseconds lasts{0};  // up to 24 h, a pause 10 min; 0: no end, a pause 30 s
};

// Thread rule: external.
struct FaultRecord {
  std::uint64_t id = 0;
  FaultOrder order{};
  bool active = false;
  std::uint64_t struck = 0;  // how often
};

// A whole broker with its name server in this process, for tests of programs that use one: on
// 127.0.0.1, on ports that were free. Any number of them, side by side. A folder whose disk fails
// ends the process (exit code 74), as it ends the server's.
// Thread rule: external; topics and faults may be called by several threads at once.
class EmbeddedBroker {
 public:
  // Serves when it returns. kInvalidArgument: a setting, or a folder that cannot be made; kBusy:
  // another broker has the folder, or no port is free; kInternal: the folder cannot be written, or
  // its files are damaged.
  static Result<EmbeddedBroker> open(EmbeddedOptions options = {});
  ~EmbeddedBroker();  // stop()
  EmbeddedBroker(EmbeddedBroker&&) noexcept;
  EmbeddedBroker& operator=(EmbeddedBroker&&) noexcept;

  // "127.0.0.1:PORT", from open() to the end.
  const std::string& name_server() const;
  const std::string& address() const;

  // Or changes it. Attributes without their sign: {"idempotent.key", "UNIQ_KEY"}.
  // kInvalidArgument; kBusy: too many topics; kClosed: it is stopped.
  Status create_topic(const std::string& topic, std::int32_t queues = 4,
                      const std::map<std::string, std::string>& attributes = {});

  // The fault's number. kInvalidArgument; kBusy: 64 are active; kClosed: it is stopped.
  Result<std::uint64_t> add_fault(const FaultOrder& order);
  // kInvalidArgument: no active fault has that number; kClosed: it is stopped.
  Status clear_fault(std::uint64_t id);
  void clear_faults();
  // Active and ended ones, oldest first. None when it is stopped: a stop ends them all.
  std::vector<FaultRecord> faults() const;

  // Orderly: answers what waits, saves, closes connections; clients that take no answers are
  // waited for 5 s. Any number of times. kInternal: something could not be saved.
  Status stop();
  // Again after stop(), on the same ports, with what was stored. kBusy: somebody else has a port.
  Status start();

 private:
  class Core;
  explicit EmbeddedBroker(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace oncemq::sdk
