#include "model/sql_parser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "model/sql_lexer.h"

namespace oncemq::model {
namespace {

using Node = Result<std::uint16_t>;

std::optional<SqlOp> comparison_of(SqlWord word) {
  switch (word) {
    case SqlWord::kLess:
      return SqlOp::kLess;
    case SqlWord::kLessEqual:
      return SqlOp::kLessEqual;
    case SqlWord::kGreater:
      return SqlOp::kGreater;
    case SqlWord::kGreaterEqual:
      return SqlOp::kGreaterEqual;
    default:
      return std::nullopt;
  }
}

struct Search {
  SqlOp plain;
  SqlOp negated;
};
std::optional<Search> search_of(SqlWord word) {
  switch (word) {
    case SqlWord::kContains:
      return Search{SqlOp::kContains, SqlOp::kNotContains};
    case SqlWord::kStartsWith:
      return Search{SqlOp::kStartsWith, SqlOp::kNotStartsWith};
    case SqlWord::kEndsWith:
      return Search{SqlOp::kEndsWith, SqlOp::kNotEndsWith};
    default:
      return std::nullopt;
  }
}

bool gives_condition(SqlOp op) {
  return op != SqlOp::kConstant && op != SqlOp::kProperty && op != SqlOp::kNegate;
}

class Parser {
 public:
  explicit Parser(std::string_view expression) : expression_(expression), lexer_(expression) {}

  Result<SqlTree> parse() {
    ONCE_TRY(advance());
    auto root = or_expression();
    if (!root) return fail(std::move(root.error()));
    if (token_.word != SqlWord::kEnd) return refuse("the expression ends before this");
    root = condition(*root);
    if (!root) return fail(std::move(root.error()));
    tree_.root = *root;
    return std::move(tree_);
  }

 private:
  // Counts a level of nesting while it lives.
  class Level {
   public:
    explicit Level(std::size_t& depth) : depth_(depth) { ++depth_; }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    std::size_t& depth_;
  };

  tl::unexpected<Error> refuse(std::string_view reason) const {
    return sql_refusal(expression_, token_.at, reason);
  }
  tl::unexpected<Error> refuse(const SqlNode& node, std::string_view reason) const {
    return sql_refusal(expression_, node.at, reason);
  }

  Status advance() {
    auto next = lexer_.next();
    if (!next) return fail(std::move(next.error()));
    token_ = *next;
    return {};
  }
  Result<bool> took(SqlWord word) {
    if (token_.word != word) return false;
    ONCE_TRY(advance());
    return true;
  }
  Status expect(SqlWord word, std::string_view what) {
    if (token_.word != word) return refuse(std::string(what) + " is wanted here");
    return advance();
  }

  // The tree's indexes are small because of this bound.
  Status count_nodes(std::size_t more) {
    size_ += more;
    if (size_ > SqlLimits::kNodes)
      return refuse("the expression has more than 512 operators and operands");
    return {};
  }
  Node add(SqlNode node) {
    ONCE_TRY(count_nodes(1));
    tree_.nodes.push_back(node);
    return static_cast<std::uint16_t>(tree_.nodes.size() - 1);
  }
  Node add(SqlOp op, std::uint16_t left, std::uint16_t right = 0) {
    return add({.op = op, .left = left, .right = right, .at = tree_.nodes[left].at});
  }
  const SqlNode& at(std::uint16_t index) const { return tree_.nodes[index]; }
  Status check_depth() const {
    if (depth_ > SqlLimits::kDepth) return refuse("more than 64 levels inside each other");
    return {};
  }

  bool is_constant(const SqlNode& node, SqlValue::Kind kind) const {
    if (node.op != SqlOp::kConstant) return false;
    if (kind == SqlValue::Kind::kText) return node.count == 1;
    return node.value.kind == kind && node.count == 0;
  }
  bool is_condition(const SqlNode& node) const {
    return gives_condition(node.op) || is_constant(node, SqlValue::Kind::kBool) ||
           is_constant(node, SqlValue::Kind::kNull);
  }

  Node condition(std::uint16_t index) {
    if (is_condition(at(index))) return index;
    if (at(index).op == SqlOp::kProperty) return add(SqlOp::kTruth, index);
    return refuse(at(index), "a condition is wanted here, not a value");
  }

