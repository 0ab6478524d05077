#include "once/url.h"

#include <gtest/gtest.h>

namespace oncemq::once {
namespace {

TEST(OnceUrlTest, SqliteHasAPath) {
  for (const char* url : {"sqlite:/a/b.db", "sqlite:///a/b.db"}) {
    const auto target = parse_url(url);
    ASSERT_TRUE(target) << url;
    EXPECT_EQ(target->engine, Engine::kSqlite);
    EXPECT_EQ(target->connect, "/a/b.db");
  }
  EXPECT_EQ(parse_url("sqlite:b.db")->connect, "b.db");
}

TEST(OnceUrlTest, PostgresqlGetsLimitsOfTimeWhereItHasNone) {
  const auto plain = parse_url("postgresql://u@h/d");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->engine, Engine::kPostgresql);
  EXPECT_EQ(plain->connect, "postgresql://u@h/d?connect_timeout=10&tcp_user_timeout=30000");
  EXPECT_EQ(parse_url("postgres://h/d?connect_timeout=3")->connect,
            "postgres://h/d?connect_timeout=3&tcp_user_timeout=30000");
}

TEST(OnceUrlTest, OtherThingsAreRefusedWithoutRepeatingThem) {
  for (const char* url : {"", "sqlite:", "sqlite://host/x", "sqlite:a=b", "mysql://u:secret@h/d",
                          "oracle:secret", "/a/b.db"}) {
    const auto target = parse_url(url);
    ASSERT_FALSE(target) << url;
    EXPECT_EQ(target.error().code, sdk::Errc::kInvalidArgument);
    EXPECT_EQ(target.error().message.find("secret"), std::string::npos);
  }
  EXPECT_FALSE(parse_url(std::string_view("sqlite:a\0b", 10)));
}

// What libpq would repeat in an error.
TEST(OnceUrlTest, APasswordThatIsNotEscapedIsRefusedWithoutRepeatingIt) {
  for (const char* url :
       {"postgresql://u:sec/ret@h/d", "postgresql://u:12/ret@h/d", "postgresql://u:sec@ret@h/d",
        "postgresql://u:sec%ret@h/d", "postgresql://u:sec%00@h/d", "postgresql://u:sec%2",
        "postgresql://h/d?password=sec&ret", "postgresql://h/d?password=sec=ret",
        "postgresql://u:sec:ret", "postgresql://h,u:sec/ret"}) {
    const auto target = parse_url(url);
    ASSERT_FALSE(target) << url;
    EXPECT_EQ(target.error().code, sdk::Errc::kInvalidArgument);
    EXPECT_EQ(target.error().message.find("sec"), std::string::npos);
    EXPECT_EQ(target.error().message.find("ret"), std::string::npos);
  }
  for (const char* url :
       {"postgresql://", "postgresql:///d", "postgresql://h", "postgresql://u@/d?host=/tmp",
        "postgresql://u:s%2Fe%40c%3Ar@h:5432/d", "postgresql://u:a:b?c@h/d",
        "postgresql://u:p@[::1]:5432,h2:5433,h3/d?sslmode=require&user=a@b",
        "postgresql://[::1]/d"})
    EXPECT_TRUE(parse_url(url)) << url;
}

TEST(OnceUrlTest, NamesOfTablesArePlainWords) {
  for (const char* good : {"oncemq_once", "a", "a1_"}) EXPECT_TRUE(check_table(good)) << good;
  for (const char* bad : {"", "1a", "A", "a-b", "a b", "a;drop", "a.b"})
    EXPECT_FALSE(check_table(bad)) << bad;
  EXPECT_TRUE(check_table(std::string(40, 'a')));
  EXPECT_FALSE(check_table(std::string(41, 'a')));
}

}  // namespace
}  // namespace oncemq::once
