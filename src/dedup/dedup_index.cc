#include "dedup/dedup_index.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/json.h"
#include "base/log.h"

namespace oncemq::dedup {

namespace {

constexpr std::string_view kPartitionName = "keys-";
constexpr std::string_view kJournalName = "journal-";
// Rows, cells or buckets that are looked at while the lock is held: some 50 µs.
constexpr std::size_t kSlice = 2048;
// Keys whose memory is asked for before the first of them is looked up.
constexpr std::size_t kAhead = 32;
// The filter grows in steps of a quarter.
constexpr std::uint64_t kFilterMin = 1 << 16;
// Log that a start may have to read although nothing in it was idempotent.
constexpr std::int64_t kUncoveredMax = 64LL << 20;

std::optional<std::uint64_t> number_of(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

}  // namespace

DedupIndex::DedupIndex(os::Disk& disk, DedupIndexOptions options)
    : disk_(disk),
      options_(std::move(options)),
      partition_keys_(std::max<std::uint64_t>(options_.keys_max / kPartitions, 1)),
      window_ms_(options_.window_ms),
      list_(disk, options_.folder + "/keys.json"),
      recent_(std::make_unique<RecentKeys>(rows_max())),
      filter_(std::make_unique<KeyFilter>(kFilterMin)),
      table_(std::make_shared<const Table>()) {}

std::string DedupIndex::path(std::uint64_t id) const {
  return options_.folder + "/" + std::string(kPartitionName) + std::to_string(id);
}

std::string DedupIndex::journal_path(std::uint64_t number) const {
  return options_.folder + "/" + std::string(kJournalName) + std::to_string(number);
}

std::uint64_t DedupIndex::sealed_keys() const {
  std::uint64_t keys = 0;
  for (const Sealed& sealed : sealed_) keys += sealed.partition->summary().keys;
  return keys;
}

// ---- start

Result<std::unique_ptr<DedupIndex>> DedupIndex::open(os::Disk& disk, os::Random& random,
                                                     DedupIndexOptions options,
                                                     std::int64_t log_end) {
  std::unique_ptr<DedupIndex> index(new DedupIndex(disk, std::move(options)));
  ONCE_TRY(index->load(random, log_end));
  return index;
}

Status DedupIndex::load(os::Random& random, std::int64_t log_end) {
  ONCE_TRY(disk_.make_dirs(options_.folder));
  seed_ = random.next() >> 1;  // JSON has signed numbers
  covered_ = options_.begin;
  if (Status listed = load_list(log_end); !listed) {
    if (listed.error().code != Errc::kCorrupt) return listed;
    log::error("dedup", "{}; all keys are read from the log again", listed.error().message);
    ONCE_TRY(begin_anew());
  }
  hasher_ = KeyHasher(seed_);
  ONCE_TRY(remove_strangers());
  ONCE_TRY(make_filter());
  publish();
  ONCE_TRY(load_journals(log_end));
  covered_ = std::min(covered_, log_end);
  return save_list();
}

// kCorrupt: nobody knows what the files say.
Status DedupIndex::load_list(std::int64_t log_end) {
  auto text = list_.load();
  if (!text) return fail(std::move(text.error()));
  if (text->empty()) return {};
  auto json = Json::parse(*text);
  if (!json) return fail(Errc::kCorrupt, "keys.json: " + json.error().message);
  const Json& root = *json;
  if (!root.has("seed") || root["covered"].as_int(-1) < 0 || root["next"].as_int() < 1 ||
      root["journal"].as_int() < 1)
    return fail(Errc::kCorrupt, "keys.json lacks seed, covered, next or journal");
  seed_ = static_cast<std::uint64_t>(root["seed"].as_int());
  covered_ = root["covered"].as_int();
  next_id_ = static_cast<std::uint64_t>(root["next"].as_int());
  first_journal_ = static_cast<std::uint64_t>(root["journal"].as_int());
  read_again_ = root["readAgain"].as_bool();
  for (const Json& row : root["partitions"].items()) ONCE_TRY(load_partition(row, log_end));
  return {};
}

// Without the list there is no seed, and without the seed the other files say nothing. Their names
// are not used again, so they are strangers from now on.
Status DedupIndex::begin_anew() {
  auto entries = disk_.list(options_.folder);
  if (!entries) return fail(std::move(entries.error()));
  sealed_.clear();
  covered_ = 0;
  read_again_ = true;
  for (const os::DirEntry& entry : *entries) {
    if (const auto id = number_of(entry.name, kPartitionName))
      next_id_ = std::max(next_id_, *id + 1);
    if (const auto journal = number_of(entry.name, kJournalName))
      first_journal_ = std::max(first_journal_, *journal + 1);
  }
  return {};
}

// A partition that is broken, or knows of messages that the log has lost, is made again from the
// log as far as that reaches.
Status DedupIndex::load_partition(const Json& row, std::int64_t log_end) {
  const auto id = static_cast<std::uint64_t>(row["id"].as_int());
  const std::int64_t first_log = row["firstLog"].as_int();
  if (id >= next_id_ || first_log < 0)
    return fail(Errc::kCorrupt, "keys.json lists a partition that cannot be");
  auto partition = Partition::open(disk_, path(id));
  const unsigned tag = free_tag();
  if (partition && (*partition)->summary().last_log < log_end && tag != 0) {
    sealed_.push_back({id, tag, std::move(*partition)});
    return {};
  }
  if (!partition && partition.error().code == Errc::kIo) return fail(std::move(partition.error()));
  const auto keys = static_cast<std::uint64_t>(row["keys"].as_int());
  log::error("dedup", "{}: {}; its {} keys are read from the log again, from {} on", path(id),
             partition ? "the log has lost messages that it knows" : partition.error().message,
             keys, first_log);
  covered_ = std::min(covered_, first_log);
  read_again_ = true;
  MutexLock lock(mutex_);
  stats_.lost += keys;
  return {};
}

Status DedupIndex::load_journals(std::int64_t log_end) {
  const auto visit = [&](std::span<const PartitionEntry> entries, std::int64_t covered) -> Status {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i % kAhead == 0) prefetch(entries.subspan(i, std::min(kAhead, entries.size() - i)));
      const auto& [key, original] = entries[i];
      if (original.log_offset.value + original.size <= log_end)
        ONCE_TRY(restore(key, original, true));
    }
    // What lies between a lost partition and the journals is read from the log.
    if (!read_again_) covered_ = std::max(covered_, covered);
    return {};
  };
  for (journal_number_ = first_journal_;; ++journal_number_) {
    auto journal = Journal::open(disk_, journal_path(journal_number_), visit);
    if (!journal) {
      if (journal.error().code != Errc::kNotFound) return fail(std::move(journal.error()));
      break;
    }
    journal_ = std::move(*journal);
  }
  if (journal_ != nullptr) {
    --journal_number_;
    return {};
  }
  auto journal = Journal::create(disk_, journal_path(journal_number_));
  if (!journal) return fail(std::move(journal.error()));
  journal_ = std::move(*journal);
  return {};
}

