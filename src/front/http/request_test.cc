#include "front/http/request.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::front {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = HttpParser::State;

std::string get(std::string_view target, std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

// Status that refuses the bytes; 0 when they are a request.
int refusal(std::string_view text) {
  HttpParser parser;
  if (parser.feed(as_bytes(text)) != State::kRefused) return 0;
  EXPECT_FALSE(parser.refusal().reason.empty());
  return parser.refusal().status;
}

TEST(HttpParser, ReadsWhatMatters) {
  HttpParser parser;
  const std::string text = get("/metrics?a=b", "ACCEPT: text/plain\r\nX: y\r\naccept: */*\r\n");
  ASSERT_EQ(parser.feed(as_bytes(text)), State::kComplete);
  EXPECT_EQ(parser.size(), text.size());
  const HttpRequest request = parser.take();
  EXPECT_EQ(request.method, HttpMethod::kGet);
  EXPECT_EQ(request.target, "/metrics?a=b");
  EXPECT_EQ(request.path(), "/metrics");
  EXPECT_EQ(request.host, "h");
  EXPECT_EQ(request.accept, "text/plain,*/*");
  EXPECT_TRUE(request.keep_alive);
}

TEST(HttpParser, BytesMayComeOneByOne) {
  HttpParser parser;
  const std::string text = get("/a", "Accept: b\r\n");
  for (std::size_t size = 1; size < text.size(); ++size)
    ASSERT_EQ(parser.feed(as_bytes(text).first(size)), State::kIncomplete) << size;
  ASSERT_EQ(parser.feed(as_bytes(text)), State::kComplete);
  EXPECT_EQ(parser.size(), text.size());
  const HttpRequest request = parser.take();
  EXPECT_EQ(request.target, "/a");
  EXPECT_EQ(request.host, "h");
  EXPECT_EQ(request.accept, "b");
}

TEST(HttpParser, OneAfterTheOther) {
  HttpParser parser;
  const std::string first = get("/1");
  const std::string both = first + "HEAD /2 HTTP/1.0\r\n\r\n";
  ASSERT_EQ(parser.feed(as_bytes(both)), State::kComplete);
  ASSERT_EQ(parser.size(), first.size());
  EXPECT_EQ(parser.take().target, "/1");
  ASSERT_EQ(parser.feed(as_bytes(both).subspan(first.size())), State::kComplete);
  const HttpRequest second = parser.take();
  EXPECT_EQ(second.target, "/2");
  EXPECT_EQ(second.method, HttpMethod::kHead);
  EXPECT_FALSE(second.keep_alive);
  EXPECT_EQ(second.host, "");
}

TEST(HttpParser, ClientsSayWhetherTheyStay) {
  HttpParser parser;
  ASSERT_EQ(parser.feed(as_bytes(get("/", "Connection: close\r\n"))), State::kComplete);
  EXPECT_FALSE(parser.take().keep_alive);
  ASSERT_EQ(parser.feed(as_bytes("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")),
            State::kComplete);
  EXPECT_TRUE(parser.take().keep_alive);
}

TEST(HttpParser, AnUpgradeIsNotTaken) {
  HttpParser parser;
  const std::string text =
      get("/metrics", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n");
  ASSERT_EQ(parser.feed(as_bytes(text)), State::kComplete);
  EXPECT_EQ(parser.size(), text.size());
  EXPECT_EQ(parser.take().target, "/metrics");
  // And the connection goes on with HTTP/1.1.
  ASSERT_EQ(parser.feed(as_bytes(get("/2"))), State::kComplete);
}

TEST(HttpParser, RefusesByKind) {
  EXPECT_EQ(refusal(std::string("\0\0\1\2", 4)), 400);
  EXPECT_EQ(refusal("hello\r\n\r\n"), 400);
  EXPECT_EQ(refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400);  // HTTP/2 without asking
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\r\n"), 400);            // no Host
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\n Folded: b\r\nBad Name: c\r\n\r\n"), 400);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"), 413);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), 411);
  EXPECT_EQ(refusal("PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"), 413);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n"), 413);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n"), 0);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"),
            400);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n"),
            400);
  EXPECT_EQ(refusal(get("/", "Origin: a\r\nOrigin: b\r\n")), 400);
  EXPECT_EQ(refusal(get("/", "Content-Type: a\r\nContent-Type: b\r\n")), 400);
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), 0);
  EXPECT_EQ(refusal(get("/" + std::string(HttpParser::kTargetMax, 'a'))), 414);
  EXPECT_EQ(refusal(get("/" + std::string(HttpParser::kTargetMax - 1, 'a'))), 0);
  EXPECT_EQ(refusal(get("/", "X: " + std::string(HttpParser::kHeadMax, 'a') + "\r\n")), 431);
  std::string many;
  for (std::size_t i = 1; i < HttpParser::kFieldsMax; ++i) many += "F: v\r\n";  // and Host
  EXPECT_EQ(refusal(get("/", many)), 0);
  EXPECT_EQ(refusal(get("/", many + "F: v\r\n")), 431);
}

