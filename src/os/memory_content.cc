#include "os/memory_content.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "os/memory_disk.h"

namespace oncemq::os {

ZeroedBuffer::ZeroedBuffer(std::size_t capacity)
    : data_(static_cast<std::byte*>(std::calloc(std::max<std::size_t>(capacity, 1), 1))),
      capacity_(capacity) {
  ONCE_CHECK(data_ != nullptr, "out of memory");
}

Bytes MemoryContent::bytes() const {
  return buffer_ ? Bytes(buffer_->data(), size_) : Bytes();
}

void MemoryContent::grow_buffer(std::uint64_t size) {
  const std::size_t capacity = buffer_ ? buffer_->capacity() : 0;
  if (size <= capacity) return;
  // The first size is taken exactly, because most files get their full size at once.
  const std::size_t wanted =
      capacity == 0 ? size : std::max<std::size_t>(size, capacity + capacity / 2);
  auto larger = std::make_shared<ZeroedBuffer>(wanted);
  if (buffer_) {
    std::memcpy(larger->data(), buffer_->data(), std::min<std::size_t>(written_end_, capacity));
    if (buffer_.use_count() > 1) outgrown_.push_back(buffer_);
  }
  buffer_ = std::move(larger);
}

void MemoryContent::put(std::uint64_t offset, Bytes bytes) {
  if (bytes.empty()) return;
  std::memcpy(buffer_->data() + offset, bytes.data(), bytes.size());
  written_end_ = std::max<std::uint64_t>(written_end_, offset + bytes.size());
  std::erase_if(outgrown_, [&](const std::weak_ptr<ZeroedBuffer>& old) {
    const auto buffer = old.lock();
    if (!buffer) return true;
    if (offset < buffer->capacity())
      std::memcpy(buffer->data() + offset, bytes.data(),
                  std::min<std::size_t>(bytes.size(), buffer->capacity() - offset));
    return false;
  });
}

void MemoryContent::set_size(std::uint64_t size) {
  if (size < size_ && size < written_end_) {
    const std::vector<std::byte> zeros(written_end_ - size);
    put(size, zeros);
    written_end_ = size;
  }
  grow_buffer(size);
  size_ = size;
}

void MemoryContent::remember(std::uint64_t offset, Bytes after, std::uint64_t size_after) {
  Change change{.offset = offset,
                .before = std::vector<std::byte>(after.size()),
                .after = {after.begin(), after.end()},
                .size_before = size_,
                .size_after = size_after};
  if (offset < written_end_)
    std::memcpy(change.before.data(), buffer_->data() + offset,
                std::min<std::size_t>(after.size(), written_end_ - offset));
  pending_.push_back(std::move(change));
}

void MemoryContent::write(std::uint64_t offset, Bytes bytes) {
  if (bytes.empty()) return;
  const std::uint64_t end = offset + bytes.size();
  remember(offset, bytes, std::max(size_, end));
  set_size(std::max(size_, end));
  put(offset, bytes);
  blocks_ = std::max(blocks_, end);
}

void MemoryContent::resize(std::uint64_t size) {
  if (size < size_) {
    const std::uint64_t cut_end = std::max(size, std::min(size_, written_end_));
    remember(size, std::vector<std::byte>(cut_end - size), size);
    blocks_ = std::min(blocks_, size);
  } else {
    remember(size_, {}, size);
  }
  set_size(size);
}

void MemoryContent::reserve_blocks(std::uint64_t size) {
  if (size > size_) resize(size);
  blocks_ = std::max(blocks_, size);
}

void MemoryContent::sync() {
  for (const Change& change : pending_)
    lost_.erase(lost_.lower_bound(change.offset),
                lost_.lower_bound(change.offset + change.after.size()));
  pending_.clear();
}

void MemoryContent::lose_pending() {
  // Oldest change first: the bytes in front of it are what the disk has, unless an earlier failure
  // left something else there.
  for (const Change& change : pending_)
    for (std::size_t at = 0; at < change.before.size(); ++at)
      lost_.emplace(change.offset + at, change.before[at]);
  pending_.clear();
}

bool MemoryContent::corrupt(std::uint64_t offset, std::byte flip) {
  if (offset >= size_) return false;
  const std::byte damaged = buffer_->data()[offset] ^ flip;
  put(offset, {&damaged, 1});
  if (const auto lost = lost_.find(offset); lost != lost_.end()) lost->second ^= flip;
  for (Change& change : pending_) {
    if (offset < change.offset || offset - change.offset >= change.after.size()) continue;
    change.before[offset - change.offset] ^= flip;
    change.after[offset - change.offset] ^= flip;
  }
  return true;
}

std::unique_ptr<MemoryContent> MemoryContent::copy() const {
  auto result = std::make_unique<MemoryContent>();
  result->grow_buffer(size_);
  result->size_ = size_;
  if (written_end_ > 0) result->put(0, {buffer_->data(), written_end_});
  result->blocks_ = blocks_;
  result->pending_ = pending_;
  result->lost_ = lost_;
  return result;
}

std::unique_ptr<MemoryContent> MemoryContent::after_crash(bool keep_all, Random* chance) const {
  auto result = copy();
  const std::vector<Change> changes = std::move(result->pending_);
  result->pending_.clear();
  if (keep_all) {
    result->lost_.clear();
    for (const auto& [offset, byte] : lost_)
      if (offset < size_) result->put(offset, {&byte, 1});
    // What was written again after the failure had its way to the disk.
    for (const Change& change : changes)
      if (change.offset + change.after.size() <= size_) result->put(change.offset, change.after);
    return result;
  }
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    result->set_size(std::max(change->size_before, change->offset + change->before.size()));
    result->put(change->offset, change->before);
    result->set_size(change->size_before);
  }
  for (const auto& [offset, byte] : lost_)
    if (offset < result->size_) result->put(offset, {&byte, 1});
  result->lost_.clear();
  if (chance != nullptr) result->redo_some(changes, *chance);
  return result;
}

void MemoryContent::redo_some(const std::vector<Change>& changes, Random& chance) {
  // Three shapes of loss: the first changes and a torn last one; whole changes anywhere; sectors
  // anywhere. The second and third with few, half or most of them kept.
  const std::uint64_t shape = chance.below(3);
  const std::uint64_t keep_percent = std::uint64_t{10} + 40 * chance.below(3);
  const auto coin = [&] { return chance.below(100) < keep_percent; };
  const std::size_t whole = shape == 0 ? chance.below(changes.size() + 1) : changes.size();
  for (std::size_t at = 0; at < changes.size() && at <= whole; ++at) {
    const Change& change = changes[at];
    const bool torn = shape == 2 || at == whole;
    if (shape == 1 && !coin()) continue;
    // A size without the bytes reads as zeros; bytes without the size are not there.
    if (!torn || coin()) {
      // A cut that lost the race must not take away what an earlier change had kept.
      if (change.size_after >= change.size_before)
        set_size(std::max(size_, change.size_after));
      else
        set_size(std::min(size_, change.size_after));
    }
    for (std::uint64_t start = change.offset, end = change.offset + change.after.size();
         start < end;) {
      const std::uint64_t stop =
          std::min<std::uint64_t>(end, (start / MemoryDisk::kSector + 1) * MemoryDisk::kSector);
      if ((!torn || coin()) && start < size_) {
        const Bytes piece = Bytes(change.after).subspan(start - change.offset, stop - start);
        put(start, piece.first(std::min<std::size_t>(piece.size(), size_ - start)));
      }
      start = stop;
    }
  }
}

}  // namespace oncemq::os
