#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/admin.h"
#include "broker/atomic_commits.h"
#include "broker/broker_stats.h"
#include "broker/client_registry.h"
#include "broker/config_saver.h"
#include "broker/consumer_offsets.h"
#include "broker/dead_letters.h"
#include "broker/deliveries.h"
#include "broker/faults.h"
#include "broker/group_table.h"
#include "broker/idempotence.h"
#include "broker/message_query.h"
#include "broker/options.h"
#include "broker/parked_pulls.h"
#include "broker/popper.h"
#include "broker/puller.h"
#include "broker/queue_locks.h"
#include "broker/request_modes.h"
#include "broker/runtime_info.h"
#include "broker/schedule.h"
#include "broker/send_back.h"
#include "broker/sender.h"
#include "broker/sql_filters.h"
#include "broker/timers.h"
#include "broker/topic_table.h"
#include "broker/transaction_checker.h"
#include "broker/transactions.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/random.h"
#include "store/message_store.h"

namespace oncemq::broker {

// Builds the broker's objects in order and runs their periodic work; it decides nothing itself.
// The protocol edges ask the nouns, not this. Thread rule: start, stop and service_tick belong to
// app and the service thread; the nouns say their own.
class Broker {
 public:
  // `options` and `switches` must outlive the broker, like all others. The store is open and not
  // yet started.
  Broker(const Options& options, Switches& switches, store::MessageStore& store, os::Disk& disk,
         os::Clock& clock, os::Random& random);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // `wake_service` makes the service thread call service_tick() soon; any thread, must not block.
  // Set before load().
  void set_service_waker(std::function<void()> wake_service);
  // Reads the files of config/ (kCorrupt when one is broken and its backup too).
  Status load();
  // Starts the store's threads; `committed` is called after the broker's own work whenever the mark
  // advanced (the edge releases held replies). Sends and pulls are served from here on.
  // Fails when the transactions of an earlier run cannot be brought up to date.
  Status start(std::function<void(store::CommittedOffset)> committed);
  // Refuses new sends, wakes all parked pulls, saves everything. The store is closed by its owner
  // afterwards. Idempotent.
  Status stop();

  // Periodic work and whatever was asked for since; runs on the service thread. Returns when it
  // wants to be called again at the latest (monotonic ms).
  std::int64_t service_tick();

  // Calls `done` (service thread) when every topic, group and offset change made before this call
  // is on disk, or could not be written. For replies to operators: park them until then.
  void when_saved(std::function<void(const Status&)> done);

  TopicTable& topics() { return topics_; }
  GroupTable& groups() { return groups_; }
  ConsumerOffsets& offsets() { return offsets_; }
  ClientRegistry& clients() { return clients_; }
  QueueLocks& locks() { return locks_; }
  Sender& sender() { return sender_; }
  Idempotence& idempotence() { return idempotence_; }
  SendBack& send_back() { return send_back_; }
  DeadLetters& dead_letters() { return dead_letters_; }
  const Deliveries& deliveries() const { return deliveries_; }
  SqlFilters& filters() { return filters_; }
  Puller& puller() { return puller_; }
  ParkedPulls& parked() { return parked_; }
  Popper& popper() { return popper_; }
  RequestModes& request_modes() { return request_modes_; }
  Schedule& schedule() { return schedule_; }
  // The service thread calls its tick() by itself, as a job of its own.
  Timers& timers() { return timers_; }
  Transactions& transactions() { return transactions_; }
  TransactionChecker& transaction_checker() { return transaction_checker_; }
  AtomicCommits& atomic_commits() { return atomic_commits_; }
  MessageQuery& query() { return query_; }
  BrokerStats& stats() { return stats_; }
  Admin& admin() { return admin_; }
  RuntimeInfo& runtime_info() { return runtime_info_; }
  // Null unless they are allowed (Options::allow_faults).
  Faults* faults() { return faults_.get(); }

 private:
  void changed(std::size_t file);

  const Options& options_;
  store::MessageStore& store_;
  os::Clock& clock_;
  BrokerStats stats_;
  UniqueKeys unique_keys_;
  TopicTable topics_;
  GroupTable groups_;
  ConsumerOffsets offsets_;
  ClientRegistry clients_;
  QueueLocks locks_;
  Idempotence idempotence_;
  Sender sender_;
  SendBack send_back_;
  DeadLetters dead_letters_;
  ParkedPulls parked_;
  Deliveries deliveries_;
  SqlFilters filters_;
  Puller puller_;
  Popper popper_;
  RequestModes request_modes_;
  Schedule schedule_;
  Timers timers_;
  Transactions transactions_;
  TransactionChecker transaction_checker_;
  AtomicCommits atomic_commits_;
  MessageQuery query_;
  Admin admin_;
  RuntimeInfo runtime_info_;
  std::unique_ptr<Faults> faults_;
  ConfigSaver saver_;
  std::size_t topics_file_ = 0;
  std::size_t groups_file_ = 0;
  std::size_t offsets_file_ = 0;
  std::size_t delays_file_ = 0;
  std::size_t modes_file_ = 0;
  std::size_t pop_file_ = 0;
  std::size_t deliveries_file_ = 0;
  std::function<void()> wake_service_;
  std::function<void(store::CommittedOffset)> committed_;
  std::int64_t next_expiry_ms_ = 0;
  std::int64_t next_offsets_ms_ = 0;
  std::int64_t next_delays_ms_ = 0;
  std::int64_t next_deliveries_ms_ = 0;
  std::int64_t next_save_ms_ = 0;
  bool stopped_ = false;
};

}  // namespace oncemq::broker