// What a crash left behind.
Status DedupIndex::remove_strangers() {
  auto entries = disk_.list(options_.folder);
  if (!entries) return fail(std::move(entries.error()));
  for (const os::DirEntry& entry : *entries) {
    const auto id = number_of(entry.name, kPartitionName);
    const auto journal = number_of(entry.name, kJournalName);
    const bool listed = id && std::any_of(sealed_.begin(), sealed_.end(),
                                          [&](const Sealed& sealed) { return sealed.id == *id; });
    if ((id && !listed) || (journal && *journal < first_journal_) || entry.name.ends_with(".tmp"))
      ONCE_TRY(disk_.remove(options_.folder + "/" + entry.name));
  }
  return {};
}

void DedupIndex::prefetch(std::span<const PartitionEntry> entries) const {
  MutexLock lock(mutex_);
  for (const PartitionEntry& entry : entries) recent_->prefetch(entry.key);
}

Status DedupIndex::restore(const MessageKey& key, const Original& original) {
  return restore(key, original, false);
}

Status DedupIndex::restore(const MessageKey& key, const Original& original, bool saved) {
  bool full = false;
  {
    MutexLock lock(mutex_);
    if (const RecentKeys::Row* row = recent_->find(key);
        row != nullptr && row->entry.original.log_offset == original.log_offset)
      return {};
    full = recent_->full();
  }
  if (full) {
    // The journals stay: until the next orderly rotation they say the same once more.
    rotate(take_spare(), false);
    ONCE_TRY(make_partition());
    ONCE_TRY(save_list());
  }
  MutexLock lock(mutex_);
  // The same send twice in the log: its window was over in between, or it was not idempotent yet.
  if (RecentKeys::Row* row = recent_->find(key); row != nullptr) {
    if (row->entry.original.log_offset > original.log_offset) return {};
    recent_->release(*row);
  }
  const std::size_t number = recent_->add(key, original, RecentKeys::State::kKnown);
  recent_->row(number).saved = saved;
  first_unsaved_ = std::min(first_unsaved_, number);
  return {};
}

