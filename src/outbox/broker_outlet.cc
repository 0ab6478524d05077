#include "outbox/broker_outlet.h"

#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "base/log.h"
#include "client/admin/topic_details.h"
#include "client/sdk/failure.h"
#include "model/idempotence_policy.h"
#include "model/topic.h"
#include "outbox/row.h"
#include "wire/remoting/codes.h"

namespace oncemq::outbox {
namespace {

constexpr const char* kArea = "outbox";
constexpr const char* kProducerGroup = "oncemq_outbox";

std::string key_attribute() {
  return std::string("property:") + kRowProperty;
}

// A refusal is the row's trouble; all else is somebody who is away.
sdk::Error error_of(Error error) {
  sdk::Error said{.code = sdk::Errc::kUnreachable, .message = std::move(error.message)};
  switch (error.code) {
    case Errc::kTopicNotFound:
      said.code = sdk::Errc::kTopicNotFound;
      break;
    case Errc::kInvalidArgument:
    case Errc::kMessageIllegal:
    case Errc::kNoPermission:
    case Errc::kNotSupported:
      said.code = sdk::Errc::kRefused;
      said.response_code = wire::number(wire::ResponseCode::kInvalidParameter);
      break;
    default:  // more than 20 words for "not now"
      break;
  }
  return said;
}

// The queue whose hash with `place` is the largest: a queue more takes only its share of places.
std::size_t queue_for(const std::string& place, std::span<const sdk::Queue> queues) {
  std::size_t best = 0;
  XXH64_hash_t largest = 0;
  for (std::size_t at = 0; at < queues.size(); ++at) {
    const std::string text = fmt::format("{}/{}/{}", queues[at].broker, queues[at].id, place);
    const XXH64_hash_t hash = XXH3_64bits(text.data(), text.size());
    if (at > 0 && hash <= largest) continue;
    best = at;
    largest = hash;
  }
  return best;
}

}  // namespace

sdk::Result<std::unique_ptr<BrokerOutlet>> BrokerOutlet::open(const os::Clock& clock,
                                                              OutletOptions options) {
  auto client = client::RemotingClient::open(clock);
  if (!client) return sdk::failure(sdk::Errc::kInternal, client.error().message);
  auto producer = sdk::Producer::open({.name_servers = {options.name_server},
                                       .group = kProducerGroup,
                                       .timeout = options.timeout,
                                       .message_max = options.body_max,
                                       .pending_max = options.parallel_max});
  if (!producer) return tl::unexpected(std::move(producer.error()));
  return std::unique_ptr<BrokerOutlet>(
      new BrokerOutlet(std::move(options), std::move(*client), std::move(*producer)));
}

sdk::Status BrokerOutlet::prepare(const std::string& topic) {
  if (ready_.contains(topic)) return {};
  if (Status seen = look(topic); !seen) return tl::unexpected(error_of(std::move(seen.error())));
  ready_.insert(topic);
  return {};
}

Status BrokerOutlet::look(const std::string& topic) {
  client::TopicDetails details(admin_);
  auto configs = details.configs(topic);
  if (!configs && configs.error().code == Errc::kTopicNotFound && options_.create) {
    ONCE_TRY(make(topic));
    configs = details.configs(topic);
  }
  if (!configs) return fail(std::move(configs.error()));
  // Without it the client would take the queues of a topic that is still to be made, and an
  // aggregate would change its queue when the real ones are known.
  if (const auto route = details.route(topic); !route)
    return fail(Errc::kNotReady, "the name server does not know topic " + topic + " yet");
  for (const auto& [broker, config] : *configs) judge_promise(topic, config);
  return {};
}

// Brokers of another kind may refuse attributes that they do not know.
Status BrokerOutlet::make(const std::string& topic) {
  client::TopicDetails details(admin_);
  model::TopicConfig config;
  config.name = topic;
  config.read_queues = config.write_queues = options_.queues;
  Status made = details.update(config, fmt::format("+idempotent.key={},+idempotent.window={}h",
                                                   key_attribute(), options_.window.count()));
  if (!made && made.error().code != Errc::kIo) made = details.update(config, "");
  if (made) log::info(kArea, "topic {} was made, with {} queues", topic, options_.queues);
  return made;
}

void BrokerOutlet::judge_promise(const std::string& topic, const model::TopicConfig& config) {
  const auto policy = model::IdempotencePolicy::of(config.attributes);
  const bool whole = policy && policy->source_text() == key_attribute() && !policy->shadow;
  if (whole || !warned_.insert(topic).second) return;
  log::warn(kArea,
            "topic {} does not know rows by their id: one that is sent again is stored twice. With "
            "OnceMQ: oncemq topic update {} --attributes +idempotent.key={},+idempotent.window={}h",
            topic, topic, key_attribute(), options_.window.count());
}

void BrokerOutlet::send(const sdk::Message& message, const std::string& place, Callback callback) {
  // Told in both ways: as the status of what never began, else by the callback.
  const auto shared = std::make_shared<Callback>(std::move(callback));
  const auto begun = producer_.send_async(
      message, [place](std::span<const sdk::Queue> queues) { return queue_for(place, queues); },
      [shared](sdk::Result<sdk::Receipt> result) { (*shared)(std::move(result)); });
  if (!begun) (*shared)(tl::unexpected(begun.error()));
}

}  // namespace oncemq::outbox
