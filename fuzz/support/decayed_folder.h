#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc.h"
#include "model/properties.h"
#include "model/record_codec.h"
#include "os/clock.h"
#include "os/memory_disk.h"
#include "store/checkpoint.h"
#include "store/disk_store.h"

// Folders that a store has left behind, and what time and malice make of them: the input of a fuzz
// target is a list of changes to one of them.
namespace oncemq::fuzz {

inline os::ManualClock& fuzz_clock() {
  static os::ManualClock the_one;
  return the_one;
}

// Files are tiny, so that a few dozen messages roll all of them and one run takes a millisecond.
inline store::StoreOptions tiny_store() {
  store::StoreOptions options;
  options.root = "store";
  options.log_file_size = 4096;
  options.queue_file_size = 200;  // 10 entries
  options.index_slots = 8;
  options.index_entries = 32;
  options.zero_ahead_bytes = 0;
  options.free_space_floor = 0;
  options.delay_levels_ms = {1000, 5000};
  options.threads = false;
  return options;
}

inline constexpr std::string_view kTopics[] = {"T", "U", "SCHEDULE_TOPIC_XXXX"};

struct Image {
  std::unique_ptr<os::MemoryDisk> disk;
  std::vector<store::Appended> places;
};

enum class Ending : std::uint8_t {
  kClosed,
  kKilled,          // the newest messages are not dispatched
  kClosedByApache,  // its word in the lock file, nothing of ours
  kKilledApache,
  kClosedWithoutCrc,  // enabledAppendPropCRC=false
  kCount,
};

inline Image make_image(Ending ending) {
  Image image{.disk = std::make_unique<os::MemoryDisk>(&fuzz_clock()), .places = {}};
  store::StoreOptions options = tiny_store();
  options.append_property_crc = ending != Ending::kClosedWithoutCrc;
  auto opened = store::DiskStore::open(*image.disk, fuzz_clock(), options, nullptr);
  ONCE_CHECK(opened.has_value(), "a new folder");
  store::DiskStore& store = **opened;
  store.start(nullptr);
  for (int i = 0; i < 60; ++i) {
    const std::string_view topic = kTopics[i % 20 == 7 ? 2 : i % 2];
    std::string properties;
    model::append_property(properties, model::property::kUniqueKey, "U" + std::to_string(i));
    model::append_property(properties, model::property::kTags, i % 3 == 0 ? "A" : "B");
    if (i % 20 == 7) model::append_property(properties, model::property::kDelayLevel, "2");
    const std::string body(i % 11 == 0 ? 300 : 10, static_cast<char>('a' + i % 26));
    store::AppendItem item;
    item.message = {
        .topic = topic, .queue_id = i % 4 / 2, .body = as_bytes(body), .properties = properties};
    item.queue = &store.queue(topic, i % 4 / 2);
    ONCE_CHECK(store.append(std::span(&item, 1)).has_value());
    store.write_out();
    image.places.push_back(item.result);
    if (i % 25 == 24) store.step();
  }
  const bool killed = ending == Ending::kKilled || ending == Ending::kKilledApache;
  if (!killed) ONCE_CHECK(store.close().has_value());
  opened->reset();
  if (ending == Ending::kClosedByApache || ending == Ending::kKilledApache) {
    ONCE_CHECK(image.disk->remove_tree("store/once").has_value());
    ONCE_CHECK((*image.disk->open("store/lock", os::OpenMode::kReadWrite))
                   ->write_at(0, as_bytes("lock"))
                   .has_value());
  }
  return image;
}

// The bytes of an input, read from the front; zeros behind its end.
class Script {
 public:
  explicit Script(Bytes bytes) : reader_(bytes) {}
  bool ended() const { return reader_.remaining() == 0; }
  template <class T>
  T take() {
    std::array<std::byte, sizeof(T)> bytes{};
    const Bytes got = reader_.read_bytes(std::min(sizeof(T), reader_.remaining()));
    std::copy(got.begin(), got.end(), bytes.begin());
    return load_be<T>(bytes.data());
  }
  // Mostly a small number near something that matters, sometimes any.
  std::int64_t number() {
    const auto kind = take<std::uint8_t>();
    if (kind == 0xff) return take<std::int64_t>();
    return (kind & 1) != 0 ? take<std::int16_t>() : kind / 2;
  }
  Bytes bytes(std::size_t count) {
    return reader_.read_bytes(std::min(count, reader_.remaining()));
  }

 private:
  ByteReader reader_;
};

// Makes the changes of a script, one after the other. Thread rule: confined.
class Decay {
 public:
  static constexpr int kMaxChanges = 24;

