#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "broker/transaction_checker.h"
#include "broker/transactions.h"

// Transactions on a fake store and a disk in memory, for the tests. A new life() is a restart of
// the broker over the same log. Thread rule: confined to the test.
namespace oncemq::broker {

struct TransactionNouns : Nouns {
  struct Life {
    Transactions transactions;
    TransactionChecker checker;
    Life(TransactionNouns& n)
        : transactions(n.options, n.topics, n.offsets, n.idempotence, n.store, n.stats, n.disk,
                       n.clock),
          checker(n.options, n.switches, transactions, n.clients, n.clock) {}
  };
  std::unique_ptr<Life> life;
  std::vector<std::pair<ChannelId, TransactionCheck>> asked;

  TransactionNouns() {
    options.own_dir = "once";
    make_topic("T");
    restart();
  }

  void restart() {
    life = std::make_unique<Life>(*this);
    life->checker.set_ask([this](ChannelId channel, TransactionCheck check) {
      asked.emplace_back(channel, std::move(check));
    });
    const Status started = life->transactions.start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
    life->checker.start();
  }
  // An orderly stop, or the death of the process.
  void stop() { life->transactions.stop(); }

  struct Half {
    std::int64_t offset = 0;
    std::int64_t log = 0;
    std::string id;
  };
  Half send_half(std::string_view id, std::string_view more = {}, std::string_view topic = "T") {
    const std::string properties = pairs("TRAN_MSG=true;PGROUP=pg;UNIQ_KEY=" + std::string(id) +
                                         (more.empty() ? std::string() : ";" + std::string(more)));
    const store::Appended where = send(topic, "body of " + std::string(id), properties, 1);
    return {where.queue_offset.value, where.log_offset.value, std::string(id)};
  }

  static EndTransaction request_of(const Half& half, Verdict verdict) {
    return {.group = "pg",
            .half = {half.offset},
            .log = {half.log},
            .message_id = half.id,
            .transaction_id = half.id,
            .verdict = verdict};
  }
  std::optional<Errc> end(const Half& half, Verdict verdict) {
    return end(request_of(half, verdict));
  }
  std::optional<Errc> end(const EndTransaction& request) {
    TransactionBatch verdicts;
    auto staged = life->transactions.stage(request, verdicts);
    return finish(staged, verdicts);
  }
  std::optional<Errc> finish(const Result<std::size_t>& staged, TransactionBatch& verdicts) {
    if (!staged.has_value()) return staged.error().code;
    life->transactions.commit(verdicts);
    const auto& outcome = verdicts.outcome(*staged);
    if (outcome.error.has_value()) return outcome.error->code;
    EXPECT_LE(outcome.end.value, store.marks().appended().value);
    return kOk;
  }
  static constexpr std::optional<Errc> kOk = std::nullopt;

  std::size_t visible() { return store.count("T", 1); }
  std::size_t ops() { return store.count("RMQ_SYS_TRANS_OP_HALF_TOPIC", 0); }
  std::size_t discarded() { return store.count("TRANS_CHECK_MAX_TIME_TOPIC", 0); }

  void connect_producer(std::uint64_t channel, std::string_view group = "pg") {
    Heartbeat heartbeat;
    heartbeat.client.channel = ChannelId{channel};
    heartbeat.client.client_id = "p" + std::to_string(channel);
    heartbeat.producer_groups.emplace_back(group);
    ASSERT_TRUE(clients.heartbeat(heartbeat).has_value());
  }
  void pass(std::int64_t ms) {
    clock.advance_ms(ms);
    life->checker.tick();
  }
};

}  // namespace oncemq::broker
