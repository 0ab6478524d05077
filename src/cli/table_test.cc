#include "cli/table.h"

#include <gtest/gtest.h>

namespace oncemq::cli {
namespace {

TEST(Table, AlignsColumnsAndNumbersToTheRight) {
  const Table table{.columns = {"name", "queues", "note"},
                    .rows = {{"a", std::int64_t{8}, "x"}, {"longer", std::int64_t{12345}, ""}}};
  EXPECT_EQ(table.text(),
            "name    queues  note\n"
            "a            8  x\n"
            "longer   12345\n");
}

TEST(Table, JsonNamesEveryValue) {
  const Table table{.columns = {"name", "queues"}, .rows = {{"a", std::int64_t{8}}}};
  EXPECT_EQ(table.json(), R"([{"name":"a","queues":8}])");
  EXPECT_EQ((Table{.columns = {"x"}}).json(), "[]");
  EXPECT_EQ((Table{.columns = {"x"}}).text(), "x\n");
}

TEST(Table, ShowsWhatATerminalWouldObeyAsNumbers) {
  const Table table{.columns = {"body"}, .rows = {{std::string("a\0\x1b[2J\x7f\xc3\xa9", 9)}}};
  EXPECT_EQ(table.text(), "body\na\\x00\\x1b[2J\\x7f\xc3\xa9\n");
}

TEST(BytesText, KeepsUtf8AndSpellsOutTheRest) {
  EXPECT_EQ(bytes_text("gr\xc3\xbc\xc3\x9f \xe4\xbd\xa0 \xf0\x9f\x98\x80"),
            "gr\xc3\xbc\xc3\x9f \xe4\xbd\xa0 \xf0\x9f\x98\x80");
  EXPECT_EQ(bytes_text("a\xff z"), "a\\xff z");
  EXPECT_EQ(bytes_text("cut \xc3"), "cut \\xc3");
  EXPECT_EQ(bytes_text("\xc3(\xe4\xbd"), "\\xc3(\\xe4\\xbd");
  EXPECT_EQ(bytes_text(""), "");
}

TEST(TimeText, IsUtcWithMilliseconds) {
  EXPECT_EQ(time_text(1'715'000'889'007), "2024-05-06 13:08:09.007");
  EXPECT_EQ(time_text(0), "-");
}

}  // namespace
}  // namespace oncemq::cli
