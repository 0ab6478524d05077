#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/transactions.h"

namespace oncemq::front {

class LoopEdge;

// The verdicts of one loop: what arrived in a tick is decided together at its end, and answered
// when *committed* has passed it. Thread rule: confined to the loop, except committed().
class TransactionLane {
 public:
  // Bytes staged within a tick before they are decided early.
  static constexpr std::size_t kCommitBytes = 8U << 20;

  TransactionLane(LoopEdge& edge, broker::Broker& broker, const store::MessageStore& store)
      : edge_(edge), broker_(broker), store_(store) {}

  broker::TransactionBatch& batch() { return batch_; }
  // `request` is what stage() gave.
  void staged(Call call, std::size_t request);
  void tick_end();
  // The store's mark advanced: wakes the loop when an answer may leave. Any thread.
  void committed();

 private:
  struct Staged {
    Call call;
    std::size_t request;
  };
  struct Held {
    Call call;
    std::int64_t end = 0;
    std::string refusal;  // empty: OK
  };

  void commit();
  void release();

  LoopEdge& edge_;
  broker::Broker& broker_;
  const store::MessageStore& store_;
  broker::TransactionBatch batch_;
  std::vector<Staged> staged_;
  // Answers that wait for the disk; each is owed by its connection, which bounds them.
  std::deque<Held> held_;
  std::atomic<std::int64_t> next_{INT64_MAX};  // what the front waits for
};

// Verdicts, and what operators do with half messages. Thread rule: confined to the loop.
class TransactionFamily {
 public:
  static constexpr std::int32_t kListMax = 1000;

  TransactionFamily(TransactionLane& lane, broker::Broker& broker) : lane_(lane), broker_(broker) {}

  void handle(Call call, const Request<wire::EndTransactionRequest>& request);
  void handle(Call call, const Request<wire::ResumeCheckHalfMessage>& request);
  void handle(Call call, const Request<wire::ListTransactions>& request);
  void handle(Call call, const Request<wire::DecideTransaction>& request);

 private:
  TransactionLane& lane_;
  broker::Broker& broker_;
};

}  // namespace oncemq::front