  Status check_orderable(std::uint16_t index) const {
    const SqlNode& node = at(index);
    if (node.op == SqlOp::kConstant && !node.value.is_number())
      return refuse(node, "only numbers can be compared with <, <=, >, >= and BETWEEN");
    if (gives_condition(node.op)) return refuse(node, "a condition is neither less nor greater");
    return {};
  }
  Status check_equatable(std::uint16_t left, std::uint16_t right) const {
    for (const std::uint16_t index : {left, right})
      if (is_constant(at(index), SqlValue::Kind::kNull))
        return refuse(at(index), "nothing equals NULL: write IS NULL or IS NOT NULL");
    const bool constants = at(left).op == SqlOp::kConstant && at(right).op == SqlOp::kConstant;
    if (constants && is_constant(at(left), SqlValue::Kind::kBool) !=
                         is_constant(at(right), SqlValue::Kind::kBool))
      return refuse(at(left), "a boolean and another constant are never equal");
    return {};
  }

  template <class Operand>
  Node chain(SqlWord word, SqlOp op, Operand operand) {
    auto left = (this->*operand)();
    while (left && token_.word == word) {
      ONCE_TRY(advance());
      auto right = (this->*operand)();
      if (!right) return right;
      left = condition(*left);
      if (!left) return left;
      right = condition(*right);
      if (!right) return right;
      left = add(op, *left, *right);
    }
    return left;
  }
  Node or_expression() { return chain(SqlWord::kOr, SqlOp::kOr, &Parser::and_expression); }
  Node and_expression() { return chain(SqlWord::kAnd, SqlOp::kAnd, &Parser::not_expression); }

  // compat: NOT takes a whole comparison, as in SQL. Upstream lets it take only the operand that
  // follows, by which "NOT a = 1" matches nothing.
  Node not_expression() {
    if (token_.word != SqlWord::kNot) return equality();
    const Level level(depth_);
    ONCE_TRY(check_depth());
    return negated(&Parser::not_expression);
  }
  template <class Operand>
  Node negated(Operand operand) {
    const std::size_t begin = token_.at;
    ONCE_TRY(advance());
    auto inner = (this->*operand)();
    if (inner) inner = condition(*inner);
    if (!inner) return inner;
    return add({.op = SqlOp::kNot, .left = *inner, .at = static_cast<std::uint32_t>(begin)});
  }

  Node equality() {
    auto left = comparison();
    while (left) {
      if (token_.word == SqlWord::kEqual || token_.word == SqlWord::kNotEqual) {
        const SqlOp op = token_.word == SqlWord::kEqual ? SqlOp::kEqual : SqlOp::kNotEqual;
        ONCE_TRY(advance());
        auto right = comparison();
        if (!right) return right;
        ONCE_TRY(check_equatable(*left, *right));
        left = add(op, *left, *right);
      } else if (token_.word == SqlWord::kIs) {
        ONCE_TRY(advance());
        const auto negative = took(SqlWord::kNot);
        if (!negative) return fail(negative.error());
        ONCE_TRY(expect(SqlWord::kNull, "NULL"));
        left = add(*negative ? SqlOp::kIsNotNull : SqlOp::kIsNull, *left);
      } else {
        break;
      }
    }
    return left;
  }

  Node comparison() {
    auto left = unary();
    while (left) {
      if (const auto op = comparison_of(token_.word)) {
        ONCE_TRY(advance());
        auto right = unary();
        if (!right) return right;
        ONCE_TRY(check_orderable(*left));
        ONCE_TRY(check_orderable(*right));
        left = add(*op, *left, *right);
        continue;
      }
      const auto negative = took(SqlWord::kNot);
      if (!negative) return fail(negative.error());
      if (const auto op = search_of(token_.word)) {
        ONCE_TRY(advance());
        left = search(*negative ? op->negated : op->plain, *left);
      } else if (token_.word == SqlWord::kBetween) {
        left = between(*left, *negative);
      } else if (token_.word == SqlWord::kIn) {
        left = in_list(*left, *negative);
      } else if (*negative) {
        return refuse("BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH is wanted here");
      } else {
        break;
      }
    }
    return left;
  }

  Node search(SqlOp op, std::uint16_t left) {
    SqlNode node{.op = op, .left = left, .count = 1, .at = at(left).at};
    ONCE_TRY(add_text(node.first));
    return add(node);
  }

  Node between(std::uint16_t value, bool negative) {
    ONCE_TRY(advance());
    auto low = unary();
    if (!low) return low;
    ONCE_TRY(expect(SqlWord::kAnd, "AND"));
    auto high = unary();
    if (!high) return high;
    for (const std::uint16_t operand : {value, *low, *high}) ONCE_TRY(check_orderable(operand));
    const SqlNode& from = at(*low);
    const SqlNode& to = at(*high);
    SqlBudget any;
    if (!negative && from.op == SqlOp::kConstant && to.op == SqlOp::kConstant &&
        sql_ordered(from.value, SqlOrder::kGreater, to.value, any).is_true())
      return refuse(from, "BETWEEN wants the smaller number first");
    auto below = add(negative ? SqlOp::kLess : SqlOp::kGreaterEqual, value, *low);
    if (!below) return below;
    auto above = add(negative ? SqlOp::kGreater : SqlOp::kLessEqual, value, *high);
    if (!above) return above;
    return add(negative ? SqlOp::kOr : SqlOp::kAnd, *below, *above);
  }

