#include "store/staging.h"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace oncemq::store {
namespace {

void put(Staging& staging, std::int64_t at, std::string_view text, std::size_t reserve = 0) {
  std::byte* into = staging.reserve({at}, std::max(reserve, text.size()));
  std::memcpy(into, text.data(), text.size());
  staging.commit(text.size());
}

std::string joined(const std::vector<StagedPiece>& pieces) {
  std::string text;
  for (const StagedPiece& piece : pieces) text += as_text(piece.bytes);
  return text;
}

TEST(Staging, JoinsNeighboursIntoOnePiece) {
  Staging staging(1 << 20);
  put(staging, 100, "abc", 50);
  put(staging, 103, "def", 50);
  std::vector<StagedPiece> pieces;
  staging.take(pieces, 1 << 20);
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].offset.value, 100);
  EXPECT_EQ(joined(pieces), "abcdef");
  EXPECT_EQ(staging.staged(), 6U);
  staging.written();
  EXPECT_EQ(staging.staged(), 0U);
}

TEST(Staging, AppendsGoOnWhileTakenPiecesAreWritten) {
  Staging staging(1 << 20);
  put(staging, 0, "first");
  std::vector<StagedPiece> pieces;
  staging.take(pieces, 1 << 20);
  put(staging, 5, "second");
  EXPECT_EQ(joined(pieces), "first");
  staging.written();
  pieces.clear();
  staging.take(pieces, 1 << 20);
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].offset.value, 5);
  EXPECT_EQ(joined(pieces), "second");
}

TEST(Staging, SealStartsANewPieceEvenAtTheNextPosition) {
  Staging staging(1 << 20);
  put(staging, 0, "end of file");
  staging.seal();
  put(staging, 11, "next file");
  std::vector<StagedPiece> pieces;
  staging.take(pieces, 1 << 20);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(as_text(pieces[1].bytes), "next file");
  EXPECT_EQ(pieces[1].offset.value, 11);
}

TEST(Staging, GivesBackTheSameOffsetsAfterAFailedWrite) {
  Staging staging(1 << 20);
  put(staging, 7, "kept");
  std::vector<StagedPiece> pieces;
  staging.take(pieces, 1 << 20);
  staging.give_back();
  put(staging, 11, "+more");
  pieces.clear();
  staging.take(pieces, 1 << 20);
  EXPECT_EQ(joined(pieces), "kept+more");
  EXPECT_EQ(pieces[0].offset.value, 7);
  EXPECT_EQ(staging.staged(), 9U);
}

TEST(Staging, BoundCountsBytesButAnEmptyStagingTakesAnything) {
  Staging staging(10);
  EXPECT_TRUE(staging.has_room(100));
  put(staging, 0, "12345678");
  EXPECT_TRUE(staging.has_room(2));
  EXPECT_FALSE(staging.has_room(3));
}

TEST(Staging, ManyChunksKeepTheirOrderAndAreUsedAgain) {
  Staging staging(64 << 20);
  const std::string big(100'000, 'x');
  for (int round = 0; round < 5; ++round) {
    std::int64_t at = round * 10'000'000;
    staging.seal();
    for (int i = 0; i < 20; ++i) put(staging, at + i * 100'000, big);
    put(staging, at + 2'000'000, std::string(400'000, 'y'));
    std::vector<StagedPiece> pieces;
    staging.take(pieces, 64 << 20);
    std::int64_t expected = at;
    for (const StagedPiece& piece : pieces) {
      EXPECT_EQ(piece.offset.value, expected);
      expected += static_cast<std::int64_t>(piece.bytes.size());
    }
    EXPECT_EQ(expected, at + 2'400'000);
    staging.written();
    EXPECT_EQ(staging.staged(), 0U);
  }
}

TEST(Staging, TakeStopsAtItsLimitAndGoesOnThere) {
  Staging staging(64 << 20);
  for (int i = 0; i < 10; ++i) put(staging, i * 100'000, std::string(100'000, 'x'));
  std::uint64_t total = 0;
  int rounds = 0;
  while (staging.staged() > 0) {
    std::vector<StagedPiece> pieces;
    staging.take(pieces, 1);
    ASSERT_EQ(pieces.size(), 1U);
    total += pieces[0].bytes.size();
    staging.written();
    ++rounds;
  }
  EXPECT_EQ(total, 1'000'000U);
  EXPECT_GT(rounds, 1);
}

}  // namespace
}  // namespace oncemq::store
