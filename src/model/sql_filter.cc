#include "model/sql_filter.h"

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "base/check.h"
#include "model/properties.h"
#include "model/sql_search.h"

namespace oncemq::model {
namespace {

using Tags = std::optional<std::vector<std::int32_t>>;

// FNV-1a. Its low bits choose the place; all 64 are compared before the names are.
std::uint64_t hash_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

std::uint64_t length_bit(std::string_view name) {
  return std::uint64_t{1} << std::min<std::size_t>(name.size(), 63);
}

// Short ones first, so that most are told apart by their length.
struct ListOrder {
  bool operator()(std::string_view a, std::string_view b) const {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};

bool is_tags(const SqlTree& tree, const SqlNode& node) {
  return node.op == SqlOp::kProperty && tree.names[node.first] == property::kTags;
}

// Hashes of the tags that a message must have one of for `index` to be TRUE, if there is such a
// set.
Tags required_tags(const SqlTree& tree, std::uint16_t index) {
  const SqlNode& node = tree.nodes[index];
  switch (node.op) {
    case SqlOp::kAnd: {
      Tags left = required_tags(tree, node.left);
      return left ? left : required_tags(tree, node.right);
    }
    case SqlOp::kOr: {
      Tags left = required_tags(tree, node.left);
      if (!left) return left;
      Tags right = required_tags(tree, node.right);
      if (!right) return right;
      left->insert(left->end(), right->begin(), right->end());
      return left;
    }
    case SqlOp::kEqual: {
      const SqlNode& left = tree.nodes[node.left];
      const SqlNode& right = tree.nodes[node.right];
      const SqlNode& constant = is_tags(tree, left) ? right : left;
      if (!(is_tags(tree, left) || is_tags(tree, right)) || constant.op != SqlOp::kConstant ||
          constant.count == 0)
        return std::nullopt;
      return std::vector{java_hash(tree.texts[constant.first])};
    }
    case SqlOp::kIn: {
      if (!is_tags(tree, tree.nodes[node.left])) return std::nullopt;
      std::vector<std::int32_t> codes;
      for (std::size_t i = 0; i < node.count; ++i)
        codes.push_back(java_hash(tree.texts[node.first + i]));
      return codes;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

// Tree to instructions, operands first.
class SqlFilter::Compiler {
 public:
  Compiler(const SqlTree& tree, SqlFilter& filter) : tree_(tree), filter_(filter) {}

  void emit(std::uint16_t index) {
    const SqlNode& node = tree_.nodes[index];
    switch (node.op) {
      case SqlOp::kConstant:
        if (node.count == 1) return push({.code = Code::kText, .first = node.first});
        filter_.constants_.push_back(node.value);
        return push({.code = Code::kConstant,
                     .first = static_cast<std::uint16_t>(filter_.constants_.size() - 1)});
      case SqlOp::kProperty:
        return push({.code = Code::kProperty, .first = node.first});
      case SqlOp::kAnd:
        return branch(node, Code::kSkipIfFalse);
      case SqlOp::kOr:
        return branch(node, Code::kSkipIfTrue);
      case SqlOp::kEqual:
      case SqlOp::kNotEqual:
      case SqlOp::kLess:
      case SqlOp::kLessEqual:
      case SqlOp::kGreater:
      case SqlOp::kGreaterEqual:
        emit(node.left);
        emit(node.right);
        return apply(node, 2);
      default:
        emit(node.left);
        return apply(node, 1);
    }
  }

  std::size_t stack() const { return stack_max_; }

 private:
  void push(const Instruction& instruction) {
    filter_.program_.push_back(instruction);
    stack_max_ = std::max(stack_max_, ++stack_);
  }
  void apply(const SqlNode& node, std::size_t operands) {
    filter_.program_.push_back(
        {.code = Code::kApply, .op = node.op, .first = node.first, .count = node.count});
    stack_ -= operands - 1;
  }
  void branch(const SqlNode& node, Code skip) {
    emit(node.left);
    const std::size_t place = filter_.program_.size();
    filter_.program_.push_back({.code = skip});
    emit(node.right);
    apply(node, 2);
    filter_.program_[place].first = static_cast<std::uint16_t>(filter_.program_.size());
  }

  const SqlTree& tree_;
  SqlFilter& filter_;
  std::size_t stack_ = 0;
  std::size_t stack_max_ = 0;
};

// One evaluation.
class SqlFilter::Machine {
 public:
  Machine(const SqlFilter& filter, const Values& values, SqlBudget& budget)
      : filter_(filter), values_(values), budget_(budget) {}

  SqlValue run() {
    const std::vector<Instruction>& program = filter_.program_;
    // Jumps go forward only, so each instruction runs once at most.
    for (std::size_t at = 0; at < program.size(); ++at) {
      if (!budget_.take(sql_cost::kStep)) return SqlValue::null();
      const Instruction& instruction = program[at];
      switch (instruction.code) {
        case Code::kConstant:
          stack_[top_++] = filter_.constants_[instruction.first];
          break;
        case Code::kText:
          stack_[top_++] = SqlValue::of(std::string_view(filter_.texts_[instruction.first]));
          break;
        case Code::kProperty:
          stack_[top_++] = property(values_[instruction.first]);
          break;
        case Code::kSkipIfFalse:
          if (stack_[top_ - 1].is_false()) at = instruction.first - std::size_t{1};
          break;
        case Code::kSkipIfTrue:
          if (stack_[top_ - 1].is_true()) at = instruction.first - std::size_t{1};
          break;
        case Code::kApply:
          apply(instruction);
          break;
      }
    }
    return budget_.spent ? SqlValue::null() : stack_[0];
  }

 private:
  // An empty value counts as none, as everywhere.
  static SqlValue property(std::string_view value) {
    return value.empty() ? SqlValue::null() : SqlValue::of(value);
  }

  void apply(const Instruction& instruction) {
    SqlValue& last = stack_[top_ - 1];
    switch (instruction.op) {
      case SqlOp::kNegate:
        last = sql_negate(last, budget_);
        return;
      case SqlOp::kNot:
        last = sql_not(last);
        return;
      case SqlOp::kTruth:
        last = sql_truth(last);
        return;
      case SqlOp::kIsNull:
        last = SqlValue::of(last.is_null());
        return;
      case SqlOp::kIsNotNull:
        last = SqlValue::of(!last.is_null());
        return;
      case SqlOp::kContains:
      case SqlOp::kStartsWith:
      case SqlOp::kEndsWith:
        last = found(instruction, last, true);
        return;
      case SqlOp::kNotContains:
      case SqlOp::kNotStartsWith:
      case SqlOp::kNotEndsWith:
        last = found(instruction, last, false);
        return;
      case SqlOp::kIn:
        last = listed(instruction, last);
        return;
      case SqlOp::kNotIn:
        last = sql_not(listed(instruction, last));
        return;
      case SqlOp::kConstant:
      case SqlOp::kProperty:
        return;
      default:
        break;
    }
    const SqlValue right = last;
    SqlValue& left = stack_[--top_ - 1];
    left = combined(instruction.op, left, right);
  }

  SqlValue combined(SqlOp op, const SqlValue& left, const SqlValue& right) {
    switch (op) {
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
      case SqlOp::kGreaterEqual:
        return sql_ordered(left, SqlOrder::kGreaterEqual, right, budget_);
      default:
        return SqlValue::null();
    }
  }

  // compat: what is no text is not found and not "not found" either; nor is the empty string
  // (upstream ComparisonExpression.ContainsExpression and its kin).
  SqlValue found(const Instruction& instruction, const SqlValue& value, bool wanted) {
    const std::string_view what = filter_.texts_[instruction.first];
    if (value.kind != SqlValue::Kind::kText || what.empty()) return SqlValue::of(false);
    const std::string_view text = value.as_text();
    if (instruction.op == SqlOp::kContains || instruction.op == SqlOp::kNotContains) {
      const auto contained = sql_contains(text, what, budget_);
      return contained ? SqlValue::of(*contained == wanted) : SqlValue::null();
    }
    if (!budget_.take(cost_of_comparing(what.size()))) return SqlValue::null();
    const bool at_start =
        instruction.op == SqlOp::kStartsWith || instruction.op == SqlOp::kNotStartsWith;
    return SqlValue::of((at_start ? text.starts_with(what) : text.ends_with(what)) == wanted);
  }

  SqlValue listed(const Instruction& instruction, const SqlValue& value) {
    if (value.kind != SqlValue::Kind::kText) return SqlValue::null();
    const std::string_view text = value.as_text();
    // A text longer than the expression is compared with nothing.
    const std::size_t each = cost_of_comparing(std::min(text.size(), SqlLimits::kBytes));
    if (!budget_.take(static_cast<std::size_t>(std::bit_width(instruction.count)) * each))
      return SqlValue::null();
    const auto items = std::span(filter_.texts_).subspan(instruction.first, instruction.count);
    return SqlValue::of(std::binary_search(items.begin(), items.end(), text, ListOrder()));
  }

  static std::size_t cost_of_comparing(std::size_t bytes) {
    return sql_cost::kCompare + bytes / sql_cost::kBytesCompared;
  }

  const SqlFilter& filter_;
  const Values& values_;
  SqlBudget& budget_;
  std::array<SqlValue, kStack> stack_;  // not initialised: what is read was pushed before
  std::size_t top_ = 0;
};

Result<SqlFilter> SqlFilter::compile(std::string_view expression) {
  auto tree = parse_sql(expression);
  if (!tree) return fail(std::move(tree.error()));
  SqlFilter filter;
  filter.expression_ = expression;
  Compiler compiler(*tree, filter);
  compiler.emit(tree->root);
  ONCE_CHECK(compiler.stack() <= kStack);
  filter.tag_codes_ = required_tags(*tree, tree->root);
  if (filter.tag_codes_) std::sort(filter.tag_codes_->begin(), filter.tag_codes_->end());
  filter.texts_ = std::move(tree->texts);
  filter.names_ = std::move(tree->names);
  filter.sort_lists();
  filter.place_names();
  return filter;
}

void SqlFilter::sort_lists() {
  for (const Instruction& instruction : program_) {
    if (instruction.op != SqlOp::kIn && instruction.op != SqlOp::kNotIn) continue;
    const auto items = std::span(texts_).subspan(instruction.first, instruction.count);
    std::sort(items.begin(), items.end(), ListOrder());
  }
}

void SqlFilter::place_names() {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const std::uint64_t hash = hash_of(names_[i]);
    std::size_t at = hash % kPlaces;
    while (places_[at].name != 0) at = (at + 1) % kPlaces;
    places_[at] = {hash, static_cast<std::uint16_t>(i + 1)};
    name_lengths_ |= length_bit(names_[i]);
  }
}

std::optional<std::size_t> SqlFilter::name_index(std::string_view name, SqlBudget& budget) const {
  if (!budget.take(sql_cost::kName + name.size())) return std::nullopt;
  const std::uint64_t hash = hash_of(name);
  // Names can be made to meet in one place: then they pay for it.
  for (std::size_t at = hash % kPlaces; places_[at].name != 0 && budget.take(sql_cost::kProbe);
       at = (at + 1) % kPlaces) {
    const Place& place = places_[at];
    if (place.hash == hash && names_[place.name - 1U] == name) return place.name - 1U;
  }
  return std::nullopt;
}

// The last pair of a name counts, as in find_property.
bool SqlFilter::read_properties(std::string_view properties, Values& values,
                                SqlBudget& budget) const {
  if (!budget.take(properties.size() / sql_cost::kBytesWalked)) return false;
  std::string_view name;
  std::string_view value;
  for (PropertyCursor cursor(properties); !cursor.at_end();) {
    if (!budget.take(sql_cost::kPair)) return false;
    if (!cursor.take(name, value) || (name_lengths_ & length_bit(name)) == 0) continue;
    if (const auto index = name_index(name, budget)) values[*index] = value;
  }
  return !budget.spent;
}

bool SqlFilter::passes(std::int64_t tags_code) const {
  if (!tag_codes_) return true;
  const auto code = static_cast<std::int32_t>(tags_code);
  // A code that is no hash (upstream keeps addresses of its queue extension there) tells nothing.
  return code != tags_code || std::binary_search(tag_codes_->begin(), tag_codes_->end(), code);
}

std::size_t SqlFilter::bytes() const {
  const auto texts_bytes = [](const std::vector<std::string>& texts) {
    std::size_t sum = texts.capacity() * sizeof(std::string);
    for (const std::string& text : texts) sum += text.capacity() + 1;
    return sum;
  };
  return sizeof(*this) + expression_.capacity() + program_.capacity() * sizeof(Instruction) +
         constants_.capacity() * sizeof(SqlValue) + texts_bytes(texts_) + texts_bytes(names_) +
         (tag_codes_ ? tag_codes_->capacity() * sizeof(std::int32_t) : 0);
}

SqlFilter::Verdict SqlFilter::evaluate(std::string_view properties) const {
  Values values;
  SqlBudget budget{.left = kWorkMax};
  SqlValue value = SqlValue::null();
  if (names_.empty() || read_properties(properties, values, budget))
    value = Machine(*this, values, budget).run();
  return {.value = value, .spent = budget.spent, .work = kWorkMax - budget.left};
}

}  // namespace oncemq::model