TEST(HttpParser, AHeadWithoutEndIsRefusedAtTheBound) {
  HttpParser parser;
  std::string text = "GET / HTTP/1.1\r\nX: ";
  text.resize(HttpParser::kHeadMax, 'a');
  EXPECT_EQ(parser.feed(as_bytes(text)), State::kIncomplete);
  text += 'a';
  EXPECT_EQ(parser.feed(as_bytes(text)), State::kRefused);
  EXPECT_EQ(parser.refusal().status, 431);
}

TEST(HttpParser, OtherMethodsAreNamedSo) {
  for (const std::string method : {"PATCH", "OPTIONS", "TRACE"}) {
    HttpParser parser;
    ASSERT_EQ(parser.feed(as_bytes(method + " / HTTP/1.1\r\nHost: h\r\n\r\n")), State::kComplete);
    EXPECT_EQ(parser.take().method, HttpMethod::kOther) << method;
  }
}

TEST(HttpParser, OrdersHaveABody) {
  const std::string first =
      "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nOrigin: http://h\r\n"
      "Content-Length: 7\r\n\r\n{\"a\":1}";
  const std::string both = first + get("/2");
  for (const std::size_t step : {std::size_t{1}, std::size_t{5}, both.size()}) {
    HttpParser parser;
    State state = State::kIncomplete;
    std::size_t end = 0;
    while (state == State::kIncomplete && end < both.size()) {
      end = std::min(both.size(), end + step);
      state = parser.feed(as_bytes(both).first(end));
    }
    ASSERT_EQ(state, State::kComplete) << step;
    EXPECT_EQ(parser.size(), first.size());
    const HttpRequest request = parser.take();
    EXPECT_EQ(request.method, HttpMethod::kPut);
    EXPECT_EQ(request.body, "{\"a\":1}");
    EXPECT_EQ(request.content_type, "application/json");
    EXPECT_EQ(request.origin, "http://h");
    ASSERT_EQ(parser.feed(as_bytes(both).subspan(first.size())), State::kComplete);
    EXPECT_EQ(parser.take().target, "/2");
  }
}

TEST(HttpParser, ABodyIsNotCountedAsHead) {
  std::string text = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n";
  HttpParser parser;
  ASSERT_EQ(parser.feed(as_bytes(text)), State::kIncomplete);
  text.append(40'000, 'x');
  ASSERT_EQ(parser.feed(as_bytes(text)), State::kIncomplete);
  text.append(25'536, 'y');
  ASSERT_EQ(parser.feed(as_bytes(text)), State::kComplete);
  EXPECT_EQ(parser.take().body.size(), HttpParser::kBodyMax);
}

TEST(HttpMethodName, IsThatOfTheRequest) {
  EXPECT_EQ(method_name(HttpMethod::kGet), "GET");
  EXPECT_EQ(method_name(HttpMethod::kHead), "HEAD");
  EXPECT_EQ(method_name(HttpMethod::kPost), "POST");
  EXPECT_EQ(method_name(HttpMethod::kPut), "PUT");
  EXPECT_EQ(method_name(HttpMethod::kDelete), "DELETE");
}

TEST(HttpPath, IsCutThenDecoded) {
  EXPECT_THAT(path_segments("/").value(), IsEmpty());
  EXPECT_THAT(path_segments("/a/b%2Fc/").value(), ElementsAre("a", "b/c"));
  EXPECT_THAT(path_segments("/groups/%25RETRY%25g").value(), ElementsAre("groups", "%RETRY%g"));
  EXPECT_THAT(path_segments("/a//b").value(), ElementsAre("a", "", "b"));
  EXPECT_EQ(path_segments("a").error().code, Errc::kBadBytes);
  EXPECT_EQ(path_segments("*").error().code, Errc::kBadBytes);
  EXPECT_EQ(path_segments("/%RETRY%g").error().code, Errc::kBadBytes);
  EXPECT_EQ(path_segments("/%4").error().code, Errc::kBadBytes);
}

TEST(HttpPath, ParametersAreFoundByName) {
  EXPECT_EQ(query_value("/a?x=1&key=a+b%26c&flag", "key").value(), "a b&c");
  EXPECT_EQ(query_value("/a?x=1&flag", "flag", "no").value(), "");
  EXPECT_EQ(query_value("/a?xx=1", "x", "no").value(), "no");
  EXPECT_EQ(query_value("/a", "x", "no").value(), "no");
  EXPECT_EQ(query_value("/a?x=%zz", "x").error().code, Errc::kBadBytes);
}

}  // namespace
}  // namespace oncemq::front
