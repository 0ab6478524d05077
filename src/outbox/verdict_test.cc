#include "outbox/verdict.h"

#include <gtest/gtest.h>

#include "wire/remoting/codes.h"

namespace oncemq::outbox {
namespace {

using sdk::Errc;
using wire::ResponseCode;

Verdict refused_with(ResponseCode code) {
  return judge(sdk::Error{
      .code = Errc::kRefused, .message = "", .response_code = static_cast<std::int32_t>(code)});
}

TEST(OutboxVerdictTest, ABrokerThatIsAwayIsNoFaultOfTheRow) {
  for (const Errc code :
       {Errc::kUnreachable, Errc::kTimeout, Errc::kBusy, Errc::kClosed, Errc::kInternal})
    EXPECT_EQ(judge(sdk::Error{.code = code, .message = ""}), Verdict::kAway);
  for (const ResponseCode code :
       {ResponseCode::kSystemBusy, ResponseCode::kServiceNotAvailable, ResponseCode::kSystemError,
        ResponseCode::kGoAway, ResponseCode::kNotLeaderForQueue})
    EXPECT_EQ(refused_with(code), Verdict::kAway);
  EXPECT_EQ(judge(sdk::Error{.code = Errc::kRefused, .message = "", .response_code = 987'654}),
            Verdict::kAway);
}

TEST(OutboxVerdictTest, ARefusalOfTheBrokerIsCounted) {
  for (const ResponseCode code :
       {ResponseCode::kMessageIllegal, ResponseCode::kNoPermission, ResponseCode::kTopicNotExist,
        ResponseCode::kIdempotencyKeyConflict})
    EXPECT_EQ(refused_with(code), Verdict::kRefused);
  EXPECT_EQ(judge(sdk::Error{.code = Errc::kTopicNotFound, .message = ""}), Verdict::kRefused);
}

TEST(OutboxVerdictTest, WhatTheClientRefusesCanNeverBeSent) {
  EXPECT_EQ(judge(sdk::Error{.code = Errc::kMessageIllegal, .message = ""}), Verdict::kNever);
  EXPECT_EQ(judge(sdk::Error{.code = Errc::kInvalidArgument, .message = ""}), Verdict::kNever);
}

TEST(OutboxVerdictTest, StoredIsWhatIsOnDiskAndAtTheReplicasThatThereAre) {
  EXPECT_EQ(judge(sdk::Stored::kSafe), Verdict::kStored);
  EXPECT_EQ(judge(sdk::Stored::kReplicaGone), Verdict::kStored);
  EXPECT_EQ(judge(sdk::Stored::kFlushLate), Verdict::kAway);
  EXPECT_EQ(judge(sdk::Stored::kReplicaLate), Verdict::kAway);
}

}  // namespace
}  // namespace oncemq::outbox