  Decay(os::MemoryDisk& disk, const std::vector<store::Appended>& places, Script& script)
      : disk_(disk), places_(places), script_(script) {}

  void run() {
    for (int i = 0; i < kMaxChanges && !script_.ended(); ++i) change();
    // What stands there now has stood there for long.
    ONCE_CHECK(disk_.sync_all("store").has_value());
  }

 private:
  void change() {
    switch (script_.take<std::uint8_t>() % 12) {
      case 0:
        (void)disk_.corrupt(some_file(), script_.take<std::uint16_t>(),
                            std::byte{1} << (script_.take<std::uint8_t>() % 8));
        return;
      case 1: {
        const std::string path = some_file();
        const auto at = script_.take<std::uint16_t>();
        return put(path, at, script_.bytes(script_.take<std::uint8_t>() % 24));
      }
      case 2: {
        const std::string path = some_file();
        const auto at = script_.take<std::uint16_t>();
        return put(path, at, std::vector<std::byte>(script_.take<std::uint16_t>() % 1024));
      }
      case 3:
        if (auto file = disk_.open(some_file(), os::OpenMode::kReadWrite))
          (void)(*file)->truncate(script_.take<std::uint16_t>() % 16384);
        return;
      case 4:
        (void)disk_.remove(some_file());
        return;
      case 5: {
        const std::vector<std::byte> piece =
            content(some_file(), script_.take<std::uint16_t>(), script_.take<std::uint16_t>());
        const std::string to = some_file();
        return put(to, script_.take<std::uint16_t>(), piece);
      }
      case 6:
        return forge_mark();
      case 7:
        return forge_record();
      case 8:
        return forge_entry();
      case 9:
        return forge_file();
      case 10:
        return toggle_marks();
      default:
        (void)disk_.remove_tree(std::array{"store/consumequeue", "store/consumequeue/T",
                                           "store/consumequeue/U/1", "store/index",
                                           "store/once"}[script_.take<std::uint8_t>() % 5]);
        return;
    }
  }

  std::string some_file() {
    const std::vector<std::string> files = disk_.files();
    return files.empty() ? "" : files[script_.take<std::uint8_t>() % files.size()];
  }

  const store::Appended& some_place() {
    return places_[script_.take<std::uint8_t>() % places_.size()];
  }

  // Never makes a file larger than a few of the log's.
  void put(const std::string& path, std::uint64_t at, Bytes bytes) {
    if (auto file = disk_.open(path, os::OpenMode::kReadWrite); file && at + bytes.size() < 32768)
      ONCE_CHECK((*file)->write_at(at, bytes).has_value());
  }

  std::vector<std::byte> content(const std::string& path, std::uint64_t at, std::size_t size) {
    std::vector<std::byte> bytes(std::min<std::size_t>(size, 8192));
    auto file = disk_.open(path, os::OpenMode::kRead);
    bytes.resize(file ? (*file)->read_at(at, bytes).value_or(0) : 0);
    return bytes;
  }

  // An older durable mark: lower bounds at the begin of records. More is nobody's word: it has a
  // CRC.
  void forge_mark() {
    auto file = store::WatermarkFile::open(disk_, "store/once/watermark", "store/once");
    if (!file || !(*file)->last()) return;
    store::DurableMark mark = *(*file)->last();
    const auto which = script_.take<std::uint8_t>();
    if ((which & 1) != 0) mark.durable = std::min(mark.durable, some_place().log_offset.value);
    if ((which & 2) != 0) mark.dispatched = some_place().log_offset.value;
    mark.dispatched = std::min(mark.dispatched, mark.durable);
    if ((which & 4) != 0) mark.index_end += script_.number();
    if ((which & 8) != 0) mark.store_timestamp += script_.number();
    if ((which & 16) != 0) mark.has_queues_sum = !mark.has_queues_sum;
    if ((which & 32) != 0) mark.sealed = false;
    ONCE_CHECK((*file)->write(mark).has_value());
  }

