#include "front/remoting/faults.h"

#include <charconv>
#include <string>

#include "wire/remoting/body/faults.h"

namespace oncemq::front {
namespace {

Result<double> parse_probability(std::string_view text) {
  double value = 1;
  if (text.empty()) return value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return fail(Errc::kInvalidArgument, "the probability is a number between 0 and 1");
  return value;
}

}  // namespace

Error faults_refusal() {
  return {Errc::kNoPermission,
          "faults are not allowed: the broker must be started with --allow-faults"};
}

void FaultFamily::handle(Call call, const Request<wire::AddFault>& request) {
  if (faults_ == nullptr) return call.refuse(faults_refusal());
  const auto& header = request.header;
  const auto kind = broker::parse_fault(header.fault);
  if (!kind) return call.refuse(kind.error());
  const auto probability = parse_probability(header.probability);
  if (!probability) return call.refuse(probability.error());
  const auto id = faults_->add({.kind = *kind,
                                .topic = std::string(header.topic),
                                .group = std::string(header.group),
                                .probability = *probability,
                                .count = header.count,
                                .for_ms = header.for_ms});
  if (!id) return call.refuse(id.error());
  call.reply(wire::AddFault::Reply{.id = static_cast<std::int64_t>(*id)});
}

void FaultFamily::handle(Call call, const Request<wire::ListFaults>&) {
  if (faults_ == nullptr) return call.refuse(faults_refusal());
  wire::FaultList answer;
  for (const broker::FaultView& view : faults_->list())
    answer.faults.push_back({.id = static_cast<std::int64_t>(view.id),
                             .fault = std::string(broker::fault_name(view.order.kind)),
                             .topic = view.order.topic,
                             .group = view.order.group,
                             .probability = view.order.probability,
                             .count = view.order.count,
                             .struck = static_cast<std::int64_t>(view.struck),
                             .left_ms = view.left_ms,
                             .state = std::string(broker::fault_state_name(view.state)),
                             .sentence = std::string(broker::fault_sentence(view.order.kind))});
  call.ok(wire::encode_body(answer));
}

void FaultFamily::handle(Call call, const Request<wire::ClearFaults>& request) {
  if (faults_ == nullptr) return call.refuse(faults_refusal());
  std::int64_t cleared = 1;
  if (request.header.id == 0)
    cleared = static_cast<std::int64_t>(faults_->clear_all());
  else if (const Status status = faults_->clear(static_cast<std::uint64_t>(request.header.id));
           !status)
    return call.refuse(status.error());
  call.reply(wire::ClearFaults::Reply{.cleared = cleared});
}

}  // namespace oncemq::front
