// Bodies and config files as FastJSON wrote them.
#include "base/json.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "os/real_disk.h"
#include "store/state_file.h"
#include "tests/golden/fixture.h"

namespace oncemq::golden {
namespace {

// Dumped and read again, everything is still there.
void expect_round_trip(const std::string& name) {
  const auto value = Json::parse(read_file(name));
  ASSERT_TRUE(value.has_value()) << name << ": " << value.error().message;
  EXPECT_FALSE(value->members().empty()) << name;
  const auto again = Json::parse(value->dump(true));
  ASSERT_TRUE(again.has_value()) << name;
  EXPECT_EQ(again->dump(), value->dump());
  const auto pretty = Json::parse(value->dump_pretty());
  ASSERT_TRUE(pretty.has_value()) << name;
  EXPECT_EQ(pretty->dump_pretty(), value->dump_pretty());
}

TEST(GoldenJson, EveryBodyParses) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path_of("bodies"))) {
    if (entry.path().extension() != ".json") continue;
    expect_round_trip("bodies/" + entry.path().filename().string());
    ++count;
  }
  EXPECT_GT(count, 10);
}

TEST(GoldenJson, ConsumeStatsKeepsItsQueuesAsKeys) {
  const Json stats = read_index("bodies/consume_stats.json");
  ASSERT_FALSE(stats["offsetTable"].members().empty());
  for (const auto& [key, value] : stats["offsetTable"].members()) {
    const auto queue = Json::parse(key);
    ASSERT_TRUE(queue.has_value()) << key;
    EXPECT_FALSE((*queue)["topic"].as_string().empty());
  }
}

TEST(GoldenConfig, StateFilesThatApacheWroteAreRead) {
  os::RealDisk disk;
  for (const char* folder : {"broker/stopped", "broker/killed"}) {
    for (const char* name : {"topics.json", "consumerOffset.json", "delayOffset.json",
                             "subscriptionGroup.json", "consumerOrderInfo.json"}) {
      store::StateFile file(disk, path_of(std::string(folder) + "/config/" + name));
      const auto text = file.load();
      ASSERT_TRUE(text.has_value()) << text.error().message;
      EXPECT_FALSE(text->empty()) << folder << name;
    }
  }
}

TEST(GoldenConfig, ConsumerOffsetsHaveBareNumbersAsKeys) {
  const Json offsets = read_index("broker/killed/config/consumerOffset.json");
  const Json& queues = offsets["offsetTable"]["golden@golden-group"];
  EXPECT_EQ(queues["0"].as_int(), 3);
  EXPECT_EQ(queues["1"].as_int(), 4);
}

}  // namespace
}  // namespace oncemq::golden
