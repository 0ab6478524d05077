#include "store/zero_ahead.h"

#include <gtest/gtest.h>

#include "os/failing_disk.h"
#include "os/memory_disk.h"

namespace oncemq::store {
namespace {

constexpr std::uint64_t kFile = 1 << 20;
constexpr std::uint64_t kWindow = 600 << 10;

struct ZeroAheadTest : ::testing::Test {
  os::MemoryDisk disk;
  Layout layout{"store"};
  std::unique_ptr<LogFiles> files;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> written;

  void SetUp() override {
    auto loaded = LogFiles::load(disk, layout, kFile, false);
    ASSERT_TRUE(loaded.has_value());
    files = std::move(*loaded);
    ASSERT_TRUE(files->create({0}));
    disk.observe([this](const os::DiskOperation& operation) {
      if (operation.kind == os::DiskOperation::Kind::kWrite)
        written.emplace_back(operation.offset, operation.offset + operation.size);
    });
  }
};

TEST_F(ZeroAheadTest, FillsItsWindowInWholePagesBehindTheHead) {
  ZeroAhead zeros(*files, {1000}, kWindow);
  int steps = 0;
  while (zeros.wanted()) {
    ASSERT_TRUE(*zeros.step());
    ++steps;
  }
  EXPECT_EQ(steps, 3);
  ASSERT_EQ(written.size(), 3U);
  EXPECT_EQ(written[0].first, 4096U);
  EXPECT_EQ(written[1].first, written[0].second);
  EXPECT_GE(zeros.ahead(), static_cast<std::int64_t>(kWindow));
  EXPECT_FALSE(*zeros.step());
  zeros.claim({200 << 10});
  EXPECT_TRUE(zeros.wanted());
}

TEST_F(ZeroAheadTest, NeverTouchesWhatIsClaimed) {
  ZeroAhead zeros(*files, {0}, kWindow);
  zeros.claim({300'000});
  ASSERT_TRUE(*zeros.step());
  EXPECT_GE(written[0].first, 300'000U);
}

TEST_F(ZeroAheadTest, StopsAtTheLastFileAndGoesOnInTheNext) {
  ZeroAhead zeros(*files, {static_cast<std::int64_t>(kFile) - 100'000}, kWindow);
  while (zeros.wanted()) ASSERT_TRUE(zeros.step());
  EXPECT_EQ(written.back().second, kFile);
  ASSERT_TRUE(files->prepare_next({0}));
  EXPECT_TRUE(zeros.wanted());
  ASSERT_TRUE(*zeros.step());
  EXPECT_EQ(written.back().first, 0U);
}

TEST_F(ZeroAheadTest, NoWindowNoWork) {
  ZeroAhead zeros(*files, {0}, 0);
  EXPECT_FALSE(zeros.wanted());
  EXPECT_FALSE(*zeros.step());
  EXPECT_TRUE(written.empty());
}

}  // namespace
}  // namespace oncemq::store
