#include "client/admin/transaction_admin.h"

#include <algorithm>
#include <limits>

#include "wire/remoting/body/body.h"
#include "wire/remoting/body/transactions.h"
#include "wire/remoting/schema/transactions.h"

namespace oncemq::client {
namespace {

constexpr std::int32_t kPage = 1000;

Status status_of(Result<Answer>&& answer) {
  if (!answer) return fail(std::move(answer.error()));
  return answer->status();
}

}  // namespace

Status TransactionAdmin::list_on(const Admin::Master& master, bool discarded, std::size_t max,
                                 std::vector<TransactionInfo>& into) {
  std::size_t count = 0;
  for (std::int64_t from = 0; from >= 0 && count < max;) {
    auto answer = client_.call<wire::ListTransactions>(
        master.address, {.discarded = discarded, .from = from, .max = kPage});
    if (!answer) return fail(std::move(answer.error()));
    if (auto status = answer->status(); !status)
      return fail(status.error().code, master.name + ": " + status.error().message);
    auto page = wire::decode_body<wire::OpenTransactions>(answer->body());
    if (!page) return fail(std::move(page.error()));
    for (const wire::OpenTransaction& row : page->transactions) {
      if (count++ == max) break;
      into.push_back({.broker = master.name,
                      .half_offset = row.half_offset,
                      .discarded = row.discarded,
                      .transaction_id = row.transaction_id,
                      .message_id = row.message_id,
                      .group = row.group,
                      .topic = row.topic,
                      .queue_id = row.queue_id,
                      .keys = row.keys,
                      .checks = row.checks,
                      .born_ms = row.born_ms,
                      .store_ms = row.store_ms,
                      .body_size = row.body_size});
    }
    from = page->next;
  }
  return {};
}

Result<std::vector<TransactionInfo>> TransactionAdmin::list(bool discarded, std::size_t max) {
  auto all = admin_.masters();
  if (!all) return fail(std::move(all.error()));
  std::vector<TransactionInfo> rows;
  for (const Admin::Master& master : *all) ONCE_TRY(list_on(master, discarded, max, rows));
  return rows;
}

Result<TransactionInfo> TransactionAdmin::find(std::string_view name) {
  std::vector<TransactionInfo> found;
  for (const bool discarded : {false, true}) {
    auto rows = list(discarded, std::numeric_limits<std::size_t>::max());
    if (!rows) return fail(std::move(rows.error()));
    std::copy_if(rows->begin(), rows->end(), std::back_inserter(found),
                 [&](const TransactionInfo& row) {
                   return row.transaction_id == name || row.message_id == name ||
                          (row.half_offset >= 0 && std::to_string(row.half_offset) == name);
                 });
  }
  if (found.empty())
    return fail(Errc::kNotFound, "no open or discarded transaction is called " + std::string(name));
  if (found.size() > 1)
    return fail(Errc::kInvalidArgument, std::to_string(found.size()) + " transactions are called " +
                                            std::string(name) + "; name one by its message id");
  return std::move(found.front());
}

Result<std::string> TransactionAdmin::address_of(std::string_view broker) {
  auto all = admin_.masters();
  if (!all) return fail(std::move(all.error()));
  for (const Admin::Master& master : *all)
    if (master.name == broker) return master.address;
  return fail(Errc::kNotFound, "broker " + std::string(broker) + " has no master");
}

Status TransactionAdmin::decide(const TransactionInfo& transaction, bool commit) {
  if (transaction.half_offset < 0)
    return fail(Errc::kInvalidArgument,
                "an earlier broker discarded it without saying what it was: resume it");
  auto address = address_of(transaction.broker);
  if (!address) return fail(std::move(address.error()));
  return status_of(client_.call<wire::DecideTransaction>(
      *address, {.half_offset = transaction.half_offset, .commit = commit}));
}

Status TransactionAdmin::resume(const TransactionInfo& transaction) {
  if (!transaction.discarded)
    return fail(Errc::kInvalidArgument, "it is open: its producers are asked anyhow");
  auto address = address_of(transaction.broker);
  if (!address) return fail(std::move(address.error()));
  return status_of(client_.call<wire::ResumeCheckHalfMessage>(
      *address, {.topic = transaction.topic, .message_id = transaction.message_id}));
}

}  // namespace oncemq::client
