#include "broker/transaction_states.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc.h"
#include "base/json.h"
#include "base/log.h"
#include "store/layout.h"
#include "store/state_file.h"

namespace oncemq::broker {

namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kCrcSize = 4;

// Bytes above kMaxChecks; from the top, so that the range of checks may grow.
constexpr std::uint8_t byte_of(TransactionState state) {
  return state == TransactionState::kOpen
             ? std::uint8_t{0}
             : static_cast<std::uint8_t>(256 - static_cast<int>(state));
}

constexpr bool is_open(std::uint8_t byte) {
  return byte <= TransactionStates::kMaxChecks;
}

// A value that no version writes counts as closed: nothing is done twice.
TransactionState state_of(std::uint8_t byte) {
  if (is_open(byte)) return TransactionState::kOpen;
  const int number = 256 - int{byte};
  return number <= static_cast<int>(TransactionState::kDone) ? static_cast<TransactionState>(number)
                                                             : TransactionState::kDone;
}

Bytes bytes_of(const TransactionStates::Bytes64K& states) {
  return {reinterpret_cast<const std::byte*>(states.data()), states.size()};
}

}  // namespace

TransactionStates::TransactionStates(os::Disk& disk, std::string folder)
    : disk_(disk), folder_(std::move(folder)) {}

std::string TransactionStates::path_of(std::int64_t index) const {
  return folder_ + "/" + store::file_name(index * kSegment);
}

Result<std::optional<TransactionStates::Mark>> TransactionStates::load() {
  auto files = disk_.list(folder_);
  if (!files.has_value()) {
    if (files.error().code == Errc::kNotFound) return std::optional<Mark>{};
    return fail(std::move(files.error()));
  }
  auto text = store::StateFile(disk_, folder_ + "/state.json").load();
  std::optional<Mark> mark;
  if (text.has_value() && !text->empty()) {
    const auto json = Json::parse(*text);
    if (json.has_value() && (*json)["version"].as_int() == kVersion) {
      mark.emplace(Mark{.floor = (*json)["floor"].as_int(-1),
                        .op_needed = (*json)["opNeeded"].as_int(-1),
                        .op_applied = (*json)["opApplied"].as_int(-1),
                        .log_end = (*json)["logEnd"].as_int(-1)});
      if (mark->floor < 0 || mark->op_needed < 0 || mark->op_applied < 0 || mark->log_end < 0)
        mark.reset();
    }
  } else if (!text.has_value() && text.error().code != Errc::kCorrupt) {
    return fail(std::move(text.error()));
  }
  if (!mark.has_value()) {
    ONCE_TRY(reset());
    return std::optional<Mark>{};
  }
  // All are read once, so that a broken one is found before anything relies on it.
  for (const os::DirEntry& file : *files) {
    const auto start = store::parse_file_name(file.name);
    if (!start.has_value() || *start % kSegment != 0) continue;
    Segment& segment = segments_[*start / kSegment];
    segment.on_disk = true;
    auto bytes = read(*start);
    if (!bytes.has_value()) {
      log::warn("broker", "the verdict index is derived anew: {}", bytes.error().message);
      ONCE_TRY(reset());
      return std::optional<Mark>{};
    }
    segment.open = std::count_if((*bytes)->begin(), (*bytes)->end(), is_open);
    if (segment.open > 0) segment.bytes = std::move(*bytes);
  }
  return mark;
}

Status TransactionStates::reset() {
  segments_.clear();
  return disk_.remove_tree(folder_);
}

const TransactionStates::Segment* TransactionStates::find(std::int64_t half) const {
  const auto found = segments_.find(half / kSegment);
  return found == segments_.end() ? nullptr : &found->second;
}

bool TransactionStates::present(std::int64_t half) const {
  const Segment* segment = find(half);
  return segment == nullptr || segment->bytes != nullptr || !segment->on_disk;
}

TransactionStates::Segment& TransactionStates::loaded(std::int64_t half) {
  Segment& segment = segments_[half / kSegment];
  if (segment.bytes == nullptr) {
    ONCE_CHECK(!segment.on_disk, "a segment is read before it is used");
    segment.bytes = std::make_unique<Bytes64K>();
    segment.bytes->fill(0);
  }
  return segment;
}

TransactionState TransactionStates::get(std::int64_t half) const {
  const Segment* segment = find(half);
  if (segment == nullptr || segment->bytes == nullptr) return TransactionState::kOpen;
  return state_of((*segment->bytes)[static_cast<std::size_t>(half % kSegment)]);
}

std::uint8_t TransactionStates::checks(std::int64_t half) const {
  const Segment* segment = find(half);
  if (segment == nullptr || segment->bytes == nullptr) return 0;
  const std::uint8_t byte = (*segment->bytes)[static_cast<std::size_t>(half % kSegment)];
  return is_open(byte) ? byte : std::uint8_t{0};
}

void TransactionStates::put(std::int64_t half, std::uint8_t value) {
  Segment& segment = loaded(half);
  std::uint8_t& byte = (*segment.bytes)[static_cast<std::size_t>(half % kSegment)];
  if (byte == value) return;
  segment.open += (is_open(value) ? 1 : 0) - (is_open(byte) ? 1 : 0);
  byte = value;
  segment.dirty = true;
}

void TransactionStates::set(std::int64_t half, TransactionState state) {
  put(half, byte_of(state));
}

void TransactionStates::set_checks(std::int64_t half, std::uint8_t checks) {
  put(half, std::min(checks, kMaxChecks));
}

