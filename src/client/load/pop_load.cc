#include "client/load/pop_load.h"

#include <map>
#include <memory>
#include <utility>

#include "base/check.h"
#include "client/remoting/frames.h"
#include "model/record_codec.h"
#include "wire/remoting/body/pop_info.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/command.h"
#include "wire/remoting/schema/pop.h"

namespace oncemq::client {
namespace {

using wire::ResponseCode;

constexpr std::int64_t kInvisibleMs = 60'000;
constexpr std::int32_t kPopOpaque = 0;
constexpr std::int32_t kAckOpaque = 1;

}  // namespace

// One connection: a pop, then its acks, then the next pop.
class PopLoad::Line final : public net::ConnectionHandler {
 public:
  Line(PopLoad& load, std::string broker) : load_(&load), broker_(std::move(broker)) {}

  void begin(net::Connection& connection) {
    connection_ = &connection;
    pop();
  }

  std::size_t on_bytes(net::Connection& connection, Bytes unread) override {
    if (load_ == nullptr) return unread.size();
    return take_frames(connection, unread, [&](const wire::Frame& frame, Bytes) {
      if (!command_.decode(frame)) {
        connection.close(net::CloseReason::kBadBytes);
      } else if (command_.is_response()) {
        ++load_->counts_.requests;
        if (command_.opaque == kPopOpaque)
          take_messages();
        else
          take_ack();
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
  void pop() {
    const PopLoadOptions& options = load_->options_;
    frame_.clear();
    wire::encode_request<wire::PopMessage>(frame_, wire::HeaderKind::kJson, kPopOpaque,
                                           {.consumer_group = options.group,
                                            .topic = options.topic,
                                            .queue_id = -1,
                                            .max_messages = options.batch,
                                            .invisible_time = kInvisibleMs,
                                            .born_time = load_->loop_.clock().wall_ms()});
    asked_ns_ = load_->loop_.clock().monotonic_ns();
    connection_->write(as_bytes(frame_));
  }

  void take_messages() {
    const auto code = static_cast<ResponseCode>(command_.code);
    if (code == ResponseCode::kPollingTimeout || code == ResponseCode::kPullNotFound) {
      --load_->busy_;
      return;
    }
    const auto reply = wire::decode_reply<wire::PopMessage>(command_);
    if (code != ResponseCode::kSuccess || !reply) {
      ++load_->counts_.refused[command_.code];
      load_->counts_.error = "pop refused with code " + std::to_string(command_.code) + ": " +
                             std::string(command_.remark);
      return;
    }
    frame_.clear();
    // Neighbouring messages of one queue go into one entry of a batch ack.
    std::string entries;
    Bytes rest = command_.body;
    while (!rest.empty()) {
      const auto decoded = model::decode_record(rest, model::Verify::kNone);
      if (!decoded || decoded->kind != model::RecordKind::kMessage) {
        load_->counts_.error = "a pop answer has a broken record";
        return;
      }
      const auto size = static_cast<std::size_t>(decoded->size);
      load_->counts_.bytes += size;
      ++owed_messages_;
      if (load_->options_.batch_ack)
        add_entry(entries, decoded->record, *reply);
      else
        add_ack(decoded->record, *reply);
      rest = rest.subspan(size);
    }
    if (!entries.empty()) {
      const std::string body = R"({"brokerName":")" + broker_ + R"(","acks":[)" + entries + "]}";
      ++owed_acks_;
      wire::encode_request<wire::BatchAckMessage>(frame_, wire::HeaderKind::kJson, kAckOpaque, {},
                                                  body.size());
      frame_ += body;
    }
    connection_->write(as_bytes(frame_));
  }

  void add_ack(const model::RecordView& record, const wire::PopReply& reply) {
    const std::string handle =
        wire::format_receipt_handle({.start_offset = record.queue_offset.value,
                                     .pop_time = reply.pop_time,
                                     .invisible_ms = reply.invisible_time,
                                     .revive_queue = reply.revive_queue,
                                     .broker = broker_,
                                     .queue_id = record.queue_id,
                                     .offset = record.queue_offset.value});
    ++owed_acks_;
    wire::encode_request<wire::AckMessage>(frame_, wire::HeaderKind::kJson, kAckOpaque,
                                           {.consumer_group = load_->options_.group,
                                            .topic = load_->options_.topic,
                                            .queue_id = record.queue_id,
                                            .extra_info = handle,
                                            .offset = record.queue_offset.value});
  }

  // An entry for each message; bit 0 of its own start.
  void add_entry(std::string& entries, const model::RecordView& record,
                 const wire::PopReply& reply) const {
    if (!entries.empty()) entries += ',';
    entries += R"({"c":")" + load_->options_.group + R"(","t":")" + load_->options_.topic +
               R"(","r":"0","so":)" + std::to_string(record.queue_offset.value) + R"(,"q":)" +
               std::to_string(record.queue_id) + R"(,"rq":)" + std::to_string(reply.revive_queue) +
               R"(,"pt":)" + std::to_string(reply.pop_time) + R"(,"it":)" +
               std::to_string(reply.invisible_time) + R"(,"b":"AQ=="})";
  }

  void take_ack() {
    if (command_.code != 0) ++load_->counts_.refused[command_.code];
    if (owed_acks_ == 0 || --owed_acks_ > 0) return;
    load_->counts_.messages += owed_messages_;
    load_->acked_ += owed_messages_;
    owed_messages_ = 0;
    load_->counts_.latency.add(load_->loop_.clock().monotonic_ns() - asked_ns_);
    if (load_->stopping_ || load_->enough())
      --load_->busy_;
    else
      pop();
  }

  PopLoad* load_;
  const std::string broker_;
  net::Connection* connection_ = nullptr;
  std::string frame_;
  wire::Command command_;
  std::int64_t asked_ns_ = 0;
  std::size_t owed_acks_ = 0;
  std::size_t owed_messages_ = 0;
};

PopLoad::PopLoad(net::EventLoop& loop, PopLoadOptions options)
    : loop_(loop), options_(std::move(options)) {
  ONCE_CHECK(!options_.queues.empty() && options_.connections > 0);
}

PopLoad::~PopLoad() {
  for (Line* line : lines_) line->abandon();
}

void PopLoad::start() {
  std::map<std::string, const LoadQueue*> brokers;
  for (const LoadQueue& queue : options_.queues) brokers.emplace(queue.address.to_string(), &queue);
  for (const auto& [name, queue] : brokers) {
    for (std::uint32_t i = 0; i < options_.connections; ++i) {
      auto line = std::make_unique<Line>(*this, queue->broker_name);
      Line* const raw = line.get();
      auto connection = loop_.connect(queue->address, std::move(line));
      if (!connection) {
        counts_.error = connection.error().message;
        return;
      }
      lines_.push_back(raw);
      ++busy_;
      raw->begin(**connection);
    }
  }
}

bool PopLoad::finished() const {
  return busy_ == 0 || !counts_.error.empty();
}

}  // namespace oncemq::client
