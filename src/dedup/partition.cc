#include "dedup/partition.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc.h"
#include "dedup/wide.h"

namespace oncemq::dedup {

namespace {

// Big-endian. uint32 magic, uint32 version, uint64 keys, then int64: first and last log offset,
// first and last store time, smallest queue offset; 4 bytes of widths; 64 int64 samples; a fence of
// 20 bytes for each block; CRC of all that; then the entries.
constexpr std::uint32_t kMagic = 0x4F4E4B31;  // "ONK1"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFixed = 8 + 8 + 5 * 8 + 4 + 64 * 8;
constexpr std::size_t kFenceSize = 20;
constexpr std::size_t kDigest = 16;
constexpr unsigned kKeyBytes = KeyFilter::kKeyBits / 8;
constexpr unsigned kBitsMax = 48;
// Entries whose memory is asked for before they are written.
constexpr std::size_t kAhead = 16;

void put(std::byte* to, Wide value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0; value >>= 8) to[i] = static_cast<std::byte>(value & 0xFF);
}
Wide get(const std::byte* from, unsigned bytes) {
  Wide value = 0;
  for (unsigned i = 0; i < bytes; ++i) value = value << 8 | std::to_integer<unsigned>(from[i]);
  return value;
}

unsigned bits(std::int64_t span) {
  return static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(span)));
}

struct Range {
  std::int64_t low;
  std::int64_t high;
  explicit Range(std::int64_t value) : low(value), high(value) {}
  void add(std::int64_t value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  std::int64_t span() const { return high - low; }
};

std::uint64_t blocks_of(std::uint64_t keys, std::size_t block) {
  return (keys + block - 1) / block;
}

}  // namespace

std::size_t Partition::sample_of(const Summary& summary, std::int64_t log_offset) {
  const std::int64_t span = summary.last_log - summary.first_log + 1;
  const std::int64_t at = log_offset - summary.first_log;
  return static_cast<std::size_t>(static_cast<Wide>(at) * kSamples / static_cast<Wide>(span));
}

std::int64_t Partition::time_of(std::int64_t log_offset) const {
  return samples_[sample_of(summary_, log_offset)];
}

