#include "wire/remoting/frame.h"

#include <string>

#include <gtest/gtest.h>

namespace oncemq::wire {
namespace {

std::string frame_bytes(std::uint32_t total, std::uint32_t mark, std::string_view rest) {
  std::string bytes(8, '\0');
  store_be(reinterpret_cast<std::byte*>(bytes.data()), total);
  store_be(reinterpret_cast<std::byte*>(bytes.data()) + 4, mark);
  return bytes + std::string(rest);
}

TEST(Frame, CompleteFrameIsCutFromWhatFollows) {
  const std::string bytes = frame_bytes(4 + 3 + 2, 3, "abcde") + "next";
  const Cut cut = cut_frame(as_bytes(bytes));
  ASSERT_EQ(cut.state, Cut::State::kComplete);
  EXPECT_EQ(cut.size, 13U);
  EXPECT_EQ(cut.frame.kind, HeaderKind::kJson);
  EXPECT_EQ(as_text(cut.frame.header), "abc");
  EXPECT_EQ(as_text(cut.frame.body), "de");
}

TEST(Frame, BinaryHeaderWithoutBody) {
  const std::string bytes = frame_bytes(4 + 3, (1U << 24) | 3, "abc");
  const Cut cut = cut_frame(as_bytes(bytes));
  ASSERT_EQ(cut.state, Cut::State::kComplete);
  EXPECT_EQ(cut.frame.kind, HeaderKind::kBinary);
  EXPECT_TRUE(cut.frame.body.empty());
}

TEST(Frame, EveryPrefixIsIncompleteAndSaysWhatItNeeds) {
  const std::string bytes = frame_bytes(4 + 3 + 2, 3, "abcde");
  for (std::size_t have = 0; have < bytes.size(); ++have) {
    const Cut cut = cut_frame(as_bytes(bytes).first(have));
    ASSERT_EQ(cut.state, Cut::State::kIncomplete) << have;
    EXPECT_EQ(cut.size, have < 4 ? 4U : have < 8 ? 8U : bytes.size()) << have;
  }
}

TEST(Frame, BadFramesAreRefusedBeforeTheirBodyIsThere) {
  const auto state = [](std::string_view bytes, std::size_t limit = kFrameLimit) {
    return cut_frame(as_bytes(bytes), limit).state;
  };
  EXPECT_EQ(state(frame_bytes(3, 0, "")), Cut::State::kBad);            // no room for the mark
  EXPECT_EQ(state(frame_bytes(0x80000000U, 0, "")), Cut::State::kBad);  // negative
  EXPECT_EQ(state(frame_bytes(8, 5, "")), Cut::State::kBad);            // header behind the end
  EXPECT_EQ(state(frame_bytes(8, 2U << 24, "")), Cut::State::kBad);     // third kind of header
  EXPECT_EQ(state("GET / HTTP/1.1\r\n"), Cut::State::kBad);
  EXPECT_EQ(state(frame_bytes(97, 0, ""), 100), Cut::State::kBad);
  EXPECT_EQ(state(frame_bytes(96, 0, ""), 100), Cut::State::kIncomplete);
}

TEST(Frame, LimitCountsTheLengthField) {
  const auto total = static_cast<std::uint32_t>(kFrameLimit) - 4;
  EXPECT_EQ(cut_frame(as_bytes(frame_bytes(total, 0, ""))).state, Cut::State::kIncomplete);
  EXPECT_EQ(cut_frame(as_bytes(frame_bytes(total + 1, 0, ""))).state, Cut::State::kBad);
}

}  // namespace
}  // namespace oncemq::wire