// ---- sending

void DedupIndex::claim(std::span<const Ask> asks, std::span<Answer> answers,
                       model::AppendedOffset appended) {
  ONCE_CHECK(asks.size() == answers.size());
  struct Look {
    std::size_t ask;
    KeyFilter::Mask mask;
  };
  thread_local std::vector<Look> looks;
  looks.clear();
  std::shared_ptr<const Table> table;  // shared: see Table
  {
    MutexLock lock(mutex_);
    table = table_;
    for (const Ask& ask : asks) {
      recent_->prefetch(ask.key);
      filter_->prefetch(ask.key.key);
    }
    for (std::size_t i = 0; i < asks.size(); ++i) {
      answers[i] = claim_recent(asks[i], appended);
      if (answers[i].verdict != Verdict::kNew && answers[i].verdict != Verdict::kOtherBody)
        continue;
      if (const KeyFilter::Mask mask = filter_->find(asks[i].key.key); mask != 0)
        looks.push_back({i, mask});
    }
  }
  if (looks.empty()) {
    release_refused(asks, answers);
    return;
  }
  for (const Look& look : looks) look_at(asks[look.ask], look.mask, *table, answers[look.ask]);
  {
    MutexLock lock(mutex_);
    for (const Look& look : looks)
      if (const Verdict verdict = answers[look.ask].verdict;
          verdict == Verdict::kDuplicate || verdict == Verdict::kUndecided)
        release_row(asks[look.ask].key);
  }
  release_refused(asks, answers);
}

// Among what is in memory; a new row when the send may go on.
Answer DedupIndex::claim_recent(const Ask& ask, model::AppendedOffset appended) {
  Answer answer;
  if (RecentKeys::Row* row = recent_->find(ask.key); row != nullptr) {
    answer.original = row->entry.original;
    if (row->state == RecentKeys::State::kPending) {
      answer.verdict = Verdict::kUndecided;
      return answer;
    }
    if (row->entry.original.time_ms >= ask.since_ms) {
      answer.verdict = Verdict::kDuplicate;
      return answer;
    }
    recent_->release(*row);
  } else if (sealing_ != nullptr) {
    row = sealing_->find(ask.key);
    if (row != nullptr && row->entry.original.time_ms >= ask.since_ms) {
      answer = {Verdict::kDuplicate, row->entry.original};
      return answer;
    }
  }
  if (recent_->full()) {
    answer.verdict = Verdict::kUndecided;
    return answer;
  }
  if (recent_->has_key(ask.key.key) || (sealing_ != nullptr && sealing_->has_key(ask.key.key)))
    answer.verdict = Verdict::kOtherBody;
  const std::size_t number =
      recent_->add(ask.key, {.log_offset = {appended.value}}, RecentKeys::State::kPending);
  first_unsaved_ = std::min(first_unsaved_, number);
  if (recent_->live() >= std::max(partition_keys_, rows_max() / 4 * 3))
    crowded_.store(true, std::memory_order_relaxed);
  return answer;
}

// Among what is in files.
void DedupIndex::look_at(const Ask& ask, KeyFilter::Mask mask, const Table& table,
                         Answer& answer) const {
  for (unsigned tag = 1; tag < KeyFilter::kTags; ++tag) {
    if ((mask >> tag & 1) == 0 || table[tag] == nullptr ||
        table[tag]->summary().last_ms < ask.since_ms)
      continue;
    const auto found = table[tag]->find(ask.key);
    if (!found) {
      log::error("dedup", "{}", found.error().message);
      answer.verdict = Verdict::kUndecided;
      return;
    }
    if (found->kind == Partition::Found::Kind::kSame && found->original.time_ms >= ask.since_ms) {
      answer = {Verdict::kDuplicate, found->original};
      return;
    }
    if (found->kind == Partition::Found::Kind::kOtherBody) answer.verdict = Verdict::kOtherBody;
  }
}

