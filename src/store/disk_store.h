#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/commit_log.h"
#include "store/damage.h"
#include "store/deleted_topics.h"
#include "store/dispatcher.h"
#include "store/flusher.h"
#include "store/key_index.h"
#include "store/layout.h"
#include "store/message_store.h"
#include "store/queue_files.h"
#include "store/queue_repair.h"
#include "store/queue_table.h"
#include "store/reader.h"
#include "store/recovery.h"
#include "store/retention.h"
#include "store/write_gate.h"
#include "store/zero_ahead.h"

namespace oncemq::store {

// The store on a disk: builds the parts, wires them, and stops them in reverse. Thread rule:
// monitor.
class DiskStore final : public MessageStore {
 public:
  static Result<std::unique_ptr<DiskStore>> open(os::Disk& disk, os::Clock& clock,
                                                 StoreOptions options, FatalHandler on_fatal);
  ~DiskStore() override;

  void start(CommitListener listener) override;
  bool step() override;
  Status close() override;

  Result<AppendedOffset> append(std::span<AppendItem> items) override {
    return log_->append(items);
  }
  void write_out() override { log_->write_out(); }
  const Watermarks& marks() const override { return marks_; }
  std::optional<Error> refusal() const override { return gate_.refusal(); }

  ConsumeQueue& queue(std::string_view topic, std::int32_t queue_id) override {
    return queues_.get(topic, queue_id);
  }
  ConsumeQueue* find_queue(std::string_view topic, std::int32_t queue_id) override {
    return queues_.find(topic, queue_id);
  }
  void for_each_queue(const std::function<void(ConsumeQueue&)>& visit) override;
  Status delete_topic(std::string_view topic) override;

  ReadResult read(const ReadRequest& request) override { return reader_->read(request); }
  Result<LogSpan> read_record(LogOffset offset) override { return reader_->record(offset); }
  std::vector<LogSpan> query(const KeyQuery& query) override;
  QueueOffset offset_by_time(ConsumeQueue& queue, std::int64_t timestamp_ms,
                             Boundary boundary) override;
  std::int64_t store_time(ConsumeQueue& queue, QueueOffset offset) override;
  LogOffset min_offset() const override { return files_->min_offset(); }
  Status scan(LogOffset from, const std::function<bool(const model::RecordView&)>& visit) override;

  void hold(LogOffset from) override { retention_->hold(from); }
  LogOffset held_back() const override { return retention_->held_back(); }

  bool was_deleted(std::string_view topic, LogOffset offset) const override {
    return deleted_before_->covers(topic, offset.value);
  }

  void cool() override;
  void housekeep() override;
  void clean_now() override;
  StoreStats stats() const override;

  const Recovered& recovered() const { return recovered_; }

 private:
  DiskStore(os::Disk& disk, os::Clock& clock, StoreOptions options, FatalHandler on_fatal);

  Status make_folders();
  Status take_folder();
  Status load();
  Status announce_seals();
  void wire();
  void commit_advanced();
  void broken(const Error& error);
  void repair_some();  // dispatcher role

  os::Disk& disk_;
  os::Clock& clock_;
  const StoreOptions options_;
  const FatalHandler on_fatal_;
  const Layout layout_;
  CommitListener listener_;

  std::unique_ptr<os::FileLock> lock_;
  bool foreign_ = false;  // somebody else's broker used the folder last
  bool clean_ = true;     // the last stop was an orderly one
  bool closed_ = false;   // close() ran; caller of close() only

  WriteGate gate_;
  Watermarks marks_;
  std::atomic<std::size_t> ring_bytes_{0};
  QueueContext context_;
  std::unique_ptr<LogFiles> files_;
  QueueFiles queue_files_;
  QueueTable queues_;
  std::unique_ptr<KeyIndex> index_;
  std::unique_ptr<DeletedTopics> deleted_;
  std::unique_ptr<const DeletedTopics> deleted_before_;  // as it was at the start
  std::unique_ptr<WatermarkFile> watermark_;             // until the dispatcher has it
  Recovered recovered_;
  std::unique_ptr<ZeroAhead> zeros_;
  std::unique_ptr<CommitLog> log_;
  Damage damage_;
  std::unique_ptr<Reader> reader_;
  std::unique_ptr<Retention> retention_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<Flusher> flusher_;
  std::unique_ptr<QueueRepair> repair_;  // dispatcher role; null: nothing is lost

  std::vector<ConsumeQueue*> arrived_;  // whoever advances committed: one thread at a time
};

}  // namespace oncemq::store
