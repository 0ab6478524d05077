#pragma once

#include <cstdint>

#include "base/mutex.h"
#include "base/result.h"
#include "store/log_files.h"

namespace oncemq::store {

// Real zeros in a window in front of the log's head. A sync of bytes that overwrite written blocks
// is a pure data write; into merely reserved blocks it also costs a journal commit.
// Zeros never meet data: a writer claims its range first and waits for a step that overlaps it; a
// step takes its range behind everything claimed.
// Thread rule: monitor; step() by one thread at a time.
class ZeroAhead {
 public:
  static constexpr std::int64_t kStep = 256 << 10;

  ZeroAhead(LogFiles& files, LogOffset end, std::uint64_t window)
      : files_(files), window_(static_cast<std::int64_t>(window)), claimed_(end), zeroed_(end) {}

  // Before [begin, end) is written.
  void claim(LogOffset end);
  // How far the window reaches beyond the claimed end; >= the window when there is nothing to do.
  std::int64_t ahead() const;
  // Whether the window is short and there is a file to write zeros to.
  bool wanted() const;
  // Writes the next piece of zeros, at most kStep, inside the files that exist. True when it wrote
  // something. kNoSpace | kIo.
  Result<bool> step();
  // Makes the zeros of the last step durable. kIo | kNoSpace.
  Status sync();

 private:
  LogFiles& files_;
  const std::int64_t window_;
  mutable Mutex mutex_;
  CondVar stepped_;
  LogOffset claimed_ ONCE_GUARDED_BY(mutex_);
  LogOffset zeroed_ ONCE_GUARDED_BY(mutex_);  // end of the zeros, or of the step under way
  LogOffset step_begin_ ONCE_GUARDED_BY(mutex_);
  bool stepping_ ONCE_GUARDED_BY(mutex_) = false;
  std::shared_ptr<LogFile> stepped_file_;  // whoever calls step()
};

}  // namespace oncemq::store
