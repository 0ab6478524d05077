// The record codec against log files that Apache wrote: every field in one direction, every byte in
// the other.
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/message_id.h"
#include "model/properties.h"
#include "model/record_codec.h"
#include "tests/golden/fixture.h"

namespace oncemq::golden {
namespace {

using model::DecodedRecord;
using model::RecordKind;
using model::RecordView;

class GoldenRecords : public ::testing::TestWithParam<const char*> {
 protected:
  GoldenRecords()
      : index_(read_index(std::string(GetParam()) + ".json")),
        files_(read_folder(std::string(GetParam()) + "/commitlog")) {
    for (const std::string& file : files_) log_ += file;
  }

  // From the record's place to the end of its file.
  Bytes at(std::int64_t offset) const {
    const auto size = static_cast<std::size_t>(index_["mappedFileSizeCommitLog"].as_int());
    const auto from = static_cast<std::size_t>(offset);
    const std::size_t end = std::min(log_.size(), (from / size + 1) * size);
    return as_bytes(std::string_view(log_).substr(from, end - from));
  }

  const Json index_;
  const std::vector<std::string> files_;
  std::string log_;
};

void expect_same(const Json& row, const RecordView& record) {
  const auto is_v2 = row["magic"].as_int() == model::kMagicV2;
  EXPECT_EQ(record.is_v2, is_v2);
  EXPECT_EQ(record.total_size, row["totalSize"].as_int());
  EXPECT_EQ(record.body_crc, row["bodyCrc"].as_int());
  EXPECT_EQ(record.queue_id, row["queueId"].as_int());
  EXPECT_EQ(record.flag, row["flag"].as_int());
  EXPECT_EQ(record.queue_offset.value, row["queueOffset"].as_int());
  EXPECT_EQ(record.log_offset.value, row["physicalOffset"].as_int());
  EXPECT_EQ(record.sys_flag, row["sysFlag"].as_int());
  EXPECT_EQ(record.born_timestamp, row["bornTimestamp"].as_int());
  EXPECT_EQ(record.born_host, *Address::parse(row["bornHost"].as_string()));
  EXPECT_EQ(record.store_timestamp, row["storeTimestamp"].as_int());
  EXPECT_EQ(record.store_host, *Address::parse(row["storeHost"].as_string()));
  EXPECT_EQ(record.reconsume_times, row["reconsumeTimes"].as_int());
  EXPECT_EQ(record.prepared_transaction_offset.value, row["preparedTransactionOffset"].as_int());
  EXPECT_EQ(as_text(record.body), from_hex(row["body"].as_string()));
  EXPECT_EQ(record.topic, row["topic"].as_string());
  for (const auto& [name, value] : row["properties"].members())
    EXPECT_EQ(model::find_property(record.properties, name), value.as_string()) << name;
  // The broker stores some names twice; the last one counts.
  std::set<std::string_view> names;
  model::PropertyCursor cursor(record.properties);
  for (std::string_view name, value; cursor.next(name, value);) names.insert(name);
  EXPECT_EQ(names.size(), row["properties"].members().size());
  EXPECT_EQ(model::offset_message_id(record.store_host, record.log_offset),
            row["offsetMsgId"].as_string());
}

void expect_same_bytes(const RecordView& record, Bytes bytes) {
  const bool with_crc =
      model::find_property(record.properties, model::property::kCrc32).has_value();
  const model::Message message{
      .topic = record.topic,
      .queue_id = record.queue_id,
      .flag = record.flag,
      .sys_flag = record.sys_flag,
      .born_timestamp = record.born_timestamp,
      .born_host = record.born_host,
      .store_host = record.store_host,
      .reconsume_times = record.reconsume_times,
      .prepared_transaction_offset = record.prepared_transaction_offset,
      .body = record.body,
      .properties = record.properties,
  };
  const model::RecordOptions options{.append_property_crc = with_crc};
  std::vector<std::byte> ours(model::encoded_size(message, options));
  model::encode_record(message,
                       {.queue_offset = record.queue_offset,
                        .log_offset = record.log_offset,
                        .store_timestamp = record.store_timestamp},
                       options, ours);
  EXPECT_TRUE(std::equal(ours.begin(), ours.end(), bytes.begin(), bytes.end()))
      << "at " << record.log_offset.value;
}

TEST_P(GoldenRecords, FieldsAndBytes) {
  ASSERT_FALSE(index_["records"].items().empty());
  std::size_t blanks = 0;
  for (const Json& row : index_["records"].items()) {
    const Bytes bytes = at(row["physicalOffset"].as_int());
    const auto decoded = model::decode_record(bytes, model::Verify::kFull);
    ASSERT_TRUE(decoded.has_value()) << row.dump() << decoded.error().message;
    if (row.has("blank")) {
      EXPECT_EQ(decoded->kind, RecordKind::kBlank);
      EXPECT_EQ(decoded->size, row["blank"].as_int());
      EXPECT_EQ(static_cast<std::size_t>(decoded->size), bytes.size());
      ++blanks;
      continue;
    }
    ASSERT_EQ(decoded->kind, RecordKind::kMessage);
    expect_same(row, decoded->record);
    expect_same_bytes(decoded->record, bytes.first(static_cast<std::size_t>(decoded->size)));
  }
  const auto end = model::decode_record(at(index_["maxOffset"].as_int()), model::Verify::kFull);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->kind, RecordKind::kEmpty);
  EXPECT_EQ(blanks > 0, files_.size() > 1 && std::string_view(GetParam()).starts_with("store/"));
}

// Every record with a property CRC is checked by it, so a flip in the header is found.
TEST(GoldenPropertyCrc, CoversTheHeader) {
  const Json index = read_index("store/property-crc.json");
  std::string log = read_folder("store/property-crc/commitlog").front();
  int checked = 0;
  for (const Json& row : index["records"].items()) {
    const auto from = static_cast<std::size_t>(row["physicalOffset"].as_int());
    log[from + 15] = static_cast<char>(log[from + 15] ^ 1);  // queue id
    const Bytes bytes = as_bytes(std::string_view(log).substr(from));
    EXPECT_EQ(model::decode_record(bytes, model::Verify::kFull).error().code, Errc::kCorrupt);
    ++checked;
  }
  EXPECT_GT(checked, 5);
}

std::string folder_name(const ::testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  for (char& c : name)
    if (c == '/' || c == '-') c = '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Folders, GoldenRecords,
                         ::testing::Values("store/plain", "store/property-crc", "broker/stopped",
                                           "broker/killed"),
                         folder_name);

}  // namespace
}  // namespace oncemq::golden
