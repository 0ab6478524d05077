#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>

#include "client/remoting/remoting_client.h"
#include "os/random.h"
#include "wire/remoting/body/heartbeat.h"

namespace oncemq::sdk {

// What a client calls itself, as the official ones do: address@instance. Without an instance one is
// made up.
std::string client_id(const std::string& instance, os::Random& random);

// Tells brokers that a client is there, every 30 s. Thread rule: confined to the client's loop.
class Heart {
 public:
  struct Member {
    std::string client_id;
    std::string producer_group{};  // or
    std::string consumer_group{};
    std::string heartbeat;  // body of HEART_BEAT
  };
  static Member consumer(std::string client_id, wire::ConsumerGroup group);
  using OnLost = std::function<void()>;

  // The client outlives it. `on_lost`: a broker did not take a heartbeat, and must be met again.
  Heart(client::RemotingClient& client, Member member, OnLost on_lost)
      : client_(client), member_(std::move(member)), on_lost_(std::move(on_lost)) {}

  void start();
  // Introduces the client to a broker that does not know it yet. At most one per broker of the
  // routes.
  void meet(const std::string& address);
  // The broker does not know the client any more.
  void forget(const std::string& address) { met_.erase(address); }
  // No beat any more; brokers are told that the client goes. `on_left` runs when they have answered
  // or had their time.
  void leave(const std::function<void()>& on_left);

 private:
  void beat(const std::string& address);
  void beat_all();

  client::RemotingClient& client_;
  const Member member_;
  const OnLost on_lost_;
  std::set<std::string> met_;
  bool left_ = false;
};

}  // namespace oncemq::sdk
