// The disk refuses, lies or decays under a running store: what was acknowledged stays, nothing is
// acknowledged after the first failure, and damage is reported instead of served. And the harness
// itself: planted mistakes must make it speak.
#include <string>

#include <gtest/gtest.h>

#include "base/log.h"
#include "os/failing_disk.h"
#include "tests/crash/world.h"

namespace oncemq::crash {
namespace {

using os::Crash;
using os::DiskCall;
using os::DiskFault;
using store::CommitPolicy;

class FaultTest : public ::testing::Test {
 protected:
  void SetUp() override { quiet(); }
  void TearDown() override { log::set_level(log::Level::kInfo); }

  std::unique_ptr<Running> open(os::Disk& disk) {
    auto running = start_store(disk, clock_, options_);
    EXPECT_TRUE(running.has_value()) << running.error().message;
    return running ? std::move(*running) : nullptr;
  }
  std::vector<std::string> judge_image(std::unique_ptr<os::MemoryDisk> image, Promise promise) {
    return judge(std::move(image), {.options = options_,
                                    .clock = clock_,
                                    .chance = chance_,
                                    .history = history_,
                                    .promise = promise});
  }
  void begin(std::uint64_t seed) {
    chance_.seed(seed);
    history_ = History();
    memory_ = std::make_unique<os::MemoryDisk>(&clock_);
  }

