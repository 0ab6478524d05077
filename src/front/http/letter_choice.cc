#include "front/http/letter_choice.h"

#include <algorithm>
#include <utility>

#include "model/message_id.h"
#include "model/record_codec.h"
#include "model/topic.h"

namespace oncemq::front {
namespace {

constexpr std::size_t kWordsMax = 64;  // tags, properties
constexpr std::int32_t kPage = 64;     // letters read at once
constexpr std::int32_t kPageBytes = 1 << 20;

using Letters = std::vector<ChosenLetter>;

// Adds what is selected of a page, until `limit`; the queue offset behind the last one looked at.
Result<std::int64_t> take(const ApiContext& context, const store::ReadResult& page,
                          const model::LetterFilter& filter, std::size_t limit, Letters& chosen) {
  std::int64_t next = 0;
  for (const store::LogSpan& span : page.spans) {
    for (Bytes rest = span.bytes; !rest.empty() && chosen.size() < limit;) {
      const auto decoded = model::decode_record(rest, model::Verify::kNone);
      if (!decoded) return fail(decoded.error());
      if (decoded->kind != model::RecordKind::kMessage || decoded->size <= 0) break;
      rest = rest.subspan(std::min(static_cast<std::size_t>(decoded->size), rest.size()));
      const model::RecordView& record = decoded->record;
      next = record.queue_offset.value + 1;
      std::string id = model::offset_message_id(record.store_host, record.log_offset);
      if (!filter.wants(
              {.id = id, .died_ms = record.store_timestamp, .properties = record.properties}))
        continue;
      const auto mark = context.parts.broker->dead_letters().mark_of(record.log_offset);
      if (!mark) return fail(mark.error());
      if (!*mark) chosen.push_back({std::move(id), record.log_offset});
    }
  }
  return chosen.size() < limit ? page.next.value : next;
}

}  // namespace

LetterChoice::LetterChoice(BodyFields& body) {
  filter_.ids = body.texts("ids", kLettersMax).value_or(std::vector<std::string>());
  filter_.key = body.text("key").value_or("");
  filter_.topic = body.text("topic").value_or("");
  filter_.tags = body.texts("tags", kWordsMax).value_or(std::vector<std::string>());
  if (const auto pairs = body.pairs("properties", false, kWordsMax))
    for (const auto& [name, value] : *pairs) filter_.properties.emplace_back(name, *value);
  const auto where = body.text("where");
  if (where)
    if (const Status set = filter_.set_where(*where); !set)
      body.refuse("where", set.error().message);
  const auto begin_ms = body.number("beginMs", 0, INT64_MAX);
  const auto end_ms = body.number("endMs", 0, INT64_MAX);
  filter_.begin_ms = begin_ms.value_or(filter_.begin_ms);
  filter_.end_ms = end_ms.value_or(filter_.end_ms);
  if (const Status times = filter_.check_times(); !times)
    body.refuse("beginMs", times.error().message);
  from_ = body.number("from", 0, INT64_MAX);
  const auto limit = body.number("limit", 1, kLettersMax);
  limit_ = static_cast<std::size_t>(limit.value_or(kLettersMax));

  only_ids_ = filter_.key.empty() && filter_.topic.empty() && filter_.tags.empty() &&
              filter_.properties.empty() && !where && !begin_ms && !end_ms && !from_ && !limit;
  if (!only_ids_) return;
  // An order without a word about which letters is a mistake, not one about all of them.
  body.require("ids");
  for (const std::string& id : filter_.ids)
    if (const auto parsed = model::parse_offset_message_id(id))
      named_.push_back({id, parsed->offset});
  if (named_.size() != filter_.ids.size()) named_.clear();
}

Result<LetterChoice::Chosen> LetterChoice::choose(const ApiContext& context,
                                                  const std::string& group) const {
  if (!named_.empty()) return Chosen{.letters = named_, .next = {}};
  const std::string name = model::topic::dlq_topic(group);
  store::ConsumeQueue* const queue = context.parts.broker->topics().find(name) == nullptr
                                         ? nullptr
                                         : context.parts.store->find_queue(name, 0);
  if (queue == nullptr)
    return fail(Errc::kTopicNotFound, "group " + group + " has no dead letters");
  Chosen chosen;
  std::int64_t at = std::max(from_.value_or(0), queue->min().value);
  const std::int64_t end = queue->max().value;
  for (std::size_t looked = 0; at < end && looked < kLookedMax && chosen.letters.size() < limit_;) {
    const store::ReadResult page = context.parts.store->read(
        {.queue = queue, .offset = {at}, .max_messages = kPage, .max_bytes = kPageBytes});
    const auto next = take(context, page, filter_, limit_, chosen.letters);
    if (!next) return fail(next.error());
    if (*next <= at) break;  // what is there cannot be read now
    looked += static_cast<std::size_t>(*next - at);
    at = *next;
  }
  if (at < end) chosen.next = at;
  if (only_ids_ && chosen.letters.empty() && !chosen.next)
    return fail(Errc::kMessageNotFound,
                "no dead letter of group " + group + " that may be ordered about has such an id");
  return chosen;
}

}  // namespace oncemq::front
