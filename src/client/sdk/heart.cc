#include "client/sdk/heart.h"

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "base/log.h"
#include "os/process.h"
#include "os/thread.h"
#include "wire/remoting/schema/clients.h"

namespace oncemq::sdk {
namespace {

constexpr std::int64_t kBeatMs = 30'000;

}  // namespace

std::string client_id(const std::string& instance, os::Random& random) {
  const std::vector<std::string> addresses = os::host_addresses();
  const std::uint64_t chance = random.next();
  return (addresses.empty() ? "localhost" : addresses.front()) + "@" +
         (!instance.empty() ? instance
                            : std::to_string(os::process_id()) + "#" +
                                  to_hex(std::as_bytes(std::span(&chance, 1))));
}

Heart::Member Heart::consumer(std::string client_id, wire::ConsumerGroup group) {
  Member member{.client_id = std::move(client_id), .consumer_group = group.name};
  wire::HeartbeatBody body;
  body.client_id = member.client_id;
  body.consumers.push_back(std::move(group));
  member.heartbeat = wire::encode_body(body);
  return member;
}

void Heart::start() {
  client_.loop().add_timer(client_.loop().now_ms() + kBeatMs, [this] {
    if (left_) return;
    beat_all();
    start();
  });
}

void Heart::meet(const std::string& address) {
  if (!left_ && met_.insert(address).second) beat(address);
}

void Heart::beat_all() {
  const std::set<std::string> all = met_;  // an answer that comes at once changes it
  for (const std::string& address : all) beat(address);
}

void Heart::beat(const std::string& address) {
  client_.call_async<wire::Heartbeat>(
      address, {}, as_bytes(member_.heartbeat), [this, address](const Result<client::Answer>& got) {
        if (left_ || (got && got->status())) return;
        if (got) log::warn("sdk", "{} refuses a heartbeat: {}", address, got->remark());
        met_.erase(address);
        on_lost_();
      });
}

void Heart::leave(const std::function<void()>& on_left) {
  left_ = true;
  const auto waiting = std::make_shared<std::size_t>(met_.size());  // shared by the answers
  if (met_.empty()) on_left();
  for (const std::string& address : std::exchange(met_, {}))
    client_.call_async<wire::UnregisterClient>(address,
                                               {.client_id = member_.client_id,
                                                .producer_group = member_.producer_group,
                                                .consumer_group = member_.consumer_group},
                                               {},
                                               [waiting, on_left](const Result<client::Answer>&) {
                                                 if (--*waiting == 0) on_left();
                                               });
}

}  // namespace oncemq::sdk
