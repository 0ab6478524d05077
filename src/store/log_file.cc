#include "store/log_file.h"

namespace oncemq::store {

Result<std::shared_ptr<LogFile>> LogFile::open(os::Disk& disk, std::string path, LogOffset start) {
  auto file = disk.open(path, os::OpenMode::kReadWrite);
  if (!file) return fail(std::move(file.error()));
  auto size = (*file)->size();
  if (!size) return fail(std::move(size.error()));
  auto mapping = (*file)->map();
  if (!mapping) return fail(std::move(mapping.error()));
  return std::shared_ptr<LogFile>(
      new LogFile(std::move(path), start, *size, std::move(*file), std::move(*mapping)));
}

LogFile::LogFile(std::string path, LogOffset start, std::uint64_t size,
                 std::unique_ptr<os::File> file, std::shared_ptr<const os::Mapping> mapping)
    : path_(std::move(path)),
      start_(start),
      size_(size),
      file_(std::move(file)),
      mapping_(std::move(mapping)),
      region_count_(static_cast<std::size_t>(size / kRegion + 1)),
      regions_(std::make_unique<std::atomic<BitMap*>[]>(region_count_)) {}

LogFile::~LogFile() {
  // tidy: malloc: the owner is an atomic pointer.
  for (std::size_t i = 0; i < region_count_; ++i) delete regions_[i].load();
}

void LogFile::release_below(LogOffset offset) {
  if (!touched_.load(std::memory_order_relaxed)) return;
  const bool whole = offset >= end();
  // First the mark, then the pages: who touches one in between sets it again.
  if (whole) touched_.store(false);
  mapping_->release(
      0, whole ? static_cast<std::size_t>(size_) : static_cast<std::size_t>(offset - start_));
}

bool LogFile::verified(LogOffset offset) const {
  const auto at = static_cast<std::size_t>(offset - start_);
  const BitMap* map = regions_[at / kRegion].load(std::memory_order_acquire);
  if (map == nullptr) return false;
  const std::size_t bit = at % kRegion / kCell;
  return (((*map)[bit / 64].load(std::memory_order_relaxed) >> (bit % 64)) & 1U) != 0;
}

void LogFile::set_verified(LogOffset offset) {
  const auto at = static_cast<std::size_t>(offset - start_);
  std::atomic<BitMap*>& region = regions_[at / kRegion];
  BitMap* map = region.load(std::memory_order_acquire);
  if (map == nullptr) {
    auto fresh = std::make_unique<BitMap>();
    if (region.compare_exchange_strong(map, fresh.get(), std::memory_order_acq_rel)) {
      map = fresh.release();
    }
  }
  const std::size_t bit = at % kRegion / kCell;
  (*map)[bit / 64].fetch_or(std::uint64_t{1} << (bit % 64), std::memory_order_relaxed);
}

}  // namespace oncemq::store
