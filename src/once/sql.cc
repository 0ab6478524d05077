#include "oncemq/once/sql.h"

#include <map>

#include <fmt/format.h>

#include "base/mutex.h"
#include "client/sdk/failure.h"
#include "model/topic.h"
#include "once/batch.h"
#include "once/key.h"
#include "once/pool.h"
#include "os/clock.h"

namespace oncemq::once {
namespace {

using sdk::Errc;
using sdk::failure;

constexpr std::size_t kBatchMax = 1000;  // a statement of 1 MB with the longest keys
// How often a period is looked at: often enough for the shortest, seldom enough to cost nothing.
constexpr std::int64_t kLooksInPeriod = 8;
constexpr std::int64_t kLookMsMax = 600'000;

sdk::Status check(const SqlOptions& options) {
  if (options.group.empty() || !model::check_topic_name(options.group))
    return failure(Errc::kInvalidArgument, "a consumer group is needed, as brokers name them");
  if (options.key == nullptr) return failure(Errc::kInvalidArgument, "a key is needed");
  if (options.batch_max < 1 || options.batch_max > kBatchMax)
    return failure(Errc::kInvalidArgument, fmt::format("batch_max is 1...{}", kBatchMax));
  if (options.connections < 1) return failure(Errc::kInvalidArgument, "connections is at least 1");
  if (options.wait.count() < 1 || options.transaction_max.count() < 1)
    return failure(Errc::kInvalidArgument, "wait and transaction_max are above 0");
  return {};
}

std::string in_hours(std::chrono::milliseconds time) {
  return fmt::format("{:.1f} h", static_cast<double>(time.count()) / 3'600'000);
}

}  // namespace

class Sql::Core {
 public:
  Core(Target target, SqlOptions options)
      : options_(std::move(options)),
        pool_(std::move(target),
              {.group = options_.group,
               .table = options_.table,
               .wait = options_.wait,
               .transaction_max = options_.transaction_max},
              options_.connections) {}

  sdk::Status start(const Target& target);
  std::vector<Outcome> process(std::span<const sdk::Delivery> deliveries, const Handler& handler);
  const std::vector<std::string>& warnings() const { return warnings_; }
  SqlFigures figures() const {
    MutexLock lock(mutex_);
    return figures_;
  }

 private:
  // What makes `items` of deliveries: one for each key, and which item answers for which delivery.
  struct Work {
    std::vector<Item> items;
    std::vector<std::size_t> item_of;  // kNone: its outcome is in `errors`
    std::map<std::size_t, sdk::Error> errors;
  };
  static constexpr std::size_t kNone = SIZE_MAX;

  Work sort_out(std::span<const sdk::Delivery> deliveries) const;
  static std::vector<Outcome> outcomes_of(const Work& work);
  void count(const std::vector<Outcome>& outcomes, const SqlFigures& passes);
  bool is_time_to_clean();
  void clean(Database& database);

