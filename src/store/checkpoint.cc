#include "store/checkpoint.h"

#include <array>
#include <cstring>

#include "base/bytes.h"
#include "base/crc.h"
#include "store/layout.h"

namespace oncemq::store {

namespace {

constexpr std::size_t kCheckpointSize = 4096;
constexpr std::int64_t kMarkMagic = 0x4F4E4345574D3031;  // "ONCEWM01"
constexpr std::size_t kCrcAt = WatermarkFile::kSlotSize - 4;

using Slot = std::array<std::byte, WatermarkFile::kSlotSize>;

Slot encode(const DurableMark& mark) {
  Slot slot{};
  store_be<std::int64_t>(slot.data(), kMarkMagic);
  store_be<std::int64_t>(slot.data() + 8, mark.sequence);
  store_be<std::int64_t>(slot.data() + 16, mark.durable);
  store_be<std::int64_t>(slot.data() + 24, mark.dispatched);
  store_be<std::int64_t>(slot.data() + 32, mark.store_timestamp);
  store_be<std::int64_t>(slot.data() + 40, mark.index_end);
  store_be<std::uint64_t>(slot.data() + 48, mark.queues_sum);
  store_be<std::uint8_t>(slot.data() + 56, mark.has_queues_sum ? 1 : 0);
  store_be<std::uint8_t>(slot.data() + 57, mark.sealed ? 1 : 0);
  store_be<std::uint32_t>(slot.data() + kCrcAt, crc32(Bytes(slot).first(kCrcAt)));
  return slot;
}

std::optional<DurableMark> decode(const Slot& slot) {
  if (load_be<std::int64_t>(slot.data()) != kMarkMagic) return std::nullopt;
  if (load_be<std::uint32_t>(slot.data() + kCrcAt) != crc32(Bytes(slot).first(kCrcAt)))
    return std::nullopt;
  const auto durable = load_be<std::int64_t>(slot.data() + 16);
  const auto dispatched = load_be<std::int64_t>(slot.data() + 24);
  if (dispatched < 0 || dispatched > durable || durable > kMaxLogOffset) return std::nullopt;
  return DurableMark{.sequence = load_be<std::int64_t>(slot.data() + 8),
                     .durable = durable,
                     .dispatched = dispatched,
                     .store_timestamp = load_be<std::int64_t>(slot.data() + 32),
                     .index_end = load_be<std::int64_t>(slot.data() + 40),
                     .queues_sum = load_be<std::uint64_t>(slot.data() + 48),
                     .has_queues_sum = load_be<std::uint8_t>(slot.data() + 56) == 1,
                     .sealed = load_be<std::uint8_t>(slot.data() + 57) == 1};
}

}  // namespace

Result<Checkpoint> read_checkpoint(os::Disk& disk, const std::string& path) {
  auto file = disk.open(path, os::OpenMode::kRead);
  if (!file) {
    if (file.error().code == Errc::kNotFound) return Checkpoint{};
    return fail(std::move(file.error()));
  }
  std::array<std::byte, 40> bytes{};
  auto got = (*file)->read_at(0, bytes);
  if (!got) return fail(std::move(got.error()));
  return Checkpoint{.log_ms = load_be<std::int64_t>(bytes.data()),
                    .queues_ms = load_be<std::int64_t>(bytes.data() + 8),
                    .index_ms = load_be<std::int64_t>(bytes.data() + 16),
                    .master_flushed = load_be<std::int64_t>(bytes.data() + 24),
                    .confirm_offset = load_be<std::int64_t>(bytes.data() + 32)};
}

Status write_checkpoint(os::Disk& disk, const std::string& path, const Checkpoint& checkpoint) {
  auto file = disk.open(path, os::OpenMode::kCreate);
  if (!file) return fail(std::move(file.error()));
  std::array<std::byte, kCheckpointSize> bytes{};
  store_be<std::int64_t>(bytes.data(), checkpoint.log_ms);
  store_be<std::int64_t>(bytes.data() + 8, checkpoint.queues_ms);
  store_be<std::int64_t>(bytes.data() + 16, checkpoint.index_ms);
  store_be<std::int64_t>(bytes.data() + 24, checkpoint.master_flushed);
  store_be<std::int64_t>(bytes.data() + 32, checkpoint.confirm_offset);
  ONCE_TRY((*file)->write_at(0, bytes));
  return (*file)->sync_data();
}

Result<std::unique_ptr<WatermarkFile>> WatermarkFile::open(os::Disk& disk, const std::string& path,
                                                           const std::string& folder) {
  auto file = disk.open(path, os::OpenMode::kCreate);
  if (!file) return fail(std::move(file.error()));
  std::unique_ptr<WatermarkFile> mark(new WatermarkFile(std::move(*file)));
  auto last = newest(*mark->file_);
  if (!last) return fail(std::move(last.error()));
  mark->last_ = *last;
  ONCE_TRY(disk.sync_dir(folder));
  return mark;
}

Result<std::optional<DurableMark>> WatermarkFile::view(os::Disk& disk, const std::string& path) {
  auto file = disk.open(path, os::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  return newest(**file);
}

Result<std::optional<DurableMark>> WatermarkFile::newest(os::File& file) {
  std::optional<DurableMark> last;
  for (std::uint64_t i = 0; i < 2; ++i) {
    Slot slot{};
    auto got = file.read_at(i * kSlotSize, slot);
    if (!got) return fail(std::move(got.error()));
    const auto found = decode(slot);
    if (found && (!last || found->sequence > last->sequence)) last = found;
  }
  return last;
}

Status WatermarkFile::write(DurableMark mark) {
  mark.sequence = last_ ? last_->sequence + 1 : 1;
  const Slot slot = encode(mark);
  ONCE_TRY(file_->write_at(static_cast<std::uint64_t>(mark.sequence % 2) * kSlotSize, slot));
  ONCE_TRY(file_->sync_data());
  last_ = mark;
  return {};
}

}  // namespace oncemq::store