  store::StoreOptions options_ = small_store(CommitPolicy::kDurable);
  os::ManualClock clock_;
  os::SeededRandom chance_{0};
  History history_;
  std::unique_ptr<os::MemoryDisk> memory_;
};

// One call of the log fails; every place in a run is tried.
TEST_F(FaultTest, AnIoErrorEndsWritingAndLosesNothingAcknowledged) {
  for (const DiskCall call : {DiskCall::kWrite, DiskCall::kSync}) {
    std::uint64_t happened = 0;
    for (std::uint64_t nth = 1; nth <= 40; ++nth) {
      begin(nth);
      os::FailingDisk disk(*memory_);
      auto running = open(disk);
      ASSERT_NE(running, nullptr);
      Clients clients(*running->store, history_, chance_, "m");
      disk.inject({.call = call, .path_end = "0", .nth = nth, .written = 100});
      bool failed = false;
      std::int64_t committed = 0;
      for (int tick = 0; tick < 20; ++tick) {
        clients.tick();
        if (failed) {
          EXPECT_EQ(running->store->marks().committed().value, committed)
              << "nothing is acknowledged after the first failure";
        } else if (!running->fatal.empty()) {
          failed = true;
          committed = running->store->marks().committed().value;
        }
      }
      if (disk.failed() == 0) break;
      ++happened;
      EXPECT_EQ(running->fatal.size(), 1U) << "told once, with the first cause";
      EXPECT_TRUE(running->store->refusal().has_value());
      EXPECT_FALSE(running->store->close().has_value());
      running.reset();
      disk.heal();
      // The next process reads what the failed sync left in memory; the machine may die after it.
      for (const Crash kind : {Crash::kProcess, Crash::kDropUnsynced, Crash::kRandom}) {
        const auto broken = judge_image(memory_->crash(kind, &chance_), Promise::kAll);
        EXPECT_TRUE(broken.empty()) << "call " << static_cast<int>(call) << " no. " << nth
                                    << ", crash " << static_cast<int>(kind) << joined(broken);
      }
    }
    EXPECT_GT(happened, 10U);
  }
}

TEST_F(FaultTest, AFullDiskRefusesAndRecoversWithoutARestart) {
  std::size_t refused = 0;
  for (std::uint64_t capacity = 9'000; capacity < 60'000; capacity += 2'311) {
    begin(capacity);
    memory_->set_capacity(capacity);
    auto running = start_store(*memory_, clock_, options_);
    if (!running) {
      EXPECT_EQ(running.error().code, Errc::kNoSpace) << running.error().message;
      continue;
    }
    Clients clients(*(*running)->store, history_, chance_, "m");
    for (int tick = 0; tick < 40; ++tick) clients.tick();
    EXPECT_TRUE((*running)->fatal.empty()) << (*running)->fatal.front().message;
    const auto broken = judge_image(
        [&] {
          auto image = memory_->crash(Crash::kDropUnsynced);
          image->set_capacity(os::MemoryDisk::kUnlimited);
          return image;
        }(),
        Promise::kAll);
    EXPECT_TRUE(broken.empty()) << "capacity " << capacity << joined(broken);
    refused += clients.refused();

    memory_->set_capacity(os::MemoryDisk::kUnlimited);
    for (int round = 0; round < 3; ++round) {
      clock_.advance_ms(11'000);
      (*running)->store->housekeep();
      (*running)->store->step();
    }
    EXPECT_FALSE((*running)->store->refusal().has_value())
        << "capacity " << capacity << ": " << (*running)->store->refusal()->message;
    const std::size_t before = clients.refused();
    for (int tick = 0; tick < 5; ++tick) clients.tick();
    EXPECT_EQ(clients.refused(), before);
    clients.drain();
    EXPECT_TRUE((*running)->store->close().has_value());
    running->reset();
    const auto after = judge_image(memory_->crash(Crash::kDropUnsynced), Promise::kAll);
    EXPECT_TRUE(after.empty()) << "capacity " << capacity << ", freed" << joined(after);
  }
  EXPECT_GT(refused, 0U);
}

// One bit anywhere in what an orderly stop left behind.
class FlipTest : public FaultTest {
 protected:
  void write_and_close() {
    begin(7);
    auto running = open(*memory_);
    ASSERT_NE(running, nullptr);
    Clients clients(*running->store, history_, chance_, "m");
    for (int tick = 0; tick < 25; ++tick) clients.tick();
    clients.drain();
    ASSERT_TRUE(running->store->close().has_value());
    running.reset();
    log_end_ = 0;
    for (const std::string& path : memory_->files())
      if (path.starts_with("store/commitlog/")) log_end_ += options_.log_file_size;
  }

  // A process opens the damaged image and reads everything. Either it says what is broken, or what
  // it serves is right.
  void expect_honest(const std::string& path, std::uint64_t offset, bool unclean) {
    auto image = memory_->crash(Crash::kProcess);
    const std::byte bit = std::byte{1} << static_cast<int>(chance_.below(8));
    if (!image->corrupt(path, offset, bit)) return;
    if (unclean) {
      ASSERT_TRUE(image->open("store/abort", os::OpenMode::kCreate).has_value());
    }
    const std::string where = path + " at " + std::to_string(offset);
    auto running = start_store(*image, clock_, options_);
    if (!running) {
      EXPECT_EQ(running.error().code, Errc::kCorrupt) << where << ": " << running.error().message;
      EXPECT_NE(running.error().message.find("store"), std::string::npos) << "names the place";
      ++refused_;
      return;
    }
    std::vector<std::string> trouble;
    const Found found = look(*(*running)->store, trouble);
    if (!trouble.empty()) ++reported_;
    for (const std::string& line : history_.violations(found, Promise::kAll)) {
      const bool wrong = line.starts_with("bytes:") || line.starts_with("once:") ||
                         line.starts_with("place:") || line.starts_with("gone:");
      EXPECT_FALSE(wrong) << where << ": " << line;
      EXPECT_FALSE(trouble.empty()) << where << " is silent: " << line;
    }
    ++opened_;
  }

  std::uint64_t log_end_ = 0;
  int refused_ = 0;
  int opened_ = 0;
  int reported_ = 0;
};

TEST_F(FlipTest, InTheLogIsNeverServedAndNeverCut) {
  write_and_close();
  for (std::uint64_t round = 0; round < 400 * effort() && !HasFailure(); ++round) {
    const std::uint64_t at = chance_.below(log_end_);
    const std::string number = std::to_string(at / options_.log_file_size * options_.log_file_size);
    expect_honest("store/commitlog/" + std::string(20 - number.size(), '0') + number,
                  at % options_.log_file_size, round % 2 == 1);
  }
  EXPECT_GT(opened_, 0);
  EXPECT_GT(refused_ + reported_, 0);
}

TEST_F(FlipTest, InSideFilesChangesNothingOrIsReported) {
  write_and_close();
  std::vector<std::string> paths;
  for (const std::string& path : memory_->files())
    if (!path.starts_with("store/commitlog/")) paths.push_back(path);
  for (std::uint64_t round = 0; round < 800 * effort() && !HasFailure(); ++round) {
    const std::string& path = paths[chance_.below(paths.size())];
    const std::uint64_t size = memory_->stat(path)->size;
    if (size > 0) expect_honest(path, chance_.below(size), round % 2 == 1);
  }
  EXPECT_GT(opened_, 0);
}

// Does what is asked, but lets chosen calls do nothing.
class LyingDisk final : public os::Disk {
 public:
  enum class Lie : std::uint8_t { kSync, kSyncDir };
  LyingDisk(os::Disk& below, Lie lie) : below_(below), lie_(lie) {}

  Result<std::unique_ptr<os::File>> open(std::string_view path, os::OpenMode mode) override {
    auto file = below_.open(path, mode);
    if (!file || lie_ != Lie::kSync) return file;
    return std::make_unique<LyingFile>(std::move(*file));
  }
  Status rename(std::string_view from, std::string_view to) override {
    return below_.rename(from, to);
  }
  Status remove(std::string_view path) override { return below_.remove(path); }
  Status remove_tree(std::string_view path) override { return below_.remove_tree(path); }
  Status make_dirs(std::string_view path) override { return below_.make_dirs(path); }
  Result<std::vector<os::DirEntry>> list(std::string_view path) override {
    return below_.list(path);
  }
  Result<os::DirEntry> stat(std::string_view path) override { return below_.stat(path); }
  Status sync_dir(std::string_view path) override {
    return lie_ == Lie::kSyncDir ? Status{} : below_.sync_dir(path);
  }
  Status sync_all(std::string_view path) override {
    return lie_ == Lie::kSync ? Status{} : below_.sync_all(path);
  }
  std::string session() const override { return below_.session(); }
  Result<os::DiskSpace> space(std::string_view path) override { return below_.space(path); }
  Result<std::unique_ptr<os::FileLock>> lock(std::string_view path,
                                             std::string_view text) override {
    return below_.lock(path, text);
  }

 private:
  class LyingFile final : public os::File {
   public:
    explicit LyingFile(std::unique_ptr<os::File> below) : below_(std::move(below)) {}
    Status write_at(std::uint64_t offset, Bytes bytes) override {
      return below_->write_at(offset, bytes);
    }
    Status write_at(std::uint64_t offset, std::span<const Bytes> pieces) override {
      return below_->write_at(offset, pieces);
    }
    Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) override {
      return below_->read_at(offset, into);
    }
    void start_sync() override {}
    Status sync_data() override { return {}; }
    Status allocate(std::uint64_t size) override { return below_->allocate(size); }
    Status truncate(std::uint64_t size) override { return below_->truncate(size); }
    Result<std::uint64_t> size() override { return below_->size(); }
    Result<std::shared_ptr<const os::Mapping>> map() override { return below_->map(); }

   private:
    const std::unique_ptr<os::File> below_;
  };

  os::Disk& below_;
  const Lie lie_;
};

class PlantedTest : public FaultTest {
 protected:
  // Whether any crash of a few runs is judged wrong.
  bool found_out(const std::function<std::unique_ptr<os::Disk>()>& disk_for,
                 Acknowledge acknowledge) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      begin(seed);
      bool wrong = false;
      const std::unique_ptr<os::Disk> disk = disk_for();
      auto running = open(disk ? *disk : *memory_);
      if (running == nullptr) return false;
      memory_->observe([&](const os::DiskOperation& operation) {
        if (wrong || operation.number % 7 != 0) return;
        wrong = !judge_image(memory_->crash(Crash::kDropUnsynced), Promise::kAll).empty();
      });
      Clients clients(*running->store, history_, chance_, "m", acknowledge);
      for (int tick = 0; tick < 15 && !wrong; ++tick) clients.tick();
      memory_->observe({});
      if (wrong) return true;
    }
    return false;
  }
};

TEST_F(PlantedTest, NothingPlantedNothingFound) {
  EXPECT_FALSE(found_out([] { return nullptr; }, Acknowledge::kCommitted));
}

TEST_F(PlantedTest, AcknowledgedBeforeTheSync) {
  EXPECT_TRUE(found_out([] { return nullptr; }, Acknowledge::kFlushed));
}

TEST_F(PlantedTest, ADiskThatDoesNotSync) {
  EXPECT_TRUE(
      found_out([this] { return std::make_unique<LyingDisk>(*memory_, LyingDisk::Lie::kSync); },
                Acknowledge::kCommitted));
}

TEST_F(PlantedTest, FoldersThatAreNotSynced) {
  EXPECT_TRUE(
      found_out([this] { return std::make_unique<LyingDisk>(*memory_, LyingDisk::Lie::kSyncDir); },
                Acknowledge::kCommitted));
}

}  // namespace
}  // namespace oncemq::crash
