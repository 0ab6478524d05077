#include "store/write_gate.h"

#include <gtest/gtest.h>

namespace oncemq::store {
namespace {

TEST(WriteGate, OpensWhenEveryReasonIsLifted) {
  WriteGate gate;
  EXPECT_TRUE(gate.open());
  EXPECT_FALSE(gate.refusal().has_value());
  EXPECT_TRUE(gate.refuse(Refusal::kDiskFull, {Errc::kNoSpace, "91 % used"}));
  EXPECT_TRUE(gate.refuse(Refusal::kNoSpaceLog, {Errc::kNoSpace, "no blocks"}));
  EXPECT_EQ(gate.refusal()->code, Errc::kNotWritable);
  EXPECT_EQ(gate.refusal()->message, "no blocks");
  gate.lift(Refusal::kNoSpaceLog);
  EXPECT_FALSE(gate.open());
  EXPECT_EQ(gate.refusal()->message, "91 % used");
  gate.lift(Refusal::kDiskFull);
  EXPECT_TRUE(gate.open());
}

TEST(WriteGate, KeepsTheFirstCauseAndNeverForgetsABrokenDisk) {
  WriteGate gate;
  EXPECT_TRUE(gate.refuse(Refusal::kBroken, {Errc::kIo, "first"}));
  EXPECT_FALSE(gate.refuse(Refusal::kBroken, {Errc::kIo, "second"}));
  gate.lift(Refusal::kBroken);
  EXPECT_FALSE(gate.open());
  EXPECT_TRUE(gate.broken());
  EXPECT_EQ(gate.refusal()->message, "first");
}

}  // namespace
}  // namespace oncemq::store