  // A record with other bytes in it; perhaps with CRCs that fit.
  void forge_record() {
    const store::Appended& place = some_place();
    const std::int64_t start = place.log_offset.value / 4096 * 4096;
    const std::string path = "store/commitlog/" + store::file_name(start);
    const auto at = static_cast<std::uint64_t>(place.log_offset.value - start);
    std::vector<std::byte> bytes = content(path, at, static_cast<std::size_t>(place.size));
    if (bytes.size() < 91) return;
    for (int left = script_.take<std::uint8_t>() % 4; left >= 0; --left) {
      const std::size_t to = script_.take<std::uint8_t>() % bytes.size();
      const Bytes piece = script_.bytes(script_.take<std::uint8_t>() % 9);
      std::copy_n(piece.begin(), std::min(piece.size(), bytes.size() - to),
                  bytes.begin() + static_cast<std::ptrdiff_t>(to));
    }
    if (script_.take<std::uint8_t>() % 4 != 0) reseal(bytes);
    put(path, at, bytes);
  }

  static void reseal(MutableBytes bytes) {
    const auto decoded = model::decode_record(bytes, model::Verify::kNone);
    if (!decoded || decoded->kind != model::RecordKind::kMessage) return;
    store_be(bytes.data() + 8, crc32_rocketmq(decoded->record.body));
    if (!model::is_sealed(decoded->record)) return;
    const auto size = static_cast<std::size_t>(decoded->size);
    std::int32_t crc = crc32_rocketmq(Bytes(bytes).first(size - model::kCrcPropertySize));
    for (std::size_t digit = size - 11; digit < size - 1; ++digit, crc /= 10)
      bytes[digit] = static_cast<std::byte>('0' + crc % 10);
  }

  // A queue entry that points somewhere else.
  void forge_entry() {
    const std::string path = "store/consumequeue/" +
                             std::string(kTopics[script_.take<std::uint8_t>() % 3]) + "/" +
                             std::to_string(script_.take<std::uint8_t>() % 2) + "/" +
                             store::file_name(script_.take<std::uint8_t>() % 3 * 200);
    const auto at = script_.take<std::uint8_t>() % 10 * store::kEntrySize;
    const store::Appended& place = some_place();
    store::QueueEntry entry{.log_offset = place.log_offset, .size = place.size, .tags_code = 7};
    const auto which = script_.take<std::uint8_t>();
    if ((which & 1) != 0) entry.log_offset.value += script_.number();
    if ((which & 2) != 0) entry.size = static_cast<std::int32_t>(script_.number());
    if ((which & 4) != 0) entry.size = store::kGapSize;
    std::array<std::byte, store::kEntrySize> bytes{};
    store::store_entry(bytes.data(), entry);
    put(path, at, bytes);
  }

  // A file under a name that the store looks at, with the content of another.
  void forge_file() {
    static constexpr std::array kFolders{"store/commitlog", "store/consumequeue/new/7",
                                         "store/index", "store/once"};
    const std::string folder = kFolders[script_.take<std::uint8_t>() % kFolders.size()];
    const std::int64_t start = script_.number();
    std::string name = store::file_name(std::max<std::int64_t>(start, 0));
    switch (script_.take<std::uint8_t>() % 4) {
      case 0:
        name = store::file_name(std::max<std::int64_t>(start, 0) % (INT64_MAX / 4096) * 4096);
        break;
      case 1:
        name = store::file_name(std::max<std::int64_t>(start, 0) % (INT64_MAX / 200) * 200);
        break;
      case 2:
        name = name.substr(3);  // as index files have it
        break;
      default:
        break;
    }
    const std::vector<std::byte> bytes = content(some_file(), 0, 8192);
    ONCE_CHECK(disk_.make_dirs(folder).has_value());
    if (auto file = disk_.open(folder + "/" + name, os::OpenMode::kCreate))
      ONCE_CHECK((*file)->write_at(0, bytes).has_value());
  }

  void toggle_marks() {
    switch (script_.take<std::uint8_t>() % 3) {
      case 0:
        (void)disk_.open("store/abort", os::OpenMode::kCreate).has_value();
        return;
      case 1:
        (void)disk_.remove("store/abort");
        return;
      default:
        put("store/lock", 0, as_bytes("lock"));
    }
  }

  os::MemoryDisk& disk_;
  const std::vector<store::Appended>& places_;
  Script& script_;
};

// The folder that the first byte of a script names, a fresh copy.
inline std::unique_ptr<os::MemoryDisk> decayed_folder(Script& script) {
  static const std::vector<Image> images = [] {
    std::vector<Image> made;
    for (int i = 0; i < static_cast<int>(Ending::kCount); ++i)
      made.push_back(make_image(static_cast<Ending>(i)));
    return made;
  }();
  const Image& image = images[script.take<std::uint8_t>() % images.size()];
  auto disk = image.disk->crash(os::Crash::kProcess);
  Decay(*disk, image.places, script).run();
  return disk;
}

}  // namespace oncemq::fuzz
