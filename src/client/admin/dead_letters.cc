#include "client/admin/dead_letters.h"

#include <algorithm>
#include <map>
#include <utility>

#include "client/admin/pause.h"
#include "model/message_id.h"
#include "model/properties.h"
#include "model/topic.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/dead_letters.h"
#include "wire/remoting/schema/name_routes.h"
#include "wire/remoting/schema/send.h"
#include "wire/remoting/schema/topics.h"

namespace oncemq::client {
namespace {

namespace property = model::property;

// Letters are read and their marks asked for in pages: 32 messages of at most 4 MiB.
constexpr std::int32_t kPage = 32;
constexpr int kTries = 50;
constexpr std::int64_t kTryAgainMs = 200;

bool is_passing(const Error& error) {
  return error.code == Errc::kIo || error.code == Errc::kBusy || error.code == Errc::kNotReady ||
         error.code == Errc::kNotWritable;
}

}  // namespace

std::string Letter::cause() const {
  const std::string cause = message.property(property::kDeadCause);
  return cause.empty() ? "unknown" : cause;
}

Result<std::vector<std::string>> DeadLetters::groups() {
  auto answer = client_.call<wire::GetAllTopicListFromNameServer>(name_server_, {});
  if (!answer) return fail(std::move(answer.error()));
  ONCE_TRY(answer->status());
  const auto list = wire::decode_body<wire::TopicList>(answer->body());
  if (!list) return fail(list.error());
  std::vector<std::string> groups;
  for (const std::string& topic : list->topics)
    if (model::topic::is_dlq(topic))
      groups.push_back(topic.substr(model::topic::kDlqPrefix.size()));
  std::ranges::sort(groups);
  return groups;
}

Status DeadLetters::visit(const LetterSelection& selection,
                          const std::function<Status(const Letter&)>& visit) {
  std::int64_t left = selection.limit;
  return finder_.each_page(
      {.topic = model::topic::dlq_topic(selection.group), .count = kPage},
      [&](const std::string& address, std::vector<StoredMessage>&& messages) -> Result<bool> {
        std::vector<Letter> page;
        for (StoredMessage& message : messages) {
          if (!selection.wants({.id = message.id,
                                .died_ms = message.store_ms,
                                .properties = message.properties}))
            continue;
          const auto id = model::parse_offset_message_id(message.id);
          if (!id) return fail(id.error());
          page.push_back({.address = address,
                          .message = std::move(message),
                          .log_offset = id->offset.value,
                          .mark = {}});
        }
        ONCE_TRY(deliver(page, selection, left, visit));
        return left > 0;
      });
}

Status DeadLetters::deliver(std::vector<Letter>& page, const LetterSelection& selection,
                            std::int64_t& left, const std::function<Status(const Letter&)>& visit) {
  ONCE_TRY(add_marks(page));
  for (const Letter& letter : page) {
    if (letter.mark && !selection.with_marked) continue;
    if (left-- <= 0) break;
    ONCE_TRY(visit(letter));
  }
  return {};
}

// One broker's page. A broker that does not know marks has none.
Status DeadLetters::add_marks(std::vector<Letter>& letters) {
  if (letters.empty()) return {};
  wire::DeadLetterOffsets offsets;
  for (const Letter& letter : letters) offsets.offsets.push_back(letter.log_offset);
  const std::string body = wire::encode_body(offsets);
  Status last;
  for (int tries = 0; tries < kTries; ++tries) {
    auto answer =
        client_.call<wire::GetDeadLetterMarks>(letters.front().address, {}, as_bytes(body));
    last = answer ? answer->status() : fail(answer.error());
    if (last) {
      const auto marks = wire::decode_body<wire::DeadLetterMarks>(answer->body());
      if (!marks) return fail(marks.error());
      std::map<std::int64_t, wire::DeadLetterMark> by_offset;
      for (const wire::DeadLetterMark& mark : marks->marks) by_offset.emplace(mark.offset, mark);
      for (Letter& letter : letters)
        if (const auto found = by_offset.find(letter.log_offset); found != by_offset.end())
          letter.mark = found->second;
      return {};
    }
    if (answer && answer->code() == wire::number(wire::ResponseCode::kRequestCodeNotSupported))
      return {};
    if (!is_passing(last.error())) return last;
    pause_ms(kTryAgainMs);
  }
  return last;
}

Result<DeadLetters::Done> DeadLetters::order(const Letter& letter, const Order& order) {
  Error last;
  for (int tries = 0; tries < kTries; ++tries) {
    if (tries > 0) pause_ms(kTryAgainMs);
    auto answer = client_.call<wire::OrderDeadLetter>(
        letter.address,
        {.group = order.group, .offset = letter.log_offset, .order = order.order, .by = order.by});
    if (!answer) {
      last = std::move(answer.error());
      if (is_passing(last)) continue;
      return fail(std::move(last));
    }
    const auto reply = answer->fields<wire::OrderDeadLetter>();
    if (!reply) {
      last = reply.error();
      if (is_passing(last)) continue;
      return fail(std::move(last));
    }
    // After a lost answer the second try finds our own mark: that is done, not already.
    const bool ours =
        tries > 0 && reply->already && reply->by == order.by && reply->order == order.order;
    return Done{.outcome = reply->already && !ours ? LetterOutcome::kAlready : LetterOutcome::kDone,
                .mark = {.by = std::string(reply->by),
                         .message_id = std::string(reply->message_id),
                         .offset = letter.log_offset,
                         .order = std::string(reply->order),
                         .time_ms = reply->time_ms}};
  }
  return fail(std::move(last));
}

Result<bool> DeadLetters::import(const std::string& group, const StoredMessage& message) {
  const std::string topic = model::topic::dlq_topic(group);
  auto cluster = client_.call<wire::GetBrokerClusterInfo>(name_server_, {});
  if (!cluster) return fail(std::move(cluster.error()));
  ONCE_TRY(cluster->status());
  const auto info = wire::decode_body<wire::ClusterInfo>(cluster->body());
  if (!info) return fail(info.error());
  std::string address;
  for (const auto& [name, broker] : info->brokers) {
    const auto master = broker.addresses.find(0);
    if (master != broker.addresses.end() && address.empty()) address = master->second;
  }
  if (address.empty()) return fail(Errc::kNotFound, "the name server knows no broker");

  auto created = client_.call<wire::UpdateAndCreateTopic>(
      address, {.topic = topic,
                .default_topic = model::topic::kAutoCreate,
                .read_queues = 1,
                .write_queues = 1,
                .perm = model::perm::kRead | model::perm::kWrite,
                .filter_type = "SINGLE_TAG"});
  if (!created) return fail(std::move(created.error()));
  ONCE_TRY(created->status());
  if (const std::string unique = message.property(property::kUniqueKey); !unique.empty()) {
    const auto there = finder_.by_key({.topic = topic, .key = unique, .unique = true});
    if (there)
      for (const StoredMessage& one : *there)
        if (one.property(property::kOriginMessageId) ==
            message.property(property::kOriginMessageId))
          return false;
  }
  auto sent = client_.call<wire::SendMessageV2>(address,
                                                {.producer_group = "TOOLS_PRODUCER",
                                                 .topic = topic,
                                                 .default_topic = model::topic::kAutoCreate,
                                                 .default_topic_queue_nums = 1,
                                                 .queue_id = 0,
                                                 .sys_flag = message.sys_flag,
                                                 .born_timestamp = message.born_ms,
                                                 .flag = message.flag,
                                                 .properties = message.properties,
                                                 .reconsume_times = message.reconsume_times},
                                                as_bytes(message.body));
  if (!sent) return fail(std::move(sent.error()));
  ONCE_TRY(sent->status());
  return true;
}

}  // namespace oncemq::client
