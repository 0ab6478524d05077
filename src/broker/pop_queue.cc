#include "broker/pop_queue.h"

#include <algorithm>

#include "base/check.h"

namespace oncemq::broker {

using model::QueueOffset;

std::optional<std::int64_t> PopQueue::next_due() const {
  if (held_.empty()) return std::nullopt;
  return held_.begin()->first;
}

void PopQueue::hold(Rows::iterator row, std::int64_t token, std::int64_t due_ms,
                    std::int64_t invisible_ms) {
  take_out(*row);
  row->second.token = token;
  row->second.due_ms = due_ms;
  row->second.invisible_ms = invisible_ms;
  row->second.ready = row->second.decided = false;
  put_in(*row);
  last_token_ = std::max(last_token_, token);
}

PopQueue::Rows::iterator PopQueue::erase(Rows::iterator row) {
  take_out(*row);
  return rows_.erase(row);
}

void PopQueue::take_out(const Rows::value_type& row) {
  if (row.second.decided) return;
  if (row.second.ready)
    ready_.erase(row.first);
  else
    held_.erase({row.second.due_ms, row.first});
}

void PopQueue::put_in(const Rows::value_type& row) {
  if (row.second.decided) return;
  if (row.second.ready)
    ready_.insert(row.first);
  else
    held_.emplace(row.second.due_ms, row.first);
}

void PopQueue::remember(std::int64_t offset, std::int64_t token) {
  acked_.emplace_back(offset, token);
  if (acked_.size() > kRepeatable) acked_.pop_front();
}

bool PopQueue::ripen(std::int64_t now_ms) {
  bool any = false;
  while (!held_.empty() && held_.begin()->first <= now_ms) {
    const std::int64_t offset = held_.begin()->second;
    held_.erase(held_.begin());
    rows_.at(offset).ready = true;
    ready_.insert(offset);
    any = true;
  }
  return any;
}

PopQueue::Taken PopQueue::take_ready(const Taking& taking, std::size_t max) {
  Taken taken;
  if (taking.order && !held_.empty()) {
    // The answer to this attempt was lost: its holder asks again. It is the same delivery.
    if (taking.attempt_id.empty() || attempt_id_ != taking.attempt_id) return taken;
    std::vector<std::int64_t> offsets;
    for (const auto& [due, offset] : held_) offsets.push_back(offset);
    std::sort(offsets.begin(), offsets.end());
    for (std::int64_t offset : offsets) {
      if (taken.rows.size() == max) break;
      auto row = rows_.find(offset);
      if (row->second.token >= taking.token) {
        taken.token_passed = std::max(taken.token_passed, row->second.token);
        continue;
      }
      hold(row, taking.token, taking.now_ms + taking.invisible_ms, taking.invisible_ms);
      taken.rows.push_back({{offset}, row->second.deliveries});
    }
    return taken;
  }
  std::vector<Rows::iterator> rows;
  for (auto at = ready_.begin(); at != ready_.end() && rows.size() < max; ++at) {
    auto row = rows_.find(*at);
    const bool dead = row->second.deliveries >= taking.deliveries_max;
    const bool passed =
        !dead && (row->second.token >= taking.token || row->second.due_ms > taking.ripe_ms);
    if (passed) taken.token_passed = std::max(taken.token_passed, row->second.token);
    if (!dead && !passed)
      rows.push_back(row);
    else if (taking.order)
      break;
  }
  if (taking.whole && taken.token_passed != 0) return taken;
  for (Rows::iterator row : rows) {
    ++row->second.deliveries;
    hold(row, taking.token, taking.now_ms + taking.invisible_ms, taking.invisible_ms);
    taken.rows.push_back({{row->first}, row->second.deliveries});
  }
  if (taking.order && !taken.rows.empty()) attempt_id_ = taking.attempt_id;
  return taken;
}

PopQueue::Taken PopQueue::take_new(const Taking& taking, const std::vector<QueueOffset>& offsets,
                                   QueueOffset next) {
  Taken taken;
  if (taking.token <= fence_) {
    taken.token_passed = fence_;
    return taken;
  }
  taken.rows.reserve(offsets.size());
  for (QueueOffset offset : offsets) {
    const auto [row, fresh] = rows_.try_emplace(offset.value);
    ONCE_CHECK(fresh);  // all rows are below next(), where reading began
    row->second = {taking.token, taking.now_ms + taking.invisible_ms, taking.invisible_ms, 1,
                   false};
    held_.emplace(row->second.due_ms, offset.value);
    taken.rows.push_back({offset, 1});
  }
  next_ = std::max(next_, next);
  if (!taken.rows.empty()) last_token_ = std::max(last_token_, taking.token);
  if (taking.order && !taken.rows.empty()) attempt_id_ = taking.attempt_id;
  return taken;
}

HandleVerdict PopQueue::ack(QueueOffset offset, std::int64_t token) {
  auto row = rows_.find(offset.value);
  if (row != rows_.end()) {
    if (row->second.token != token || token == 0 || row->second.decided)
      return HandleVerdict::kStale;
    erase(row);
    remember(offset.value, token);
    return HandleVerdict::kAccepted;
  }
  const bool known = std::find(acked_.rbegin(), acked_.rend(),
                               std::make_pair(offset.value, token)) != acked_.rend();
  return known ? HandleVerdict::kRepeated : HandleVerdict::kStale;
}

HandleVerdict PopQueue::change(QueueOffset offset, std::int64_t token, std::int64_t& new_token,
                               std::int64_t now_ms, std::int64_t invisible_ms) {
  auto row = rows_.find(offset.value);
  if (row == rows_.end() || row->second.token != token || token == 0 || row->second.decided)
    return HandleVerdict::kStale;
  new_token = std::max(new_token, token + 1);
  hold(row, new_token, now_ms + invisible_ms, invisible_ms);
  return HandleVerdict::kAccepted;
}

HandleVerdict PopQueue::decide(QueueOffset offset, std::int64_t token) {
  auto row = rows_.find(offset.value);
  if (row == rows_.end() || row->second.token != token || token == 0 || row->second.decided)
    return HandleVerdict::kStale;
  take_out(*row);
  row->second.decided = true;
  return HandleVerdict::kAccepted;
}

void PopQueue::undecide(QueueOffset offset, std::int64_t token) {
  auto row = rows_.find(offset.value);
  if (row == rows_.end() || row->second.token != token || !row->second.decided) return;
  row->second.decided = false;
  put_in(*row);
}

void PopQueue::settle(QueueOffset offset, std::int64_t token) {
  auto row = rows_.find(offset.value);
  if (row == rows_.end() || row->second.token != token) return;
  erase(row);
  remember(offset.value, token);
}

void PopQueue::remove(QueueOffset offset) {
  if (auto row = rows_.find(offset.value); row != rows_.end()) erase(row);
}

void PopQueue::set(QueueOffset next) {
  rows_.clear();
  held_.clear();
  ready_.clear();
  acked_.clear();
  attempt_id_.clear();
  fence_ = last_token_;
  next_ = next;
}

std::vector<PopOperation::Row> PopQueue::skip_to(QueueOffset offset) {
  std::vector<PopOperation::Row> gone;
  while (!rows_.empty() && rows_.begin()->first < offset.value) {
    gone.push_back({{rows_.begin()->first}, 0});
    erase(rows_.begin());
  }
  next_ = std::max(next_, offset);
  return gone;
}

std::vector<PopOperation::Row> PopQueue::cut(QueueOffset min, QueueOffset max) {
  std::vector<PopOperation::Row> gone = skip_to(min);
  for (auto row = rows_.lower_bound(max.value); row != rows_.end();) {
    gone.push_back({{row->first}, 0});
    row = erase(row);
  }
  if (next_ > max) next_ = max;
  return gone;
}

std::vector<PopOperation::Row> PopQueue::condemn(std::int32_t deliveries_max, std::size_t max) {
  std::vector<PopOperation::Row> dead;
  for (std::int64_t offset : ready_) {
    if (dead.size() == max) break;
    Row& row = rows_.at(offset);
    if (row.deliveries < deliveries_max) continue;
    row.token = 0;
    dead.push_back({{offset}, row.deliveries});
  }
  return dead;
}

bool PopQueue::has_ready(const Taking& taking) const {
  if (taking.order && !held_.empty())
    return !taking.attempt_id.empty() && attempt_id_ == taking.attempt_id;
  for (std::int64_t offset : ready_) {
    const Row& row = rows_.at(offset);
    if (row.deliveries < taking.deliveries_max) return true;
    if (taking.order) return false;
  }
  return false;
}

void PopQueue::apply(const PopOperation& operation, std::int64_t wall_ms, std::int64_t now_ms) {
  using Kind = PopOperation::Kind;
  // What is left of the invisible time; a wall clock that was set back does not make it longer.
  const std::int64_t due =
      now_ms + std::clamp<std::int64_t>(operation.token + operation.invisible_ms - wall_ms, 0,
                                        std::max<std::int64_t>(0, operation.invisible_ms));
  switch (operation.kind) {
    case Kind::kHold:
      for (const PopOperation::Row& row : operation.rows) {
        auto [found, fresh] = rows_.try_emplace(row.offset.value);
        if (fresh) {
          found->second.due_ms = due;
          held_.emplace(due, found->first);
        }
        found->second.deliveries = row.deliveries;
        hold(found, operation.token, due, operation.invisible_ms);
      }
      next_ = std::max(next_, operation.next);
      if (!rows_.empty() && rows_.rbegin()->first >= next_.value)
        next_ = QueueOffset{rows_.rbegin()->first + 1};
      if (!operation.rows.empty()) attempt_id_ = operation.attempt_id;
      return;
    case Kind::kDone:
    case Kind::kDead:
      for (const PopOperation::Row& row : operation.rows) {
        auto found = rows_.find(row.offset.value);
        if (found == rows_.end()) continue;
        if (operation.kind == Kind::kDone) remember(found->first, found->second.token);
        erase(found);
      }
      return;
    case Kind::kChange:
      if (auto found = rows_.find(operation.rows.front().offset.value); found != rows_.end())
        hold(found, operation.token, due, operation.invisible_ms);
      return;
    case Kind::kSet:
    case Kind::kForget:
      set(operation.next);
      return;
  }
}

void PopQueue::write(const PopOperation& names, std::int64_t wall_ms, std::int64_t now_ms,
                     PopRecordWriter& writer) const {
  PopOperation operation = names;
  operation.kind = PopOperation::Kind::kSet;
  operation.next = next_;
  writer.add(operation);
  operation.kind = PopOperation::Kind::kHold;
  operation.attempt_id = attempt_id_;
  for (const auto& [offset, row] : rows_) {
    operation.token = row.token;
    // The wall clock may have jumped ahead: then the end lies later than the handle says.
    operation.invisible_ms =
        std::max(row.invisible_ms, wall_ms + (row.due_ms - now_ms) - row.token);
    operation.rows.assign(1, {{offset}, row.deliveries});
    writer.add(operation);
  }
}

}  // namespace oncemq::broker
