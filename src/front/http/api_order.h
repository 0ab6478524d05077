#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "front/http/api_question.h"
#include "front/http/body_fields.h"
#include "front/http/request.h"

namespace oncemq::front {

// What an operator orders: a POST, PUT or DELETE under /api/v1. Thread rule: external.
struct ApiOrder {
  std::vector<std::string> path;  // decoded, behind /api/v1/
  BodyFields& body;
  std::string by;        // who: the peer's address
  bool dry_run = false;  // ?dryRun=true: judge and tell, change nothing
};

// What an order came to, and when it may be said.
struct ApiDone {
  enum class When : std::uint8_t {
    kNow,
    kSaved,      // the tables of config/ are on disk
    kCommitted,  // *committed* has passed `end`
  };

  Json json;
  int status = 200;
  When when = When::kNow;
  std::int64_t end = 0;
  // It came to this "no", which is not told before then either.
  std::optional<Error> refusal;
};

// A kind of order and who carries it out, on the http loop. It does what the remoting request of
// the same name does, through the same nouns of the broker.
struct ApiOrderRoute {
  HttpMethod method;
  std::string_view pattern;
  Result<ApiDone> (*handler)(const ApiContext&, ApiOrder&);
  std::string_view help;
  bool needs_broker = true;
};

// The families, each in <family>_orders.cc.
std::span<const ApiOrderRoute> topic_order_routes();
std::span<const ApiOrderRoute> group_order_routes();
std::span<const ApiOrderRoute> transaction_order_routes();
std::span<const ApiOrderRoute> dead_letter_order_routes();
std::span<const ApiOrderRoute> config_order_routes();
std::span<const ApiOrderRoute> fault_order_routes();

// The shape of all answers to orders: {"done": true} or {"dryRun": true}, with `json`'s members.
Json order_json(const ApiOrder& order, Json json);

}  // namespace oncemq::front
