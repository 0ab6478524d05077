#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/load/pull_load.h"
#include "client/load/send_load.h"
#include "client/test_support.h"
#include "model/properties.h"
#include "model/record_codec.h"
#include "wire/remoting/schema/pull.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::client {
namespace {

// A load and the broker that it meets on one loop that is stepped by hand.
class LoadTest : public testing::Test {
 protected:
  LoadTest()
      : broker_([this](net::Connection& connection, const wire::Command& command) {
          serve_(connection, command);
        }) {
    server_ = std::move(*net::Server::open({.loops = 1}, clock_));
    port_ = *server_->listen(Address::loopback(0), broker_);
  }

  net::EventLoop& loop() { return server_->loop(0); }
  void until(const std::function<bool()>& condition) {
    for (int i = 0; i < 5000; ++i) {
      if (condition()) return;
      loop().run_once(1);
    }
    FAIL() << "the awaited condition did not come";
  }
  void settle() {
    for (int i = 0; i < 20; ++i) loop().run_once(0);
  }
  std::vector<LoadQueue> queues(std::int32_t count) const {
    std::vector<LoadQueue> result;
    for (std::int32_t i = 0; i < count; ++i) result.push_back({.address = port_, .queue_id = i});
    return result;
  }
  std::vector<PullQueue> pull_queues(std::int32_t count, std::int64_t offset) const {
    std::vector<PullQueue> result;
    for (const LoadQueue& queue : queues(count)) result.push_back({.at = queue, .offset = offset});
    return result;
  }

