#include "outbox/publish.h"

#include <memory>
#include <set>
#include <utility>

#include "base/mutex.h"
#include "outbox/lanes.h"

namespace oncemq::outbox {
namespace {

struct Answer {
  std::size_t row;
  sdk::Result<sdk::Receipt> result;
};

// Answers on their way from the client's thread. At most `parallel_max` of them. Thread rule:
// monitor.
class Mailbox {
 public:
  void put(Answer answer) {
    {
      MutexLock lock(mutex_);
      answers_.push_back(std::move(answer));
    }
    changed_.notify_one();
  }
  // Waits for at least one.
  std::vector<Answer> take() {
    MutexLock lock(mutex_);
    while (answers_.empty()) changed_.wait(mutex_);
    return std::exchange(answers_, {});
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<Answer> answers_ ONCE_GUARDED_BY(mutex_);
};

Outcome outcome_of(const sdk::Result<sdk::Receipt>& result) {
  if (!result) return {.verdict = judge(result.error()), .reason = result.error().message};
  const Verdict verdict = judge(result->stored);
  return {.verdict = verdict,
          .reason = verdict == Verdict::kStored ? "" : "stored, but not safe in time"};
}

class Publishing {
 public:
  Publishing(std::span<const Row> rows, const std::string& outbox, Outlet& outlet,
             const PublishOptions& options)
      : rows_(rows),
        outbox_(outbox),
        outlet_(outlet),
        options_(options),
        lanes_(rows, options.parallel_max),
        outcomes_(rows.size()) {}

  std::vector<Outcome> run(const std::function<bool()>& may_begin) {
    for (;;) {
      while (may_begin()) {
        const auto row = lanes_.next();
        if (!row) break;
        begin(*row);
      }
      if (lanes_.out() == 0) return std::move(outcomes_);
      for (const Answer& answer : mailbox_->take()) finish(answer.row, outcome_of(answer.result));
    }
  }

 private:
  void begin(std::size_t at) {
    const Row& row = rows_[at];
    if (away_.contains(row.topic)) {
      lanes_.end(at);
      return;
    }
    const auto message = to_message(row, outbox_, options_.body_max);
    if (!message) {
      finish(at, {.verdict = Verdict::kNever, .reason = message.error().message});
      return;
    }
    if (const auto ready = outlet_.prepare(row.topic); !ready) {
      finish(at, {.verdict = judge(ready.error()), .reason = ready.error().message});
      return;
    }
    outlet_.send(*message, row.aggregate.empty() ? row.id : row.aggregate,
                 [mailbox = mailbox_, at](sdk::Result<sdk::Receipt> result) {
                   mailbox->put({.row = at, .result = std::move(result)});
                 });
  }

  void finish(std::size_t at, Outcome outcome) {
    const Row& row = rows_[at];
    const Verdict verdict = *outcome.verdict;
    if (verdict == Verdict::kAway) away_.insert(row.topic);
    if (verdict == Verdict::kAway || verdict == Verdict::kRefused) outlet_.forget(row.topic);
    outcomes_[at] = std::move(outcome);
    if (verdict == Verdict::kStored || (options_.pass && is_parked(row, verdict, options_)))
      lanes_.go_on(at);
    else
      lanes_.end(at);
  }

  const std::span<const Row> rows_;
  const std::string& outbox_;
  Outlet& outlet_;
  const PublishOptions& options_;
  Lanes lanes_;
  std::vector<Outcome> outcomes_;
  std::set<std::string> away_;  // topics that are asked no more in this round
  // Shared: a callback may still leave put() when the last answer was taken.
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
};

}  // namespace

bool is_parked(const Row& row, Verdict verdict, const PublishOptions& options) {
  return verdict == Verdict::kNever ||
         (verdict == Verdict::kRefused && row.attempts + 1 >= options.attempts_max);
}

std::vector<Outcome> publish(std::span<const Row> rows, const std::string& outbox, Outlet& outlet,
                             const PublishOptions& options,
                             const std::function<bool()>& may_begin) {
  return Publishing(rows, outbox, outlet, options).run(may_begin);
}

}  // namespace oncemq::outbox
