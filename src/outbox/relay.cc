#include "outbox/relay.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace oncemq::outbox {
namespace {

using std::chrono::milliseconds;

constexpr const char* kArea = "outbox";
constexpr std::size_t kAwayMax = 64;  // each stands in every reading
constexpr milliseconds kFirstPause{100};
constexpr milliseconds kRefusedPause{1'000};  // doubles with each attempt
constexpr milliseconds kRefusedPauseMax{30'000};

milliseconds pause_after(std::int32_t attempts) {
  milliseconds pause = kRefusedPause;
  for (std::int32_t at = 1; at < attempts && pause < kRefusedPauseMax; ++at) pause *= 2;
  return std::min(pause, kRefusedPauseMax);
}

}  // namespace

Relay::Relay(Open open, Outlet& outlet, Waiter& waiter, const os::Clock& clock,
             RelayOptions options)
    : open_(std::move(open)),
      outlet_(outlet),
      waiter_(waiter),
      clock_(clock),
      options_(std::move(options)),
      publish_options_{.parallel_max = options_.parallel_max,
                       .attempts_max = options_.attempts_max,
                       .body_max = options_.reading.body_max,
                       .pass = options_.reading.pass} {}

sdk::Status Relay::run() {
  milliseconds pause{0};
  while (!waiter_.wait(pause)) {
    pause = step();
    if (ended_) break;
  }
  give_back();
  return result_;
}

milliseconds Relay::grown(milliseconds pause) const {
  return std::min(std::max(pause * 2, kFirstPause), options_.backoff_max);
}

milliseconds Relay::lose(const sdk::Error& error) {
  log::warn(kArea, "the database: {}", one_line(error.message));
  source_.reset();
  held_ = false;
  source_pause_ = grown(source_pause_);
  if (options_.once) {
    result_ = tl::unexpected(error);
    ended_ = true;
  }
  return source_pause_;
}

bool Relay::open() {
  if (source_ != nullptr) return true;
  auto opened = open_();
  if (opened) {
    if (was_open_) log::info(kArea, "the database is there again");
    source_ = std::move(*opened);
    was_open_ = true;
    return true;
  }
  // What will not become better by waiting: a wrong name, no table.
  if (!was_open_ && opened.error().code != sdk::Errc::kUnreachable) {
    result_ = tl::unexpected(opened.error());
    ended_ = true;
  } else {
    (void)lose(opened.error());
  }
  return false;
}

bool Relay::hold() {
  const std::int64_t now = clock_.monotonic_ms();
  if (held_ && now - lease_began_ms_ < options_.lease.count() / 3) return true;
  const auto mine = source_->lease(options_.holder, options_.lease);
  if (!mine) {
    (void)lose(mine.error());
    return false;
  }
  if (!*mine && !waiting_told_) log::info(kArea, "another relay works: waiting");
  if (*mine && waiting_told_) log::info(kArea, "the other relay ended: working");
  waiting_told_ = !*mine;
  held_ = *mine;
  lease_began_ms_ = now;  // before it was asked for: never later than the database's
  return held_;
}

std::vector<std::string> Relay::away_now() const {
  std::vector<std::string> topics;
  for (const auto& [topic, away] : away_)
    if (options_.once || away.until_ms > clock_.monotonic_ms()) topics.push_back(topic);
  return topics;
}

milliseconds Relay::idle() {
  if (options_.once) {
    ended_ = true;
    if (!away_.empty() || !refused_.empty())
      result_ = tl::unexpected(
          sdk::Error{.code = sdk::Errc::kUnreachable, .message = "rows were left: see above"});
  }
  return options_.poll_interval;
}

milliseconds Relay::step() {
  if (!open()) return source_pause_;
  if (!hold()) {
    if (source_ == nullptr) return source_pause_;
    if (options_.once) {
      ended_ = true;
      result_ = tl::unexpected(
          sdk::Error{.code = sdk::Errc::kBusy, .message = "another relay works on this table"});
    }
    return std::min(options_.lease / 3, options_.backoff_max);
  }
  Reading reading = options_.reading;
  reading.without = away_now();
  if (reading.without.size() >= kAwayMax) return idle();
  const auto rows = source_->read(reading);
  if (!rows) return lose(rows.error());
  source_pause_ = milliseconds(0);
  return rows->empty() ? idle() : publish_rows(*rows);
}

milliseconds Relay::publish_rows(const std::vector<Row>& rows) {
  const std::int64_t until_ms = lease_began_ms_ + options_.lease.count() * 2 / 3;
  const auto outcomes = publish(rows, source_->name(), outlet_, publish_options_, [this, until_ms] {
    return clock_.monotonic_ms() < until_ms && !waiter_.wait(milliseconds(0));
  });
  const Settlement settlement = settlement_of(rows, outcomes);
  if (settlement.published.empty() && settlement.troubles.empty()) return milliseconds(0);
  if (const auto settled = source_->settle(settlement); !settled) return lose(settled.error());
  return milliseconds(0);
}

Settlement Relay::settlement_of(const std::vector<Row>& rows,
                                const std::vector<Outcome>& outcomes) {
  Settlement settlement;
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const Row& row = rows[at];
    const Outcome& outcome = outcomes[at];
    if (!outcome.verdict) continue;
    switch (*outcome.verdict) {
      case Verdict::kStored:
        settlement.published.push_back(row.id);
        away_.erase(row.topic);
        refused_.erase(row.id);
        break;
      case Verdict::kAway:
        note_away(row.topic, outcome.reason);
        break;
      case Verdict::kRefused:
      case Verdict::kNever: {
        const bool parked = is_parked(row, *outcome.verdict, publish_options_);
        log::warn(kArea, "row {} for topic {} {}: {}", row.id, row.topic,
                  parked ? "is parked" : "was refused", outcome.reason);
        if (parked)
          refused_.erase(row.id);
        else if (options_.once)
          refused_.insert(row.id);
        settlement.troubles.push_back({.id = row.id,
                                       .topic = row.topic,
                                       .aggregate = row.aggregate,
                                       .attempts = row.attempts + 1,
                                       .reason = outcome.reason,
                                       .parked = parked,
                                       .pause = pause_after(row.attempts + 1)});
        break;
      }
    }
  }
  return settlement;
}

// Once in a round for a topic, however many of its rows were out.
void Relay::note_away(const std::string& topic, const std::string& reason) {
  const std::int64_t now = clock_.monotonic_ms();
  // Those that have been back for long begin anew.
  std::erase_if(away_, [&](const auto& one) {
    return one.second.until_ms + 2 * options_.backoff_max.count() < now;
  });
  auto [place, is_new] = away_.try_emplace(topic);
  Away& away = place->second;
  if (!is_new && away.until_ms > now) return;
  away.pause = grown(away.pause);
  away.until_ms = now + away.pause.count();
  log::warn(kArea, "topic {} waits {} ms: {}", topic, away.pause.count(), reason);
}

void Relay::give_back() {
  if (source_ == nullptr || !held_) return;
  if (const auto released = source_->release(options_.holder); !released)
    log::warn(kArea, "the lease could not be given back: {}", released.error().message);
}

}  // namespace oncemq::outbox
