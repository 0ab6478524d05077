#include "client/load/pull_load.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/check.h"
#include "client/load/send_frame.h"
#include "client/remoting/frames.h"
#include "model/record_codec.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/command.h"
#include "wire/remoting/schema/pull.h"

namespace oncemq::client {
namespace {

using wire::ResponseCode;

constexpr std::int64_t kSuspendMs = 15'000;
constexpr std::int64_t kMs = 1'000'000;

}  // namespace

// One connection to one broker with some of its queues.
class PullLoad::Line final : public net::ConnectionHandler {
 public:
  Line(PullLoad& load, std::vector<PullQueue> queues)
      : load_(&load), queues_(std::move(queues)), asked_ns_(queues_.size()) {}

  void begin(net::Connection& connection) {
    connection_ = &connection;
    for (std::size_t i = 0; i < queues_.size(); ++i) ask(i);
  }

  std::size_t on_bytes(net::Connection& connection, Bytes unread) override {
    if (load_ == nullptr) return unread.size();
    const std::int64_t now_ns = load_->loop_.clock().monotonic_ns();
    return take_frames(connection, unread, [&](const wire::Frame& frame, Bytes) {
      if (!command_.decode(frame)) {
        connection.close(net::CloseReason::kBadBytes);
      } else if (command_.is_response()) {
        take_answer(now_ns);
      }
    });
  }

  // The load goes: nobody counts any more.
  void abandon() {
    load_ = nullptr;
    connection_->close(net::CloseReason::kDone);
  }

  void on_close(net::Connection&, net::CloseReason reason) override {
    if (load_ == nullptr) return;
    std::erase(load_->lines_, this);
    if (reason != net::CloseReason::kStopping && load_->counts_.error.empty())
      load_->counts_.error = "connection ended: " + std::string(net::close_reason_name(reason));
  }

 private:
  void ask(std::size_t index) {
    const PullLoadOptions& options = load_->options_;
    const wire::PullHeader header{
        .consumer_group = options.group,
        .topic = options.topic,
        .queue_id = queues_[index].at.queue_id,
        .queue_offset = queues_[index].offset,
        .max_messages = options.batch,
        .sys_flag = wire::pullflag::kSubscription | (options.wait ? wire::pullflag::kSuspend : 0),
        .suspend_timeout_ms = kSuspendMs,
        .subscription = "*",
        .expression_type = "TAG"};
    frame_.clear();
    wire::encode_request<wire::PullMessage>(frame_, wire::HeaderKind::kJson,
                                            static_cast<std::int32_t>(index), header);
    asked_ns_[index] = load_->loop_.clock().monotonic_ns();
    connection_->write(as_bytes(frame_));
  }

  void take_answer(std::int64_t now_ns) {
    const auto index = static_cast<std::size_t>(command_.opaque);
    if (index >= queues_.size()) return;
    ++load_->counts_.requests;
    const auto reply = wire::decode_reply<wire::PullMessage>(command_);
    const auto code = static_cast<ResponseCode>(command_.code);
    const bool at_end =
        code == ResponseCode::kPullNotFound || code == ResponseCode::kPullRetryImmediately;
    if (code == ResponseCode::kSuccess && reply) {
      take_messages(index, now_ns);
    } else if ((!at_end && code != ResponseCode::kPullOffsetMoved) || !reply) {
      ++load_->counts_.refused[command_.code];
      load_->counts_.error = "pull refused with code " + std::to_string(command_.code) + ": " +
                             std::string(command_.remark);
      return;
    }
    queues_[index].offset = reply->next_begin_offset;
    if (at_end && !load_->options_.wait) {
      --load_->open_queues_;
      return;
    }
    if (!load_->stopping_ && !load_->enough()) ask(index);
  }

  void take_messages(std::size_t index, std::int64_t now_ns) {
    LoadCounts& counts = load_->counts_;
    if (!load_->options_.stamps) counts.latency.add(now_ns - asked_ns_[index]);
    Bytes rest = command_.body;
    while (rest.size() >= sizeof(std::int32_t)) {
      const auto size = static_cast<std::size_t>(load_be<std::uint32_t>(rest.data()));
      if (size < sizeof(std::int32_t) || size > rest.size()) {
        counts.error = "a pull answer has a broken record";
        return;
      }
      if (load_->options_.stamps) take_stamp(rest.first(size), now_ns);
      ++counts.messages;
      ++load_->received_;
      counts.bytes += size;
      rest = rest.subspan(size);
    }
  }

  void take_stamp(Bytes record, std::int64_t now_ns) {
    const auto decoded = model::decode_record(record, model::Verify::kNone);
    if (!decoded || decoded->kind != model::RecordKind::kMessage) return;
    const auto stamp = read_stamp(decoded->record.body);
    if (!stamp) return;
    if (load_->options_.timers)
      take_timer(decoded->record, *stamp);
    else
      load_->counts_.latency.add(std::max<std::int64_t>(0, now_ns - *stamp));
  }

  void take_timer(const model::RecordView& record, std::int64_t due_ns) {
    LoadCounts& counts = load_->counts_;
    const std::int64_t late_ns = load_->loop_.clock().wall_ms() * kMs - due_ns;
    const std::int64_t stored_ns = record.store_timestamp * kMs - due_ns;
    if (late_ns < 0 || stored_ns < 0) ++counts.early;
    counts.latency.add(std::max<std::int64_t>(0, late_ns));
    counts.stored.add(std::max<std::int64_t>(0, stored_ns));
    const auto number = read_number(record.properties);
    if (!number || *number < 0 || *number >= kSeenMax) return;
    const auto at = static_cast<std::size_t>(*number);
    if (load_->seen_.size() <= at) load_->seen_.resize(std::max(at + 1, load_->seen_.size() * 2));
    if (load_->seen_[at]) ++counts.doubled;
    load_->seen_[at] = true;
  }

  PullLoad* load_;
  std::vector<PullQueue> queues_;
  std::vector<std::int64_t> asked_ns_;
  net::Connection* connection_ = nullptr;
  std::string frame_;
  wire::Command command_;
};

PullLoad::PullLoad(net::EventLoop& loop, PullLoadOptions options)
    : loop_(loop), options_(std::move(options)), open_queues_(options_.queues.size()) {
  ONCE_CHECK(!options_.queues.empty() && options_.connections > 0);
}

PullLoad::~PullLoad() {
  for (Line* line : lines_) line->abandon();
}

void PullLoad::start() {
  // Queue by queue to the connections of its broker.
  std::map<std::string, std::vector<std::vector<PullQueue>>> brokers;
  std::map<std::string, std::size_t> turn;
  for (const PullQueue& queue : options_.queues) {
    const std::string name = queue.at.address.to_string();
    auto& shares = brokers[name];
    shares.resize(options_.connections);
    shares[turn[name]++ % shares.size()].push_back(queue);
  }
  for (auto& [name, shares] : brokers) {
    for (auto& share : shares) {
      if (share.empty()) continue;
      const Address address = share.front().at.address;
      auto line = std::make_unique<Line>(*this, std::move(share));
      Line* const raw = line.get();
      auto connection = loop_.connect(address, std::move(line));
      if (!connection) {
        counts_.error = connection.error().message;
        return;
      }
      lines_.push_back(raw);
      raw->begin(**connection);
    }
  }
}

bool PullLoad::finished() const {
  return stopping_ || enough() || open_queues_ == 0 || !counts_.error.empty();
}

}  // namespace oncemq::client
