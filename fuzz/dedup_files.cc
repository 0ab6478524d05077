// The files of remembered keys: arbitrary bytes, and whole files with some bytes changed. What is
// read is what was written, or an error says that it is broken.
#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "dedup/journal.h"
#include "dedup/partition.h"
#include "os/memory_disk.h"
#include "os/random.h"

using namespace oncemq;
using namespace oncemq::dedup;

namespace {

constexpr std::string_view kPath = "keys/file";

std::vector<PartitionEntry> entries_of(std::size_t count) {
  os::SeededRandom random(count);
  std::vector<PartitionEntry> entries(count);
  for (std::size_t i = 0; i < count; ++i)
    entries[i] = {{random.next(), random.next(), random.next()},
                  {.log_offset = {static_cast<std::int64_t>(i) * 1000},
                   .queue_offset = {static_cast<std::int64_t>(i)},
                   .queue_id = 3,
                   .size = 1000,
                   .time_ms = 1'700'000'000'000}};
  return entries;
}

void put(os::MemoryDisk& disk, Bytes bytes) {
  auto file = disk.open(kPath, os::OpenMode::kCreate);
  ONCE_CHECK(file && (*file)->truncate(0) && (*file)->write_at(0, bytes));
}

// Pairs of position and difference.
void change(os::MemoryDisk& disk, Bytes script) {
  auto file = disk.open(kPath, os::OpenMode::kReadWrite);
  const std::uint64_t size = *(*file)->size();
  for (; script.size() >= 4 && size > 0; script = script.subspan(4)) {
    const std::uint64_t at = load_be<std::uint16_t>(script.data()) * std::uint64_t{7} % size;
    std::byte byte{};
    ONCE_CHECK((*file)->read_at(at, {&byte, 1}).has_value());
    byte ^= script[3];
    ONCE_CHECK((*file)->write_at(at, Bytes(&byte, 1)).has_value());
  }
}

void read_partition(os::Disk& disk, const std::vector<PartitionEntry>& written) {
  const auto partition = Partition::open(disk, kPath);
  if (!partition) {
    ONCE_CHECK(partition.error().code == Errc::kCorrupt);
    return;
  }
  (void)(*partition)->for_each_key([](std::span<const std::uint64_t>) {});
  for (const PartitionEntry& entry : written) {
    const auto found = (*partition)->find(entry.key);
    if (!found) {
      ONCE_CHECK(found.error().code == Errc::kCorrupt);
      continue;
    }
    ONCE_CHECK(found->kind == Partition::Found::Kind::kSame &&
               found->original.log_offset == entry.original.log_offset &&
               found->original.queue_offset == entry.original.queue_offset);
  }
  (void)(*partition)->find({1, 2, 3});
}

void read_journal(os::Disk& disk, const std::vector<PartitionEntry>& written) {
  std::size_t read = 0;
  std::uint64_t bytes = 0;
  {
    const auto journal = Journal::open(
        disk, kPath, [&](std::span<const PartitionEntry> entries, std::int64_t) -> Status {
          for (const PartitionEntry& entry : entries) {
            ONCE_CHECK(written.empty() ||
                       (read < written.size() && entry.key == written[read].key));
            ++read;
          }
          return {};
        });
    ONCE_CHECK(journal.has_value());
    ONCE_CHECK((*journal)->append({}, 5).has_value());
    bytes = (*journal)->bytes();
  }
  // What was cut stays cut, and what was written behind it is read.
  std::int64_t last = -1;
  const auto again = Journal::open(
      disk, kPath, [&](std::span<const PartitionEntry>, std::int64_t covered) -> Status {
        last = covered;
        return {};
      });
  ONCE_CHECK(again && (*again)->bytes() == bytes && last == 5);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const Bytes rest(reinterpret_cast<const std::byte*>(data) + 2, size - 2);
  os::MemoryDisk disk;
  ONCE_CHECK(disk.make_dirs("keys").has_value());
  const std::size_t count = data[1] * std::size_t{3} + 1;
  switch (data[0]) {
    case 'p':
      put(disk, rest);
      read_partition(disk, {});
      break;
    case 'j':
      put(disk, rest);
      read_journal(disk, {});
      break;
    case 'P': {
      const std::vector<PartitionEntry> entries = entries_of(count);
      std::vector<Partition::Ref> refs(entries.begin(), entries.end());
      ONCE_CHECK(Partition::write(disk, kPath, refs).has_value());
      change(disk, rest);
      read_partition(disk, entries);
      break;
    }
    case 'J': {
      const std::vector<PartitionEntry> entries = entries_of(count);
      {
        auto journal = Journal::create(disk, kPath);
        ONCE_CHECK(journal.has_value());
        for (std::size_t at = 0; at < count; at += 100)
          ONCE_CHECK(
              (*journal)
                  ->append(std::span(entries).subspan(at, std::min<std::size_t>(100, count - at)),
                           static_cast<std::int64_t>(at))
                  .has_value());
      }
      change(disk, rest);
      read_journal(disk, entries);
      break;
    }
    default:
      break;
  }
  return 0;
}
