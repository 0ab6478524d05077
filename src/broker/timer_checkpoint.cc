#include "broker/timer_checkpoint.h"

#include <array>
#include <charconv>

#include "base/json.h"

namespace oncemq::broker {

namespace {

// int64 lastReadTimeMs, lastTimerLogFlushPos, lastTimerQueueOffset, masterTimerQueueOffset,
// stateVersion, timestamp, counter (store.md §10).
constexpr std::size_t kApacheSize = 56;
constexpr std::size_t kApacheSizeMin = 32;  // without the version

}  // namespace

std::string TimerCheckpoint::to_json() const {
  Json hours = Json::object();
  for (const auto& [start, count] : spans)
    hours.members().emplace_back(std::to_string(start), Json(static_cast<std::int64_t>(count)));
  Json root = Json::object();
  root.set("session", session).set("clean", clean);
  root.set("frontierDue", frontier.due_ms).set("frontierOffset", frontier.offset);
  root.set("enqueued", enqueued).set("log", log).set("pendingFrom", pending_from);
  root.set("waiting", waiting);
  root.set("apacheReadMs", apache_read_ms).set("apacheOffset", apache_offset);
  root.set("spans", std::move(hours));
  return root.dump();
}

Result<TimerCheckpoint> TimerCheckpoint::parse(std::string_view text) {
  auto json = Json::parse(text);
  if (!json) return fail(Errc::kCorrupt, "timers.json: " + json.error().message);
  const Json& root = *json;
  for (const char* name : {"frontierDue", "frontierOffset", "enqueued", "log", "pendingFrom"})
    if (!root.has(name)) return fail(Errc::kCorrupt, std::string("timers.json has no ") + name);
  TimerCheckpoint check;
  check.session = root["session"].as_string();
  check.clean = root["clean"].as_bool();
  check.frontier = {root["frontierDue"].as_int(), root["frontierOffset"].as_int()};
  check.enqueued = root["enqueued"].as_int();
  check.log = root["log"].as_int();
  check.pending_from = root["pendingFrom"].as_int();
  check.waiting = root["waiting"].as_int();
  check.apache_read_ms = root["apacheReadMs"].as_int(-1);
  check.apache_offset = root["apacheOffset"].as_int(-1);
  constexpr std::int64_t kCountMax = std::int64_t{1} << 40;
  for (const auto& [name, count] : root["spans"].members()) {
    std::int64_t start = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), start);
    if (error != std::errc{} || end != name.data() + name.size() || start < 0 ||
        start % store::TimerIndex::kSpanMs != 0 || count.as_int() <= 0 ||
        count.as_int() > kCountMax)
      return fail(Errc::kCorrupt, "timers.json lists the impossible hour " + name);
    check.spans[start] = static_cast<std::uint64_t>(count.as_int());
  }
  if (check.enqueued < 0 || check.log < 0 || check.pending_from < 0)
    return fail(Errc::kCorrupt, "timers.json has a negative offset");
  return check;
}

Result<std::optional<ApacheTimerCheck>> ApacheTimerCheck::load(os::Disk& disk,
                                                               const std::string& path) {
  auto file = disk.open(path, os::OpenMode::kRead);
  if (!file) {
    if (file.error().code == Errc::kNotFound) return std::optional<ApacheTimerCheck>();
    return fail(std::move(file.error()));
  }
  std::array<std::byte, kApacheSizeMin> bytes{};
  const auto got = (*file)->read_at(0, bytes);
  if (!got) return fail(got.error());
  if (*got < bytes.size()) return std::optional<ApacheTimerCheck>();
  // Apache itself starts from the smaller one of its own and its master's offset.
  return std::optional<ApacheTimerCheck>(
      {load_be<std::int64_t>(bytes.data()), std::min(load_be<std::int64_t>(bytes.data() + 16),
                                                     load_be<std::int64_t>(bytes.data() + 24))});
}

Status ApacheTimerCheck::save(os::Disk& disk, const std::string& path, std::int64_t now_ms) const {
  std::array<std::byte, kApacheSize> bytes{};
  store_be(bytes.data(), read_ms);
  store_be(bytes.data() + 16, queue_offset);
  store_be(bytes.data() + 24, queue_offset);
  store_be(bytes.data() + 40, now_ms);
  store_be(bytes.data() + 48, std::int64_t{1});
  if (const std::size_t slash = path.rfind('/'); slash != std::string::npos)
    ONCE_TRY(disk.make_dirs(path.substr(0, slash)));
  auto file = disk.open(path, os::OpenMode::kCreate);
  if (!file) return fail(std::move(file.error()));
  return (*file)->write_at(0, bytes);
}

}  // namespace oncemq::broker
