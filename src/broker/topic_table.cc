#include "broker/topic_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/heap_bytes.h"
#include "base/log.h"
#include "model/config_json.h"

namespace oncemq::broker {

namespace {

constexpr std::int32_t kReadWrite = model::perm::kRead | model::perm::kWrite;
constexpr std::int32_t kQueuesMax = 65'536;

model::TopicConfig make_topic(std::string name, std::int32_t queues, std::int32_t perm) {
  model::TopicConfig config;
  config.name = std::move(name);
  config.read_queues = queues;
  config.write_queues = queues;
  config.perm = perm;
  return config;
}

// JSON text as it stands deeper in another one; its strings have no bare line breaks.
std::string indented(std::string_view json, std::string_view tabs) {
  std::string out;
  for (const char c : json) {
    out += c;
    if (c == '\n') out += tabs;
  }
  return out;
}

}  // namespace

struct TopicEntry::QueueArray {
  explicit QueueArray(std::size_t count)
      : size(count), slots(new std::atomic<store::ConsumeQueue*>[count]) {
    for (std::size_t i = 0; i < count; ++i) slots[i].store(nullptr, std::memory_order_relaxed);
  }
  const std::size_t size;
  std::unique_ptr<std::atomic<store::ConsumeQueue*>[]> slots;
};

TopicEntry::TopicEntry(std::string name, store::MessageStore& store)
    : name_(std::move(name)), name_hash_(TextHash()(name_)), store_(store) {}

TopicEntry::~TopicEntry() = default;

// A loop may hold an old one for the rest of its tick, so none is ever freed.
const model::IdempotencePolicy* TopicEntry::remembered(
    const std::optional<model::IdempotencePolicy>& policy) {
  if (!policy) return nullptr;
  for (const auto& known : policies_)
    if (*known == *policy) return known.get();
  policies_.push_back(std::make_unique<const model::IdempotencePolicy>(*policy));
  return policies_.back().get();
}

void TopicEntry::assign(const model::TopicConfig& config,
                        const std::optional<model::IdempotencePolicy>& policy) {
  read_queues_.store(config.read_queues, std::memory_order_relaxed);
  write_queues_.store(config.write_queues, std::memory_order_relaxed);
  perm_.store(config.perm, std::memory_order_relaxed);
  sys_flag_.store(config.sys_flag, std::memory_order_relaxed);
  order_.store(config.order, std::memory_order_relaxed);
  idempotence_.store(remembered(policy), std::memory_order_release);
  alive_.store(true, std::memory_order_release);
}

store::ConsumeQueue* TopicEntry::queue(std::int32_t queue_id) const {
  if (queue_id < 0 || queue_id >= kQueuesMax) return nullptr;
  const QueueArray* array = current_.load(std::memory_order_acquire);
  const auto index = static_cast<std::size_t>(queue_id);
  if (array != nullptr && index < array->size) {
    store::ConsumeQueue* queue = array->slots[index].load(std::memory_order_acquire);
    if (queue != nullptr) return queue;
  }
  return make_queue(queue_id);
}

store::ConsumeQueue* TopicEntry::make_queue(std::int32_t queue_id) const {
  // The store has a lock of its own, so it is asked before ours is taken.
  store::ConsumeQueue& queue = store_.queue(name_, queue_id);
  const auto index = static_cast<std::size_t>(queue_id);
  MutexLock lock(mutex_);
  QueueArray* array = current_.load(std::memory_order_relaxed);
  if (array == nullptr || index >= array->size) {
    const auto configured = static_cast<std::size_t>(std::max(read_queues(), write_queues()));
    auto grown = std::make_unique<QueueArray>(
        std::max(index + 1, std::min<std::size_t>(configured, kQueuesMax)));
    for (std::size_t i = 0; array != nullptr && i < array->size; ++i)
      grown->slots[i].store(array->slots[i].load(std::memory_order_relaxed),
                            std::memory_order_relaxed);
    array = grown.get();
    arrays_.push_back(std::move(grown));
    current_.store(array, std::memory_order_release);
  }
  array->slots[index].store(&queue, std::memory_order_release);
  return &queue;
}

TopicTable::TopicTable(const Options& options, const Switches& switches, store::MessageStore& store,
                       os::Clock& clock)
    : options_(options), switches_(switches), store_(store), clock_(clock) {}

std::size_t TopicTable::memory_bytes() const {
  constexpr std::size_t kText = heap_bytes(256);  // of a topic without attributes
  constexpr std::size_t kQueues = heap_bytes(sizeof(TopicEntry::QueueArray)) +
                                  heap_bytes(8 * sizeof(void*)) + heap_bytes(sizeof(void*));
  constexpr std::size_t kOne =
      kHashNodeBytes<Rows> + heap_bytes(sizeof(TopicEntry)) + kText + kQueues + 3 * kNameHeapBytes;
  ReadLock lock(mutex_);
  return rows_.size() * kOne;
}

void TopicTable::set_listener(Listener listener) {
  listener_ = std::move(listener);
}
void TopicTable::set_dirty_hook(std::function<void()> hook) {
  dirty_hook_ = std::move(hook);
}

std::vector<model::TopicConfig> TopicTable::own_topics() const {
  namespace perm = model::perm;
  namespace topic = model::topic;
  const auto name = [](std::string_view text) { return std::string(text); };
  const auto levels = static_cast<std::int32_t>(options_.delay_levels_ms.size());
  std::vector<model::TopicConfig> topics;
  topics.push_back(make_topic(name(topic::kSelfTest), 1, kReadWrite));
  if (switches_.auto_create_topic.load(std::memory_order_relaxed))
    topics.push_back(make_topic(name(topic::kAutoCreate), options_.default_topic_queues,
                                perm::kInherit | kReadWrite));
  topics.push_back(make_topic(name(topic::kBenchmark), 1024, kReadWrite));
  topics.push_back(
      make_topic(options_.cluster, 16, perm::kInherit | (options_.cluster_topic ? kReadWrite : 0)));
  topics.push_back(
      make_topic(options_.name, 1, perm::kInherit | (options_.broker_topic ? kReadWrite : 0)));
  topics.push_back(make_topic(name(topic::kOffsetMoved), 1, kReadWrite));
  topics.push_back(make_topic(name(topic::kSchedule), std::max(levels, 1), kReadWrite));
  if (options_.trace_topic) topics.push_back(make_topic(name(topic::kTrace), 1, kReadWrite));
  topics.push_back(make_topic(options_.cluster + name(topic::kReplySuffix), 1, kReadWrite));
  topics.push_back(make_topic(name(topic::kRevivePrefix) + options_.cluster, options_.revive_queues,
                              kReadWrite));
  topics.push_back(make_topic("rmq_sys_SYNC_BROKER_MEMBER_" + options_.name, 1, perm::kInherit));
  topics.push_back(make_topic(name(topic::kHalf), 1, kReadWrite));
  topics.push_back(make_topic(name(topic::kHalfOp), 1, kReadWrite));
  if (options_.timer_wheel) topics.push_back(make_topic(name(topic::kTimer), 1, kReadWrite));
  return topics;
}

// A topic that no file names, with at least so many queues.
model::TopicConfig TopicTable::unsaved_topic(const std::string& name, std::int32_t queues) const {
  const bool single = model::topic::is_retry(name) || model::topic::is_dlq(name);
  return make_topic(name, single ? queues : std::max(queues, options_.default_topic_queues),
                    kReadWrite);
}

Status TopicTable::load(std::string_view json) {
  model::TopicTableFile file;
  if (!json.empty()) {
    auto parsed = Json::parse(json);
    if (!parsed.has_value()) return fail(Errc::kCorrupt, "topics.json: " + parsed.error().message);
    auto table = model::topic_table_from_json(*parsed);
    if (!table.has_value()) return fail(Errc::kCorrupt, "topics.json: " + table.error().message);
    file = std::move(*table);
  }
  // The queues' names are collected first: the store must not be called under our lock.
  std::map<std::string, std::int32_t> queues;
  store_.for_each_queue([&queues](store::ConsumeQueue& queue) {
    std::int32_t& count = queues[queue.topic()];
    count = std::max(count, queue.queue_id() + 1);
  });
  WriteLock lock(mutex_);
  version_ = file.version;
  for (auto& [name, config] : file.topics) {
    config.name = name;
    // A broker that no longer creates topics by itself keeps the topic, but nobody inherits from
    // it.
    if (name == model::topic::kAutoCreate &&
        !switches_.auto_create_topic.load(std::memory_order_relaxed))
      config.perm &= ~model::perm::kInherit;
    put_locked(config);
  }
  for (const model::TopicConfig& config : own_topics()) {
    auto found = rows_.find(config.name);
    // What is there stays as it is, but messageDelayLevel may have more levels than before.
    if (found == rows_.end() || (config.name == model::topic::kSchedule &&
                                 found->second.config.write_queues < config.write_queues))
      put_locked(config);
  }
  for (const auto& [name, count] : queues) {
    if (!rows_.contains(name)) put_locked(unsaved_topic(name, count));
  }
  // Starting counts as a change, so that nobody takes this table for the one of our former life.
  version_.bump(clock_.wall_ms());
  return {};
}

// The text of model::topic_table_to_json(), put together from the texts of its members: thousands
// of topics are made one by one, and each of them is answered when all are on disk.
std::string TopicTable::dump() const {
  std::string out = "{\n\t\"dataVersion\":";
  ReadLock lock(mutex_);
  out += indented(model::to_json(version_).dump_pretty(), "\t");
  out += ",\n\t\"topicConfigTable\":{";
  std::vector<const std::pair<const std::string, Row>*> rows;
  rows.reserve(alive_);
  std::size_t size = out.size() + 8;
  for (const auto& row : rows_) {
    if (!row.second.entry->alive()) continue;
    rows.push_back(&row);
    size += row.second.text.size() + 4;
  }
  std::sort(rows.begin(), rows.end(), [](auto* a, auto* b) { return a->first < b->first; });
  out.reserve(size);
  for (const auto* row : rows) {
    out += row == rows.front() ? "\n\t\t" : ",\n\t\t";
    out += row->second.text;
  }
  out += rows.empty() ? "}\n}" : "\n\t}\n}";
  return out;
}

const TopicEntry* TopicTable::find(std::string_view name) const {
  ReadLock lock(mutex_);
  auto found = rows_.find(name);
  if (found == rows_.end() || !found->second.entry->alive()) return nullptr;
  return found->second.entry.get();
}

std::optional<model::TopicConfig> TopicTable::config(std::string_view name) const {
  ReadLock lock(mutex_);
  auto found = rows_.find(name);
  if (found == rows_.end() || !found->second.entry->alive()) return std::nullopt;
  return found->second.config;
}

TopicSnapshot TopicTable::snapshot() const {
  TopicSnapshot snapshot;
  {
    ReadLock lock(mutex_);
    snapshot.version = version_;
    snapshot.topics.reserve(alive_);
    for (const auto& [name, row] : rows_)
      if (row.entry->alive()) snapshot.topics.push_back(row.config);
  }
  std::sort(snapshot.topics.begin(), snapshot.topics.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return snapshot;
}

model::DataVersion TopicTable::version() const {
  ReadLock lock(mutex_);
  return version_;
}

std::size_t TopicTable::size() const {
  ReadLock lock(mutex_);
  return alive_;
}

std::optional<model::IdempotencePolicy> TopicTable::policy_of(
    const model::TopicConfig& config) const {
  if (is_system(config.name) || model::topic::is_retry(config.name) ||
      model::topic::is_dlq(config.name))
    return std::nullopt;
  model::IdempotencePolicy::Attributes attributes = config.attributes;
  attributes.insert(options_.idempotence.begin(), options_.idempotence.end());
  return model::IdempotencePolicy::of(attributes);
}

bool TopicTable::is_system(std::string_view name) const {
  if (model::topic::is_system(name) || name == options_.cluster || name == options_.name)
    return true;
  return name.starts_with(options_.cluster) &&
         name.substr(options_.cluster.size()) == model::topic::kReplySuffix;
}

std::vector<std::string> TopicTable::system_topics() const {
  std::vector<std::string> names;
  {
    ReadLock lock(mutex_);
    for (const auto& [name, row] : rows_)
      if (row.entry->alive() && is_system(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

const TopicEntry* TopicTable::put_locked(const model::TopicConfig& config) {
  Row& row = rows_[config.name];
  if (row.entry == nullptr) row.entry = std::make_unique<TopicEntry>(config.name, store_);
  if (!row.entry->alive()) ++alive_;
  row.config = config;
  row.text.clear();
  append_json_string(row.text, config.name);
  row.text += ':';
  row.text += indented(model::to_json(config).dump_pretty(), "\t\t");
  row.entry->assign(config, policy_of(config));
  return row.entry.get();
}

void TopicTable::announce(std::span<const std::string> names) {
  if (dirty_hook_ != nullptr) dirty_hook_();
  if (listener_ != nullptr) listener_(names);
}

Result<const TopicEntry*> TopicTable::create_by_send(std::string_view name,
                                                     std::string_view default_topic,
                                                     std::int32_t client_queues, bool unit) {
  ONCE_TRY(model::check_topic_name(name));
  const auto base = config(default_topic);
  model::TopicConfig wanted;
  // The switch may have changed since load().
  const bool inherits =
      base.has_value() && (default_topic == model::topic::kAutoCreate
                               ? switches_.auto_create_topic.load(std::memory_order_relaxed)
                               : (base->perm & model::perm::kInherit) != 0);
  if (inherits) {
    const std::int32_t queues = std::min(client_queues, base->write_queues);
    if (queues <= 0)
      return fail(Errc::kTopicNotFound, "topic " + std::string(name) + " would have no queue");
    wanted = make_topic(std::string(name), queues, base->perm & ~model::perm::kInherit);
    wanted.multi_tag = base->multi_tag;
  } else if (model::topic::is_retry(name)) {
    wanted = make_topic(std::string(name), 1, kReadWrite);
  } else {
    return fail(Errc::kTopicNotFound, "topic " + std::string(name) + " does not exist");
  }
  wanted.sys_flag = unit ? 1 : 0;
  return ensure(wanted);
}

Result<const TopicEntry*> TopicTable::ensure(const model::TopicConfig& config) {
  if (const TopicEntry* entry = find(config.name); entry != nullptr) return entry;
  const TopicEntry* entry = nullptr;
  {
    WriteLock lock(mutex_);
    auto found = rows_.find(config.name);
    if (found != rows_.end() && found->second.entry->alive()) return found->second.entry.get();
    if (alive_ >= options_.topics_max)
      return fail(Errc::kBusy, "the broker has as many topics as it may");
    entry = put_locked(config);
    version_.bump(clock_.wall_ms());
  }
  announce({&config.name, 1});
  return entry;
}

const TopicEntry* TopicTable::topic_of_waiting(std::string_view name, std::int32_t queue_id,
                                               model::LogOffset stored) {
  {
    ReadLock lock(mutex_);
    const auto found = rows_.find(name);
    // A row that is not alive was deleted by this process.
    if (found != rows_.end())
      return found->second.entry->alive() ? found->second.entry.get() : nullptr;
  }
  if (!model::check_topic_name(name) || queue_id < 0 || queue_id >= kQueuesMax ||
      store_.was_deleted(name, stored))
    return nullptr;
  const auto made = ensure(unsaved_topic(std::string(name), queue_id + 1));
  if (!made) return nullptr;
  log::warn("broker", "topic {} was not saved before a kill; messages wait for it: made again",
            name);
  return *made;
}

Status TopicTable::update(const model::TopicConfig& config) {
  ONCE_TRY(model::check_topic_name(config.name));
  if (is_system(config.name))
    return fail(Errc::kInvalidArgument, "topic " + config.name + " belongs to the broker");
  if (config.read_queues < 0 || config.write_queues < 0 || config.read_queues > kQueuesMax ||
      config.write_queues > kQueuesMax)
    return fail(Errc::kInvalidArgument, "queue counts must be between 0 and 65536");
  if (config.perm < 0 || config.perm > 15)
    return fail(Errc::kInvalidArgument, "perm must be between 0 and 15");
  {
    WriteLock lock(mutex_);
    auto found = rows_.find(config.name);
    const bool creating = found == rows_.end() || !found->second.entry->alive();
    if (creating && alive_ >= options_.topics_max)
      return fail(Errc::kBusy, "the broker has as many topics as it may");
    model::TopicConfig wanted = config;
    static const std::map<std::string, std::string> kNone;
    auto attributes = apply_attribute_changes(creating ? kNone : found->second.config.attributes,
                                              config.attributes, creating);
    if (!attributes.has_value()) return fail(std::move(attributes.error()));
    wanted.attributes = std::move(*attributes);
    if (!creating && found->second.config == wanted) return {};
    put_locked(wanted);
    version_.bump(clock_.wall_ms());
  }
  announce({&config.name, 1});
  return {};
}

Status TopicTable::remove(std::string_view name) {
  if (is_system(name))
    return fail(Errc::kInvalidArgument, "topic " + std::string(name) + " belongs to the broker");
  const std::string copy(name);
  bool existed = false;
  {
    WriteLock lock(mutex_);
    auto found = rows_.find(name);
    existed = found != rows_.end() && found->second.entry->alive();
    if (existed) {
      found->second.entry->alive_.store(false, std::memory_order_release);
      --alive_;
      version_.bump(clock_.wall_ms());
    }
  }
  if (existed) announce({&copy, 1});
  return store_.delete_topic(name);
}

void TopicTable::touch() {
  // Clients ask for the route of this topic before they send to one that does not exist.
  if (switches_.auto_create_topic.load(std::memory_order_relaxed)) {
    const auto own = own_topics();
    const auto wanted =
        std::ranges::find(own, model::topic::kAutoCreate, &model::TopicConfig::name);
    if (!ensure(*wanted).has_value())
      log::warn("broker", "{} cannot be made: there are too many topics",
                model::topic::kAutoCreate);
  }
  {
    WriteLock lock(mutex_);
    version_.bump(clock_.wall_ms());
  }
  announce({});
}

}  // namespace oncemq::broker