// Other bodies that their topic refuses are claimed like all others, because only the files say
// whether the very same send is known.
void DedupIndex::release_refused(std::span<const Ask> asks, std::span<const Answer> answers) {
  for (std::size_t i = 0; i < asks.size(); ++i) {
    if (!asks[i].refuse_other_body || answers[i].verdict != Verdict::kOtherBody) continue;
    MutexLock lock(mutex_);
    release_row(asks[i].key);
  }
}

void DedupIndex::release_row(const MessageKey& key) {
  RecentKeys::Row* row = recent_->find(key);
  ONCE_CHECK(row != nullptr && row->state == RecentKeys::State::kPending);
  recent_->release(*row);
}

void DedupIndex::settle(std::span<const Settled> settled) {
  MutexLock lock(mutex_);
  for (const Settled& one : settled) {
    RecentKeys::Row* row = recent_->find(one.key);
    ONCE_CHECK(row != nullptr && row->state == RecentKeys::State::kPending);
    if (one.stored) {
      row->entry.original = *one.stored;
      row->state = RecentKeys::State::kKnown;
    } else {
      recent_->release(*row);
    }
  }
}

// ---- periodic work

Status DedupIndex::step(model::DurableOffset durable, std::int64_t now_ms) {
  if (sealing()) ONCE_TRY(make_partition_of_journals());
  ONCE_TRY(save_rows(durable));
  ONCE_TRY(end_reading_again());
  while (!sealed_.empty() && sealed_.front().partition->summary().last_ms <
                                 now_ms - window_ms_.load(std::memory_order_relaxed))
    ONCE_TRY(drop_oldest(false));
  if (!is_ripe(now_ms)) return {};
  ONCE_TRY(begin_sealing());
  return make_partition_of_journals();
}

// What was read from the log again is in the journal now; until then the list says that the next
// start has to read it once more, whatever the journals cover.
Status DedupIndex::end_reading_again() {
  if (!read_again_) return {};
  ONCE_TRY(journal_->sync());
  read_again_ = false;
  Status saved = save_list();
  read_again_ = !saved;
  return saved;
}

bool DedupIndex::sealing() const {
  MutexLock lock(mutex_);
  return sealing_ != nullptr;
}

// Full, or so old that its keys would be remembered much longer than their window.
bool DedupIndex::is_ripe(std::int64_t now_ms) const {
  MutexLock lock(mutex_);
  // What is not saved moves on into the next table: that is no gain while it is most of them.
  if (recent_->live() >= partition_keys_ && recent_->live() / 2 >= unsaved_) return true;
  const std::int64_t span = window_ms_.load(std::memory_order_relaxed) / kSpans;
  for (std::size_t i = 0; i < std::min(recent_->size(), kSlice); ++i)
    if (const RecentKeys::Row& row = recent_->row(i); row.state == RecentKeys::State::kKnown)
      return row.entry.original.time_ms < now_ms - span;
  return false;
}

// Durable rows into the journal, and how far it reaches.
Status DedupIndex::save_rows(model::DurableOffset durable) {
  std::int64_t covered = durable.value;
  std::size_t at = 0;
  std::size_t end = 0;
  {
    // Whoever claims a row from now on stores its message behind `durable`.
    MutexLock lock(mutex_);
    at = first_unsaved_;
    end = recent_->size();
  }
  bool first = true;  // all rows so far are saved
  bool any = false;
  std::size_t waiting = 0;
  while (at < end) {
    to_save_.clear();
    const std::size_t slice = at;
    {
      MutexLock lock(mutex_);
      for (const std::size_t last = std::min(end, at + kSlice); at < last; ++at) {
        const RecentKeys::Row& row = recent_->row(at);
        if (row.saved || row.state == RecentKeys::State::kReleased) continue;
        if (row.state == RecentKeys::State::kKnown &&
            row.entry.original.log_offset.value + row.entry.original.size <= durable.value) {
          to_save_.push_back(row.entry);
        } else {
          covered = std::min(covered, row.entry.original.log_offset.value);
          ++waiting;
        }
      }
    }
    // The last block says how far everything reaches.
    if (!to_save_.empty()) ONCE_TRY(journal_->append(to_save_, covered_));
    any = any || !to_save_.empty();
    MutexLock lock(mutex_);
    std::size_t written = 0;
    for (std::size_t i = slice; i < at; ++i) {
      RecentKeys::Row& row = recent_->row(i);
      if (written < to_save_.size() && row.entry.key == to_save_[written].key && !row.saved) {
        row.saved = true;
        ++written;
      }
      first =
          first && i >= first_unsaved_ && (row.saved || row.state == RecentKeys::State::kReleased);
      if (first) first_unsaved_ = i + 1;
    }
  }
  unsaved_ = waiting;
  covered = std::max(covered, covered_);
  if (covered == covered_ || (!any && covered - covered_ < kUncoveredMax)) return {};
  ONCE_TRY(journal_->append({}, covered));
  covered_ = covered;
  MutexLock lock(mutex_);
  stats_.covered = covered;
  return {};
}

