#include "wire/remoting/schema.h"

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "wire/remoting/schema/all_requests.h"

namespace oncemq::wire {
namespace {

ExtFields fields(std::initializer_list<ExtField> list) {
  ExtFields ext;
  for (const ExtField& field : list) EXPECT_TRUE(ext.add(field.name, field.value));
  return ext;
}

Command read_back(const std::string& bytes) {
  const Cut cut = cut_frame(as_bytes(bytes));
  EXPECT_EQ(cut.state, Cut::State::kComplete);
  Command command;
  EXPECT_TRUE(command.decode(cut.frame));
  return command;
}

// A header with one field of each type.
struct AllTypes {
  std::string_view text;
  std::int32_t number = 0;
  std::int64_t large = 0;
  bool flag = false;
  double tps = 0;
  Boundary boundary = Boundary::kLower;
  std::optional<std::int32_t> maybe;
  std::string_view comment;

  static constexpr auto fields = fields_of(
      field("text", &AllTypes::text, kRequired), field("number", &AllTypes::number, kRequired),
      field("large", &AllTypes::large), field("flag", &AllTypes::flag),
      field("tps", &AllTypes::tps), field("boundary", &AllTypes::boundary),
      field("maybe", &AllTypes::maybe), field("comment", &AllTypes::comment));
};

TEST(Schema, FieldsAreReadInAnyOrderAndUnknownOnesAreSkipped) {
  const Result<AllTypes> header = decode_fields<AllTypes>(fields({{"maybe", "-3"},
                                                                  {"nsd", "true"},
                                                                  {"boundary", "UPPER"},
                                                                  {"number", "+7"},
                                                                  {"flag", "True"},
                                                                  {"text", "t"},
                                                                  {"tps", "1.5"},
                                                                  {"large", "1700000000000"}}));
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->text, "t");
  EXPECT_EQ(header->number, 7);
  EXPECT_EQ(header->large, 1700000000000);
  EXPECT_TRUE(header->flag);
  EXPECT_EQ(header->tps, 1.5);
  EXPECT_EQ(header->boundary, Boundary::kUpper);
  EXPECT_EQ(header->maybe, -3);
  EXPECT_EQ(header->comment, "");
}

TEST(Schema, AbsentOptionalFieldsKeepTheirDefaults) {
  const Result<AllTypes> header = decode_fields<AllTypes>(fields({{"text", "t"}, {"number", "1"}}));
  ASSERT_TRUE(header);
  EXPECT_FALSE(header->maybe.has_value());
  EXPECT_EQ(header->boundary, Boundary::kLower);
}

TEST(Schema, MissingAndBrokenFieldsAreNamed) {
  const auto error = [](const ExtFields& ext) {
    const Result<AllTypes> header = decode_fields<AllTypes>(ext);
    if (header) return std::string("no error");
    EXPECT_EQ(header.error().code, Errc::kBadBytes);
    return header.error().message;
  };
  EXPECT_EQ(error(fields({{"number", "1"}})), "missing field text");
  EXPECT_EQ(error(fields({{"text", "t"}})), "missing field number");
  for (const std::string_view bad : {"", "x", "1x", "1.0", " 1", "2147483648", "+", "--1"})
    EXPECT_EQ(error(fields({{"text", "t"}, {"number", bad}})),
              "field number does not read: '" + std::string(bad) + "'");
  EXPECT_EQ(error(fields({{"text", "t"}, {"number", "1"}, {"maybe", "y"}})),
            "field maybe does not read: 'y'");
  const std::string longest(1000, 'z');
  EXPECT_LT(error(fields({{"text", "t"}, {"number", longest}})).size(), 120U);
}

TEST(Schema, BooleansAreTrueOnlyWhenTheySayTrue) {
  bool value = false;
  EXPECT_TRUE(parse_field("TRUE", value));
  EXPECT_TRUE(value);
  for (const std::string_view text : {"false", "1", "yes", "", "truee"}) {
    EXPECT_TRUE(parse_field(text, value));
    EXPECT_FALSE(value) << text;
  }
}

TEST(Schema, WhatIsWrittenIsReadInBothKinds) {
  for (const HeaderKind kind : {HeaderKind::kJson, HeaderKind::kBinary}) {
    const SendHeader sent{.producer_group = "pg",
                          .topic = "T",
                          .default_topic = "TBW102",
                          .default_topic_queue_nums = 4,
                          .queue_id = -1,
                          .sys_flag = 1,
                          .born_timestamp = 1700000000000,
                          .flag = 9,
                          .properties = "KEYS\x01k\x02",
                          .reconsume_times = 2,
                          .unit_mode = true,
                          .max_reconsume_times = 5,
                          .batch = false,
                          .broker_name = "b"};
    std::string v1;
    encode_request<SendMessage>(v1, kind, 7, sent, 3);
    v1 += "abc";
    std::string v2;
    encode_request<SendMessageV2>(v2, kind, 8, sent, 0, true);

    const Command one = read_back(v1);
    EXPECT_EQ(one.code, 10);
    EXPECT_EQ(one.opaque, 7);
    EXPECT_FALSE(one.is_oneway());
    EXPECT_EQ(as_text(one.body), "abc");
    EXPECT_NE(one.ext.find("producerGroup"), nullptr);
    EXPECT_EQ(one.ext.find("a"), nullptr);
    const Command two = read_back(v2);
    EXPECT_EQ(two.code, 310);
    EXPECT_TRUE(two.is_oneway());
    EXPECT_NE(two.ext.find("a"), nullptr);

    for (const Result<SendHeader>& got :
         {decode_header<SendMessage>(one), decode_header<SendMessageV2>(two)}) {
      ASSERT_TRUE(got) << got.error().message;
      EXPECT_EQ(got->producer_group, "pg");
      EXPECT_EQ(got->topic, "T");
      EXPECT_EQ(got->default_topic, "TBW102");
      EXPECT_EQ(got->default_topic_queue_nums, 4);
      EXPECT_EQ(got->queue_id, -1);
      EXPECT_EQ(got->sys_flag, 1);
      EXPECT_EQ(got->born_timestamp, 1700000000000);
      EXPECT_EQ(got->flag, 9);
      EXPECT_EQ(got->properties, "KEYS\x01k\x02");
      EXPECT_EQ(got->reconsume_times, 2);
      EXPECT_TRUE(got->unit_mode);
      EXPECT_EQ(got->max_reconsume_times, 5);
      EXPECT_FALSE(got->batch);
      EXPECT_EQ(got->broker_name, "b");
    }
  }
}

TEST(Schema, RepliesCarryTheResponseBitAndOnlyWhatIsSet) {
  for (const HeaderKind kind : {HeaderKind::kJson, HeaderKind::kBinary}) {
    std::string bytes;
    encode_reply(bytes, kind, HeaderStart{.code = 0, .opaque = 5},
                 PullReply{.next_begin_offset = 3, .max_offset = 9, .offset_delta = 2});
    const Command command = read_back(bytes);
    EXPECT_TRUE(command.is_response());
    EXPECT_EQ(command.opaque, 5);
    EXPECT_EQ(command.ext.size(), 5U);
    EXPECT_EQ(command.ext.find("topicSysFlag"), nullptr);
    const Result<PullReply> reply = decode_reply<PullMessage>(command);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->next_begin_offset, 3);
    EXPECT_EQ(reply->min_offset, 0);
    EXPECT_EQ(reply->max_offset, 9);
    EXPECT_EQ(reply->offset_delta, 2);
  }
}

