// Sends in every way that there is, and prints a line for each message.
//
//   produce NAME_SERVER TOPIC
#include <cstdio>
#include <string>
#include <vector>

#include <oncemq/producer.h>

using namespace oncemq::sdk;

namespace {

void print(const char* how, const Result<Receipt>& result) {
  if (result)
    std::printf("%s %s queue %d offset %lld\n", how, result->message_id.c_str(), result->queue.id,
                static_cast<long long>(result->queue_offset));
  else
    std::printf("%s failed: %s\n", how, result.error().message.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: produce NAME_SERVER TOPIC\n");
    return 2;
  }
  const std::string topic = argv[2];
  auto producer = Producer::open(
      {.name_servers = {argv[1]}, .group = "example", .timeout = std::chrono::seconds(30)});
  if (!producer) {
    std::fprintf(stderr, "%s\n", producer.error().message.c_str());
    return 1;
  }

  // One after the other; the answer says where it lies.
  for (int i = 0; i < 3; ++i)
    print("sync", producer->send({.topic = topic,
                                  .body = "sync " + std::to_string(i),
                                  .tag = "sync",
                                  .keys = {"key-" + std::to_string(i)}}));

  // All messages of one order to one queue, so that they stay in order.
  for (int i = 0; i < 3; ++i)
    print("chosen", producer->send({.topic = topic, .body = "chosen " + std::to_string(i)},
                                   [](std::span<const Queue>) { return 0; }));

  // Many in one request.
  std::vector<Message> batch;
  for (int i = 0; i < 3; ++i)
    batch.push_back({.topic = topic, .body = "batch " + std::to_string(i), .tag = "batch"});
  print("batch", producer->send(batch));

  // Without waiting: the callback runs on the producer's thread.
  for (int i = 0; i < 3; ++i)
    if (const Status begun =
            producer->send_async({.topic = topic, .body = "async " + std::to_string(i)},
                                 [](const Result<Receipt>& result) { print("async", result); });
        !begun)
      std::printf("async failed: %s\n", begun.error().message.c_str());

  // Without an answer.
  if (const Status begun = producer->send_oneway({.topic = topic, .body = "one-way"}); !begun)
    std::printf("one-way failed: %s\n", begun.error().message.c_str());

  // What is under way when a producer ends, ends with kClosed: wait for what matters.
  print("last", producer->send({.topic = topic, .body = "last"}));
  return 0;
}
