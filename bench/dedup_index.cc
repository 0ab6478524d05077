// What it costs to remember keys: fills an index, then times claims of new keys and of known ones,
// and a restart.
//
//   bench_dedup_index FOLDER [KEYS [restart]]      restart: of a folder that was filled before
#include "dedup/dedup_index.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <span>
#include <string>
#include <vector>

#include "os/random.h"
#include "os/real_disk.h"

using namespace oncemq;
using namespace oncemq::dedup;

namespace {

constexpr std::size_t kBatch = 32;   // messages of one tick
constexpr std::size_t kChunk = 256;  // messages that are timed as one
constexpr std::int32_t kSize = 1200;

// Of this thread's processor time: what else the machine does counts little.
double seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  std::exit(1);
}

struct Run {
  DedupIndex& index;
  const std::string body = std::string(1024, 'x');
  std::int64_t end = 0;
  std::uint64_t wrong = 0;
  std::vector<Ask> asks = std::vector<Ask>(kBatch);
  std::vector<Answer> answers = std::vector<Answer>(kBatch);
  std::vector<Settled> settled;

  struct Spent {
    double sends = 0;  // seconds: hash, claim, confirm
    double steps = 0;  // journals, partitions, filter
  };

  // Sends `count` messages with keys from `first` on.
  Spent send(std::uint64_t first, std::uint64_t count, Verdict expected) {
    std::vector<std::string> names(kChunk);
    Spent spent;
    for (std::uint64_t done = 0; done < count; done += kChunk) {
      for (std::size_t i = 0; i < kChunk; ++i) {
        char name[32];
        const int size = std::snprintf(name, sizeof name, "key-%020llu",
                                       static_cast<unsigned long long>(first + done + i));
        names[i].assign(name, static_cast<std::size_t>(size));
      }
      const double begun = seconds();
      for (std::size_t at = 0; at < kChunk; at += kBatch)
        send(std::span(names).subspan(at, kBatch), expected);
      const double sent = seconds();
      spent.sends += sent - begun;
      if (done % (kChunk * 512) != 0) continue;
      if (const Status stepped = index.step({end}, 1'700'000'000'000); !stepped)
        give_up(stepped.error());
      spent.steps += seconds() - sent;
    }
    return spent;
  }

  // What arrives in one tick.
  void send(std::span<const std::string> names, Verdict expected) {
    for (std::size_t i = 0; i < kBatch; ++i)
      asks[i].key = index.hasher()("topic", names[i], as_bytes(body));
    index.claim(asks, answers, {end});
    settled.clear();
    for (std::size_t i = 0; i < kBatch; ++i) {
      wrong += answers[i].verdict != expected ? 1U : 0U;
      if (answers[i].verdict != Verdict::kNew && answers[i].verdict != Verdict::kOtherBody)
        continue;
      settled.push_back({asks[i].key, Original{.log_offset = {end},
                                               .queue_offset = {end / kSize / 8},
                                               .queue_id = static_cast<std::int32_t>(i % 8),
                                               .size = kSize,
                                               .time_ms = 1'700'000'000'000}});
      end += kSize;
    }
    index.settle(settled);
  }
};

void print(const char* what, const Run::Spent& spent, std::uint64_t count) {
  const double each = 1e9 / static_cast<double>(count);
  std::printf("%s: %.0f ns each, and %.0f ns of steps\n", what, spent.sends * each,
              spent.steps * each);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_dedup_index FOLDER [KEYS [restart]]\n");
    return 2;
  }
  const std::uint64_t keys = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20'000'000;
  os::RealDisk disk;
  os::SeededRandom random(1);
  const DedupIndexOptions options{.folder = argv[1], .keys_max = keys + keys / 5};
  constexpr std::uint64_t kTimed = 1 << 20;
  if (argc <= 3) {
    auto index = DedupIndex::open(disk, random, options, INT64_MAX / 2);
    if (!index) give_up(index.error());
    Run run{.index = **index};
    print("new keys, empty index", run.send(0, kTimed, Verdict::kNew), kTimed);
    const std::uint64_t rest = keys - 2 * kTimed;
    print("new keys, all between", run.send(kTimed, rest, Verdict::kNew), rest);
    print("new keys, full index", run.send(keys - kTimed, kTimed, Verdict::kNew), kTimed);
    print("known keys", run.send(keys / 2, kTimed, Verdict::kDuplicate), kTimed);
    const DedupIndex::Stats stats = (*index)->stats();
    std::printf("%llu keys in %llu partitions: %.2f bytes of file and %.2f of memory for each\n",
                static_cast<unsigned long long>(stats.keys),
                static_cast<unsigned long long>(stats.partitions),
                static_cast<double>(stats.file_bytes) / static_cast<double>(stats.keys),
                static_cast<double>(stats.memory) / static_cast<double>(stats.keys));
    std::printf("wrong answers: %llu\n", static_cast<unsigned long long>(run.wrong));
  }
  const double begun = seconds();
  auto again = DedupIndex::open(disk, random, options, INT64_MAX / 2);
  if (!again) give_up(again.error());
  std::printf("restart without a stop: %.2f s of processor time, %llu keys\n", seconds() - begun,
              static_cast<unsigned long long>((*again)->stats().keys));
  return 0;
}