TEST(Requests, AreFoundByCode) {
  const RequestEntry* send = find_request(HeaderKind::kJson, 310);
  ASSERT_NE(send, nullptr);
  EXPECT_EQ(send->meta.name, "SEND_MESSAGE_V2");
  EXPECT_EQ(send->service, Service::kServed);
  EXPECT_EQ(find_request(HeaderKind::kBinary, 310), send);

  const RequestEntry* heartbeat = find_request(HeaderKind::kBinary, 904);
  ASSERT_NE(heartbeat, nullptr);
  EXPECT_EQ(heartbeat->meta.to, Peer::kNameServer);

  const RequestEntry* notify = find_request(HeaderKind::kJson, 40);
  ASSERT_NE(notify, nullptr);
  EXPECT_EQ(notify->service, Service::kSent);

  for (const std::int32_t code : {-1, 0, 9, 511, 512, 9999, 300000})
    EXPECT_EQ(find_request(HeaderKind::kJson, code), nullptr) << code;
}

TEST(Requests, LargeCodesTravelAsTheirLowerHalfInBinaryHeaders) {
  const RequestEntry* pop = find_request(HeaderKind::kJson, 200050);
  ASSERT_NE(pop, nullptr);
  EXPECT_EQ(pop->meta.name, "POP_MESSAGE");
  EXPECT_EQ(wire_code(HeaderKind::kBinary, 200050), 3442);
  EXPECT_EQ(find_request(HeaderKind::kBinary, 3442), pop);
  EXPECT_EQ(find_request(HeaderKind::kJson, 3442), nullptr);
  EXPECT_EQ(find_request(HeaderKind::kBinary, 200050), nullptr);
}

TEST(Requests, TheTableIsComplete) {
  std::set<std::int32_t> codes;
  std::set<std::string_view> names;
  std::set<std::uint16_t> served;
  for (const RequestEntry& entry : request_table()) {
    EXPECT_TRUE(codes.insert(entry.meta.code).second) << entry.meta.code;
    EXPECT_TRUE(names.insert(entry.meta.name).second) << entry.meta.name;
    EXPECT_EQ(entry.service == Service::kNotServed, !entry.reason.empty()) << entry.meta.name;
    EXPECT_NE(entry.meta.to.bits, 0) << entry.meta.name;
    if (entry.service == Service::kServed) served.insert(entry.index);
    for (const HeaderKind kind : {HeaderKind::kJson, HeaderKind::kBinary})
      EXPECT_EQ(find_request(kind, wire_code(kind, entry.meta.code)), &entry);
  }
  EXPECT_EQ(served.size(), AllRequests::size);
  EXPECT_EQ(*served.rbegin(), AllRequests::size - 1);
}

TEST(Requests, LaneNames) {
  EXPECT_EQ(lane_name(Lane::kSend), "send");
  EXPECT_EQ(lane_name(Lane::kName), "name");
}

TEST(Requests, CompatPageIsCurrent) {
  const std::string path = std::string(ONCEMQ_SOURCE_DIR) + "/docs/compat.md";
  std::ifstream file(path);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(page, compat_markdown()) << "run: oncemq docs compat > docs/compat.md";
}

}  // namespace
}  // namespace oncemq::wire
