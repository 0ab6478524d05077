#include "store/log_walk.h"

#include <cstring>
#include <limits>
#include <optional>

namespace oncemq::store {

namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kProgressEvery = 16U << 20;
constexpr std::size_t kMinRecord = 91;

// The next place in the file of `from`, behind it, where a whole record stands that belongs there.
std::optional<LogOffset> next_record(const LogFile& file, LogOffset from) {
  const Bytes bytes = file.mapping()->bytes();
  auto at = static_cast<std::size_t>(from - file.start()) + 1;
  while (at + kMinRecord <= bytes.size()) {
    // The magic's first byte, four bytes into a record.
    const void* found = std::memchr(bytes.data() + at + 4, 0xDA, bytes.size() - at - 4);
    if (found == nullptr) return std::nullopt;
    at = static_cast<std::size_t>(static_cast<const std::byte*>(found) - bytes.data()) - 4;
    if (at + kMinRecord > bytes.size()) return std::nullopt;
    const LogOffset here = file.start() + static_cast<std::int64_t>(at);
    if (load_be<std::int64_t>(bytes.data() + at + 28) == here.value) {
      const auto record = model::decode_record(bytes.subspan(at), model::Verify::kFull);
      if (record && record->kind == model::RecordKind::kMessage) return here;
    }
    ++at;
  }
  return std::nullopt;
}

}  // namespace

Result<LogWalk> walk_log(const LogFiles& files,
                         const std::function<Status(const model::RecordView&, Bytes)>& visit,
                         const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  const auto all = files.all();
  LogWalk walk;
  walk.begin = walk.end = files.min_offset();
  const std::uint64_t total =
      all.empty() ? 0 : static_cast<std::uint64_t>(all.back()->end() - walk.begin);
  std::uint64_t next_progress = 0;
  LogOffset from = walk.begin;
  for (;;) {
    LogCursor cursor(files, from, {kForever}, model::Verify::kFull);
    LogCursor::Step step = cursor.step();
    for (; step == LogCursor::Step::kRecord; step = cursor.step()) {
      ++walk.records;
      walk.bytes += cursor.bytes().size();
      walk.last_timestamp = std::max(walk.last_timestamp, cursor.record().store_timestamp);
      ONCE_TRY(visit(cursor.record(), cursor.bytes()));
      walk.end = cursor.next_position();
      const auto done = static_cast<std::uint64_t>(walk.end - walk.begin);
      if (progress && done >= next_progress) {
        progress(done, total);
        next_progress = done + kProgressEvery;
      }
    }
    if (step == LogCursor::Step::kLost) return fail(cursor.error());
    // The end, unless a record that belongs further on says otherwise.
    const LogOffset stop = cursor.position();
    LogDamage damage{.begin = stop,
                     .end = {},
                     .file = {},
                     .what = step == LogCursor::Step::kBad ? cursor.error().message : "zeros"};
    std::optional<LogOffset> next;
    for (std::shared_ptr<LogFile> file = files.find(stop); file && !next;
         file = files.find(file->end())) {
      if (damage.file.empty()) damage.file = file->path();
      const bool first = file->contains(stop);
      next = next_record(*file, first ? stop : file->start() + -1);
      if (next && !first) damage.to_file_end = true;
    }
    if (!next) {
      walk.end = std::max(walk.end, stop);
      if (step == LogCursor::Step::kBad) walk.end_what = cursor.error().message;
      if (progress) progress(total, total);
      return walk;
    }
    damage.end = *next;
    walk.damages.push_back(std::move(damage));
    from = *next;
  }
}

}  // namespace oncemq::store
