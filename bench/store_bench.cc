// What the store costs per message, on the disk of the working folder (or TMPDIR): CPU of the
// appending thread, and of the whole process where the name says so.
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "model/properties.h"
#include "os/clock.h"
#include "os/real_disk.h"
#include "store/consume_queue.h"
#include "store/message_store.h"

namespace {

using namespace oncemq;         // NOLINT: a program of its own
using namespace oncemq::store;  // NOLINT

constexpr std::size_t kBody = 1024;
constexpr int kQueues = 8;

double process_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Bed {
 public:
  explicit Bed(CommitPolicy policy, bool index = true) {
    log::set_level(log::Level::kOff);
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : ".") + "/store_bench." + std::to_string(getpid());
    StoreOptions options;
    options.root = path_;
    options.policy = policy;
    options.index_enabled = index;
    auto opened = MessageStore::open(disk_, clock_, options, nullptr);
    if (!opened) std::abort();
    store_ = std::move(*opened);
    store_->start(nullptr);
    body_.assign(kBody, 'x');
    model::append_property(properties_, model::property::kUniqueKey,
                           "7F0000010A2C18B4AAC2000000000000");
    model::append_property(properties_, model::property::kTags, "TagA");
    for (int i = 0; i < kQueues; ++i) queues_.push_back(&store_->queue("BenchTopic", i));
  }
  ~Bed() {
    (void)store_->close();
    store_.reset();
    (void)disk_.remove_tree(path_);
  }

  MessageStore& store() { return *store_; }
  ConsumeQueue& queue(int i) { return *queues_[static_cast<std::size_t>(i % kQueues)]; }
  AppendItem item(int i) {
    AppendItem item;
    item.message.topic = "BenchTopic";
    item.message.queue_id = i % kQueues;
    item.message.body = as_bytes(body_);
    item.message.properties = properties_;
    item.queue = &queue(i);
    return item;
  }
  void send(std::vector<AppendItem>& items) {
    while (!store_->append(items)) std::this_thread::yield();
    store_->write_out();
  }

 private:
  os::RealDisk disk_;
  os::SystemClock clock_;
  std::string path_;
  std::unique_ptr<MessageStore> store_;
  std::string body_;
  std::string properties_;
  std::vector<ConsumeQueue*> queues_;
};

void append_write(benchmark::State& state, CommitPolicy policy, bool index) {
  Bed bed(policy, index);
  const auto batch = static_cast<int>(state.range(0));
  std::vector<AppendItem> items;
  for (int i = 0; i < batch; ++i) items.push_back(bed.item(i));
  const double before = process_cpu_seconds();
  for (auto _ : state) bed.send(items);
  const double used = process_cpu_seconds() - before;
  const auto messages = static_cast<double>(state.iterations() * batch);
  state.SetItemsProcessed(state.iterations() * batch);
  state.counters["msg_per_process_cpu_s"] = messages / used;
  state.counters["process_ns_per_msg"] = used * 1e9 / messages;
}

void BM_AppendWrite(benchmark::State& state) {
  append_write(state, CommitPolicy::kFlushed, true);
}
BENCHMARK(BM_AppendWrite)->Arg(1)->Arg(8)->Arg(32)->Arg(128)->MinTime(1.0);

void BM_AppendWriteNoIndex(benchmark::State& state) {
  append_write(state, CommitPolicy::kFlushed, false);
}
BENCHMARK(BM_AppendWriteNoIndex)->Arg(32)->MinTime(1.0);

// One message in flight until it is durable: the store's part of a synchronous send.
void BM_CommitDurable(benchmark::State& state) {
  Bed bed(CommitPolicy::kDurable);
  std::vector<AppendItem> items;
  for (int i = 0; i < state.range(0); ++i) items.push_back(bed.item(i));
  for (auto _ : state) {
    const auto end = bed.store().append(items);
    bed.store().write_out();
    while (bed.store().marks().committed().value < end->value) std::this_thread::yield();
  }
  const StoreStats stats = bed.store().stats();
  state.counters["sync_us"] =
      static_cast<double>(stats.sync_ns_total) / static_cast<double>(stats.syncs) / 1000;
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_CommitDurable)->Arg(1)->Arg(128)->UseRealTime()->MinTime(1.0);

void BM_ReadCatchUp(benchmark::State& state) {
  Bed bed(CommitPolicy::kFlushed, false);
  std::vector<AppendItem> items;
  for (int i = 0; i < 64; ++i) items.push_back(bed.item(i));
  for (int i = 0; i < 4000; ++i) bed.send(items);
  while (bed.store().stats().dispatch_behind_bytes > 0) std::this_thread::yield();
  std::int64_t offset = 0;
  std::int64_t messages = 0;
  for (auto _ : state) {
    const ReadResult read = bed.store().read({.queue = &bed.queue(3), .offset = {offset}});
    messages += read.messages;
    offset = read.next.value >= read.max.value ? 0 : read.next.value;
    benchmark::DoNotOptimize(read.spans.data());
  }
  state.SetItemsProcessed(messages);
}
BENCHMARK(BM_ReadCatchUp)->MinTime(1.0);

}  // namespace
