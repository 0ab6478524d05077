#include "broker/send_properties.h"

#include <string>

#include <gtest/gtest.h>

#include "broker/fixture.h"

namespace oncemq::broker {
namespace {

TEST(SendPropertiesTest, OneWalkSeesEverything) {
  const std::string text = pairs(
      "TAGS=red;UNIQ_KEY=U;DELAY=3;WAIT=false;TRAN_MSG=true;TIMER_DELAY_MS=1;REAL_TOPIC=R;x=y");
  const SendProperties seen = scan_properties(text);
  EXPECT_EQ(seen.tags, "red");
  EXPECT_EQ(seen.unique_key, "U");
  EXPECT_EQ(seen.level(), 3);
  EXPECT_TRUE(seen.has_wait);
  EXPECT_FALSE(seen.wait);
  EXPECT_TRUE(seen.half);
  EXPECT_TRUE(seen.timer);
  EXPECT_TRUE(seen.has_real_pairs);
  EXPECT_EQ(seen.real_topic, "R");
  EXPECT_FALSE(seen.has_broker_pairs);
  EXPECT_FALSE(seen.has_foreign_pairs);
}

TEST(SendPropertiesTest, DefaultsAndNearMisses) {
  const std::string text = pairs("TAGZ=1;tags=2;WAIT=no;TRAN_MSG=yes;DELAYS=1;TIMER_DELAY_XX=1");
  const SendProperties seen = scan_properties(text);
  EXPECT_EQ(seen.tags, "");
  EXPECT_TRUE(seen.wait);
  EXPECT_FALSE(seen.half);
  EXPECT_FALSE(seen.timer);
  EXPECT_EQ(seen.level(), 0);
  EXPECT_TRUE(scan_properties("").wait);
}

TEST(SendPropertiesTest, StrangeTextIsWalkedToItsEnd) {
  for (const char* text :
       {"\x02", "\x01", "\x01\x02", "TAGS", "TAGS\x02", "\x02\x02\x02", "a\x01"}) {
    const SendProperties seen = scan_properties(text);
    EXPECT_EQ(seen.tags, "");
  }
  EXPECT_EQ(scan_properties("junk\x02TAGS\x01red").tags, "red");
  EXPECT_EQ(scan_properties("TAGS\x01"
                            "a\x01"
                            "b\x02")
                .tags,
            "a\x01"
            "b");
}

TEST(SendPropertiesTest, LevelMustBeAWholeNumber) {
  for (const auto& [text, level] : std::vector<std::pair<std::string, int>>{
           {"3", 3}, {"-1", -1}, {"", 0}, {"3x", 0}, {" 3", 0}, {"99999999999", 0}}) {
    const std::string properties = pairs("DELAY=" + text);
    EXPECT_EQ(scan_properties(properties).level(), level) << text;
  }
}

TEST(SendPropertiesTest, CopyLeavesOutWhatIsAsked) {
  Arena arena;
  const std::string text = pairs(
      "a=1;MSG_REGION=r;TRACE_ON=t;CLUSTER=c;POP_CK=p;__CRC32#=9;REAL_TOPIC=x;REAL_QID=1;DELAY=2;"
      "WAIT=w;b=2");
  EXPECT_EQ(copy_without(text, {}, arena), text);
  EXPECT_EQ(copy_without(
                text, {.broker = true, .foreign = true, .real = true, .delay = true, .wait = true},
                arena),
            pairs("a=1;b=2"));
  EXPECT_EQ(copy_without(text, {.broker = true}, arena),
            pairs("a=1;POP_CK=p;__CRC32#=9;REAL_TOPIC=x;REAL_QID=1;DELAY=2;WAIT=w;b=2"));
  const std::string open = text.substr(0, text.size() - 1);
  EXPECT_EQ(copy_without(open, {.foreign = true, .delay = true, .wait = true}, arena),
            pairs("a=1;MSG_REGION=r;TRACE_ON=t;CLUSTER=c;REAL_TOPIC=x;REAL_QID=1;b=2"));
  EXPECT_EQ(copy_without("", {.wait = true}, arena), "");
}

TEST(ArenaTest, PiecesStayWhereTheyAreUntilCleared) {
  Arena arena;
  std::vector<std::string_view> pieces;
  for (int i = 0; i < 2'000; ++i) pieces.push_back(arena.copy("piece " + std::to_string(i)));
  const std::string large(100'000, 'x');
  const std::string_view copy = arena.copy(large);
  for (int i = 0; i < 2'000; ++i)
    EXPECT_EQ(pieces[static_cast<std::size_t>(i)], "piece " + std::to_string(i));
  EXPECT_EQ(copy, large);
  EXPECT_EQ(arena.copy(""), "");
  arena.clear();
  EXPECT_EQ(arena.copy("again").data(), pieces[0].data());
}

}  // namespace
}  // namespace oncemq::broker
