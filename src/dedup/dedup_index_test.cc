#include "dedup/dedup_index.h"

#include <array>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.h"
#include "os/memory_disk.h"

namespace oncemq::dedup {
namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int32_t kSize = 1000;

// A log that knows only what was idempotent in it.
struct DedupIndexTest : ::testing::Test {
  struct Stored {
    std::string key;
    std::string body;
    Original original;
  };

  void SetUp() override { log::set_level(log::Level::kOff); }
  void TearDown() override { log::set_level(log::Level::kInfo); }

  void open() {
    index.reset();
    auto opened = DedupIndex::open(*disk, random, options, log_end);
    ASSERT_TRUE(opened) << opened.error().message;
    index = std::move(*opened);
    scanned = 0;
    for (const Stored& stored : log) {
      if (stored.original.log_offset.value < index->covered()) continue;
      ++scanned;
      ASSERT_TRUE(index->restore(key_of(stored.key, stored.body), stored.original));
    }
  }
  // The process or the machine dies; the log is what was durable.
  void crash(os::Crash kind) {
    auto after = disk->crash(kind, &random);
    index.reset();
    disk = std::move(after);
    if (kind != os::Crash::kProcess) {
      while (!log.empty() && log.back().original.log_offset.value >= durable) log.pop_back();
      log_end = durable;
    }
    open();
  }

  MessageKey key_of(const std::string& key, const std::string& body) const {
    return index->hasher()("topic", key, as_bytes(body));
  }
  Ask ask(const std::string& key, const std::string& body) const {
    return {.key = key_of(key, body), .since_ms = now - options.window_ms};
  }
  Answer claim(const Ask& one) {
    Answer answer;
    index->claim({&one, 1}, {&answer, 1}, {log_end});
    return answer;
  }
  Original append(const std::string& key, const std::string& body) {
    const Original original{.log_offset = {log_end},
                            .queue_offset = {next_offset++},
                            .queue_id = static_cast<std::int32_t>(next_offset % 4),
                            .size = kSize,
                            .time_ms = now};
    log.push_back({key, body, original});
    log_end += kSize;
    return original;
  }
  void settle(const MessageKey& key, const std::optional<Original>& stored) {
    const Settled one{key, stored};
    index->settle({&one, 1});
  }
  // What a broker does with a send.
  Answer send(const std::string& key, const std::string& body) {
    const Ask one = ask(key, body);
    const Answer answer = claim(one);
    if (answer.verdict == Verdict::kNew || answer.verdict == Verdict::kOtherBody)
      settle(one.key, append(key, body));
    return answer;
  }
  Status step() {
    durable = log_end;
    return index->step({durable}, now);
  }
  bool is_duplicate(const std::string& key, const std::string& body) {
    const Ask one = ask(key, body);
    const Answer answer = claim(one);
    if (answer.verdict == Verdict::kNew || answer.verdict == Verdict::kOtherBody)
      settle(one.key, std::nullopt);
    return answer.verdict == Verdict::kDuplicate;
  }
  std::vector<std::string> files(std::string_view prefix) const {
    std::vector<std::string> found;
    for (const std::string& path : disk->files())
      if (path.starts_with("keys/" + std::string(prefix))) found.push_back(path);
    return found;
  }

