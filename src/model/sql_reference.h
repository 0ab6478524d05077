#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/properties.h"
#include "model/sql_filter.h"
#include "model/sql_parser.h"

// For tests and the fuzzer: the plain way to evaluate a parsed expression, node by node, without
// short cuts and without a bound of work, to compare the compiled one with. Thread rule: confined.
namespace oncemq::model {

class SqlReference {
 public:
  SqlReference(const SqlTree& tree, std::string_view properties)
      : tree_(tree), properties_(properties) {}

  SqlValue evaluate() { return value_of(tree_.root); }

 private:
  SqlValue value_of(std::uint16_t index) {
    const SqlNode& node = tree_.nodes[index];
    switch (node.op) {
      case SqlOp::kConstant:
        return node.count == 1 ? SqlValue::of(std::string_view(tree_.texts[node.first]))
                               : node.value;
      case SqlOp::kProperty: {
        const auto value = find_property(properties_, tree_.names[node.first]);
        return value ? SqlValue::of(*value) : SqlValue::null();
      }
      case SqlOp::kNegate:
        return sql_negate(value_of(node.left), budget_);
      case SqlOp::kNot:
        return sql_not(value_of(node.left));
      case SqlOp::kTruth:
        return sql_truth(value_of(node.left));
      case SqlOp::kIsNull:
        return SqlValue::of(value_of(node.left).is_null());
      case SqlOp::kIsNotNull:
        return SqlValue::of(!value_of(node.left).is_null());
      case SqlOp::kIn:
        return listed(node);
      case SqlOp::kNotIn:
        return sql_not(listed(node));
      case SqlOp::kContains:
      case SqlOp::kNotContains:
      case SqlOp::kStartsWith:
      case SqlOp::kNotStartsWith:
      case SqlOp::kEndsWith:
      case SqlOp::kNotEndsWith:
        return searched(node);
      default:
        return combined(node, value_of(node.left), value_of(node.right));
    }
  }

  SqlValue combined(const SqlNode& node, const SqlValue& left, const SqlValue& right) {
    switch (node.op) {
      case SqlOp::kAnd:
        return sql_and(left, right);
      case SqlOp::kOr:
        return sql_or(left, right);
      case SqlOp::kEqual:
        return sql_equal(left, right, budget_);
      case SqlOp::kNotEqual:
        return sql_not(sql_equal(left, right, budget_));
      case SqlOp::kLess:
        return sql_ordered(left, SqlOrder::kLess, right, budget_);
      case SqlOp::kLessEqual:
        return sql_ordered(left, SqlOrder::kLessEqual, right, budget_);
      case SqlOp::kGreater:
        return sql_ordered(left, SqlOrder::kGreater, right, budget_);
      default:
        return sql_ordered(left, SqlOrder::kGreaterEqual, right, budget_);
    }
  }

  SqlValue listed(const SqlNode& node) {
    const SqlValue value = value_of(node.left);
    if (value.kind != SqlValue::Kind::kText) return SqlValue::null();
    for (std::size_t i = 0; i < node.count; ++i)
      if (tree_.texts[node.first + i] == value.as_text()) return SqlValue::of(true);
    return SqlValue::of(false);
  }

  SqlValue searched(const SqlNode& node) {
    const SqlValue value = value_of(node.left);
    const std::string& what = tree_.texts[node.first];
    if (value.kind != SqlValue::Kind::kText || what.empty()) return SqlValue::of(false);
    const std::string text(value.as_text());
    switch (node.op) {
      case SqlOp::kStartsWith:
        return SqlValue::of(text.rfind(what, 0) == 0);
      case SqlOp::kNotStartsWith:
        return SqlValue::of(text.rfind(what, 0) != 0);
      case SqlOp::kEndsWith:
        return SqlValue::of(text.ends_with(what));
      case SqlOp::kNotEndsWith:
        return SqlValue::of(!text.ends_with(what));
      default:
        break;
    }
    return SqlValue::of((text.find(what) != std::string::npos) == (node.op == SqlOp::kContains));
  }

  const SqlTree& tree_;
  std::string_view properties_;
  SqlBudget budget_;  // without bound
};

}  // namespace oncemq::model
