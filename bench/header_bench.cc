// Headers of the send path: what a client sends, and what it gets back. The bytes are those of a
// Java client with a topic, a group and properties of common length.
#include <string>

#include <benchmark/benchmark.h>

#include "wire/remoting/schema/pull.h"
#include "wire/remoting/schema/send.h"

namespace {

using namespace oncemq;
using namespace oncemq::wire;

constexpr std::string_view kProperties =
    "KEYS\x01order-4711\x02UNIQ_KEY\x01"
    "7F000001123418B4AAC27D3C5A8E0001\x02"
    "CLUSTER\x01"
    "DefaultCluster\x02WAIT\x01true\x02TAGS\x01paid\x02";

std::string send_frame(HeaderKind kind) {
  std::string bytes;
  encode_request<SendMessageV2>(bytes, kind, 4711,
                                SendHeader{.producer_group = "order-producers",
                                           .topic = "orders",
                                           .default_topic = "TBW102",
                                           .default_topic_queue_nums = 4,
                                           .queue_id = 3,
                                           .born_timestamp = 1700000000000,
                                           .properties = kProperties,
                                           .max_reconsume_times = 16,
                                           .broker_name = "broker-a"});
  return bytes;
}

std::string pull_frame(HeaderKind kind) {
  std::string bytes;
  encode_request<PullMessage>(bytes, kind, 4711,
                              PullHeader{.consumer_group = "order-consumers",
                                         .topic = "orders",
                                         .queue_id = 3,
                                         .queue_offset = 123456789,
                                         .max_messages = 32,
                                         .sys_flag = 6,
                                         .suspend_timeout_ms = 15000,
                                         .subscription = "*",
                                         .sub_version = 1700000000000,
                                         .expression_type = "TAG"});
  return bytes;
}

template <class Request>
void decode(benchmark::State& state, const std::string& bytes) {
  Command command;
  for (auto _ : state) {
    const Cut cut = cut_frame(as_bytes(bytes));
    benchmark::DoNotOptimize(command.decode(cut.frame));
    benchmark::DoNotOptimize(decode_header<Request>(command));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}

void header_only(benchmark::State& state, const std::string& bytes) {
  Command command;
  const Cut cut = cut_frame(as_bytes(bytes));
  for (auto _ : state) benchmark::DoNotOptimize(command.decode(cut.frame));
}

void encode_send_reply(benchmark::State& state, HeaderKind kind) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    encode_reply(out, kind, HeaderStart{.code = 0, .opaque = 4711},
                 SendReply{.message_id = "7F00000100002A9F0000000000BC614E",
                           .queue_id = 3,
                           .queue_offset = 123456789,
                           .transaction_id = "7F000001123418B4AAC27D3C5A8E0001",
                           .region = "DefaultRegion",
                           .trace_on = true});
    benchmark::DoNotOptimize(out.data());
  }
}

void encode_pull_reply(benchmark::State& state, HeaderKind kind) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    encode_reply(out, kind, HeaderStart{.code = 0, .opaque = 4711, .remark = "FOUND"},
                 PullReply{.next_begin_offset = 123456821, .max_offset = 123456900}, 32768);
    benchmark::DoNotOptimize(out.data());
  }
}

void decode_send_json(benchmark::State& state) {
  decode<SendMessageV2>(state, send_frame(HeaderKind::kJson));
}
void decode_send_binary(benchmark::State& state) {
  decode<SendMessageV2>(state, send_frame(HeaderKind::kBinary));
}
void decode_send_json_header_only(benchmark::State& state) {
  header_only(state, send_frame(HeaderKind::kJson));
}
void decode_send_binary_header_only(benchmark::State& state) {
  header_only(state, send_frame(HeaderKind::kBinary));
}
void decode_pull_json(benchmark::State& state) {
  decode<PullMessage>(state, pull_frame(HeaderKind::kJson));
}
void decode_pull_binary(benchmark::State& state) {
  decode<PullMessage>(state, pull_frame(HeaderKind::kBinary));
}

BENCHMARK(decode_send_json);
BENCHMARK(decode_send_json_header_only);
BENCHMARK(decode_send_binary);
BENCHMARK(decode_send_binary_header_only);
BENCHMARK(decode_pull_json);
BENCHMARK(decode_pull_binary);
BENCHMARK_CAPTURE(encode_send_reply, json, HeaderKind::kJson);
BENCHMARK_CAPTURE(encode_send_reply, binary, HeaderKind::kBinary);
BENCHMARK_CAPTURE(encode_pull_reply, json, HeaderKind::kJson);
BENCHMARK_CAPTURE(encode_pull_reply, binary, HeaderKind::kBinary);

}  // namespace
