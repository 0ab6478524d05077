#include "dedup/journal.h"

#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc.h"

namespace oncemq::dedup {

namespace {

// Big-endian. uint32 magic, uint32 entries, int64 covered; then for each entry: uint64 key, high,
// low, int64 log offset, queue offset, time, int32 queue id, size; then the CRC of all that.
constexpr std::uint32_t kMagic = 0x4F4E4B4A;  // "ONKJ"
constexpr std::size_t kHead = 16;
constexpr std::size_t kEntry = 56;
constexpr std::size_t kTail = 4;

void encode(const PartitionEntry& entry, std::byte* to) {
  store_be(to, entry.key.key);
  store_be(to + 8, entry.key.high);
  store_be(to + 16, entry.key.low);
  store_be(to + 24, entry.original.log_offset.value);
  store_be(to + 32, entry.original.queue_offset.value);
  store_be(to + 40, entry.original.time_ms);
  store_be(to + 48, entry.original.queue_id);
  store_be(to + 52, entry.original.size);
}

PartitionEntry decode(const std::byte* from) {
  return {.key = {load_be<std::uint64_t>(from), load_be<std::uint64_t>(from + 8),
                  load_be<std::uint64_t>(from + 16)},
          .original = {.log_offset = {load_be<std::int64_t>(from + 24)},
                       .queue_offset = {load_be<std::int64_t>(from + 32)},
                       .queue_id = load_be<std::int32_t>(from + 48),
                       .size = load_be<std::int32_t>(from + 52),
                       .time_ms = load_be<std::int64_t>(from + 40)}};
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::create(os::Disk& disk, std::string_view path) {
  auto file = disk.open(path, os::OpenMode::kCreate);
  if (!file) return fail(std::move(file.error()));
  ONCE_TRY((*file)->truncate(0));
  return std::unique_ptr<Journal>(new Journal(std::move(*file)));
}

Result<std::unique_ptr<Journal>> Journal::open(os::Disk& disk, std::string_view path,
                                               const Visit& visit) {
  auto file = disk.open(path, os::OpenMode::kReadWrite);
  if (!file) return fail(std::move(file.error()));
  std::unique_ptr<Journal> journal(new Journal(std::move(*file)));
  auto size = journal->file_->size();
  if (!size) return fail(std::move(size.error()));
  std::vector<std::byte>& buffer = journal->buffer_;
  std::vector<PartitionEntry> entries;
  while (*size - journal->end_ >= kHead + kTail) {
    buffer.resize(kHead);
    auto got = journal->file_->read_at(journal->end_, buffer);
    if (!got) return fail(std::move(got.error()));
    const std::size_t count = load_be<std::uint32_t>(buffer.data() + 4);
    const std::size_t whole = kHead + count * kEntry + kTail;
    if (*got != kHead || load_be<std::uint32_t>(buffer.data()) != kMagic || count > kBlockMax ||
        whole > *size - journal->end_)
      break;
    buffer.resize(whole);
    got = journal->file_->read_at(journal->end_, buffer);
    if (!got) return fail(std::move(got.error()));
    if (*got != whole || crc32(Bytes(buffer).first(whole - kTail)) !=
                             load_be<std::uint32_t>(buffer.data() + whole - kTail))
      break;
    entries.resize(count);
    for (std::size_t i = 0; i < count; ++i) entries[i] = decode(buffer.data() + kHead + i * kEntry);
    ONCE_TRY(visit(entries, load_be<std::int64_t>(buffer.data() + 8)));
    journal->end_ += whole;
  }
  if (journal->end_ < *size) ONCE_TRY(journal->file_->truncate(journal->end_));
  return journal;
}

Status Journal::append(std::span<const PartitionEntry> entries, std::int64_t covered) {
  ONCE_CHECK(entries.size() <= kBlockMax);
  const std::size_t whole = kHead + entries.size() * kEntry + kTail;
  buffer_.resize(whole);
  store_be(buffer_.data(), kMagic);
  store_be(buffer_.data() + 4, static_cast<std::uint32_t>(entries.size()));
  store_be(buffer_.data() + 8, covered);
  for (std::size_t i = 0; i < entries.size(); ++i)
    encode(entries[i], buffer_.data() + kHead + i * kEntry);
  store_be(buffer_.data() + whole - kTail, crc32(Bytes(buffer_).first(whole - kTail)));
  ONCE_TRY(file_->write_at(end_, buffer_));
  end_ += whole;
  return {};
}

}  // namespace oncemq::dedup
