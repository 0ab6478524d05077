// A unit test with a broker of its own: an order whose answer is lost is sent again, stored once.
#include <chrono>
#include <cstdio>
#include <future>
#include <span>
#include <string>

#include <oncemq/embedded.h>
#include <oncemq/producer.h>
#include <oncemq/push_consumer.h>

using namespace oncemq::sdk;

int main() {
  auto broker = EmbeddedBroker::open();
  if (!broker || !broker->create_topic("orders", 1, {{"idempotent.key", "UNIQ_KEY"}}) ||
      !broker->add_fault({.fault = Fault::kLoseSendResponse, .topic = "orders", .count = 1}))
    return 2;

  auto producer = Producer::open({.name_servers = {broker->name_server()},
                                  .timeout = std::chrono::minutes(1),
                                  .attempts = 100});
  for (const char* body : {"a", "b", "end"})
    if (!producer || !producer->send({.topic = "orders", .body = body})) return 2;

  std::string seen;
  std::promise<void> end;
  auto consumer = PushConsumer::open({.name_servers = {broker->name_server()},
                                      .group = "shop",
                                      .subscriptions = {{.topic = "orders"}},
                                      .ordered = true,
                                      .start_at = StartAt::kFirst},
                                     [&](std::span<const Delivery> batch) {
                                       const std::string& body = batch.front().message.body;
                                       if (body == "end")
                                         end.set_value();
                                       else
                                         seen += body;
                                       return Outcome::done();
                                     });
  if (!consumer) return 2;
  end.get_future().wait();
  consumer->close();
  std::printf("answers lost: %d, orders seen: %s\n", static_cast<int>(broker->faults()[0].struck),
              seen.c_str());
  return seen == "ab" ? 0 : 1;
}
