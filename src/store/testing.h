#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "model/record_codec.h"
#include "os/clock.h"
#include "os/failing_disk.h"
#include "os/memory_disk.h"
#include "store/disk_store.h"

// What the store's tests share: a small store on a disk in memory that is driven by hand.
namespace oncemq::store::testing {

inline StoreOptions small_options(CommitPolicy policy = CommitPolicy::kFlushed) {
  StoreOptions options;
  options.root = "store";
  options.policy = policy;
  options.log_file_size = 8192;
  options.queue_file_size = 400;  // 20 entries
  options.index_slots = 64;
  options.index_entries = 128;
  options.zero_ahead_bytes = 0;
  options.free_space_floor = 0;
  options.threads = false;
  return options;
}

// The texts behind a message's views.
struct Sent {
  std::string topic = "T";
  std::int32_t queue_id = 0;
  std::string body;
  std::string properties;
  std::int64_t tags_code = 0;
};

inline AppendItem item_of(MessageStore& store, const Sent& sent) {
  AppendItem item;
  item.message.topic = sent.topic;
  item.message.queue_id = sent.queue_id;
  item.message.body = as_bytes(sent.body);
  item.message.properties = sent.properties;
  item.message.tags_code = sent.tags_code;
  item.queue = &store.queue(sent.topic, sent.queue_id);
  return item;
}

// Appends and hands to the kernel; the place of the message.
inline Result<Appended> send(MessageStore& store, const Sent& sent) {
  AppendItem item = item_of(store, sent);
  auto end = store.append(std::span(&item, 1));
  if (!end) return fail(std::move(end.error()));
  store.write_out();
  return item.result;
}

inline Result<Appended> send(MessageStore& store, std::string body) {
  return send(store, Sent{.body = std::move(body)});
}

// Bodies of everything that a queue shows from `from` on.
inline std::vector<std::string> bodies(MessageStore& store, std::string_view topic = "T",
                                       std::int32_t queue_id = 0, std::int64_t from = 0) {
  std::vector<std::string> found;
  for (;;) {
    const ReadResult read = store.read({.queue = store.find_queue(topic, queue_id),
                                        .offset = {from},
                                        .max_messages = 32,
                                        .max_bytes = 1 << 20});
    if (read.status == ReadStatus::kOffsetTooSmall || read.status == ReadStatus::kRemoved) {
      if (read.next.value <= from) return found;
      from = read.next.value;
      continue;
    }
    if (read.status != ReadStatus::kFound) return found;
    for (const LogSpan& span : read.spans) {
      for (Bytes rest = span.bytes; !rest.empty();) {
        auto decoded = model::decode_record(rest, model::Verify::kFull);
        EXPECT_TRUE(decoded.has_value());
        if (!decoded) return found;
        EXPECT_EQ(decoded->record.queue_offset.value, from);
        found.emplace_back(as_text(decoded->record.body));
        rest = rest.subspan(static_cast<std::size_t>(decoded->size));
        ++from;
      }
    }
    EXPECT_EQ(read.next.value, from);
  }
}

struct StoreFixture : ::testing::Test {
  os::ManualClock clock;
  std::unique_ptr<os::MemoryDisk> disk = std::make_unique<os::MemoryDisk>(&clock);
  StoreOptions options = small_options();
  std::vector<Error> fatal;
  std::unique_ptr<DiskStore> store;
  std::vector<std::pair<std::int64_t, std::vector<ConsumeQueue*>>> heard;

  Status try_open(os::Disk& on) {
    store.reset();
    auto opened =
        DiskStore::open(on, clock, options, [this](const Error& error) { fatal.push_back(error); });
    if (!opened) return fail(std::move(opened.error()));
    store = std::move(*opened);
    store->start([this](CommittedOffset committed, std::span<ConsumeQueue* const> arrived) {
      heard.emplace_back(committed.value,
                         std::vector<ConsumeQueue*>(arrived.begin(), arrived.end()));
    });
    return {};
  }
  void open() {
    const Status done = try_open(*disk);
    EXPECT_TRUE(done.has_value()) << done.error().message;
    ONCE_CHECK(done.has_value(), "the test goes on with a store");
  }
  // The machine or the process dies now and comes back.
  void crash(os::Crash kind, os::Random* chance = nullptr) {
    auto after = disk->crash(kind, chance);
    store.reset();
    disk = std::move(after);
  }
};

}  // namespace oncemq::store::testing
