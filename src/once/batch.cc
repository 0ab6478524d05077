#include "once/batch.h"

#include <algorithm>

#include "client/sdk/failure.h"

namespace oncemq::once {
namespace {

using sdk::Errc;
using sdk::failure;

void mark_again(const std::vector<Item*>& items, const sdk::Error& error) {
  for (Item* const item : items) item->outcome = {.fate = Fate::kAgain, .error = error};
}

}  // namespace

void Batch::run(std::span<Item> items) {
  for (std::size_t at = 0; at < items.size(); at += batch_max_) {
    Items chunk;
    for (Item& item : items.subspan(at, std::min(batch_max_, items.size() - at)))
      chunk.push_back(&item);
    run_chunk(std::move(chunk));
  }
}

void Batch::run_chunk(Items items) {
  bool savepoints = false;
  while (!items.empty()) {
    if (lost_) return mark_again(items, error_);
    const Pass pass = attempt(items, savepoints);
    if (pass == Pass::kCommitted) return;
    if (pass == Pass::kItemEnded) {
      // Its outcome is set; the others have another try without it.
      std::erase_if(items, [](const Item* item) { return !item->outcome.error.message.empty(); });
      savepoints = true;
      continue;
    }
    if (pass == Pass::kLost || items.size() == 1) return mark_again(items, error_);
    if (pass == Pass::kItemFailed) {
      ++figures_.second_passes;
      savepoints = true;
      continue;
    }
    ++figures_.halved;
    const auto middle = items.begin() + static_cast<std::ptrdiff_t>(items.size() / 2);
    run_chunk(Items(items.begin(), middle));
    return run_chunk(Items(middle, items.end()));
  }
}

Batch::Pass Batch::whole_failed(sdk::Error error) {
  error_ = std::move(error);
  return Pass::kWholeFailed;
}

Batch::Pass Batch::attempt(const Items& items, bool savepoints) {
  for (Item* const item : items) item->outcome = {};
  Pass pass = Pass::kCommitted;
  if (auto begun = database_.begin(); !begun)
    pass = whole_failed(std::move(begun.error()));
  else
    pass = handle_all(items, savepoints);
  if (pass == Pass::kCommitted) {
    ++figures_.transactions;
    return pass;
  }
  if (database_.rollback()) return pass;
  lost_ = true;
  error_ = {.code = Errc::kUnreachable,
            .message =
                "the database's connection ended, what was committed is asked for when the "
                "message comes again: " +
                error_.message};
  return Pass::kLost;
}

Batch::Pass Batch::handle_all(const Items& items, bool savepoints) {
  std::vector<Item*> sorted = items;
  std::ranges::sort(sorted, [](const Item* a, const Item* b) { return a->claim < b->claim; });
  std::vector<Claim> claims;
  for (const Item* item : sorted) claims.push_back(item->claim);
  auto mine = database_.claim(claims);
  if (!mine) return whole_failed(std::move(mine.error()));
  for (std::size_t at = 0; at < sorted.size(); ++at)
    sorted[at]->outcome.fate = (*mine)[at] ? Fate::kDone : Fate::kDoneBefore;

  for (Item* const item : items) {
    if (item->outcome.fate != Fate::kDone) continue;
    if (savepoints)
      if (auto saved = database_.savepoint(); !saved) return whole_failed(std::move(saved.error()));
    auto handled = handle(*item);
    if (handled && savepoints) handled = database_.release();
    if (handled) continue;
    error_ = handled.error();
    if (!savepoints) return Pass::kItemFailed;
    if (const Pass pass = undo_one(*item, std::move(handled.error())); pass != Pass::kCommitted)
      return pass;
  }
  if (auto committed = database_.commit(); !committed)
    return whole_failed(std::move(committed.error()));
  return Pass::kCommitted;
}

sdk::Status Batch::handle(const Item& item) {
  auto handled = guarded([&] { return handler_(database_, *item.delivery); });
  if (!handled && handled.error().message.empty()) handled.error().message = "the handler failed";
  if (!handled) return handled;
  switch (database_.state()) {
    case TransactionState::kOpen:
      return {};
    case TransactionState::kFailed:
      return failure(Errc::kRefused, "a statement of the handler failed, and it returned no error");
    case TransactionState::kEnded:
      break;
  }
  return failure(Errc::kRefused, "the handler ended the transaction");
}

Batch::Pass Batch::undo_one(Item& item, sdk::Error error) {
  const bool ended = database_.state() == TransactionState::kEnded;
  if (ended || !database_.rollback_to() || !database_.release()) {
    item.outcome = {.fate = Fate::kAgain, .error = std::move(error)};
    return Pass::kItemEnded;
  }
  if (auto forgotten = database_.forget(item.claim); !forgotten)
    return whole_failed(std::move(forgotten.error()));
  item.outcome = {.fate = Fate::kAgain, .error = std::move(error)};
  return Pass::kCommitted;
}

}  // namespace oncemq::once
