#include "store/zero_ahead.h"

#include <algorithm>
#include <array>

namespace oncemq::store {

namespace {
constexpr std::int64_t kPage = 4096;
const std::array<std::byte, ZeroAhead::kStep> kZeros{};
}  // namespace

void ZeroAhead::claim(LogOffset end) {
  if (window_ == 0) return;
  MutexLock lock(mutex_);
  while (stepping_ && step_begin_ < end) stepped_.wait(mutex_);
  claimed_ = std::max(claimed_, end);
}

std::int64_t ZeroAhead::ahead() const {
  if (window_ == 0) return 0;
  MutexLock lock(mutex_);
  return std::max<std::int64_t>(zeroed_ - claimed_, 0);
}

bool ZeroAhead::wanted() const {
  if (window_ == 0) return false;
  MutexLock lock(mutex_);
  const LogOffset begin = std::max(zeroed_, claimed_);
  return begin - claimed_ < window_ && files_.find(begin) != nullptr;
}

Status ZeroAhead::sync() {
  return stepped_file_ ? stepped_file_->file().sync_data() : Status{};
}

Result<bool> ZeroAhead::step() {
  if (window_ == 0) return false;
  std::shared_ptr<LogFile> file;
  LogOffset begin;
  LogOffset end;
  {
    MutexLock lock(mutex_);
    begin = std::max(zeroed_, claimed_);
    if (begin - claimed_ >= window_) return false;
    file = files_.find(begin);
    if (!file) return false;
    // Whole pages, so that a page is never both zeroed and written.
    const std::int64_t into = (begin - file->start() + kPage - 1) / kPage * kPage;
    begin = std::min(file->start() + into, file->end());
    end = std::min(begin + kStep, file->end());
    zeroed_ = end;
    if (begin == end) return true;
    step_begin_ = begin;
    stepping_ = true;
  }
  const Status done =
      file->file().write_at(static_cast<std::uint64_t>(begin - file->start()),
                            Bytes(kZeros.data(), static_cast<std::size_t>(end - begin)));
  {
    MutexLock lock(mutex_);
    stepping_ = false;
  }
  stepped_.notify_all();
  if (!done) return fail(done.error());
  stepped_file_ = std::move(file);
  return true;
}

}  // namespace oncemq::store