// The rows that are in the journals stand still from now on.
Status DedupIndex::begin_sealing() {
  auto fresh = take_spare();
  ONCE_TRY(journal_->sync());
  auto journal = Journal::create(disk_, journal_path(journal_number_ + 1));
  if (!journal) return fail(std::move(journal.error()));
  journal_ = std::move(*journal);
  ++journal_number_;
  rotate(std::move(fresh), true);
  return {};
}

// `carry`: rows that are in no journal move on. Few: what came in the last moments.
void DedupIndex::rotate(std::unique_ptr<RecentKeys> fresh, bool carry) {
  MutexLock lock(mutex_);
  ONCE_CHECK(sealing_ == nullptr);
  for (std::size_t i = first_unsaved_; carry && i < recent_->size(); ++i) {
    RecentKeys::Row& row = recent_->row(i);
    if (row.saved || row.state == RecentKeys::State::kReleased) continue;
    fresh->add(row.entry.key, row.entry.original, row.state);
    recent_->abandon(row);
  }
  first_unsaved_ = 0;
  crowded_.store(false, std::memory_order_relaxed);
  sealing_ = std::move(recent_);
  recent_ = std::move(fresh);
}

Status DedupIndex::make_partition_of_journals() {
  ONCE_TRY(make_partition());
  const std::uint64_t old = first_journal_;
  first_journal_ = journal_number_;
  ONCE_TRY(save_list());
  for (std::uint64_t number = old; number < journal_number_; ++number)
    ONCE_TRY(disk_.remove(journal_path(number)));
  return {};
}

Status DedupIndex::make_partition() {
  const RecentKeys* rows = nullptr;
  {
    MutexLock lock(mutex_);
    rows = sealing_.get();
  }
  // Nobody changes it any more.
  refs_.clear();
  refs_.reserve(rows->size());
  for (std::size_t i = 0; i < rows->size(); ++i)
    if (const RecentKeys::Row& row = rows->row(i); row.state == RecentKeys::State::kKnown)
      refs_.emplace_back(row.entry);
  if (!refs_.empty()) {
    const std::uint64_t id = next_id_;
    ONCE_TRY(Partition::write(disk_, path(id), refs_));
    ONCE_TRY(disk_.sync_dir(options_.folder));
    auto partition = Partition::open(disk_, path(id));
    if (!partition) return fail(std::move(partition.error()));
    ++next_id_;
    while (!sealed_.empty() &&
           (free_tag() == 0 || sealed_keys() + refs_.size() > options_.keys_max))
      ONCE_TRY(drop_oldest(true));
    sealed_.push_back({id, free_tag(), std::move(*partition)});
    if (sealed_keys() > filter_keys_)
      ONCE_TRY(make_filter());
    else
      ONCE_TRY(add_to_filter(sealed_.back()));
    publish();
  }
  std::unique_ptr<RecentKeys> done;
  {
    MutexLock lock(mutex_);
    done = std::move(sealing_);
  }
  recycle(std::move(done));
  return {};
}

std::unique_ptr<RecentKeys> DedupIndex::take_spare() {
  {
    MutexLock lock(mutex_);
    if (spare_ != nullptr) return std::move(spare_);
  }
  return std::make_unique<RecentKeys>(rows_max());
}

// For the next one, while keys come so fast that tables become full.
void DedupIndex::recycle(std::unique_ptr<RecentKeys> done) {
  if (done->size() < partition_keys_) {
    refs_ = {};
    return;
  }
  done->clear();
  MutexLock lock(mutex_);
  spare_ = std::move(done);
}

