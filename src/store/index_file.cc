#include "store/index_file.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "store/layout.h"

namespace oncemq::store {

namespace {

constexpr std::size_t kHeaderSize = 40;
constexpr std::size_t kIndexEntrySize = 20;

IndexEntry load_index_entry(const std::byte* from) {
  return {.hash = load_be<std::int32_t>(from),
          .log_offset = load_be<std::int64_t>(from + 4),
          .seconds = load_be<std::int32_t>(from + 12),
          .previous = load_be<std::int32_t>(from + 16)};
}

void store_index_entry(std::byte* to, const IndexEntry& entry) {
  store_be<std::int32_t>(to, entry.hash);
  store_be<std::int64_t>(to + 4, entry.log_offset);
  store_be<std::int32_t>(to + 12, entry.seconds);
  store_be<std::int32_t>(to + 16, entry.previous);
}

}  // namespace

Result<std::shared_ptr<IndexFile>> IndexFile::create(os::Disk& disk, std::string path,
                                                     const IndexGeometry& geometry) {
  auto file = disk.open(path, os::OpenMode::kCreateNew);
  if (!file) return fail(std::move(file.error()));
  if (auto sized = (*file)->truncate(geometry.file_size()); !sized) {
    file->reset();
    (void)disk.remove(path);
    return fail(std::move(sized.error()));
  }
  return std::shared_ptr<IndexFile>(new IndexFile(std::move(path), geometry, std::move(*file)));
}

Result<std::shared_ptr<IndexFile>> IndexFile::open(os::Disk& disk, std::string path,
                                                   const IndexGeometry& geometry) {
  auto file = disk.open(path, os::OpenMode::kReadWrite);
  if (!file) return fail(std::move(file.error()));
  auto size = (*file)->size();
  if (!size) return fail(std::move(size.error()));
  if (*size != geometry.file_size())
    return fail(Errc::kCorrupt, path + " has " + std::to_string(*size) +
                                    " bytes, not those of maxHashSlotNum and maxIndexNum");
  std::shared_ptr<IndexFile> index(new IndexFile(std::move(path), geometry, std::move(*file)));
  std::array<std::byte, kHeaderSize> bytes{};
  auto got = index->file_->read_at(0, bytes);
  if (!got) return fail(std::move(got.error()));
  index->header_ = {.begin_ms = load_be<std::int64_t>(bytes.data()),
                    .end_ms = load_be<std::int64_t>(bytes.data() + 8),
                    .begin_offset = load_be<std::int64_t>(bytes.data() + 16),
                    .end_offset = load_be<std::int64_t>(bytes.data() + 24),
                    .used_slots = load_be<std::int32_t>(bytes.data() + 32),
                    .next = load_be<std::int32_t>(bytes.data() + 36)};
  // A time that cannot be would overflow in sums.
  if (index->header_.begin_ms < 0 || index->header_.begin_ms > kMaxTimestampMs)
    index->header_.begin_ms = 0;
  index->header_.next =
      std::clamp(index->header_.next, 1, static_cast<std::int32_t>(geometry.entries));
  index->written_ = index->header_.next;
  return index;
}

Status IndexFile::trim(LogOffset end) {
  // Offsets ascend; what does not was never written there.
  std::int32_t good = 1;
  std::int64_t before = header_.begin_offset;
  IndexEntry last;
  std::vector<std::byte> bytes(kIndexEntrySize *
                               static_cast<std::size_t>(std::min(header_.next, 8192)));
  while (good < header_.next) {
    const std::size_t want = std::min<std::size_t>(static_cast<std::size_t>(header_.next - good),
                                                   bytes.size() / kIndexEntrySize);
    auto got = file_->read_at(geometry_.entry_at(static_cast<std::uint32_t>(good)),
                              MutableBytes(bytes).first(want * kIndexEntrySize));
    if (!got) return fail(std::move(got.error()));
    std::size_t i = 0;
    for (; i < *got / kIndexEntrySize; ++i) {
      const IndexEntry entry = load_index_entry(bytes.data() + i * kIndexEntrySize);
      if (entry.log_offset < before || entry.log_offset >= end.value || entry.hash < 0) break;
      before = entry.log_offset;
      last = entry;
    }
    good += static_cast<std::int32_t>(i);
    if (i < want) break;
  }
  if (good == header_.next) return {};
  header_.next = written_ = good;
  header_.end_offset = good > 1 ? last.log_offset : 0;
  header_.end_ms = good > 1 ? header_.begin_ms + std::int64_t{last.seconds} * 1000 + 999 : 0;
  if (good == 1) header_ = {};
  slots_on_disk_ = false;
  slots_.reset();
  return {};
}

Status IndexFile::load_slots() {
  if (slots_) return {};
  // tidy: malloc: pages that no key has touched cost nothing.
  slots_.reset(static_cast<std::int32_t*>(std::calloc(geometry_.slots, sizeof(std::int32_t))));
  ONCE_CHECK(slots_ != nullptr, "memory for the slots of the key index");
  dirty_pages_.assign(geometry_.slots / kSlotsPerPage + 1, false);
  touched_pages_ = 0;
  if (header_.next == 1) {
    header_.used_slots = 0;
    if (slots_on_disk_) return {};
    dirty_pages_.assign(dirty_pages_.size(), true);  // whatever stands there is not ours
    return {};
  }
  Status done = slots_on_disk_ ? read_slots() : rebuild_slots();
  if (!done) slots_.reset();
  return done;
}

Status IndexFile::read_slots() {
  touched_pages_ = dirty_pages_.size();
  std::vector<std::byte> bytes(256U << 10);
  for (std::size_t slot = 0; slot < geometry_.slots;) {
    const std::size_t want = std::min<std::size_t>(geometry_.slots - slot, bytes.size() / 4);
    auto got = file_->read_at(kHeaderSize + slot * 4, MutableBytes(bytes).first(want * 4));
    if (!got) return fail(std::move(got.error()));
    for (std::size_t i = 0; i < *got / 4; ++i) {
      const auto value = load_be<std::int32_t>(bytes.data() + i * 4);
      if (value != 0) slots_[slot + i] = value;
    }
    slot += want;
  }
  return {};
}

Status IndexFile::rebuild_slots() {
  header_.used_slots = 0;
  dirty_pages_.assign(dirty_pages_.size(), true);
  touched_pages_ = dirty_pages_.size();
  std::vector<std::byte> bytes(kIndexEntrySize * 8192);
  for (std::int32_t index = 1; index < header_.next;) {
    const std::size_t want = std::min<std::size_t>(static_cast<std::size_t>(header_.next - index),
                                                   bytes.size() / kIndexEntrySize);
    auto got = file_->read_at(geometry_.entry_at(static_cast<std::uint32_t>(index)),
                              MutableBytes(bytes).first(want * kIndexEntrySize));
    if (!got) return fail(std::move(got.error()));
    for (std::size_t i = 0; i < *got / kIndexEntrySize; ++i, ++index) {
      IndexEntry entry = load_index_entry(bytes.data() + i * kIndexEntrySize);
      link(index, entry);  // the same chains as before: each entry's `previous` is already right
    }
    if (*got / kIndexEntrySize < want) return fail(Errc::kCorrupt, path_ + " is too short");
  }
  return {};
}

void IndexFile::link(std::int32_t index, IndexEntry& entry) {
  const auto slot = static_cast<std::size_t>(entry.hash) % geometry_.slots;
  entry.previous = slots_[slot];
  if (entry.previous == 0) ++header_.used_slots;
  slots_[slot] = index;
  if (!dirty_pages_[slot / kSlotsPerPage]) ++touched_pages_;
  dirty_pages_[slot / kSlotsPerPage] = true;
}

Status IndexFile::add(std::int32_t hash, LogOffset offset, std::int64_t store_timestamp) {
  ONCE_TRY(load_slots());
  slots_on_disk_ = false;
  store_timestamp = std::clamp<std::int64_t>(store_timestamp, 0, kMaxTimestampMs);
  IndexEntry entry{.hash = hash, .log_offset = offset.value, .seconds = 0, .previous = 0};
  if (header_.next == 1) {
    header_.begin_ms = store_timestamp;
    header_.begin_offset = offset.value;
  } else {
    entry.seconds = static_cast<std::int32_t>(std::clamp<std::int64_t>(
        (store_timestamp - header_.begin_ms) / 1000, 0, std::numeric_limits<std::int32_t>::max()));
  }
  link(header_.next, entry);
  pending_.resize(pending_.size() + kIndexEntrySize);
  store_index_entry(pending_.data() + pending_.size() - kIndexEntrySize, entry);
  header_.end_ms = store_timestamp;
  header_.end_offset = offset.value;
  ++header_.next;
  return pending_.size() < kPendingMax ? Status{} : write_entries();
}

Status IndexFile::write_entries() {
  if (pending_.empty()) return {};
  ONCE_TRY(file_->write_at(geometry_.entry_at(static_cast<std::uint32_t>(written_)), pending_));
  written_ = header_.next;
  pending_.clear();
  return {};
}

Status IndexFile::write_header() {
  std::array<std::byte, kHeaderSize> bytes{};
  store_be<std::int64_t>(bytes.data(), header_.begin_ms);
  store_be<std::int64_t>(bytes.data() + 8, header_.end_ms);
  store_be<std::int64_t>(bytes.data() + 16, header_.begin_offset);
  store_be<std::int64_t>(bytes.data() + 24, header_.end_offset);
  store_be<std::int32_t>(bytes.data() + 32, header_.used_slots);
  store_be<std::int32_t>(bytes.data() + 36, header_.next);
  return file_->write_at(0, bytes);
}

Status IndexFile::checkpoint() {
  ONCE_TRY(write_entries());
  ONCE_TRY(file_->sync_data());
  ONCE_TRY(write_header());
  return file_->sync_data();
}

Status IndexFile::write_slots() {
  if (!slots_) return {};
  std::vector<std::byte> bytes;
  for (std::size_t page = 0; page < dirty_pages_.size();) {
    if (!dirty_pages_[page]) {
      ++page;
      continue;
    }
    // Neighbouring pages in one write.
    const std::size_t begin = page * kSlotsPerPage;
    while (page < dirty_pages_.size() && dirty_pages_[page] && page * kSlotsPerPage - begin < 65536)
      dirty_pages_[page++] = false;
    const std::size_t end = std::min<std::size_t>(page * kSlotsPerPage, geometry_.slots);
    if (begin >= end) continue;
    bytes.resize((end - begin) * 4);
    for (std::size_t slot = begin; slot < end; ++slot)
      store_be<std::int32_t>(bytes.data() + (slot - begin) * 4, slots_[slot]);
    ONCE_TRY(file_->write_at(kHeaderSize + begin * 4, bytes));
  }
  return {};
}

Status IndexFile::finish() {
  if (!slots_on_disk_) ONCE_TRY(load_slots());
  ONCE_TRY(write_slots());
  ONCE_TRY(checkpoint());
  slots_on_disk_ = true;
  slots_.reset();  // queries read them from the file
  return {};
}

std::size_t IndexFile::memory_bytes() const {
  const std::size_t pages = slots_ ? std::min(touched_pages_, dirty_pages_.size()) : 0;
  return pages * kSlotsPerPage * sizeof(std::int32_t) + pending_.capacity();
}

Result<std::int32_t> IndexFile::read_slot(std::int32_t hash) {
  if (!slots_ && !slots_on_disk_) ONCE_TRY(load_slots());
  const auto slot = static_cast<std::size_t>(hash) % geometry_.slots;
  if (slots_) return slots_[slot];
  std::array<std::byte, 4> bytes{};
  auto got = file_->read_at(kHeaderSize + slot * 4, bytes);
  if (!got) return fail(std::move(got.error()));
  return load_be<std::int32_t>(bytes.data());
}

Result<IndexEntry> IndexFile::read_entry(std::int32_t index) {
  if (index >= written_ && index < header_.next)
    return load_index_entry(pending_.data() +
                            static_cast<std::size_t>(index - written_) * kIndexEntrySize);
  std::array<std::byte, kIndexEntrySize> bytes{};
  auto got = file_->read_at(geometry_.entry_at(static_cast<std::uint32_t>(index)), bytes);
  if (!got) return fail(std::move(got.error()));
  if (*got < kIndexEntrySize) return fail(Errc::kCorrupt, path_ + " is too short");
  return load_index_entry(bytes.data());
}

}  // namespace oncemq::store