std::int64_t TransactionStates::next_open(std::int64_t from, std::int64_t end) const {
  while (from < end) {
    const Segment* segment = find(from);
    const std::int64_t stop = std::min(end, (from / kSegment + 1) * kSegment);
    if (segment == nullptr || (segment->bytes == nullptr && !segment->on_disk)) return from;
    if (segment->open > 0 && segment->bytes != nullptr) {
      const auto begin = segment->bytes->begin();
      const auto found =
          std::find_if(begin + from % kSegment, begin + ((stop - 1) % kSegment + 1), is_open);
      const std::int64_t at = from / kSegment * kSegment + (found - begin);
      if (at < stop) return at;
    }
    from = stop;
  }
  return end;
}

std::int64_t TransactionStates::segments_in_memory() const {
  return std::count_if(segments_.begin(), segments_.end(),
                       [](const auto& row) { return row.second.bytes != nullptr; });
}

std::int64_t TransactionStates::count_open(std::int64_t from, std::int64_t end) const {
  std::int64_t count = 0;
  for (std::int64_t at = from; at < end;) {
    const std::int64_t start = at / kSegment * kSegment;
    const std::int64_t stop = std::min(end, start + kSegment);
    const Segment* segment = find(at);
    if (segment == nullptr || (segment->bytes == nullptr && !segment->on_disk)) {
      count += stop - at;
    } else if (segment->bytes != nullptr) {
      const auto begin = segment->bytes->begin();
      count += stop - at == kSegment
                   ? segment->open
                   : std::count_if(begin + (at - start), begin + (stop - start), is_open);
    }
    at = stop;
  }
  return count;
}

Result<std::unique_ptr<TransactionStates::Bytes64K>> TransactionStates::read(
    std::int64_t half) const {
  const std::string path = path_of(half / kSegment);
  auto file = disk_.open(path, os::OpenMode::kRead);
  if (!file.has_value()) return fail(std::move(file.error()));
  std::array<std::byte, kSegment + kCrcSize> raw;
  auto size = (*file)->read_at(0, raw);
  if (!size.has_value()) return fail(std::move(size.error()));
  if (*size != raw.size() ||
      load_be<std::uint32_t>(raw.data() + kSegment) != crc32(Bytes(raw).first(kSegment)))
    return fail(Errc::kCorrupt, "'" + path + "' is not what was written");
  auto bytes = std::make_unique<Bytes64K>();
  std::transform(raw.begin(), raw.begin() + kSegment, bytes->begin(),
                 [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  return bytes;
}

void TransactionStates::insert(std::int64_t half, std::unique_ptr<Bytes64K> bytes) {
  Segment& segment = segments_[half / kSegment];
  if (segment.bytes != nullptr) return;  // somebody else was faster
  segment.open = std::count_if(bytes->begin(), bytes->end(), is_open);
  segment.bytes = std::move(bytes);
}

TransactionStates::Snapshot TransactionStates::snapshot(const Mark& mark, std::int64_t min_half,
                                                        std::int64_t end) {
  Snapshot result{.mark = mark, .min_half = min_half, .segments = {}};
  const std::int64_t last = end / kSegment;
  for (auto row = segments_.begin(); row != segments_.end();) {
    auto& [index, segment] = *row;
    if ((index + 1) * kSegment <= min_half) {
      row = segments_.erase(row);
      continue;
    }
    if (segment.dirty) {
      result.segments.emplace(index, std::make_unique<Bytes64K>(*segment.bytes));
      segment.dirty = false;
    } else if (segment.on_disk && segment.open == 0 && index != last) {
      segment.bytes.reset();
    }
    ++row;
  }
  // What is written counts as a file from the next snapshot on, when it surely is one.
  for (const auto& [index, bytes] : result.segments) segments_[index].on_disk = true;
  return result;
}

void TransactionStates::not_written(const Snapshot& snapshot) {
  for (const auto& [index, bytes] : snapshot.segments)
    if (const auto found = segments_.find(index); found != segments_.end())
      found->second.dirty = true;
}

Status TransactionStates::write(const Snapshot& snapshot) const {
  ONCE_TRY(disk_.make_dirs(folder_));
  for (const auto& [index, bytes] : snapshot.segments) {
    const std::string path = path_of(index);
    const std::string temporary = path + ".tmp";
    {
      auto file = disk_.open(temporary, os::OpenMode::kCreate);
      if (!file.has_value()) return fail(std::move(file.error()));
      std::array<std::byte, kCrcSize> crc;
      store_be<std::uint32_t>(crc.data(), crc32(bytes_of(*bytes)));
      ONCE_TRY((*file)->truncate(0));
      ONCE_TRY((*file)->write_at(0, bytes_of(*bytes)));
      ONCE_TRY((*file)->write_at(kSegment, crc));
      ONCE_TRY((*file)->sync_data());
    }
    ONCE_TRY(disk_.rename(temporary, path));
  }
  ONCE_TRY(disk_.sync_dir(folder_));
  Json json = Json::object();
  json.set("version", Json(kVersion))
      .set("floor", Json(snapshot.mark.floor))
      .set("opNeeded", Json(snapshot.mark.op_needed))
      .set("opApplied", Json(snapshot.mark.op_applied))
      .set("logEnd", Json(snapshot.mark.log_end));
  ONCE_TRY(store::StateFile(disk_, folder_ + "/state.json").save(json.dump_pretty()));
  auto files = disk_.list(folder_);
  if (!files.has_value()) return fail(std::move(files.error()));
  for (const os::DirEntry& file : *files) {
    const auto start = store::parse_file_name(file.name);
    if (start.has_value() && *start + kSegment <= snapshot.min_half)
      ONCE_TRY(disk_.remove(folder_ + "/" + file.name));
  }
  return {};
}

}  // namespace oncemq::broker