unsigned DedupIndex::free_tag() const {
  for (unsigned tag = 1; tag < KeyFilter::kTags; ++tag)
    if (std::none_of(sealed_.begin(), sealed_.end(),
                     [&](const Sealed& sealed) { return sealed.tag == tag; }))
      return tag;
  return 0;
}

// A new filter for all partitions. It grows by doubling, because to make it is to read all files;
// from half of keys_max on it has room for all.
Status DedupIndex::make_filter() {
  filter_keys_ =
      std::max({kFilterMin, sealed_keys() / 8 * 9, std::min(sealed_keys() * 2, options_.keys_max)});
  auto filter = std::make_unique<KeyFilter>(filter_keys_);
  for (const Sealed& sealed : sealed_)
    ONCE_TRY(sealed.partition->for_each_key(
        [&](std::span<const std::uint64_t> keys) { filter->add(keys, sealed.tag); }));
  MutexLock lock(mutex_);
  filter_.swap(filter);
  return {};
}

Status DedupIndex::add_to_filter(const Sealed& sealed) {
  return sealed.partition->for_each_key([&](std::span<const std::uint64_t> keys) {
    MutexLock lock(mutex_);
    filter_->add(keys, sealed.tag);
  });
}

Status DedupIndex::drop_oldest(bool early) {
  const Sealed oldest = std::move(sealed_.front());
  sealed_.erase(sealed_.begin());
  publish();
  std::size_t buckets = 0;
  {
    MutexLock lock(mutex_);
    buckets = filter_->buckets();
    if (early) stats_.evicted += oldest.partition->summary().keys;
  }
  for (std::size_t at = 0; at < buckets;) {
    MutexLock lock(mutex_);
    at = filter_->remove(oldest.tag, at, kSlice);
  }
  if (early)
    log::warn("dedup",
              "{} keys are given up before their window is over: there is room for {} keys",
              oldest.partition->summary().keys, options_.keys_max);
  ONCE_TRY(save_list());
  return disk_.remove(path(oldest.id));
}

void DedupIndex::publish() {
  auto table = std::make_shared<Table>();
  Stats stats;
  for (const Sealed& sealed : sealed_) {
    (*table)[sealed.tag] = sealed.partition;
    stats.keys += sealed.partition->summary().keys;
    stats.memory += sealed.partition->memory();
    stats.file_bytes += sealed.partition->file_bytes();
  }
  MutexLock lock(mutex_);
  table_ = std::move(table);
  stats_.partitions = sealed_.size();
  stats_.keys = stats.keys;
  stats_.memory = stats.memory;
  stats_.file_bytes = stats.file_bytes;
}

Status DedupIndex::save_list() {
  Json partitions = Json::array();
  for (const Sealed& sealed : sealed_) {
    const Partition::Summary& summary = sealed.partition->summary();
    Json row = Json::object();
    row.set("id", static_cast<std::int64_t>(sealed.id));
    row.set("keys", static_cast<std::int64_t>(summary.keys));
    row.set("firstLog", summary.first_log);
    partitions.push(std::move(row));
  }
  Json root = Json::object();
  root.set("seed", static_cast<std::int64_t>(seed_));
  root.set("covered", covered_);
  root.set("next", static_cast<std::int64_t>(next_id_));
  root.set("journal", static_cast<std::int64_t>(first_journal_));
  root.set("readAgain", read_again_);
  root.set("partitions", std::move(partitions));
  return list_.save(root.dump());
}

Status DedupIndex::close(model::DurableOffset durable) {
  if (sealing()) ONCE_TRY(make_partition_of_journals());
  ONCE_TRY(save_rows(durable));
  ONCE_TRY(journal_->append({}, covered_));
  ONCE_TRY(journal_->sync());
  read_again_ = false;
  return save_list();
}

DedupIndex::Stats DedupIndex::stats() const {
  MutexLock lock(mutex_);
  Stats stats = stats_;
  stats.keys += recent_->live() + (sealing_ == nullptr ? 0 : sealing_->live());
  stats.memory += filter_->memory() + recent_->memory() +
                  (sealing_ == nullptr ? 0 : sealing_->memory()) +
                  (spare_ == nullptr ? 0 : spare_->memory());
  return stats;
}

}  // namespace oncemq::dedup