  const SqlOptions options_;
  Pool pool_;
  const os::SystemClock clock_;
  std::vector<std::string> warnings_;
  std::int64_t look_every_ms_ = kLookMsMax;
  mutable Mutex mutex_;
  SqlFigures figures_ ONCE_GUARDED_BY(mutex_){};
  std::int64_t next_look_ms_ ONCE_GUARDED_BY(mutex_) = 0;
};

sdk::Status Sql::Core::start(const Target& target) {
  const auto needed = horizon(options_.horizon);
  if (!needed) return tl::unexpected(needed.error());
  if (options_.create) {
    // Not from the pool: its connections want the tables to be there.
    const auto first = Database::open(target, {.table = options_.table, .wait = options_.wait});
    if (!first) return tl::unexpected(first.error());
    if (!(*first)->has_schema())
      if (auto made = (*first)->create({.table = options_.table}); !made) return made;
  }
  auto database = pool_.take();
  if (!database) return tl::unexpected(database.error());
  const auto status = (*database)->settings();
  pool_.give(std::move(*database));
  if (!status) return tl::unexpected(status.error());
  look_every_ms_ = std::min(kLookMsMax, status->period.count() / kLooksInPeriod);
  if (status->window < *needed)
    warnings_.push_back(fmt::format(
        "keys are remembered for {}, but a copy of a message can come back for {} "
        "(retention of the "
        "log, retries, retention of dead letters, retries): once::init() sets a longer window",
        in_hours(status->window), in_hours(*needed)));
  return {};
}

Sql::Core::Work Sql::Core::sort_out(std::span<const sdk::Delivery> deliveries) const {
  Work work;
  std::map<Claim, std::size_t> known;
  for (std::size_t at = 0; at < deliveries.size(); ++at) {
    auto claim = claim_of(deliveries[at], options_.key, options_.scope);
    if (!claim) {
      work.item_of.push_back(kNone);
      work.errors.emplace(at, std::move(claim.error()));
      continue;
    }
    const auto [place, added] = known.emplace(*claim, work.items.size());
    if (added) work.items.push_back({.claim = std::move(*claim), .delivery = &deliveries[at]});
    work.item_of.push_back(place->second);
  }
  return work;
}

std::vector<Outcome> Sql::Core::outcomes_of(const Work& work) {
  std::vector<Outcome> outcomes;
  std::vector<bool> seen(work.items.size(), false);
  for (std::size_t at = 0; at < work.item_of.size(); ++at) {
    const std::size_t item = work.item_of[at];
    if (item == kNone) {
      outcomes.push_back({.fate = Fate::kAgain, .error = work.errors.at(at)});
      continue;
    }
    Outcome& outcome = outcomes.emplace_back(work.items[item].outcome);
    if (seen[item] && outcome.fate == Fate::kDone) outcome.fate = Fate::kDoneBefore;
    seen[item] = true;
  }
  return outcomes;
}

void Sql::Core::count(const std::vector<Outcome>& outcomes, const SqlFigures& passes) {
  MutexLock lock(mutex_);
  for (const Outcome& outcome : outcomes) {
    figures_.done += outcome.fate == Fate::kDone ? 1 : 0;
    figures_.done_before += outcome.fate == Fate::kDoneBefore ? 1 : 0;
    figures_.again += outcome.fate == Fate::kAgain ? 1 : 0;
  }
  figures_.transactions += passes.transactions;
  figures_.second_passes += passes.second_passes;
  figures_.halved += passes.halved;
}

bool Sql::Core::is_time_to_clean() {
  const std::int64_t now_ms = clock_.monotonic_ms();
  MutexLock lock(mutex_);
  if (now_ms < next_look_ms_) return false;
  next_look_ms_ = now_ms + look_every_ms_;
  return true;
}

void Sql::Core::clean(Database& database) {
  if (database.clean()) return;
  MutexLock lock(mutex_);
  ++figures_.clean_failures;
}

std::vector<Outcome> Sql::Core::process(std::span<const sdk::Delivery> deliveries,
                                        const Handler& handler) {
  Work work = sort_out(deliveries);
  SqlFigures passes;
  if (auto database = pool_.take(); !database) {
    for (Item& item : work.items) item.outcome = {.fate = Fate::kAgain, .error = database.error()};
  } else {
    Batch batch(**database, handler, options_.batch_max);
    batch.run(work.items);
    passes = batch.figures();
    if (!batch.lost() && is_time_to_clean()) clean(**database);
    pool_.give(batch.lost() ? nullptr : std::move(*database));
  }
  auto outcomes = outcomes_of(work);
  count(outcomes, passes);
  return outcomes;
}

sdk::Result<Sql> Sql::open(const std::string& url, SqlOptions options) {
  if (const auto good = check(options); !good) return tl::unexpected(good.error());
  const auto target = parse_url(url);
  if (!target) return tl::unexpected(target.error());
  auto core = std::make_unique<Core>(*target, std::move(options));
  if (const auto started = core->start(*target); !started) return tl::unexpected(started.error());
  return Sql(std::move(core));
}

Sql::Sql(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Sql::~Sql() = default;
Sql::Sql(Sql&&) noexcept = default;
Sql& Sql::operator=(Sql&&) noexcept = default;

std::vector<Outcome> Sql::process(std::span<const sdk::Delivery> deliveries,
                                  const Handler& handler) {
  return core_->process(deliveries, handler);
}

const std::vector<std::string>& Sql::warnings() const {
  return core_->warnings();
}

SqlFigures Sql::figures() const {
  return core_->figures();
}

sdk::Handler consume_with(Sql& sql, Handler handler, std::int32_t delay_level) {
  return [&sql, handler = std::move(handler),
          delay_level](std::span<const sdk::Delivery> batch) -> sdk::Outcomes {
    std::vector<sdk::Outcome> outcomes;
    for (const Outcome& outcome : sql.process(batch, handler))
      outcomes.push_back(outcome.fate == Fate::kAgain ? sdk::Outcome::again(delay_level)
                                                      : sdk::Outcome::done());
    return outcomes;
  };
}

}  // namespace oncemq::once
