// Consumes as a member of a group and prints a line for each message; ends after COUNT of them.
//
//   consume NAME_SERVER TOPIC GROUP COUNT
#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>

#include <oncemq/push_consumer.h>

using namespace oncemq::sdk;

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: consume NAME_SERVER TOPIC GROUP COUNT\n");
    return 2;
  }
  int missing = std::atoi(argv[4]);
  std::mutex mutex;
  std::promise<void> all;

  // Runs on several threads at once.
  const auto handle = [&](std::span<const Delivery> batch) -> Outcomes {
    const std::lock_guard lock(mutex);
    for (const Delivery& delivery : batch) {
      std::printf("queue %d offset %lld attempt %d: %s\n", delivery.queue.id,
                  static_cast<long long>(delivery.queue_offset), delivery.attempt,
                  delivery.message.body.c_str());
      if (--missing == 0) all.set_value();
    }
    // Or Outcome::again(), or one for each message.
    return Outcome::done();
  };
  auto consumer = PushConsumer::open({.name_servers = {argv[1]},
                                      .group = argv[3],
                                      .subscriptions = {{.topic = argv[2], .expression = "*"}},
                                      .start_at = StartAt::kFirst},
                                     handle);
  if (!consumer) {
    std::fprintf(stderr, "%s\n", consumer.error().message.c_str());
    return 1;
  }
  all.get_future().wait();
  consumer->close();  // the handler uses what is here
  return 0;
}
