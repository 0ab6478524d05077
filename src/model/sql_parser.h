#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/sql_value.h"

// Grammar of SQL92 filters (docs/sql-filters.md).
namespace oncemq::model {

// Bounds of an expression. The text bounds everything that follows from it: nodes take 48 bytes,
// instructions 16, texts are no longer than the expression.
struct SqlLimits {
  static constexpr std::size_t kBytes = 4096;
  static constexpr std::size_t kDepth = 64;       // parentheses, NOT and signs inside each other
  static constexpr std::size_t kNodes = 512;      // operators, operands and items of IN lists
  static constexpr std::size_t kProperties = 64;  // different names
};

enum class SqlOp : std::uint8_t {
  kConstant,  // value, or text `first` when value is null and count is 1
  kProperty,  // name `first`
  kNegate,    // left
  kNot,       // left
  kTruth,     // left, a property
  kAnd,
  kOr,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIsNull,  // left
  kIsNotNull,
  kContains,  // left and text `first`; the NOT forms are false, too, for what is null
  kNotContains,
  kStartsWith,
  kNotStartsWith,
  kEndsWith,
  kNotEndsWith,
  kIn,  // left and texts `first`..`first + count`
  kNotIn,
};

struct SqlNode {
  SqlOp op = SqlOp::kConstant;
  std::uint16_t left = 0;  // nodes; operands come before their operators
  std::uint16_t right = 0;
  std::uint16_t first = 0;
  std::uint16_t count = 0;
  std::uint32_t at = 0;  // where it begins in the expression
  SqlValue value = SqlValue::null();
};

// A parsed expression; the last node need not be the root. BETWEEN has become two comparisons that
// share their left side.
struct SqlTree {
  std::vector<SqlNode> nodes;
  std::uint16_t root = 0;
  std::vector<std::string> texts;
  std::vector<std::string> names;  // of properties, each once
};

// kSubscriptionBroken with place and reason, also for what is beyond SqlLimits.
Result<SqlTree> parse_sql(std::string_view expression);

}  // namespace oncemq::model
