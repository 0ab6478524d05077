#include "store/log_cursor.h"

#include <algorithm>

namespace oncemq::store {

LogCursor::Step LogCursor::stop(Step step, Error error) {
  error_ = std::move(error);
  return step;
}

Status LogCursor::prefault() {
  if (!cold_) return {};
  const std::int64_t room = std::min(file_->end(), limit_) - position_;
  if (position_ + std::min<std::int64_t>(room, kWindow / 2) <= prefaulted_) return {};
  const auto size = static_cast<std::size_t>(std::min<std::int64_t>(room, kWindow));
  ONCE_TRY(
      file_->mapping()->prefault(static_cast<std::uint64_t>(position_ - file_->start()), size));
  prefaulted_ = position_ + static_cast<std::int64_t>(size);
  return {};
}

LogCursor::Step LogCursor::step() {
  for (;;) {
    position_ = next_;
    if (position_ >= limit_) return Step::kEnd;
    if (cold_ && file_ && (position_ >= file_->end() || position_ - kept_from_ >= kKeptBytes)) {
      file_->release_below(position_);
      kept_from_ = position_;
    }
    if (!file_ || !file_->contains(position_)) {
      file_ = files_.find(position_);
      prefaulted_ = {-1};
      if (!file_) return Step::kEnd;
    }
    const std::int64_t room = file_->end() - position_;
    if (room < static_cast<std::int64_t>(model::kBlankSize))
      return stop(Step::kBad, {Errc::kBadBytes, "no room for a record before the end of the file"});
    if (auto ready = prefault(); !ready) return stop(Step::kLost, std::move(ready.error()));

    auto decoded = model::decode_record(file_->bytes_from(position_), verify_);
    if (!decoded) return stop(Step::kBad, std::move(decoded.error()));
    if (decoded->kind == model::RecordKind::kEmpty) return Step::kEnd;
    if (decoded->kind == model::RecordKind::kBlank) {
      if (decoded->size != room)
        return stop(Step::kBad,
                    {Errc::kBadBytes, "blank record that does not reach the file's end"});
      next_ = file_->end();
      continue;
    }
    if (decoded->record.log_offset != position_)
      return stop(Step::kBad,
                  {Errc::kCorrupt, "record that belongs to offset " +
                                       std::to_string(decoded->record.log_offset.value)});
    if (decoded->size > room - static_cast<std::int64_t>(model::kBlankSize))
      return stop(Step::kBad,
                  {Errc::kBadBytes, "record that leaves no room for a blank behind it"});
    if (position_ >= sealed_from_ && !model::is_sealed(decoded->record))
      return stop(Step::kBad, {Errc::kCorrupt, "the end of the record is missing"});
    record_ = decoded->record;
    bytes_ = file_->bytes_from(position_).first(static_cast<std::size_t>(decoded->size));
    next_ = position_ + decoded->size;
    return Step::kRecord;
  }
}

}  // namespace oncemq::store
