#include "client/load/send_load.h"

#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "base/check.h"
#include "client/remoting/frames.h"
#include "model/message.h"
#include "model/message_id.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/command.h"
#include "wire/remoting/schema/transactions.h"

namespace oncemq::client {
namespace {

constexpr std::int32_t kSlots = 1 << 16;
constexpr std::int64_t kMs = 1'000'000;
// Kept away from the largest number that an opaque may have.
constexpr std::int32_t kRounds = 15'000;

}  // namespace

// One connection to one broker.
class SendLoad::Line final : public net::ConnectionHandler {
 public:
  Line(SendLoad& load, std::vector<std::size_t> frames) : load_(&load), frames_(std::move(frames)) {
    requests_.resize(load.options_.window);
    for (std::uint32_t i = load.options_.window; i-- > 0;) free_.push_back(i);
  }

  void attach(net::Connection& connection) { connection_ = &connection; }
  // The load goes: nobody counts any more.
  void abandon() {
    load_ = nullptr;
    if (connection_ != nullptr) connection_->close(net::CloseReason::kDone);
  }
  bool has_room() const { return connection_ != nullptr && !free_.empty(); }

  void send(const SendMark& what, std::int64_t from_ns) {
    const SendFrame& frame = load_->frames_[frames_[next_++ % frames_.size()]];
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    requests_[slot] = {.from_ns = from_ns, .waits = true};
    SendMark mark = what;
    round_ = (round_ + 1) % kRounds;
    mark.opaque = SendFrame::kFirstOpaque + round_ * kSlots + static_cast<std::int32_t>(slot);
    frame.write(connection_->prepare(frame.size()), mark);
    connection_->commit(frame.size());
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

  void on_close(net::Connection&, net::CloseReason reason) override {
    connection_ = nullptr;
    if (load_ == nullptr) return;
    std::erase(load_->lines_, this);
    const std::uint64_t open = requests_.size() - free_.size();
    load_->counts_.lost += open;
    load_->in_flight_ -= open;
    if (reason != net::CloseReason::kStopping && load_->counts_.error.empty())
      load_->counts_.error = "connection ended: " + std::string(net::close_reason_name(reason));
  }

 private:
  struct Request {
    std::int64_t from_ns = 0;
    bool waits = false;
    bool committing = false;
  };

  // The half message of the slot is stored: its verdict follows.
  Status commit_half(std::uint32_t slot) {
    std::string_view id;
    std::int64_t half_offset = -1;
    for (const wire::ExtField& field : command_.ext) {
      if (field.name == "msgId") id = field.value;
      if (field.name == "queueOffset") ONCE_TRY(parse_number(field.value, half_offset));
      if (field.name == "transactionId") transaction_id_ = field.value;
    }
    const auto where = model::parse_offset_message_id(id);
    if (!where) return fail(where.error());
    frame_.clear();
    wire::encode_request<wire::EndTransactionRequest>(
        frame_, load_->options_.shape.header, command_.opaque,
        {.producer_group = load_->options_.shape.group,
         .half_offset = half_offset,
         .log_offset = where->offset.value,
         .commit_or_rollback = model::sysflag::kTransactionCommit,
         .message_id = transaction_id_,
         .transaction_id = transaction_id_},
        0);
    requests_[slot].waits = requests_[slot].committing = true;
    connection_->write(as_bytes(frame_));
    return {};
  }
  static Status parse_number(std::string_view text, std::int64_t& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    if (error != std::errc{} || end != text.data() + text.size())
      return fail(Errc::kBadBytes, "the answer's offset is no number");
    return {};
  }

  void take_answer(std::int64_t now_ns) {
    const auto slot =
        static_cast<std::uint32_t>(command_.opaque - SendFrame::kFirstOpaque) % kSlots;
    if (slot >= requests_.size() || !std::exchange(requests_[slot].waits, false)) return;
    if (load_->options_.shape.half && !requests_[slot].committing &&
        command_.code == wire::number(wire::ResponseCode::kSuccess)) {
      ++load_->counts_.requests;
      if (const Status sent = commit_half(slot); sent) return;
      load_->counts_.error = "a half message was answered without saying where it is";
    }
    free_.push_back(slot);
    --load_->in_flight_;
    LoadCounts& counts = load_->counts_;
    ++counts.requests;
    if (command_.code != wire::number(wire::ResponseCode::kSuccess)) {
      ++counts.refused[command_.code];
      return;
    }
    const SendShape& shape = load_->options_.shape;
    counts.messages += shape.batch;
    counts.bytes += shape.batch * shape.size;
    counts.latency.add(now_ns - requests_[slot].from_ns);
  }

  SendLoad* load_;
  const std::vector<std::size_t> frames_;  // of the queues that its broker has
  net::Connection* connection_ = nullptr;
  std::vector<Request> requests_;
  std::vector<std::uint32_t> free_;
  std::size_t next_ = 0;
  std::int32_t round_ = 0;
  wire::Command command_;
  std::string frame_;           // reused
  std::string transaction_id_;  // reused
};

SendLoad::SendLoad(net::EventLoop& loop, SendLoadOptions options)
    : loop_(loop), options_(std::move(options)) {
  ONCE_CHECK(!options_.queues.empty());
  ONCE_CHECK(options_.window > 0 && options_.window < static_cast<std::uint32_t>(kSlots));
  for (const LoadQueue& queue : options_.queues)
    frames_.emplace_back(options_.shape, queue.queue_id);
  loop_.add_hook(*this);
}

SendLoad::~SendLoad() {
  loop_.remove_hook(*this);
  for (Line* line : lines_) line->abandon();
}

void SendLoad::start() {
  std::map<std::string, std::vector<std::size_t>> brokers;
  for (std::size_t i = 0; i < options_.queues.size(); ++i)
    brokers[options_.queues[i].address.to_string()].push_back(i);
  for (const auto& [name, frames] : brokers) {
    for (std::uint32_t i = 0; i < options_.connections; ++i) {
      auto line = std::make_unique<Line>(*this, frames);
      Line* const raw = line.get();
      auto connection = loop_.connect(options_.queues[frames.front()].address, std::move(line));
      if (!connection) {
        counts_.error = connection.error().message;
        return;
      }
      raw->attach(**connection);
      lines_.push_back(raw);
    }
  }
  started_ns_ = loop_.clock().monotonic_ns();
  started_wall_ms_ = loop_.clock().wall_ms();
}

bool SendLoad::finished() const {
  const bool all_sent = options_.count > 0 && sent_ >= options_.count;
  return in_flight_ == 0 && (stopping_ || all_sent || !counts_.error.empty());
}

std::int64_t SendLoad::intended_ns(std::int64_t now_ns) const {
  if (options_.rate <= 0) return now_ns;
  return started_ns_ + static_cast<std::int64_t>(static_cast<double>(sent_) * 1e9 / options_.rate);
}

bool SendLoad::has_more() const {
  if (stopping_ || !counts_.error.empty()) return false;
  return options_.count == 0 || sent_ < options_.count;
}

bool SendLoad::may_send(std::int64_t now_ns) const {
  return has_more() && intended_ns(now_ns) <= now_ns;
}

void SendLoad::on_tick_end() {
  if (lines_.empty()) return;
  const std::int64_t now_ns = loop_.clock().monotonic_ns();
  // In turn, so that a rate is spread over all connections; over when all windows are full.
  std::size_t full = 0;
  while (full < lines_.size() && may_send(now_ns)) {
    Line& line = *lines_[turn_++ % lines_.size()];
    if (line.has_room()) {
      send_one(line, now_ns);
      full = 0;
    } else {
      ++full;
    }
  }
  // With all windows full, answers make the next tick.
  if (options_.rate > 0 && has_more() && full < lines_.size()) loop_.tick_by(intended_ns(now_ns));
}

std::int64_t SendLoad::due_ms(std::int64_t from_ns) const {
  const std::int64_t due = started_wall_ms_ + (from_ns - started_ns_) / kMs + options_.delay_ms;
  if (options_.delay_spread_ms == 0) return due;
  // Steps by the golden ratio fill a range evenly however many there are.
  const double turns = static_cast<double>(sent_) * 0.6180339887498949;
  return due + static_cast<std::int64_t>((turns - std::floor(turns)) *
                                         static_cast<double>(options_.delay_spread_ms));
}

void SendLoad::send_one(Line& line, std::int64_t now_ns) {
  const std::int64_t from_ns = intended_ns(now_ns);
  const std::int64_t deliver_ms = options_.shape.timer ? due_ms(from_ns) : 0;
  line.send({.message = static_cast<std::int64_t>(sent_),
             .born_ms = loop_.clock().wall_ms(),
             .stamp_ns = options_.shape.timer ? deliver_ms * kMs : from_ns,
             .deliver_ms = deliver_ms},
            from_ns);
  sent_ += options_.shape.batch;
  ++in_flight_;
}

}  // namespace oncemq::client
