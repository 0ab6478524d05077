#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/sql_filter.h"

namespace oncemq::model {

// Which dead letters of a group are meant (docs/dead-letters.md, "Which letters"): the rule of the
// command line and of the JSON API. What is left empty selects all, what is given must all hold.
// Thread rule: external; copies share `where`, which is immutable.
struct LetterFilter {
  std::vector<std::string> ids;  // offset id, UNIQ_KEY or ORIGIN_MESSAGE_ID
  std::string key;               // one of KEYS
  std::string topic;             // the original one
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, std::string>> properties;
  std::shared_ptr<const SqlFilter> where;  // TRUE of its properties
  std::int64_t begin_ms = 0;               // when it died, both inclusive
  std::int64_t end_ms = INT64_MAX;

  // What is looked at of a letter.
  struct Letter {
    std::string_view id;  // offset id
    std::int64_t died_ms = 0;
    std::string_view properties;  // stored form
  };
  bool wants(const Letter& letter) const;

  // Sets `where`. kSubscriptionBroken with place and reason.
  Status set_where(std::string_view expression);
  // kInvalidArgument when no letter can have died between begin and end.
  Status check_times() const;
};

}  // namespace oncemq::model