  Node in_list(std::uint16_t left, bool negative) {
    if (at(left).op != SqlOp::kProperty)
      return refuse(at(left), "only a property can be IN a list");
    ONCE_TRY(advance());
    ONCE_TRY(expect(SqlWord::kOpen, "'('"));
    SqlNode node{.op = negative ? SqlOp::kNotIn : SqlOp::kIn, .left = left, .at = at(left).at};
    std::uint16_t index = 0;
    ONCE_TRY(add_text(node.first));
    for (node.count = 1; token_.word == SqlWord::kComma; ++node.count) {
      ONCE_TRY(advance());
      ONCE_TRY(count_nodes(1));
      ONCE_TRY(add_text(index));
    }
    ONCE_TRY(expect(SqlWord::kClose, "')' or ','"));
    return add(node);
  }

  Status add_text(std::uint16_t& index) {
    if (token_.word != SqlWord::kText) return refuse("a string is wanted here");
    std::string text;
    const std::string_view inner = token_.text.substr(1, token_.text.size() - 2);
    for (std::size_t i = 0; i < inner.size(); ++i) {
      if (inner[i] == '\'') ++i;  // the first of two
      text += inner[i];
    }
    index = static_cast<std::uint16_t>(tree_.texts.size());
    tree_.texts.push_back(std::move(text));
    return advance();
  }

  Node unary() {
    const Level level(depth_);
    ONCE_TRY(check_depth());
    const std::size_t begin = token_.at;
    if (token_.word == SqlWord::kNot) return negated(&Parser::unary);
    if (token_.word == SqlWord::kPlus) {
      ONCE_TRY(advance());
      return unary();
    }
    if (token_.word != SqlWord::kMinus) return primary();
    ONCE_TRY(advance());
    auto operand = unary();
    if (!operand) return operand;
    SqlNode& node = tree_.nodes[*operand];
    if (is_condition(node) || is_constant(node, SqlValue::Kind::kText))
      return refuse(node, "only a number can be negated");
    if (node.op == SqlOp::kConstant) {
      SqlBudget any;
      node.value = sql_negate(node.value, any);
      node.at = static_cast<std::uint32_t>(begin);
      return operand;
    }
    return add({.op = SqlOp::kNegate, .left = *operand, .at = static_cast<std::uint32_t>(begin)});
  }

  Node primary() {
    SqlNode node{.at = static_cast<std::uint32_t>(token_.at)};
    switch (token_.word) {
      case SqlWord::kName:
        return property(node);
      case SqlWord::kText:
        node.count = 1;
        ONCE_TRY(add_text(node.first));
        return add(node);
      case SqlWord::kInteger:
      case SqlWord::kDecimal: {
        const auto value = parse_sql_number(token_.text);
        if (!value) return refuse("the number is too large or has more than 64 characters");
        node.value = *value;
        break;
      }
      case SqlWord::kTrue:
        node.value = SqlValue::of(true);
        break;
      case SqlWord::kFalse:
        node.value = SqlValue::of(false);
        break;
      case SqlWord::kNull:
        break;
      case SqlWord::kOpen: {
        ONCE_TRY(advance());
        auto inner = or_expression();
        if (!inner) return inner;
        ONCE_TRY(expect(SqlWord::kClose, "')'"));
        return inner;
      }
      case SqlWord::kEnd:
        return refuse("the expression ends too early");
      default:
        return refuse("a property, a constant or '(' is wanted here");
    }
    ONCE_TRY(advance());
    return add(node);
  }

  Node property(SqlNode node) {
    node.op = SqlOp::kProperty;
    const auto known = std::find(tree_.names.begin(), tree_.names.end(), token_.text);
    node.first = static_cast<std::uint16_t>(known - tree_.names.begin());
    if (known == tree_.names.end()) {
      if (tree_.names.size() == SqlLimits::kProperties)
        return refuse("the expression names more than 64 properties");
      tree_.names.emplace_back(token_.text);
    }
    ONCE_TRY(advance());
    return add(node);
  }

  std::string_view expression_;
  SqlLexer lexer_;
  SqlToken token_;
  SqlTree tree_;
  std::size_t depth_ = 0;
  std::size_t size_ = 0;
};

}  // namespace

Result<SqlTree> parse_sql(std::string_view expression) {
  if (expression.size() > SqlLimits::kBytes)
    return fail(Errc::kSubscriptionBroken, "the SQL92 expression is longer than 4096 bytes");
  return Parser(expression).parse();
}

}  // namespace oncemq::model
