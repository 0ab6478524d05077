#pragma once

#include <cstdint>

#include "base/result.h"
#include "model/record_codec.h"
#include "store/log_files.h"

namespace oncemq::store {

// Walks the records of the log in order, over blanks and file ends. Thread rule: confined; the
// record is valid until the next step.
class LogCursor {
 public:
  enum class Step : std::uint8_t {
    kRecord,
    kEnd,   // zeros, the last file's end, or `limit`
    kBad,   // not a record, or not the record that belongs here
    kLost,  // the disk cannot read it
  };

  // `cold`: bytes are brought into memory before they are touched, so that a bad sector is kLost
  // and not a fault. What was written a moment ago is in memory anyhow.
  LogCursor(const LogFiles& files, LogOffset from, LogOffset limit, model::Verify verify,
            bool cold = true)
      : files_(files), position_(from), next_(from), limit_(limit), verify_(verify), cold_(cold) {}

  // Records from there on were written with their property CRC; one that lost it is bad.
  void expect_seals(LogOffset from) { sealed_from_ = from; }

  Step step();

  // kRecord: where it begins. kEnd, kBad, kLost: where the walk stopped.
  LogOffset position() const { return position_; }
  LogOffset next_position() const { return next_; }
  const model::RecordView& record() const { return record_; }
  Bytes bytes() const { return bytes_; }
  const std::shared_ptr<LogFile>& file() const { return file_; }
  // kBad, kLost: what is wrong there.
  const Error& error() const { return error_; }

 private:
  static constexpr std::size_t kWindow = 1U << 20;  // brought into memory at once
  // A cold walk gives mapped pages back when it has left so many bytes of them behind.
  static constexpr std::int64_t kKeptBytes = 8 << 20;

  Step stop(Step step, Error error);
  Status prefault();

  const LogFiles& files_;
  LogOffset position_;
  LogOffset next_;
  const LogOffset limit_;
  const model::Verify verify_;
  const bool cold_;
  LogOffset sealed_from_{INT64_MAX};
  std::shared_ptr<LogFile> file_;
  LogOffset prefaulted_{-1};
  LogOffset kept_from_{0};
  model::RecordView record_;
  Bytes bytes_;
  Error error_;
};

}  // namespace oncemq::store