Status Partition::write(os::Disk& disk, std::string_view path, std::span<Ref> entries) {
  ONCE_CHECK(!entries.empty());
  const Original& any = entries.front().entry->original;
  Range logs(any.log_offset.value);
  Range times(any.time_ms);
  Range offsets(any.queue_offset.value);
  Range queues(0);
  // Before they are sorted: as they come they lie side by side.
  for (const Ref& ref : entries) {
    const Original& original = ref.entry->original;
    logs.add(original.log_offset.value);
    times.add(original.time_ms);
    offsets.add(original.queue_offset.value);
    queues.add(original.queue_id);
  }
  const Summary summary{.keys = entries.size(),
                        .first_log = logs.low,
                        .last_log = logs.high,
                        .first_ms = times.low,
                        .last_ms = times.high};
  Samples samples;
  samples.fill(times.low);
  for (const Ref& ref : entries) {
    const Original& original = ref.entry->original;
    std::int64_t& sample = samples[sample_of(summary, original.log_offset.value)];
    sample = std::max(sample, original.time_ms);
  }
  std::sort(entries.begin(), entries.end(), [](const Ref& a, const Ref& b) {
    if (a.key != b.key) return a.key < b.key;
    return std::tie(a.entry->key.high, a.entry->key.low) <
           std::tie(b.entry->key.high, b.entry->key.low);
  });
  std::uint64_t widest = 0;
  for (std::size_t first = 0; first < entries.size(); first += kBlock) {
    const std::size_t last = std::min(first + kBlock, entries.size()) - 1;
    widest = std::max(widest, entries[last].key - entries[first].key);
  }
  const Widths widths{.key_bytes = (static_cast<unsigned>(std::bit_width(widest)) + 7) / 8,
                      .log_bits = bits(logs.span()),
                      .queue_bits = bits(queues.high),
                      .offset_bits = bits(offsets.span())};
  if (queues.low < 0 || widths.log_bits > kBitsMax || widths.offset_bits > kBitsMax)
    return fail(Errc::kInternal, "a remembered key has no place in a partition");
  const unsigned location = widths.location_bytes();
  const std::size_t entry_size = widths.key_bytes + kDigest + location;

  const std::uint64_t blocks = blocks_of(entries.size(), kBlock);
  const std::size_t head_size = kFixed + blocks * kFenceSize + 4;
  std::vector<std::byte> head(head_size);
  std::byte* to = head.data();
  const auto next = [&](Wide value, unsigned size) {
    put(to, value, size);
    to += size;
  };
  next(kMagic, 4);
  next(kVersion, 4);
  next(summary.keys, 8);
  for (std::int64_t value :
       {summary.first_log, summary.last_log, summary.first_ms, summary.last_ms, offsets.low})
    next(static_cast<std::uint64_t>(value), 8);
  for (unsigned value : {widths.key_bytes, widths.log_bits, widths.queue_bits, widths.offset_bits})
    next(value, 1);
  for (std::int64_t sample : samples) next(static_cast<std::uint64_t>(sample), 8);

  const std::string temporary = std::string(path) + ".tmp";
  auto file = disk.open(temporary, os::OpenMode::kCreate);
  if (!file) return fail(std::move(file.error()));
  ONCE_TRY((*file)->truncate(0));
  // Written a MiB at a time.
  constexpr std::size_t kFlush = 1 << 20;
  std::vector<std::byte> buffer;
  buffer.reserve(kFlush + kBlock * entry_size);
  std::uint64_t at = head_size;
  const auto flush = [&]() -> Status {
    ONCE_TRY((*file)->write_at(at, buffer));
    at += buffer.size();
    buffer.clear();
    return {};
  };
  for (std::size_t first = 0; first < entries.size(); first += kBlock) {
    const std::size_t begin = buffer.size();
    const std::uint64_t fence = entries[first].key;
    const std::size_t end = std::min(first + kBlock, entries.size());
    buffer.resize(begin + (end - first) * entry_size);
    std::byte* entry_at = buffer.data() + begin;
    for (std::size_t i = first; i < end; ++i, entry_at += entry_size) {
      if (i + kAhead < entries.size()) __builtin_prefetch(entries[i + kAhead].entry);
      const PartitionEntry& entry = *entries[i].entry;
      put(entry_at, entries[i].key - fence, widths.key_bytes);
      store_be(entry_at + widths.key_bytes, entry.key.high);
      store_be(entry_at + widths.key_bytes + 8, entry.key.low);
      Wide packed = static_cast<std::uint64_t>(entry.original.log_offset.value - logs.low);
      packed = packed << widths.queue_bits | static_cast<std::uint32_t>(entry.original.queue_id);
      packed = packed << widths.offset_bits |
               static_cast<std::uint64_t>(entry.original.queue_offset.value - offsets.low);
      put(entry_at + widths.key_bytes + kDigest, packed, location);
    }
    next(fence, 8);
    next(entries[first].entry->key.high, 8);
    next(crc32(Bytes(buffer).subspan(begin)), 4);
    if (buffer.size() >= kFlush) ONCE_TRY(flush());
  }
  ONCE_TRY(flush());
  next(crc32(Bytes(head).first(head_size - 4)), 4);
  ONCE_TRY((*file)->write_at(0, head));
  ONCE_TRY((*file)->sync_data());
  return disk.rename(temporary, path);
}

Result<std::shared_ptr<const Partition>> Partition::open(os::Disk& disk, std::string_view path) {
  std::shared_ptr<Partition> partition(new Partition);  // shared: lookups in flight keep it
  ONCE_TRY(partition->read_head(disk, path));
  return partition;
}

