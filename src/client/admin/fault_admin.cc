#include "client/admin/fault_admin.h"

#include "wire/remoting/body/faults.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/faults.h"

namespace oncemq::client {
namespace {

Status status_of(const Admin::Master& master, Answer& answer) {
  if (answer.code() == wire::number(wire::ResponseCode::kRequestCodeNotSupported))
    return fail(Errc::kNotSupported, master.name + " is no OnceMQ broker, it has no faults");
  if (const auto status = answer.status(); !status)
    return fail(status.error().code, master.name + ": " + status.error().message);
  return {};
}

}  // namespace

Result<std::vector<FaultAdmin::Added>> FaultAdmin::add(const FaultWish& wish) {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  std::vector<Added> added;
  for (const Admin::Master& master : *masters) {
    auto answer =
        admin_.client().call<wire::AddFault>(master.address, {.fault = wish.fault,
                                                              .topic = wish.topic,
                                                              .group = wish.group,
                                                              .probability = wish.probability,
                                                              .count = wish.count,
                                                              .for_ms = wish.for_ms});
    if (!answer) return fail(std::move(answer.error()));
    ONCE_TRY(status_of(master, *answer));
    const auto reply = answer->fields<wire::AddFault>();
    if (!reply) return fail(reply.error());
    added.push_back({.broker = master.name, .id = reply->id});
  }
  return added;
}

Result<std::vector<FaultInfo>> FaultAdmin::list() {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  std::vector<FaultInfo> rows;
  for (const Admin::Master& master : *masters) {
    auto answer = admin_.client().call<wire::ListFaults>(master.address, {});
    if (!answer) return fail(std::move(answer.error()));
    ONCE_TRY(status_of(master, *answer));
    auto body = wire::decode_body<wire::FaultList>(answer->body());
    if (!body) return fail(std::move(body.error()));
    for (const wire::FaultRow& row : body->faults)
      rows.push_back({.broker = master.name,
                      .id = row.id,
                      .fault = row.fault,
                      .topic = row.topic,
                      .group = row.group,
                      .probability = row.probability,
                      .count = row.count,
                      .struck = row.struck,
                      .left_ms = row.left_ms,
                      .state = row.state,
                      .sentence = row.sentence});
  }
  return rows;
}

Result<std::int64_t> FaultAdmin::clear(std::int64_t id) {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  if (id != 0 && masters->size() > 1)
    return fail(Errc::kInvalidArgument,
                "each broker counts its faults by itself: say which one with --broker");
  std::int64_t cleared = 0;
  for (const Admin::Master& master : *masters) {
    auto answer = admin_.client().call<wire::ClearFaults>(master.address, {.id = id});
    if (!answer) return fail(std::move(answer.error()));
    ONCE_TRY(status_of(master, *answer));
    const auto reply = answer->fields<wire::ClearFaults>();
    if (!reply) return fail(reply.error());
    cleared += reply->cleared;
  }
  return cleared;
}

}  // namespace oncemq::client
