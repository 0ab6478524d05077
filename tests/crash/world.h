#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "os/clock.h"
#include "os/disk.h"
#include "os/memory_disk.h"
#include "os/random.h"
#include "store/message_store.h"
#include "tests/crash/history.h"

// A store and its clients in one thread, on a disk that can die at any operation.
namespace oncemq::crash {

// Files are small, so that a short run rolls all of them.
store::StoreOptions small_store(store::CommitPolicy policy);

// A store that runs without threads.
struct Running {
  std::unique_ptr<store::MessageStore> store;
  std::vector<Error> fatal;
};

// Opens and starts; `fatal` gets what the store reports later.
Result<std::unique_ptr<Running>> start_store(os::Disk& disk, os::Clock& clock,
                                             const store::StoreOptions& options);

// Everything that the store shows. Queues whose reading fails are cut there; `trouble` says why.
Found look(store::MessageStore& store, std::vector<std::string>& trouble);
// Messages that the key index does not find.
std::vector<std::string> not_found_by_key(store::MessageStore& store, const Found& found);

// When a client takes its message for safely stored.
enum class Acknowledge : std::uint8_t {
  kCommitted,  // as the broker does
  kFlushed,    // the planted mistake: before the sync
};

// Sends, reads, waits; deterministic for a seed. Thread rule: confined.
class Clients {
 public:
  Clients(store::MessageStore& store, History& history, os::Random& chance, std::string prefix,
          Acknowledge acknowledge = Acknowledge::kCommitted)
      : store_(store),
        history_(history),
        chance_(chance),
        prefix_(std::move(prefix)),
        acknowledge_(acknowledge) {}

  // One event-loop tick: a batch or a few single messages, handed to the kernel; then perhaps the
  // flusher's and dispatcher's turn, perhaps a reader's.
  void tick();
  // Until everything is acknowledged or the store is broken.
  void drain();

  std::size_t refused() const { return refused_; }

 private:
  struct Waiting {
    std::string id;
    std::int64_t end = 0;
  };

  void send_batch();
  void take_acknowledgements();
  void read_somewhere();

  store::MessageStore& store_;
  History& history_;
  os::Random& chance_;
  const std::string prefix_;
  const Acknowledge acknowledge_;
  std::vector<Waiting> waiting_;
  std::size_t sent_ = 0;
  std::size_t refused_ = 0;
};

// What the judgement of one image needs.
struct Case {
  store::StoreOptions options;
  os::Clock& clock;
  os::Random& chance;
  const History& history;
  Promise promise = Promise::kAll;
};

// Opens the image as the next process would, judges what is there, sends more, stops in one of
// several ways and judges again. Every violated rule, empty when all is well. `found` gets the
// number of messages of the first look.
std::vector<std::string> judge(std::unique_ptr<os::MemoryDisk> image, const Case& the_case,
                               std::size_t* found = nullptr);

// Lines for a failure message.
std::string joined(const std::vector<std::string>& lines);

// No log, unless ONCEMQ_CRASH_LOG is set, to look into one failure.
void quiet();

// Factor for the number of seeds, from ONCEMQ_CRASH_EFFORT (default 1).
std::uint64_t effort();

}  // namespace oncemq::crash
