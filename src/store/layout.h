#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Names inside the store's root folder (store.md §1). `once/` is ours; Apache's broker ignores it.
namespace oncemq::store {

// Larger places in the log, offsets of a queue and store times are nobody's: a folder that has them
// was forged, and sums of the smaller ones cannot overflow.
inline constexpr std::int64_t kMaxLogOffset = 1LL << 60;
inline constexpr std::int64_t kMaxQueueOffset = 1LL << 55;
inline constexpr std::int64_t kMaxTimestampMs = 1LL << 55;

struct Layout {
  explicit Layout(std::string root_path) : root(std::move(root_path)) {}

  std::string root;
  std::string log_dir() const { return root + "/commitlog"; }
  std::string queue_dir() const { return root + "/consumequeue"; }
  std::string index_dir() const { return root + "/index"; }
  std::string own_dir() const { return root + "/once"; }
  std::string checkpoint() const { return root + "/checkpoint"; }
  std::string abort_mark() const { return root + "/abort"; }
  std::string lock() const { return root + "/lock"; }
  std::string watermark() const { return own_dir() + "/watermark"; }
  std::string queue_snapshot() const { return own_dir() + "/queues"; }
  std::string deleted_topics() const { return own_dir() + "/deleted_topics.json"; }
  std::string next_log_file() const { return own_dir() + "/next_log_file"; }
};

// Whether a topic can be the name of a folder; what is stored came through the broker's own checks.
bool is_folder_name(std::string_view topic);

// 20 decimal digits: the file's first byte as a position in its log or queue.
std::string file_name(std::int64_t start);
// The position, or nothing when it is not such a name or beyond kMaxLogOffset.
std::optional<std::int64_t> parse_file_name(std::string_view name);

}  // namespace oncemq::store