Status Partition::read_head(os::Disk& disk, std::string_view path) {
  path_ = path;
  const auto broken = [&] { return fail(Errc::kCorrupt, path_ + " is broken"); };
  auto file = disk.open(path, os::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  file_ = std::move(*file);
  auto size = file_->size();
  if (!size) return fail(std::move(size.error()));
  std::vector<std::byte> head(kFixed);
  auto got = file_->read_at(0, head);
  if (!got) return fail(std::move(got.error()));
  if (*got != head.size()) return broken();
  const std::byte* from = head.data();
  const auto next = [&](unsigned bytes) {
    const Wide value = get(from, bytes);
    from += bytes;
    return static_cast<std::uint64_t>(value);
  };
  if (next(4) != kMagic || next(4) != kVersion) return broken();
  summary_.keys = next(8);
  for (std::int64_t* value : {&summary_.first_log, &summary_.last_log, &summary_.first_ms,
                              &summary_.last_ms, &first_offset_})
    *value = static_cast<std::int64_t>(next(8));
  for (unsigned* value :
       {&widths_.key_bytes, &widths_.log_bits, &widths_.queue_bits, &widths_.offset_bits})
    *value = static_cast<unsigned>(next(1));
  for (std::int64_t& sample : samples_) sample = static_cast<std::int64_t>(next(8));
  // Before the CRC is known to be right nothing may be believed: what follows is bounded by the
  // file's size.
  if (summary_.keys == 0 || summary_.keys > *size / kDigest || widths_.key_bytes > kKeyBytes ||
      widths_.log_bits > kBitsMax || widths_.queue_bits > 31 || widths_.offset_bits > kBitsMax ||
      summary_.first_log < 0 || summary_.last_log < summary_.first_log)
    return broken();
  entry_size_ = widths_.key_bytes + kDigest + widths_.location_bytes();
  const std::uint64_t blocks = blocks_of(summary_.keys, kBlock);
  entries_at_ = kFixed + blocks * kFenceSize + 4;
  if (entries_at_ + summary_.keys * entry_size_ != *size) return broken();
  head.resize(entries_at_);
  got = file_->read_at(kFixed, MutableBytes(head).subspan(kFixed));
  if (!got) return fail(std::move(got.error()));
  if (*got != entries_at_ - kFixed) return broken();
  from = head.data() + entries_at_ - 4;
  if (next(4) != crc32(Bytes(head).first(entries_at_ - 4))) return broken();
  from = head.data() + kFixed;
  fences_.resize(blocks);
  for (Fence& fence : fences_) {
    fence.key = next(8);
    fence.high = next(8);
    fence.crc = static_cast<std::uint32_t>(next(4));
  }
  return {};
}

std::size_t Partition::entries_of(std::size_t block) const {
  return std::min<std::uint64_t>(kBlock, summary_.keys - block * kBlock);
}

Result<Bytes> Partition::read_blocks(std::size_t first, std::size_t count,
                                     std::vector<std::byte>& buffer) const {
  const std::size_t last = first + count - 1;
  buffer.resize(((last - first) * kBlock + entries_of(last)) * entry_size_);
  auto got = file_->read_at(entries_at_ + first * kBlock * entry_size_, buffer);
  if (!got) return fail(std::move(got.error()));
  Bytes rest = buffer;
  for (std::size_t block = first; block <= last; ++block) {
    const std::size_t size = entries_of(block) * entry_size_;
    if (*got != buffer.size() || crc32(rest.first(size)) != fences_[block].crc)
      return fail(Errc::kCorrupt, path_ + ": block " + std::to_string(block) + " is broken");
    rest = rest.subspan(size);
  }
  return Bytes(buffer);
}

Original Partition::original(const std::byte* location) const {
  Wide packed = get(location, widths_.location_bytes());
  const auto take = [&](unsigned count) {
    const auto value = static_cast<std::int64_t>(packed & ((Wide{1} << count) - 1));
    packed >>= count;
    return value;
  };
  Original original;
  original.queue_offset = {first_offset_ + take(widths_.offset_bits)};
  original.queue_id = static_cast<std::int32_t>(take(widths_.queue_bits));
  original.log_offset = {std::min(summary_.first_log + take(widths_.log_bits), summary_.last_log)};
  original.time_ms = time_of(original.log_offset.value);
  return original;
}

// Keys are spread evenly, so the block is near the place that the key's size tells; elsewhere in
// the table each step of the search would be a cache miss.
std::size_t Partition::block_behind(std::uint64_t significant, std::uint64_t high) const {
  constexpr std::size_t kNear = 32;
  const auto is_behind = [](const auto& value, const Fence& fence) {
    return value < std::pair(fence.key, fence.high);
  };
  const std::pair wanted(significant, high);
  const auto guess = static_cast<std::size_t>(static_cast<Wide>(significant) * fences_.size() >>
                                              KeyFilter::kKeyBits);
  auto first = fences_.begin();
  auto last = fences_.end();
  if (guess > kNear && !is_behind(wanted, fences_[guess - kNear]))
    first += static_cast<std::ptrdiff_t>(guess - kNear);
  if (guess + kNear < fences_.size() && is_behind(wanted, fences_[guess + kNear]))
    last = fences_.begin() + static_cast<std::ptrdiff_t>(guess + kNear);
  return static_cast<std::size_t>(std::upper_bound(first, last, wanted, is_behind) -
                                  fences_.begin());
}

Result<Partition::Found> Partition::find(const MessageKey& key) const {
  const std::uint64_t wanted = KeyFilter::significant(key.key);
  const auto behind = fences_.begin() + static_cast<std::ptrdiff_t>(block_behind(wanted, key.high));
  Found found;
  // An entry of another body may be the first of the next block.
  const bool other_behind = behind != fences_.end() && behind->key == wanted;
  // Entries whose first 64 bits of the digest are equal may begin in the block before.
  for (auto fence = behind; fence != fences_.begin();) {
    --fence;
    thread_local std::vector<std::byte> buffer;
    const auto number = static_cast<std::size_t>(fence - fences_.begin());
    auto block = read_blocks(number, 1, buffer);
    if (!block) return fail(std::move(block.error()));
    const std::size_t count = entries_of(number);
    const auto entry = [&](std::size_t i) { return block->data() + i * entry_size_; };
    const auto key_of = [&](std::size_t i) {
      return fence->key + static_cast<std::uint64_t>(get(entry(i), widths_.key_bytes));
    };
    const auto digest = [&](std::size_t i, std::size_t half) {
      return load_be<std::uint64_t>(entry(i) + widths_.key_bytes + half);
    };
    std::size_t low = 0;
    for (std::size_t high = count; low < high;) {
      const std::size_t middle = (low + high) / 2;
      if (std::tuple(key_of(middle), digest(middle, 0), digest(middle, 8)) <
          std::tuple(wanted, key.high, key.low))
        low = middle + 1;
      else
        high = middle;
    }
    if (low < count && key_of(low) == wanted && digest(low, 0) == key.high &&
        digest(low, 8) == key.low) {
      found.kind = Found::Kind::kSame;
      found.original = original(entry(low) + widths_.key_bytes + kDigest);
      return found;
    }
    if ((low < count && key_of(low) == wanted) || (low > 0 && key_of(low - 1) == wanted))
      found.kind = Found::Kind::kOtherBody;
    if (std::pair(fence->key, fence->high) != std::pair(wanted, key.high)) break;
  }
  if (other_behind) found.kind = Found::Kind::kOtherBody;
  return found;
}

Status Partition::for_each_key(
    const std::function<void(std::span<const std::uint64_t>)>& visit) const {
  constexpr std::size_t kRun = 16;  // blocks that are read at once
  std::vector<std::byte> buffer;
  std::vector<std::uint64_t> keys;
  keys.reserve(kRun * kBlock);
  for (std::size_t first = 0; first < fences_.size(); first += kRun) {
    const std::size_t end = std::min(first + kRun, fences_.size());
    auto bytes = read_blocks(first, end - first, buffer);
    if (!bytes) return fail(std::move(bytes.error()));
    keys.clear();
    const std::byte* entry = bytes->data();
    // The digest lies behind, so eight bytes can be read. Width 0: all keys of a block are the
    // same.
    const unsigned unused = 64 - widths_.key_bytes * 8;
    for (std::size_t block = first; block < end; ++block)
      for (std::size_t i = 0; i < entries_of(block); ++i, entry += entry_size_) {
        const std::uint64_t more = unused == 64 ? 0 : load_be<std::uint64_t>(entry) >> unused;
        keys.push_back((fences_[block].key + more) << (64 - KeyFilter::kKeyBits));
      }
    visit(keys);
  }
  return {};
}

}  // namespace oncemq::dedup
