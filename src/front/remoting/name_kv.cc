#include "front/remoting/name_kv.h"

#include "front/remoting/broker_admin.h"
#include "front/remoting/loop_edge.h"
#include "wire/remoting/body/route.h"

namespace oncemq::front {

NameKvFamily::NameKvFamily(const EdgeParts& parts) : parts_(parts), kv_(*parts.kv) {}

void NameKvFamily::handle(Call call, const Request<wire::PutKvConfig>& request) {
  const auto& header = request.header;
  const Status status = kv_.put(header.name_space, header.key, header.value);
  if (!status) return call.refuse(status.error());
  call.ok();
}

void NameKvFamily::handle(Call call, const Request<wire::GetKvConfig>& request) {
  const auto& header = request.header;
  const auto value = kv_.get(header.name_space, header.key);
  if (!value) {
    return call.refuse(
        Error{Errc::kNotFound, "No config item, Namespace: " + std::string(header.name_space) +
                                   " Key: " + std::string(header.key)});
  }
  call.reply(wire::GetKvConfig::Reply{.value = *value});
}

void NameKvFamily::handle(Call call, const Request<wire::DeleteKvConfig>& request) {
  const Status status = kv_.erase(request.header.name_space, request.header.key);
  if (!status) return call.refuse(status.error());
  call.ok();
}

void NameKvFamily::handle(Call call, const Request<wire::GetKvListByNamespace>& request) {
  const auto table = kv_.list(request.header.name_space);
  if (!table) {
    return call.refuse(Error{
        Errc::kNotFound, "No config item, Namespace: " + std::string(request.header.name_space)});
  }
  wire::KvTable body;
  body.table.insert(table->begin(), table->end());
  call.ok(wire::encode_body(body));
}

void NameKvFamily::handle(Call call, const Request<wire::UpdateNameServerConfig>& request) {
  update_settings(std::move(call), parts_, as_text(request.command.body));
}

void NameKvFamily::handle(Call call, const Request<wire::GetNameServerConfig>&) {
  call.ok(model::print_settings(parts_.settings.get()));
}

}  // namespace oncemq::front
