#include "store/state_file.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "os/failing_disk.h"
#include "os/memory_disk.h"
#include "os/random.h"

namespace oncemq::store {
namespace {

using os::Crash;
using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;

class StateFileTest : public ::testing::Test {
 protected:
  StateFileTest() {
    EXPECT_TRUE(disk_.make_dirs("config").has_value());
    EXPECT_TRUE(disk_.sync_dir("").has_value());
  }

  static std::string json(int n) { return "{\n\t\"n\":" + std::to_string(n) + "\n}"; }

  // n of what load() finds, -1 when there is nothing.
  static std::int64_t loaded(os::Disk& disk) {
    StateFile file(disk, "config/topics.json");
    const auto text = file.load();
    EXPECT_TRUE(text.has_value()) << (text ? "" : text.error().message);
    if (!text) return -2;
    if (text->empty()) return -1;
    const auto value = Json::parse(*text);
    EXPECT_TRUE(value.has_value());
    return (*value)["n"].as_int(-3);
  }

  void put(std::string_view path, std::string_view text) {
    auto file = disk_.open(path, os::OpenMode::kCreate);
    ASSERT_TRUE((*file)->truncate(0).has_value());
    ASSERT_TRUE((*file)->write_at(0, as_bytes(text)).has_value());
  }

  os::MemoryDisk disk_;
  StateFile file_{disk_, "config/topics.json"};
};

TEST_F(StateFileTest, NothingWasEverWritten) {
  EXPECT_EQ(loaded(disk_), -1);
}

TEST_F(StateFileTest, LoadsWhatWasSavedLast) {
  ASSERT_TRUE(file_.save(json(1)).has_value());
  ASSERT_TRUE(file_.save(json(2)).has_value());
  EXPECT_EQ(loaded(disk_), 2);
  EXPECT_EQ(disk_.files().size(), 2U) << "name and name.bak";
  ASSERT_TRUE(disk_.remove("config/topics.json").has_value());
  EXPECT_EQ(loaded(disk_), 1);
}

TEST_F(StateFileTest, EveryShapeOfAnObjectTakesTheCheck) {
  for (const char* text : {"{}", "{ }", "{\n}\n", "{\"a\":{}}", "{\"a\":[1]}\n"}) {
    ASSERT_TRUE(file_.save(text).has_value());
    const auto found = file_.load();
    ASSERT_TRUE(found.has_value()) << text;
    const auto value = Json::parse(*found);
    ASSERT_TRUE(value.has_value()) << *found;
    EXPECT_TRUE(value->has("onceCheck"));
  }
}

TEST_F(StateFileTest, ReadsWhatApacheWrote) {
  put("config/topics.json", "{\n\t\"n\":5,\n\t\"offsetTable\":{1:100}\n}");
  EXPECT_EQ(loaded(disk_), 5);
}

TEST_F(StateFileTest, FallsBackToTheFormerGeneration) {
  put("config/topics.json.bak", "{\"n\":1}");
  for (const char* broken : {"", "{\"n\":2", "[]", "{\"n\":2}}", "garbage"}) {
    put("config/topics.json", broken);
    EXPECT_EQ(loaded(disk_), 1) << broken;
  }
}

TEST_F(StateFileTest, EveryFlippedBitIsFound) {
  ASSERT_TRUE(file_.save(json(1)).has_value());
  ASSERT_TRUE(file_.save(json(2)).has_value());
  const std::uint64_t size = disk_.stat("config/topics.json")->size;
  for (std::uint64_t bit = 0; bit < size * 8; ++bit) {
    ASSERT_TRUE(disk_.corrupt("config/topics.json", bit / 8, std::byte{1} << (bit % 8)));
    // A flip in the frame of the check makes it no check; the content in front of it is then still
    // whole. Never is the content taken with a flip.
    EXPECT_THAT(loaded(disk_), AnyOf(Eq(1), Eq(2))) << bit;
    ASSERT_TRUE(disk_.corrupt("config/topics.json", bit / 8, std::byte{1} << (bit % 8)));
  }
  // The digit itself, 2 to 3: still JSON, found by the check alone.
  const std::uint64_t digit = 6;
  ASSERT_TRUE(disk_.corrupt("config/topics.json", digit + 1, std::byte{1}));
  EXPECT_EQ(loaded(disk_), 1);
}

TEST_F(StateFileTest, BothBrokenIsCorruptAndNamesThem) {
  put("config/topics.json", "{\"n\":");
  for (const bool with_bak : {false, true}) {
    if (with_bak) put("config/topics.json.bak", "");
    const auto text = file_.load();
    ASSERT_FALSE(text.has_value());
    EXPECT_EQ(text.error().code, Errc::kCorrupt);
    EXPECT_THAT(text.error().message, HasSubstr("'config/topics.json' is broken"));
    EXPECT_EQ(text.error().message.find("topics.json.bak") != std::string::npos, with_bak);
  }
  ASSERT_TRUE(disk_.remove("config/topics.json").has_value());
  EXPECT_EQ(file_.load().error().code, Errc::kCorrupt) << "the broken .bak alone";
}

TEST_F(StateFileTest, ABrokenFileNeverReplacesTheGoodOneBeforeIt) {
  put("config/topics.json.bak", "{\"n\":1}");
  put("config/topics.json", "{\"n\":");
  ASSERT_TRUE(disk_.sync_dir("config").has_value());
  std::set<std::int64_t> seen;
  disk_.observe(
      [&](const os::DiskOperation&) { seen.insert(loaded(*disk_.crash(Crash::kProcess))); });
  ASSERT_TRUE(file_.load().has_value());
  ASSERT_TRUE(file_.save(json(2)).has_value());
  EXPECT_EQ(seen, (std::set<std::int64_t>{1, 2}));
}

TEST_F(StateFileTest, EveryCrashLeavesTheStateBeforeOrAfter) {
  os::SeededRandom chance(1);
  std::int64_t saved = -1;
  std::int64_t saving = -1;
  int images = 0;
  disk_.observe([&](const os::DiskOperation& operation) {
    for (int i = 0; i < 30; ++i) {
      const auto kind = static_cast<Crash>(i < 3 ? i : 3);
      const auto after = disk_.crash(kind, &chance);
      EXPECT_THAT(loaded(*after), AnyOf(Eq(saved), Eq(saving))) << operation.to_string();
      ++images;
      // The next process saves again, whatever it found.
      StateFile again(*after, "config/topics.json");
      ASSERT_TRUE(again.load().has_value());
      ASSERT_TRUE(again.save(json(77)).has_value());
      EXPECT_EQ(loaded(*after->crash(Crash::kDropUnsynced)), 77);
    }
  });
  for (int n = 1; n <= 4; ++n) {
    saving = n;
    ASSERT_TRUE(file_.save(json(n)).has_value());
    saved = n;
    EXPECT_EQ(loaded(*disk_.crash(Crash::kDropUnsynced)), n) << "saved is durable";
  }
  EXPECT_GT(images, 500);
}

TEST_F(StateFileTest, EveryFailureKeepsTheFormerGeneration) {
  ASSERT_TRUE(file_.save(json(1)).has_value());
  for (const auto call : {os::DiskCall::kOpen, os::DiskCall::kTruncate, os::DiskCall::kWrite,
                          os::DiskCall::kSync, os::DiskCall::kRename, os::DiskCall::kSyncDir}) {
    for (std::uint64_t nth = 1; nth <= (call == os::DiskCall::kRename ? 2U : 1U); ++nth) {
      auto below = disk_.crash(Crash::kProcess);
      os::FailingDisk failing(*below);
      StateFile file(failing, "config/topics.json");
      ASSERT_TRUE(file.load().has_value());
      failing.inject({.call = call, .nth = nth, .error = Errc::kNoSpace, .written = 5});
      EXPECT_EQ(file.save(json(2)).error().code, Errc::kNoSpace);
      EXPECT_EQ(loaded(*below->crash(Crash::kDropUnsynced)), 1) << static_cast<int>(call);
      // And the next save brings it back to order.
      ASSERT_TRUE(file.save(json(3)).has_value());
      EXPECT_EQ(loaded(*below->crash(Crash::kDropUnsynced)), 3);
    }
  }
}

TEST_F(StateFileTest, AReadErrorIsNotTakenForAMissingFile) {
  ASSERT_TRUE(file_.save(json(1)).has_value());
  os::FailingDisk failing(disk_);
  failing.inject({.call = os::DiskCall::kRead});
  StateFile file(failing, "config/topics.json");
  EXPECT_EQ(file.load().error().code, Errc::kIo);
  failing.inject({.call = os::DiskCall::kOpen});
  EXPECT_EQ(file.load().error().code, Errc::kIo);
}

}  // namespace
}  // namespace oncemq::store