  os::ManualClock clock_;
  Serve serve_;
  FakeBroker broker_;
  Address port_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<SendLoad> send_;
  std::unique_ptr<PullLoad> pull_;
};

TEST_F(LoadTest, SendsTheCountOverAllQueuesAndConnections) {
  std::map<std::int32_t, int> per_queue;
  serve_ = [&](net::Connection& connection, const wire::Command& command) {
    ++per_queue[wire::decode_header<wire::SendMessageV2>(command)->queue_id];
    answer_with<wire::SendMessageV2>(connection, command, {.message_id = "id"});
  };
  send_ = std::make_unique<SendLoad>(loop(), SendLoadOptions{.shape = {.topic = "T", .size = 100},
                                                             .queues = queues(4),
                                                             .connections = 2,
                                                             .window = 3,
                                                             .count = 400});
  send_->start();
  until([&] { return send_->finished(); });
  EXPECT_EQ(broker_.accepted, 2);
  EXPECT_EQ(send_->counts().messages, 400U);
  EXPECT_EQ(send_->counts().bytes, 40'000U);
  EXPECT_EQ(send_->counts().latency.count(), 400U);
  EXPECT_EQ(per_queue, (std::map<std::int32_t, int>{{0, 100}, {1, 100}, {2, 100}, {3, 100}}));
}

TEST_F(LoadTest, KeepsToItsWindow) {
  std::deque<std::int32_t> waiting;
  net::Connection* peer = nullptr;
  serve_ = [&](net::Connection& connection, const wire::Command& command) {
    peer = &connection;
    waiting.push_back(command.opaque);
  };
  send_ = std::make_unique<SendLoad>(
      loop(),
      SendLoadOptions{
          .shape = {.topic = "T", .size = 10}, .queues = queues(1), .connections = 1, .window = 5});
  send_->start();
  until([&] { return waiting.size() == 5; });
  settle();
  EXPECT_EQ(waiting.size(), 5U);
  // One answered, the newest: one more comes, with another opaque.
  const std::int32_t answered = waiting.back();
  std::string frame;
  wire::append_frame(frame, wire::HeaderKind::kJson,
                     {.opaque = answered, .flag = wire::Command::kFlagResponse});
  peer->write(as_bytes(frame));
  peer->write(as_bytes(frame));  // an answer too many is passed over
  until([&] { return waiting.size() == 6; });
  settle();
  EXPECT_EQ(waiting.size(), 6U);
  EXPECT_EQ(std::count(waiting.begin(), waiting.end(), answered), 1);
  EXPECT_EQ(send_->counts().requests, 1U);
  send_->finish();
  EXPECT_FALSE(send_->finished());  // five are owed
}

TEST_F(LoadTest, CountsRefusalsByCodeAndBatchesByMessage) {
  int asked = 0;
  serve_ = [&](net::Connection& connection, const wire::Command& command) {
    answer(connection, command, ++asked % 2 == 0 ? 2 : 0);
  };
  send_ = std::make_unique<SendLoad>(
      loop(), SendLoadOptions{.shape = {.topic = "T", .size = 10, .batch = 5},
                              .queues = queues(1),
                              .connections = 1,
                              .count = 50});
  send_->start();
  until([&] { return send_->finished(); });
  EXPECT_EQ(send_->counts().messages, 25U);
  EXPECT_EQ(send_->counts().requests, 10U);
  EXPECT_EQ(send_->counts().refused, (std::map<std::int32_t, std::uint64_t>{{2, 5}}));
}

TEST_F(LoadTest, ALostConnectionIsToldWithWhatWasOnIt) {
  int asked = 0;
  serve_ = [&](net::Connection& connection, const wire::Command&) {
    if (++asked == 3) connection.close(net::CloseReason::kDone);
  };
  send_ = std::make_unique<SendLoad>(
      loop(),
      SendLoadOptions{
          .shape = {.topic = "T", .size = 10}, .queues = queues(1), .connections = 1, .window = 8});
  send_->start();
  until([&] { return send_->finished(); });
  EXPECT_EQ(send_->counts().lost, 8U);
  EXPECT_EQ(send_->counts().error, "connection ended: peer_closed");
}

TEST_F(LoadTest, ARateIsKeptAndLatencyCountsFromTheIntendedMoment) {
  bool stalled = false;
  std::vector<std::pair<net::Connection*, std::int32_t>> held;
  int asked = 0;
  serve_ = [&](net::Connection& connection, const wire::Command& command) {
    ++asked;
    if (stalled)
      held.emplace_back(&connection, command.opaque);
    else
      answer(connection, command, 0);
  };
  send_ = std::make_unique<SendLoad>(loop(), SendLoadOptions{.shape = {.topic = "T", .size = 20},
                                                             .queues = queues(1),
                                                             .connections = 1,
                                                             .window = 4,
                                                             .rate = 1000});
  send_->start();
  settle();
  EXPECT_EQ(asked, 1);  // number 0 is due at once
  for (int i = 0; i < 100; ++i) {
    clock_.advance_ms(1);
    settle();
  }
  EXPECT_EQ(asked, 101);
  EXPECT_EQ(send_->counts().latency.max(), 0);
  // The broker stalls for 50 ms with a window of 4: the other 46 are late as well.
  stalled = true;
  for (int i = 0; i < 50; ++i) {
    clock_.advance_ms(1);
    settle();
  }
  EXPECT_EQ(held.size(), 4U);
  stalled = false;
  for (const auto& [connection, opaque] : held) {
    std::string frame;
    wire::append_frame(frame, wire::HeaderKind::kJson,
                       {.opaque = opaque, .flag = wire::Command::kFlagResponse});
    connection->write(as_bytes(frame));
  }
  until([&] { return asked == 151; });
  settle();
  EXPECT_EQ(send_->counts().latency.max(), 49'000'000);
  EXPECT_EQ(send_->counts().latency.count(), 151U);
  EXPECT_NEAR(static_cast<double>(send_->counts().latency.quantile(0.9)), 35e6, 2e6);
}

std::string record(std::int64_t offset, const std::string& body) {
  const model::Message message{.topic = "T",
                               .born_host = *Address::parse("127.0.0.1:1"),
                               .store_host = *Address::parse("127.0.0.1:2"),
                               .body = as_bytes(body)};
  std::string bytes(model::encoded_size(message, {}), '\0');
  const std::size_t size = model::encode_record(message, {.queue_offset = {offset}}, {},
                                                std::as_writable_bytes(std::span(bytes)));
  bytes.resize(size);
  return bytes;
}

std::string stamped(std::int64_t ns) {
  const SendFrame frame({.topic = "T", .size = 64}, 0);
  std::vector<std::byte> bytes(frame.size());
  frame.write(bytes, {.opaque = SendFrame::kFirstOpaque, .stamp_ns = ns});
  return std::string(as_text(Bytes(bytes).last(64)));
}

TEST_F(LoadTest, PullsEveryQueueToItsEnd) {
  serve_ = [&](net::Connection& connection, const wire::Command& command) {
    const auto header = wire::decode_header<wire::PullMessage>(command);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->sys_flag, wire::pullflag::kSubscription);
    EXPECT_EQ(header->max_messages, 10);
    const std::int64_t end = 100 + header->queue_id;  // each queue has some more
    std::string body;
    std::int64_t next = header->queue_offset;
    for (; next < std::min(end, header->queue_offset + 10); ++next) body += record(next, "hello");
    answer_with<wire::PullMessage>(connection, command, {.next_begin_offset = next}, body,
                                   body.empty() ? 19 : 0);
  };
  pull_ = std::make_unique<PullLoad>(
      loop(),
      PullLoadOptions{.topic = "T", .queues = pull_queues(3, 5), .connections = 2, .batch = 10});
  pull_->start();
  until([&] { return pull_->finished(); });
  EXPECT_EQ(pull_->counts().messages, 95U + 96U + 97U);
  EXPECT_EQ(pull_->counts().bytes, pull_->counts().messages * record(0, "hello").size());
  EXPECT_EQ(broker_.accepted, 2);
}

TEST_F(LoadTest, WaitsAtTheEndAndTakesLatencyFromTheStamps) {
  int asked = 0;
  serve_ = [&](net::Connection& connection, const wire::Command& command) {
    const auto header = wire::decode_header<wire::PullMessage>(command);
    EXPECT_NE(header->sys_flag & wire::pullflag::kSuspend, 0);
    switch (++asked) {
      case 1:  // the long poll ran out
        answer_with<wire::PullMessage>(connection, command, {.next_begin_offset = 7}, "", 19);
        break;
      case 2:
        EXPECT_EQ(header->queue_offset, 7);
        answer_with<wire::PullMessage>(
            connection, command, {.next_begin_offset = 9},
            record(7, stamped(clock_.monotonic_ns() - 3'000'000)) + record(8, "no stamp"));
        break;
      default:
        EXPECT_EQ(header->queue_offset, 9);
        break;
    }
  };
  pull_ = std::make_unique<PullLoad>(
      loop(),
      PullLoadOptions{.topic = "T", .queues = pull_queues(1, 0), .wait = true, .stamps = true});
  pull_->start();
  until([&] { return asked == 3; });
  EXPECT_FALSE(pull_->finished());
  EXPECT_EQ(pull_->counts().messages, 2U);
  EXPECT_EQ(pull_->counts().latency.count(), 1U);
  EXPECT_EQ(pull_->counts().latency.max(), 3'000'000);
  pull_->finish();
  EXPECT_TRUE(pull_->finished());
}

TEST_F(LoadTest, TimersAreDueByTheirIntendedMomentAndSpread) {
  std::vector<std::int64_t> due;
  serve_ = [&](net::Connection& connection, const wire::Command& command) {
    const auto header = wire::decode_header<wire::SendMessageV2>(command);
    const auto text = model::find_property(header->properties, "TIMER_DELIVER_MS");
    due.push_back(std::stoll(std::string(*text)));
    EXPECT_EQ(read_stamp(command.body), due.back() * 1'000'000);
    answer(connection, command, 0);
  };
  const std::int64_t begin_ms = clock_.wall_ms();
  SendLoadOptions options{.shape = {.topic = "T", .size = 20, .timer = true},
                          .queues = queues(1),
                          .connections = 1,
                          .rate = 1000,
                          .count = 3,
                          .delay_ms = 5000};
  send_ = std::make_unique<SendLoad>(loop(), options);
  send_->start();
  clock_.advance_ms(50);  // the loop was held up: that does not move what is due
  until([&] { return send_->finished(); });
  EXPECT_EQ(due, (std::vector<std::int64_t>{begin_ms + 5000, begin_ms + 5001, begin_ms + 5002}));

  due.clear();
  const std::int64_t again_ms = clock_.wall_ms();
  options.rate = 0;
  options.count = 1000;
  options.delay_spread_ms = 1000;
  SendLoad second(loop(), options);
  second.start();
  until([&] { return second.finished(); });
  std::sort(due.begin(), due.end());
  EXPECT_GE(due.front(), again_ms + 5000);
  EXPECT_LT(due.back(), again_ms + 6000);
  // Each tenth of the range has about a tenth of them.
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_NEAR(static_cast<double>(due[i * 100 + 50]),
                static_cast<double>(again_ms + 5050) + static_cast<double>(i) * 100, 5);
}

TEST_F(LoadTest, TellsHowLateTimersComeHowEarlyAndHowOften) {
  const std::int64_t now_ms = clock_.wall_ms();
  const auto timer = [&](std::int64_t number, std::int64_t due_ms, std::int64_t stored_ms) {
    const SendFrame frame({.topic = "T", .size = 64, .timer = true}, 0);
    std::vector<std::byte> bytes(frame.size());
    frame.write(bytes, {.opaque = SendFrame::kFirstOpaque,
                        .message = number,
                        .stamp_ns = due_ms * 1'000'000,
                        .deliver_ms = due_ms});
    wire::Command command;
    EXPECT_TRUE(command.decode(wire::cut_frame(bytes).frame));
    const auto header = wire::decode_header<wire::SendMessageV2>(command);
    const model::Message message{.topic = "T",
                                 .born_host = *Address::parse("127.0.0.1:1"),
                                 .store_host = *Address::parse("127.0.0.1:2"),
                                 .body = command.body,
                                 .properties = header->properties};
    std::string record(model::encoded_size(message, {}), '\0');
    record.resize(model::encode_record(message, {.store_timestamp = stored_ms}, {},
                                       std::as_writable_bytes(std::span(record))));
    return record;
  };
  int asked = 0;
  serve_ = [&](net::Connection& connection, const wire::Command& command) {
    if (++asked > 1) return;
    answer_with<wire::PullMessage>(
        connection, command, {.next_begin_offset = 4},
        timer(0, now_ms - 7, now_ms - 4) + timer(1, now_ms - 2, now_ms - 2) +
            timer(1, now_ms - 2, now_ms - 2) + timer(2, now_ms + 3, now_ms));
  };
  pull_ = std::make_unique<PullLoad>(
      loop(),
      PullLoadOptions{
          .topic = "T", .queues = pull_queues(1, 0), .wait = true, .stamps = true, .timers = true});
  pull_->start();
  until([&] { return asked == 2; });
  EXPECT_EQ(pull_->counts().latency.max(), 7'000'000);
  EXPECT_EQ(pull_->counts().stored.max(), 3'000'000);
  EXPECT_EQ(pull_->counts().early, 1U);
  EXPECT_EQ(pull_->counts().doubled, 1U);
  EXPECT_EQ(pull_->counts().messages, 4U);
}

TEST_F(LoadTest, ARefusedPullAndABrokenRecordAreErrors) {
  std::string body;
  std::int32_t code = 24;
  serve_ = [&](net::Connection& connection, const wire::Command& command) {
    if (code != 0) {
      answer(connection, command, code, "no subscription");
    } else {
      answer_with<wire::PullMessage>(connection, command, {.next_begin_offset = 1},
                                     std::string("\0\0\0\x7f broken", 11));
    }
  };
  const PullLoadOptions options{.topic = "T", .queues = pull_queues(1, 0)};
  pull_ = std::make_unique<PullLoad>(loop(), options);
  pull_->start();
  until([&] { return pull_->finished(); });
  EXPECT_EQ(pull_->counts().error, "pull refused with code 24: no subscription");
  code = 0;
  PullLoad second(loop(), options);
  second.start();
  until([&] { return second.finished(); });
  EXPECT_EQ(second.counts().error, "a pull answer has a broken record");
}

}  // namespace
}  // namespace oncemq::client
