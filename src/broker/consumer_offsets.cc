#include "broker/consumer_offsets.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/heap_bytes.h"
#include "broker/pair_key.h"
#include "model/config_json.h"

namespace oncemq::broker {

namespace {

constexpr char kSeparator = '@';
// consumerOffsetUpdateVersionStep: slaves copy the table when the version moved.
constexpr std::uint64_t kVersionStep = 500;

}  // namespace

ConsumerOffsets::ConsumerOffsets(const Options& options, os::Clock& clock)
    : options_(options), clock_(clock) {}

Status ConsumerOffsets::load(std::string_view json) {
  if (json.empty()) return {};
  auto parsed = Json::parse(json);
  if (!parsed.has_value())
    return fail(Errc::kCorrupt, "consumerOffset.json: " + parsed.error().message);
  auto file = model::offset_table_from_json(*parsed);
  if (!file.has_value())
    return fail(Errc::kCorrupt, "consumerOffset.json: " + file.error().message);
  MutexLock lock(mutex_);
  version_ = file->version;
  settled_ = file->settled;
  for (const auto& [key, queues] : file->offsets) {
    // Neither a topic nor a group can contain the separator.
    if (key.find(kSeparator) == std::string::npos) continue;
    Table& into = queues_of(rows_, key);
    for (const auto& [queue_id, offset] : queues)
      if (into.insert_or_assign(queue_id, model::ConsumeOffset{offset}).second) ++entries_;
  }
  for (const auto& [key, queues] : file->resets) {
    const auto known = rows_.find(key);
    if (known == rows_.end()) continue;
    for (const auto& [queue_id, offset] : queues) {
      // While a reset waits the group's offset stays there. Elsewhere the group has been served
      // since, by Apache's broker, which does not know of the reset.
      const auto now = known->second.queues.find(queue_id);
      if (now != known->second.queues.end() && now->second.value == offset)
        queues_of(resets_, key).insert_or_assign(queue_id, now->second);
    }
  }
  any_reset_.store(!resets_.empty(), std::memory_order_release);
  return {};
}

std::string ConsumerOffsets::dump() const {
  // Event loops commit offsets while this runs, so the lock is held for a flat copy only: building
  // the file's tree takes ten times as long.
  struct Part {
    std::string key;
    std::size_t end = 0;  // behind its last value
  };
  struct Flat {
    std::vector<Part> parts;
    std::vector<std::pair<std::int32_t, std::int64_t>> values;

    void copy(const Rows& rows) {
      parts.reserve(rows.size());
      for (const auto& [key, row] : rows) {
        for (const auto& [queue_id, offset] : row.queues)
          values.emplace_back(queue_id, offset.value);
        parts.push_back({key, values.size()});
      }
    }
    model::OffsetTableMap tree() {
      model::OffsetTableMap offsets;
      std::size_t at = 0;
      for (Part& part : parts) {
        auto& queues = offsets[std::move(part.key)];
        for (; at < part.end; ++at)
          queues.emplace_hint(queues.end(), values[at].first, values[at].second);
      }
      return offsets;
    }
  };
  Flat rows;
  Flat resets;
  model::DataVersion version;
  std::int64_t settled = 0;
  {
    MutexLock lock(mutex_);
    version = version_;
    settled = settled_;
    rows.values.reserve(entries_);
    rows.copy(rows_);
    resets.copy(resets_);
  }
  return model::offset_table_to_json({.offsets = rows.tree(),
                                      .version = version,
                                      .resets = resets.tree(),
                                      .settled = settled})
      .dump_pretty();
}

std::size_t ConsumerOffsets::memory_bytes() const {
  constexpr std::size_t kRow = kHashNodeBytes<Rows> + 3 * kNameHeapBytes;
  MutexLock lock(mutex_);
  return rows_.size() * kRow + entries_ * kTreeNodeBytes<Table> +
         resets_.size() * (kRow + kTreeNodeBytes<Table>);
}

bool ConsumerOffsets::take_dirty() {
  MutexLock lock(mutex_);
  return std::exchange(dirty_, false);
}

ConsumerOffsets::Row& ConsumerOffsets::row(Rows& rows, std::string_view group,
                                           std::string_view topic) {
  const PairKey key(topic, kSeparator, group);
  auto found = rows.find(key.view());
  if (found == rows.end())
    found = rows.emplace(std::string(key.view()), Row{std::string(topic), std::string(group), {}})
                .first;
  return found->second;
}

ConsumerOffsets::Table& ConsumerOffsets::queues_of(Rows& rows, const std::string& key) {
  const std::string_view text = key;
  const std::size_t at = text.find(kSeparator);
  return row(rows, text.substr(at + 1), text.substr(0, at)).queues;
}

const ConsumerOffsets::Row* ConsumerOffsets::find_row(const Rows& rows, std::string_view group,
                                                      std::string_view topic) {
  const PairKey key(topic, kSeparator, group);
  auto found = rows.find(key.view());
  return found == rows.end() ? nullptr : &found->second;
}

void ConsumerOffsets::changed() {
  dirty_ = true;
  if (++changes_ % kVersionStep == 0) version_.bump(clock_.wall_ms());
}

Result<model::ConsumeOffset> ConsumerOffsets::commit(std::string_view group, std::string_view topic,
                                                     std::int32_t queue_id,
                                                     model::ConsumeOffset offset) {
  MutexLock lock(mutex_);
  // Until the group has pulled from its new place, what it commits belongs to the old one.
  if (!resets_.empty()) {
    const Row* reset = find_row(resets_, group, topic);
    if (reset != nullptr && reset->queues.contains(queue_id)) return offset;
  }
  return store(group, topic, queue_id, offset);
}

Result<model::ConsumeOffset> ConsumerOffsets::store(std::string_view group, std::string_view topic,
                                                    std::int32_t queue_id,
                                                    model::ConsumeOffset offset) {
  const Row* known = find_row(rows_, group, topic);
  if (entries_ >= options_.offsets_max && (known == nullptr || !known->queues.contains(queue_id)))
    return fail(Errc::kBusy, "the broker keeps as many consumer offsets as it may");
  const auto [place, fresh] = row(rows_, group, topic).queues.try_emplace(queue_id, offset);
  if (fresh) ++entries_;
  const model::ConsumeOffset before = std::exchange(place->second, offset);
  if (!fresh && before == offset) return offset;
  changed();
  return fresh ? model::ConsumeOffset{0} : before;
}

Status ConsumerOffsets::move(std::string_view group, std::string_view topic, std::int32_t queue_id,
                             std::optional<model::ConsumeOffset> from, model::ConsumeOffset to) {
  MutexLock lock(mutex_);
  const Row* known = find_row(rows_, group, topic);
  const auto place = known == nullptr ? Table::const_iterator{} : known->queues.find(queue_id);
  const bool there = known != nullptr && place != known->queues.end();
  if (there != from.has_value() || (there && place->second != *from)) return {};
  auto stored = store(group, topic, queue_id, to);
  if (!stored) return fail(std::move(stored.error()));
  return {};
}

model::QueueOffset ConsumerOffsets::settled() const {
  MutexLock lock(mutex_);
  return {settled_};
}

void ConsumerOffsets::set_settled(model::QueueOffset end) {
  MutexLock lock(mutex_);
  settled_ = end.value;
}

std::optional<model::ConsumeOffset> ConsumerOffsets::query(std::string_view group,
                                                           std::string_view topic,
                                                           std::int32_t queue_id) const {
  MutexLock lock(mutex_);
  const Row* found = find_row(rows_, group, topic);
  if (found == nullptr) return std::nullopt;
  auto queue = found->queues.find(queue_id);
  if (queue == found->queues.end()) return std::nullopt;
  return queue->second;
}

ConsumerOffsets::Table ConsumerOffsets::queues(std::string_view group,
                                               std::string_view topic) const {
  MutexLock lock(mutex_);
  const Row* found = find_row(rows_, group, topic);
  return found == nullptr ? Table{} : found->queues;
}

std::vector<std::string> ConsumerOffsets::topics_of(std::string_view group) const {
  std::vector<std::string> names;
  {
    MutexLock lock(mutex_);
    for (const auto& [key, row] : rows_)
      if (row.group == group) names.push_back(row.topic);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> ConsumerOffsets::groups_of(std::string_view topic) const {
  std::vector<std::string> names;
  {
    MutexLock lock(mutex_);
    for (const auto& [key, row] : rows_)
      if (row.topic == topic) names.push_back(row.group);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void ConsumerOffsets::for_each(
    const std::function<void(const std::string&, const std::string&, const Table&)>& visit) const {
  // A copy, because no lock is held while a stranger is called.
  std::vector<Row> rows;
  {
    MutexLock lock(mutex_);
    rows.reserve(rows_.size());
    for (const auto& [key, row] : rows_) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.topic, a.group) < std::tie(b.topic, b.group);
  });
  for (const Row& row : rows) visit(row.topic, row.group, row.queues);
}

Status ConsumerOffsets::assign_reset(std::string_view group, std::string_view topic,
                                     std::int32_t queue_id, model::ConsumeOffset offset) {
  MutexLock lock(mutex_);
  ONCE_TRY(store(group, topic, queue_id, offset));
  row(resets_, group, topic).queues.insert_or_assign(queue_id, offset);
  changed();
  any_reset_.store(true, std::memory_order_release);
  return {};
}

std::optional<model::ConsumeOffset> ConsumerOffsets::take_reset(std::string_view group,
                                                                std::string_view topic,
                                                                std::int32_t queue_id) {
  if (!any_reset_.load(std::memory_order_acquire)) return std::nullopt;
  MutexLock lock(mutex_);
  const PairKey key(topic, kSeparator, group);
  auto found = resets_.find(key.view());
  if (found == resets_.end()) return std::nullopt;
  auto queue = found->second.queues.find(queue_id);
  if (queue == found->second.queues.end()) return std::nullopt;
  const model::ConsumeOffset offset = queue->second;
  found->second.queues.erase(queue);
  if (found->second.queues.empty()) resets_.erase(found);
  changed();
  any_reset_.store(!resets_.empty(), std::memory_order_release);
  return offset;
}

Status ConsumerOffsets::clone(std::string_view from_group, std::string_view to_group,
                              std::string_view topic) {
  MutexLock lock(mutex_);
  const Row* from = find_row(rows_, from_group, topic);
  if (from == nullptr) return {};
  const Table queues = from->queues;
  for (const auto& [queue_id, offset] : queues) ONCE_TRY(store(to_group, topic, queue_id, offset));
  return {};
}

void ConsumerOffsets::remove_rows(std::string Row::*field, std::string_view name) {
  std::erase_if(resets_, [&](const auto& item) { return item.second.*field == name; });
  any_reset_.store(!resets_.empty(), std::memory_order_release);
  for (auto row = rows_.begin(); row != rows_.end();) {
    if (row->second.*field != name) {
      ++row;
      continue;
    }
    entries_ -= row->second.queues.size();
    row = rows_.erase(row);
    changed();
  }
}

void ConsumerOffsets::remove_group(std::string_view group) {
  MutexLock lock(mutex_);
  remove_rows(&Row::group, group);
}

void ConsumerOffsets::remove_topic(std::string_view topic) {
  MutexLock lock(mutex_);
  remove_rows(&Row::topic, topic);
}

}  // namespace oncemq::broker
