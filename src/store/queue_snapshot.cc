#include "store/queue_snapshot.h"

#include <string_view>

#include "base/bytes.h"
#include "base/crc.h"

namespace oncemq::store {

namespace {

constexpr std::uint64_t kMagic = 0x4F4E434551533031ULL;  // "ONCEQS01"
constexpr std::uint64_t kMaxSize = 1ULL << 30;

template <class T>
void put(std::string& out, T number) {
  std::byte bytes[sizeof(T)];
  store_be<T>(bytes, number);
  out += as_text(bytes);
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

std::string_view get_text(ByteReader& from) {
  return from.read_text(from.read<std::uint32_t>());
}

}  // namespace

std::optional<QueueSnapshot> QueueSnapshot::load(os::Disk& disk, const Layout& layout) {
  auto file = disk.open(layout.queue_snapshot(), os::OpenMode::kRead);
  if (!file) return std::nullopt;
  const auto size = (*file)->size();
  if (!size || *size < 12 || *size > kMaxSize) return std::nullopt;
  std::vector<std::byte> bytes(static_cast<std::size_t>(*size));
  const auto got = (*file)->read_at(0, bytes);
  if (!got || *got != bytes.size()) return std::nullopt;
  const Bytes body = Bytes(bytes).first(bytes.size() - 4);
  if (load_be<std::uint32_t>(bytes.data() + body.size()) != crc32(body)) return std::nullopt;

  ByteReader from(body);
  QueueSnapshot snapshot;
  if (from.read<std::uint64_t>() != kMagic) return std::nullopt;
  snapshot.session = get_text(from);
  snapshot.clean = from.read<std::uint8_t>() == 1;
  snapshot.position = from.read<std::int64_t>();
  for (auto left = from.read<std::uint64_t>(); left > 0 && from.ok(); --left) {
    Queue queue;
    queue.topic = get_text(from);
    queue.queue_id = from.read<std::int32_t>();
    queue.first = from.read<std::int64_t>();
    queue.end = from.read<std::int64_t>();
    if (!is_folder_name(queue.topic) || queue.queue_id < 0 || queue.first < 0 ||
        queue.end < queue.first || queue.end > kMaxQueueOffset)
      return std::nullopt;
    snapshot.queues.push_back(std::move(queue));
  }
  if (!from.ok() || from.remaining() != 0) return std::nullopt;
  return snapshot;
}

Status QueueSnapshot::save(os::Disk& disk, const Layout& layout) const {
  std::string text;
  put(text, kMagic);
  put_text(text, session);
  put(text, static_cast<std::uint8_t>(clean ? 1 : 0));
  put(text, position);
  put(text, static_cast<std::uint64_t>(queues.size()));
  for (const Queue& queue : queues) {
    put_text(text, queue.topic);
    put(text, queue.queue_id);
    put(text, queue.first);
    put(text, queue.end);
  }
  put(text, crc32(as_bytes(text)));

  const std::string fresh = layout.queue_snapshot() + ".new";
  {
    auto file = disk.open(fresh, os::OpenMode::kCreate);
    if (!file) return fail(std::move(file.error()));
    ONCE_TRY((*file)->truncate(0));
    ONCE_TRY((*file)->write_at(0, as_bytes(text)));
    if (clean) ONCE_TRY((*file)->sync_data());
  }
  ONCE_TRY(disk.rename(fresh, layout.queue_snapshot()));
  return clean ? disk.sync_dir(layout.own_dir()) : Status{};
}

Status QueueSnapshot::remove(os::Disk& disk, const Layout& layout) {
  auto gone = disk.remove(layout.queue_snapshot());
  if (!gone && gone.error().code != Errc::kNotFound) return gone;
  return gone ? disk.sync_dir(layout.own_dir()) : Status{};
}

}  // namespace oncemq::store
