#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

// Words of an SQL92 filter (docs/sql-filters.md).
namespace oncemq::model {

enum class SqlWord : std::uint8_t {
  kEnd,
  kName,
  kText,     // with its quotes; '' inside stands for one quote
  kInteger,  // without the l or L that may follow
  kDecimal,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kOpen,
  kClose,
  kComma,
  kPlus,
  kMinus,
  kNot,
  kAnd,
  kOr,
  kBetween,
  kIn,
  kTrue,
  kFalse,
  kNull,
  kIs,
  kContains,
  kStartsWith,
  kEndsWith,
};

struct SqlToken {
  SqlWord word = SqlWord::kEnd;
  std::string_view text;  // into the expression
  std::size_t at = 0;     // byte in the expression
};

// Takes an expression apart, skipping blanks, `-- comments` and `/* comments */`. Thread rule:
// confined.
class SqlLexer {
 public:
  explicit SqlLexer(std::string_view expression) : all_(expression) {}
  // kSubscriptionBroken with place and reason; kEnd again and again at the end.
  Result<SqlToken> next();

 private:
  Status skip_blanks();
  SqlToken take(SqlWord word, std::size_t size);
  Result<SqlToken> text();
  Result<SqlToken> number();
  SqlToken name();

  std::string_view all_;
  std::size_t at_ = 0;
};

// "at character 7 of the SQL92 expression: <reason>"; characters count from 1.
tl::unexpected<Error> sql_refusal(std::string_view expression, std::size_t at,
                                  std::string_view reason);

}  // namespace oncemq::model
