#include "broker/pop_record.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace oncemq::broker {
namespace {

using Kind = PopOperation::Kind;

std::vector<PopOperation> some() {
  return {{.kind = Kind::kHold,
           .group = "g",
           .topic = "T",
           .queue_id = 3,
           .next = {40},
           .token = 1'700'000'000'123,
           .invisible_ms = 60'000,
           .attempt_id = "attempt",
           .rows = {{{7}, 2}, {{39}, 1}}},
          {.kind = Kind::kDone, .group = "g", .topic = "T", .queue_id = 3, .rows = {{{39}, 0}}},
          {.kind = Kind::kChange,
           .group = "g",
           .topic = "T",
           .queue_id = 4,
           .token = -5,
           .invisible_ms = 0,
           .rows = {{{1LL << 40}, 0}}},
          {.kind = Kind::kSet, .group = "h", .topic = "T", .queue_id = 4, .next = {9}},
          {.kind = Kind::kForget, .group = "h", .topic = "T", .queue_id = 4},
          {.kind = Kind::kDead, .group = "h", .topic = "U", .queue_id = 0, .rows = {{{1}, 0}}}};
}

TEST(PopRecord, WhatIsWrittenIsRead) {
  PopRecordWriter writer;
  for (const PopOperation& operation : some()) writer.add(operation);
  const std::string body = writer.take();
  EXPECT_TRUE(writer.empty());
  std::size_t at = 0;
  const std::vector<PopOperation> expected = some();
  const Status read = read_pop_record(as_bytes(body), [&](const PopOperation& operation) {
    ASSERT_LT(at, expected.size());
    EXPECT_EQ(operation, expected[at]) << at;
    ++at;
  });
  EXPECT_TRUE(read.has_value());
  EXPECT_EQ(at, expected.size());
}

TEST(PopRecord, NamesStandOnceForNeighbours) {
  PopRecordWriter writer;
  const PopOperation done{
      .kind = Kind::kDone, .group = "group", .topic = "Topic", .queue_id = 1, .rows = {{{1}, 0}}};
  writer.add(done);
  const std::size_t first = writer.body().size();
  writer.add(done);
  EXPECT_EQ(writer.body().size() - first, 3U);  // kind, count, offset
}

TEST(PopRecord, EveryCutIsRefusedOrShorter) {
  PopRecordWriter writer;
  for (const PopOperation& operation : some()) writer.add(operation);
  const std::string body = writer.take();
  for (std::size_t size = 0; size < body.size(); ++size) {
    std::size_t seen = 0;
    const Status read = read_pop_record(as_bytes(std::string_view(body).substr(0, size)),
                                        [&](const PopOperation&) { ++seen; });
    EXPECT_LT(seen, some().size());
    if (size == 0) {
      EXPECT_FALSE(read.has_value());
    }
  }
}

TEST(PopRecord, NonsenseIsRefused) {
  const auto none = [](const PopOperation&) { FAIL(); };
  using std::string_view_literals::operator""sv;
  for (std::string_view body :
       {"\x02"sv, "\x01\x07"sv, "\x01\x81"sv, "\x01\x02\xff\xff\xff\x7f"sv,
        "\x01\x04\x01g\x01t\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv,
        "\x01\x02\x01g\x01t\x00\xff\xff\xff\xff\x0f"sv, "\x01\x03\x01g\x01t\x00\x00\x00\x00"sv})
    EXPECT_EQ(read_pop_record(as_bytes(body), none).error().code, Errc::kBadBytes);
}

}  // namespace
}  // namespace oncemq::broker