  std::unique_ptr<os::MemoryDisk> disk = std::make_unique<os::MemoryDisk>();
  os::SeededRandom random{1};
  // Partitions of 100 keys.
  DedupIndexOptions options{
      .folder = "keys", .keys_max = 2000, .rows_min = 0, .window_ms = 24 * kHour};
  std::unique_ptr<DedupIndex> index;
  std::vector<Stored> log;
  std::int64_t log_end = 5000;
  std::int64_t durable = 5000;
  std::int64_t next_offset = 0;
  std::int64_t now = 1'700'000'000'000;
  int scanned = 0;
};

TEST_F(DedupIndexTest, TheSecondSendGetsTheFirstOnesPlace) {
  open();
  EXPECT_EQ(send("a", "1").verdict, Verdict::kNew);
  now += 1000;
  const Answer again = send("a", "1");
  EXPECT_EQ(again.verdict, Verdict::kDuplicate);
  EXPECT_EQ(again.original.log_offset.value, 5000);
  EXPECT_EQ(again.original.queue_offset.value, 0);
  EXPECT_EQ(again.original.queue_id, 1);
  EXPECT_EQ(again.original.size, kSize);
  EXPECT_EQ(log.size(), 1u);
}

TEST_F(DedupIndexTest, AnotherBodyIsStoredAndRemembered) {
  open();
  send("a", "1");
  EXPECT_EQ(send("a", "2").verdict, Verdict::kOtherBody);
  EXPECT_EQ(send("a", "1").verdict, Verdict::kDuplicate);
  EXPECT_EQ(send("a", "2").verdict, Verdict::kDuplicate);
  EXPECT_EQ(log.size(), 2u);
}

TEST_F(DedupIndexTest, AnotherBodyIsRefusedWhenTheTopicSaysSo) {
  open();
  send("a", "1");
  Ask other = ask("a", "2");
  other.refuse_other_body = true;
  EXPECT_EQ(claim(other).verdict, Verdict::kOtherBody);
  EXPECT_EQ(claim(other).verdict, Verdict::kOtherBody) << "nothing of it is left";
  other.refuse_other_body = false;
  EXPECT_EQ(claim(other).verdict, Verdict::kOtherBody);
}

// exactly-once.md §6 no. 3 and 6: the key is known when its message is, not before.
TEST_F(DedupIndexTest, WhileTheOriginalIsBeingStoredNobodyIsTold) {
  open();
  const Ask one = ask("a", "1");
  EXPECT_EQ(claim(one).verdict, Verdict::kNew);
  EXPECT_EQ(claim(one).verdict, Verdict::kUndecided);
  settle(one.key, std::nullopt);
  EXPECT_EQ(claim(one).verdict, Verdict::kNew) << "its append was refused: the retry is stored";
  settle(one.key, append("a", "1"));
  EXPECT_EQ(claim(one).verdict, Verdict::kDuplicate);
}

TEST_F(DedupIndexTest, TheSameSendTwiceInOneCall) {
  open();
  const std::array asks{ask("a", "1"), ask("b", "1"), ask("a", "1")};
  std::array<Answer, 3> answers;
  index->claim(asks, answers, {log_end});
  EXPECT_EQ(answers[0].verdict, Verdict::kNew);
  EXPECT_EQ(answers[1].verdict, Verdict::kNew);
  EXPECT_EQ(answers[2].verdict, Verdict::kUndecided);
}

TEST_F(DedupIndexTest, AfterTheWindowItIsNew) {
  open();
  send("a", "1");
  now += options.window_ms;
  EXPECT_TRUE(is_duplicate("a", "1"));
  now += 1;
  EXPECT_EQ(send("a", "1").verdict, Verdict::kNew);
  EXPECT_EQ(send("a", "1").original.log_offset.value, 5000 + kSize) << "the younger one";
}

TEST_F(DedupIndexTest, KeysMoveIntoFilesAndAreFoundThere) {
  open();
  for (int i = 0; i < 950; ++i) {
    ASSERT_EQ(send("k" + std::to_string(i), "x").verdict, Verdict::kNew) << i;
    if (i % 50 == 49) {
      ASSERT_TRUE(step());
    }
  }
  const DedupIndex::Stats stats = index->stats();
  EXPECT_GE(stats.partitions, 8u);
  EXPECT_EQ(stats.evicted, 0u);
  EXPECT_EQ(files("journal").size(), 1u);
  for (int i = 0; i < 950; ++i) {
    const Answer answer = send("k" + std::to_string(i), "x");
    ASSERT_EQ(answer.verdict, Verdict::kDuplicate) << i;
    EXPECT_EQ(answer.original.log_offset.value, 5000 + i * kSize);
    EXPECT_EQ(answer.original.queue_offset.value, i);
    const Ask other = ask("k" + std::to_string(i), "y");
    ASSERT_EQ(claim(other).verdict, Verdict::kOtherBody);
    settle(other.key, std::nullopt);
  }
}

TEST_F(DedupIndexTest, FilesOutliveTheirWindowByNoMoreThanAnEighth) {
  open();
  for (int i = 0; i < 300; ++i) {
    send("k" + std::to_string(i), "x");
    now += kHour / 2;
    ASSERT_TRUE(step());
  }
  // 150 hours, 24 of which count.
  EXPECT_LE(index->stats().partitions, 10u);
  EXPECT_LE(index->stats().keys, 60u);
  EXPECT_EQ(files("keys-").size(), index->stats().partitions);
  int known = 0;
  for (int i = 0; i < 300; ++i) known += is_duplicate("k" + std::to_string(i), "x") ? 1 : 0;
  EXPECT_GE(known, 48);
  EXPECT_LE(known, 50);
}

TEST_F(DedupIndexTest, TheOldestAreGivenUpWhenThereAreTooMany) {
  open();
  for (int i = 0; i < 5000; ++i) {
    send("k" + std::to_string(i), "x");
    if (i % 100 == 99) {
      ASSERT_TRUE(step());
    }
  }
  const DedupIndex::Stats stats = index->stats();
  EXPECT_GE(stats.evicted, 2900u);
  EXPECT_LE(stats.keys, 2150u);
  EXPECT_FALSE(is_duplicate("k0", "x"));
  for (int i = 3100; i < 5000; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
}

TEST_F(DedupIndexTest, ACleanRestartReadsNothingOfTheLog) {
  open();
  for (int i = 0; i < 333; ++i) {
    send("k" + std::to_string(i), "x");
    if (i % 50 == 49) {
      ASSERT_TRUE(step());
    }
  }
  durable = log_end;
  ASSERT_TRUE(index->close({durable}));
  open();
  EXPECT_EQ(scanned, 0);
  for (int i = 0; i < 333; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
}

// Whatever dies whenever: a key is known exactly when its message is in the log.
TEST_F(DedupIndexTest, AKeyIsKnownExactlyWhenItsMessageSurvived) {
  for (const os::Crash kind : {os::Crash::kProcess, os::Crash::kDropUnsynced,
                               os::Crash::kKeepUnsynced, os::Crash::kRandom}) {
    SCOPED_TRACE(static_cast<int>(kind));
    disk = std::make_unique<os::MemoryDisk>();
    log.clear();
    open();
    int number = 0;
    for (int round = 0; round < 40; ++round) {
      for (std::uint64_t left = random.below(90); left > 0; --left) {
        const std::string key = "k" + std::to_string(number++);
        if (random.below(20) == 0) {
          const Ask lost = ask(key, "x");
          claim(lost);
          if (random.below(2) == 0) settle(lost.key, std::nullopt);
          continue;
        }
        send(key, "x");
        now += static_cast<std::int64_t>(random.below(60'000));
        if (random.below(10) == 0) {
          ASSERT_TRUE(step());
        }
      }
      crash(kind);
      std::map<std::string, std::int64_t> expected;
      for (const Stored& stored : log) expected[stored.key] = stored.original.log_offset.value;
      for (int i = std::max(0, number - 400); i < number; ++i) {
        const std::string key = "k" + std::to_string(i);
        const Ask one = ask(key, "x");
        const Answer answer = claim(one);
        const auto found = expected.find(key);
        ASSERT_EQ(answer.verdict == Verdict::kDuplicate, found != expected.end()) << key;
        if (found != expected.end()) {
          ASSERT_EQ(answer.original.log_offset.value, found->second);
        } else {
          settle(one.key, std::nullopt);
        }
      }
    }
  }
}

// A crash after each single operation of the disk.
TEST_F(DedupIndexTest, NoOperationOfTheDiskIsAGap) {
  options.keys_max = 400;  // partitions of 20
  for (const os::Crash kind : {os::Crash::kProcess, os::Crash::kDropUnsynced}) {
    std::vector<std::unique_ptr<os::MemoryDisk>> images;
    std::vector<std::pair<std::size_t, std::int64_t>> logs;  // entries, durable
    disk = std::make_unique<os::MemoryDisk>();
    log.clear();
    disk->observe([&, observed = disk.get()](const os::DiskOperation&) {
      images.push_back(observed->crash(kind));
      logs.emplace_back(log.size(), durable);
    });
    open();
    for (int i = 0; i < 70; ++i) {
      send("k" + std::to_string(i), "x");
      if (i % 7 == 6) {
        ASSERT_TRUE(step());
      }
    }
    disk->observe(nullptr);
    const auto whole = log;
    const std::int64_t whole_end = log_end;
    EXPECT_GT(images.size(), 50u);
    for (std::size_t i = 0; i < images.size(); ++i) {
      log = whole;
      log.resize(logs[i].first);
      log_end = log.empty() ? 5000 : log.back().original.log_offset.value + kSize;
      if (kind != os::Crash::kProcess) {
        while (!log.empty() && log.back().original.log_offset.value >= logs[i].second)
          log.pop_back();
        log_end = logs[i].second;
      }
      disk = std::move(images[i]);
      open();
      std::size_t known = 0;
      for (int k = 0; k < 70; ++k) known += is_duplicate("k" + std::to_string(k), "x") ? 1u : 0u;
      ASSERT_EQ(known, log.size()) << i;
    }
    log = whole;
    log_end = whole_end;
    index.reset();
  }
}

TEST_F(DedupIndexTest, ABrokenFileIsMadeAgainFromTheLog) {
  open();
  for (int i = 0; i < 500; ++i) {
    send("k" + std::to_string(i), "x");
    if (i % 50 == 49) {
      ASSERT_TRUE(step());
    }
  }
  const auto partitions = files("keys-");
  ASSERT_GE(partitions.size(), 4u);
  ASSERT_TRUE(disk->corrupt(partitions[1], 40, std::byte{0xff}));
  ASSERT_TRUE(disk->remove(partitions[2]));
  open();
  EXPECT_GE(index->stats().lost, 200u);
  EXPECT_GT(scanned, 200);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
  // And again: what was made again is in files of its own.
  ASSERT_TRUE(step());
  open();
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
}

TEST_F(DedupIndexTest, WhatTheLogLostIsForgotten) {
  open();
  for (int i = 0; i < 500; ++i) {
    send("k" + std::to_string(i), "x");
    if (i % 50 == 49) {
      ASSERT_TRUE(step());
    }
  }
  log.resize(222);
  log_end = log.back().original.log_offset.value + kSize;
  open();
  for (int i = 0; i < 500; ++i) ASSERT_EQ(is_duplicate("k" + std::to_string(i), "x"), i < 222) << i;
}

// The journals reach further than what was read again: they must not hide it.
TEST_F(DedupIndexTest, ACrashWhileALostFileIsMadeAgain) {
  for (const os::Crash kind : {os::Crash::kProcess, os::Crash::kDropUnsynced}) {
    index.reset();
    disk = std::make_unique<os::MemoryDisk>();
    log.clear();
    open();
    ASSERT_TRUE(disk->sync_dir(""));  // the folder itself
    for (int i = 0; i < 500; ++i) {
      send("k" + std::to_string(i), "x");
      if (i % 50 == 49) {
        ASSERT_TRUE(step());
      }
    }
    ASSERT_TRUE(disk->remove(files("keys-")[1]));
    ASSERT_TRUE(disk->sync_dir("keys"));
    open();
    EXPECT_GT(index->stats().lost, 0u);
    crash(kind);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
    ASSERT_TRUE(step());
    crash(kind);
    EXPECT_LT(scanned, 100) << "once is enough";
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
  }
}

TEST_F(DedupIndexTest, ABrokenListIsMadeAgainFromTheLog) {
  open();
  for (int i = 0; i < 500; ++i) {
    send("k" + std::to_string(i), "x");
    if (i % 50 == 49) {
      ASSERT_TRUE(step());
    }
  }
  ASSERT_TRUE(index->close({durable}));
  index.reset();
  const auto old = files("keys-");
  for (const char* name : {"keys/keys.json", "keys/keys.json.bak"})
    if (disk->stat(name)) {
      ASSERT_TRUE(disk->corrupt(name, 5, std::byte{0x55}));
    }
  open();
  EXPECT_EQ(scanned, 500);
  for (const std::string& name : old) EXPECT_FALSE(disk->stat(name)) << name;
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
  ASSERT_TRUE(step());
  open();
  EXPECT_LT(scanned, 100);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
}

TEST_F(DedupIndexTest, ABurstHasRoomUntilItIsDurable) {
  options.keys_max = 20;
  options.rows_min = 1000;
  open();
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(send("k" + std::to_string(i), "x").verdict, Verdict::kNew) << i;
  EXPECT_TRUE(index->crowded());
  EXPECT_EQ(send("one too many", "x").verdict, Verdict::kUndecided);
  ASSERT_TRUE(step());
  EXPECT_FALSE(index->crowded());
  EXPECT_EQ(send("one too many", "x").verdict, Verdict::kNew);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
}

// They would only be carried from table to table, with a new journal each time.
TEST_F(DedupIndexTest, WhatIsNotDurableYetMakesNoPartition) {
  options.keys_max = 20;
  options.rows_min = 1000;
  open();
  for (int i = 0; i < 700; ++i) send("k" + std::to_string(i), "x");
  const auto journals = files("journal-");
  ASSERT_EQ(journals.size(), 1u);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(index->step({log[300].original.log_offset.value}, now));
  EXPECT_EQ(files("journal-"), journals);
  EXPECT_EQ(index->stats().partitions, 0u);
  ASSERT_TRUE(index->step({log[400].original.log_offset.value}, now));
  EXPECT_EQ(index->stats().partitions, 1u);
  for (int i = 0; i < 700; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
}

TEST_F(DedupIndexTest, AFullDiskLosesNothing) {
  open();
  for (int i = 0; i < 95; ++i) send("k" + std::to_string(i), "x");
  ASSERT_TRUE(step());
  disk->set_capacity(1);
  for (int i = 95; i < 140; ++i) send("k" + std::to_string(i), "x");
  EXPECT_FALSE(step());
  EXPECT_FALSE(step());
  for (int i = 0; i < 140; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
  // No room for more rows: nobody is told OK, nobody is told new.
  int undecided = 0;
  for (int i = 140; i < 400; ++i)
    undecided += send("k" + std::to_string(i), "x").verdict == Verdict::kUndecided ? 1 : 0;
  EXPECT_GT(undecided, 200);
  disk->set_capacity(os::MemoryDisk::kUnlimited);
  EXPECT_TRUE(step());
  EXPECT_EQ(send("late", "x").verdict, Verdict::kNew);
  for (int i = 0; i < 140; ++i) ASSERT_TRUE(is_duplicate("k" + std::to_string(i), "x")) << i;
}

// Loops send while the files are made: each key is stored once.
TEST_F(DedupIndexTest, ManyThreadsOneStore) {
  open();
  std::atomic<std::int64_t> end{log_end};
  std::atomic<int> stored{0};
  std::atomic<bool> stop{false};
  constexpr int kKeys = 1500;
  std::vector<MessageKey> keys;
  for (int i = 0; i < kKeys; ++i) keys.push_back(key_of("k" + std::to_string(i), "x"));
  const auto sender = [&](std::uint64_t seed) {
    os::SeededRandom chance(seed);
    for (int i = 0; i < kKeys;) {
      const Ask one{.key = keys[static_cast<std::size_t>(i)], .since_ms = 0};
      Answer answer;
      index->claim({&one, 1}, {&answer, 1}, {end.load()});
      if (answer.verdict == Verdict::kNew) {
        if (chance.below(10) == 0) {
          settle(one.key, std::nullopt);
          continue;
        }
        const std::int64_t at = end.fetch_add(kSize);
        settle(one.key, Original{.log_offset = {at},
                                 .queue_offset = {at / kSize},
                                 .queue_id = 0,
                                 .size = kSize,
                                 .time_ms = now});
        ++stored;
      }
      if (answer.verdict != Verdict::kUndecided) ++i;
    }
  };
  std::thread first(sender, 11);
  std::thread second(sender, 12);
  std::thread service([&] {
    while (!stop) EXPECT_TRUE(index->step({end.load()}, now));
  });
  first.join();
  second.join();
  stop = true;
  service.join();
  EXPECT_EQ(stored, kKeys);
}

}  // namespace
}  // namespace oncemq::dedup
