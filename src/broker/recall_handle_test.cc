#include "broker/recall_handle.h"

#include <gtest/gtest.h>

namespace oncemq::broker {
namespace {

TEST(RecallHandleTest, IsUpstreamsText) {
  // Base64.getUrlEncoder() of "v1 T broker-a 1700000000001 0A".
  const RecallHandle handle{"T", "broker-a", 1'700'000'000'000, "0A"};
  EXPECT_EQ(handle.to_string(), "djEgVCBicm9rZXItYSAxNzAwMDAwMDAwMDAxIDBB");
  const auto parsed = RecallHandle::parse(handle.to_string());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->topic, "T");
  EXPECT_EQ(parsed->broker, "broker-a");
  EXPECT_EQ(parsed->out_ms, 1'700'000'000'000);
  EXPECT_EQ(parsed->unique_key, "0A");
}

TEST(RecallHandleTest, PaddingAndAllBytesComeBack) {
  for (std::size_t size = 1; size < 40; ++size) {
    std::string key;
    for (std::size_t i = 0; i < size; ++i)
      key += static_cast<char>(33 + (i * 37 + size * 11) % 220);
    const RecallHandle handle{"topic", "b", 5, key};
    std::string text = handle.to_string();
    EXPECT_EQ(text.size() % 4, 0U);
    EXPECT_EQ(RecallHandle::parse(text)->unique_key, key);
    while (text.ends_with('=')) text.pop_back();
    EXPECT_EQ(RecallHandle::parse(text)->unique_key, key);
  }
}

TEST(RecallHandleTest, RefusesWhatIsNoHandle) {
  for (const char* text : {"", "x", "not base64 !", "djEgVCBi", "djIgVCBicm9rZXItYSAxNzAwIDBB",
                           "djEgVCBicm9rZXItYSBzb29uIDBB", "djEgVCBicm9rZXItYSAxNzAwIA==", "====",
                           "djEgVCBicm9rZXItYSAtNSAwQQ==", "djEgVCBicm9rZXItYSAxNzAwIDBB="})
    EXPECT_EQ(RecallHandle::parse(text).error().code, Errc::kBadBytes) << text;
  EXPECT_FALSE(RecallHandle::parse(std::string(5'000, 'A')).has_value());
}

}  // namespace
}  // namespace oncemq::broker
