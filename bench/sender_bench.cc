// What a send costs in the broker, without the encoding and the disk: checks, one walk over the
// properties, queue, tag hash, broker pairs. Target: under 300 ns for a plain message.
#include <string>

#include <benchmark/benchmark.h>

#include "base/check.h"
#include "broker/fake_store.h"
#include "broker/sender.h"
#include "os/memory_disk.h"
#include "os/random.h"

namespace oncemq::broker {
namespace {

struct Bench {
  Bench() {
    options.address = Address::parse("10.0.0.1:10911").value();
    options.delay_levels_ms = {1'000, 5'000, 10'000};
    ONCE_CHECK(topics.load("").has_value());
    model::TopicConfig config;
    config.name = "orders";
    ONCE_CHECK(topics.update(config).has_value());
    sender.set_accepting(true);
    request.producer_group = "producers";
    request.topic = "orders";
    request.default_topic = "TBW102";
    request.queue_id = 3;
    request.born_timestamp = clock.wall_ms();
    request.born_host = options.address;
    request.body = as_bytes(body);
  }

  // Stages ticks of 32 messages; the commit is not part of what is measured.
  void run(benchmark::State& state) {
    constexpr int kTick = 32;
    for (auto _ : state) {
      for (int i = 0; i < kTick; ++i) benchmark::DoNotOptimize(sender.stage(request, batch));
      ONCE_CHECK(batch.size() == kTick);
      batch.clear();
    }
    state.SetItemsProcessed(state.iterations() * kTick);
  }

  os::ManualClock clock;
  Options options;
  Switches switches;
  FakeStore store{clock};
  os::SeededRandom random{1};
  BrokerStats stats{clock};
  UniqueKeys keys{options.address, random, clock};
  TopicTable topics{options, switches, store, clock};
  GroupTable groups{options, switches, topics, clock};
  QueueLocks locks{options, clock};
  os::MemoryDisk disk{&clock};
  Idempotence idempotence{options, topics, store, disk, clock, random};
  Sender sender{options, switches, topics, groups, locks, idempotence, store, stats, keys, clock};
  SendBatch batch;
  const std::string body = std::string(1024, 'b');
  SendRequest request;
};

void plain(benchmark::State& state) {
  Bench bench;
  const std::string properties =
      "KEYS\x01order-4711\x02UNIQ_KEY\x01"
      "7F0000012A1C18B4AAC2A2C1B2D30001\x02WAIT\x01true\x02"
      "TAGS\x01paid\x02";
  bench.request.properties = properties;
  bench.run(state);
}

void without_unique_key(benchmark::State& state) {
  Bench bench;
  const std::string properties = "TAGS\x01paid\x02";
  bench.request.properties = properties;
  bench.run(state);
}

void delayed(benchmark::State& state) {
  Bench bench;
  const std::string properties =
      "UNIQ_KEY\x01"
      "7F0000012A1C18B4AAC2A2C1B2D30001\x02"
      "DELAY\x01"
      "2\x02";
  bench.request.properties = properties;
  bench.run(state);
}

BENCHMARK(plain);
BENCHMARK(without_unique_key);
BENCHMARK(delayed);

}  // namespace
}  // namespace oncemq::broker
