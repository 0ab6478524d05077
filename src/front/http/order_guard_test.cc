#include "front/http/order_guard.h"

#include <string>

#include <gtest/gtest.h>

namespace oncemq::front {
namespace {

HttpRequest order(std::string_view peer = "127.0.0.1:40000") {
  HttpRequest request;
  request.method = HttpMethod::kPost;
  request.target = "/api/v1/topics";
  request.host = "127.0.0.1:8082";
  request.content_type = "application/json";
  request.peer = Address::parse(peer).value();
  return request;
}

// 0: it may.
int status(const HttpRequest& request, bool remote = false) {
  const auto refusal = refuse_order(request, remote);
  return refusal ? refusal->status : 0;
}

TEST(OrderGuard, TakesWhatAProgramOnThisMachineSends) {
  EXPECT_EQ(status(order()), 0);
  EXPECT_EQ(status(order("[::1]:40000")), 0);
  HttpRequest request = order();
  request.host = "localhost";
  request.content_type = "Application/JSON ; charset=utf-8";
  EXPECT_EQ(status(request), 0);
}

TEST(OrderGuard, OtherMachinesOnlyWhenTold) {
  for (const char* const peer : {"10.0.0.9:40000", "[fe80::1]:40000", "0.0.0.0:1"}) {
    EXPECT_EQ(status(order(peer)), 403) << peer;
    EXPECT_EQ(status(order(peer), true), 0) << peer;
  }
}

TEST(OrderGuard, AWebPageCannotGiveOrders) {
  // What a form or a beacon can send.
  for (const char* const type :
       {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a",
        "text/plain; application/json", "application/json2", "application/jso"}) {
    HttpRequest request = order();
    request.content_type = type;
    EXPECT_EQ(status(request), 415) << type;
    EXPECT_EQ(status(request, true), 415) << type;
  }
  for (const char* const origin :
       {"http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8082",
        "http://127.0.0.1:8082.evil.example", "http://localhost:8082"}) {
    HttpRequest request = order();
    request.origin = origin;
    EXPECT_EQ(status(request), 403) << origin;
    EXPECT_EQ(status(request, true), 403) << origin;
  }
  HttpRequest own = order();
  own.origin = "http://127.0.0.1:8082";
  EXPECT_EQ(status(own), 0);
}

TEST(OrderGuard, ANameThatPointsHereIsNotOurs) {
  for (const char* const host : {"evil.example", "evil.example:8082", "", "localhost.evil:1",
                                 "127.0.0.1.evil.example:8082"}) {
    HttpRequest request = order();
    request.host = host;
    EXPECT_EQ(status(request), 421) << host;
    // Rebound: to the browser it is one origin.
    request.origin = "http://" + std::string(host);
    EXPECT_EQ(status(request), 421) << host;
    EXPECT_EQ(status(request, true), 421) << host;
  }
  // Served under a name on purpose, asked by a program.
  HttpRequest request = order("10.0.0.9:40000");
  request.host = "broker.example:8082";
  EXPECT_EQ(status(request, true), 0);
}

TEST(OrderGuard, HostsThatAreAddresses) {
  EXPECT_TRUE(is_address_or_localhost("localhost"));
  EXPECT_TRUE(is_address_or_localhost("localhost:8082"));
  EXPECT_TRUE(is_address_or_localhost("[::1]:8082"));
  EXPECT_TRUE(is_address_or_localhost("10.1.2.3"));
  EXPECT_FALSE(is_address_or_localhost("a"));
  EXPECT_FALSE(is_address_or_localhost("[::1"));
  EXPECT_FALSE(is_address_or_localhost("10.1.2.300"));
}

}  // namespace
}  // namespace oncemq::front
