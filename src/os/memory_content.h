#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

#include "os/disk.h"
#include "os/random.h"

// Content of one file of a MemoryDisk, and what of it is durable.
namespace oncemq::os {

// Zeroed bytes at a fixed address. Large ones cost nothing until they are touched, so that sparse
// files are cheap.
class ZeroedBuffer {
 public:
  explicit ZeroedBuffer(std::size_t capacity);
  std::byte* data() const { return data_.get(); }
  std::size_t capacity() const { return capacity_; }

 private:
  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t capacity_;
};

// Invariants:
//  1. bytes behind size() in the buffer are zero;
//  2. undoing `pending_` from the last to the first, then applying `lost_`, yields the durable
//  file;
//  3. buffers that were outgrown while a mapping held them get every write as well.
// Thread rule: external (the disk's lock).
class MemoryContent {
 public:
  std::uint64_t size() const { return size_; }
  Bytes bytes() const;
  std::shared_ptr<const ZeroedBuffer> buffer() const { return buffer_; }
  // Bytes of disk that the file takes.
  std::uint64_t blocks() const { return blocks_; }
  // What `blocks()` would become.
  std::uint64_t blocks_after_write(std::uint64_t end) const { return std::max(blocks_, end); }

  void write(std::uint64_t offset, Bytes bytes);
  void resize(std::uint64_t size);
  void reserve_blocks(std::uint64_t size);
  void sync();
  void lose_pending();
  bool corrupt(std::uint64_t offset, std::byte flip);

  // With everything that is not durable still in this state.
  std::unique_ptr<MemoryContent> copy() const;
  // What a dead machine leaves. `keep_all`: nothing pending is dropped. Without `chance`,
  // everything.
  std::unique_ptr<MemoryContent> after_crash(bool keep_all, Random* chance) const;

 private:
  struct Change {
    std::uint64_t offset = 0;
    std::vector<std::byte> before;  // as long as `after`
    std::vector<std::byte> after;
    std::uint64_t size_before = 0;
    std::uint64_t size_after = 0;
  };

  void remember(std::uint64_t offset, Bytes after, std::uint64_t size_after);
  void put(std::uint64_t offset, Bytes bytes);
  void grow_buffer(std::uint64_t size);
  void set_size(std::uint64_t size);
  void redo_some(const std::vector<Change>& changes, Random& chance);

  std::shared_ptr<ZeroedBuffer> buffer_;  // shared: mappings keep it
  std::vector<std::weak_ptr<ZeroedBuffer>> outgrown_;
  std::uint64_t size_ = 0;
  std::uint64_t written_end_ = 0;  // bytes from here on are zero
  std::uint64_t blocks_ = 0;
  std::vector<Change> pending_;
  std::map<std::uint64_t, std::byte> lost_;  // what the disk has where a sync failed
};

}  // namespace oncemq::os
