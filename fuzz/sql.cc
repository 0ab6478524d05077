// SQL92 filters. The input's first byte chooses what the rest is: an expression and properties as
// they are (parted by a newline), or seeds from which expressions of the grammar and fitting
// properties are made. What compiles is evaluated twice, compiled and plainly, with one result.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "model/properties.h"
#include "model/sql_filter.h"
#include "model/sql_reference.h"

using namespace oncemq;

namespace {

bool same(const model::SqlValue& a, const model::SqlValue& b) {
  return a.is_null() == b.is_null() && a.is_true() == b.is_true() && a.is_false() == b.is_false();
}

void check(std::string_view expression, std::string_view properties) {
  const auto filter = model::SqlFilter::compile(expression);
  const auto tree = model::parse_sql(expression);
  ONCE_CHECK(filter.has_value() == tree.has_value());
  if (!filter) {
    ONCE_CHECK(filter.error().code == Errc::kSubscriptionBroken && !filter.error().message.empty());
    return;
  }
  ONCE_CHECK(expression.size() <= model::SqlLimits::kBytes);
  const auto verdict = filter->evaluate(properties);
  ONCE_CHECK(verdict.value.is_null() || verdict.value.is_true() || verdict.value.is_false());
  ONCE_CHECK(filter->matches(properties) == verdict.value.is_true());
  model::SqlReference reference(*tree, properties);
  const model::SqlValue plain = reference.evaluate();
  ONCE_CHECK(verdict.work <= model::SqlFilter::kWorkMax);
  ONCE_CHECK(verdict.spent ? verdict.value.is_null() : same(plain, verdict.value));
  // A message that matches is never excluded by its tag hash.
  const auto tag = model::find_property(properties, model::property::kTags).value_or("");
  if (verdict.value.is_true()) ONCE_CHECK(filter->passes(model::tags_code(tag)));
}

// Makes sentences of the grammar out of bytes; few names and values, so that they meet.
class Writer {
 public:
  explicit Writer(std::string_view seed) : seed_(seed) {}

  std::string condition(int depth) {
    switch (choose(depth <= 0 ? 5 : 9)) {
      case 0:
        return operand() + pick({" = ", " <> ", " < ", " <= ", " > ", " >= "}) + operand();
      case 1:
        return name() + pick({" is null", " is not null"});
      case 2:
        return name() + pick({" between ", " not between "}) + number() + " and " + number();
      case 3:
        return name() + pick({" in (", " not in ("}) + text() + "," + text() + ")";
      case 4:
        return name() +
               pick({" contains ", " not contains ", " startswith ", " not startswith ",
                     " endswith ", " not endswith "}) +
               text();
      case 5:
        return "(" + condition(depth - 1) + ")";
      case 6:
        return "not " + condition(depth - 1);
      case 7:
        return condition(depth - 1) + " and " + condition(depth - 1);
      default:
        return condition(depth - 1) + " or " + condition(depth - 1);
    }
  }

  std::string properties() {
    std::string result;
    for (std::size_t i = choose(6); i > 0; --i)
      model::append_property(result, name(), choose(2) == 0 ? bare_number() : bare_text());
    return result;
  }

 private:
  std::size_t choose(std::size_t below) {
    if (at_ >= seed_.size()) return 0;
    return static_cast<unsigned char>(seed_[at_++]) % below;
  }
  std::string pick(std::initializer_list<const char*> words) {
    return *(words.begin() + choose(words.size()));
  }
  std::string name() { return pick({"a", "b", "c", "TAGS", "_x$1"}); }
  std::string bare_number() {
    return pick({"0", "1", "2", "2.5", "-1", "10", "1e3", ".5", "9223372036854775807"});
  }
  std::string number() { return pick({"", "-", "+", "- -"}) + bare_constant(); }
  std::string bare_constant() {
    return pick({"0", "1", "2", "2.5", "10L", "1e3", ".5", "5.", "9223372036854775807"});
  }
  std::string bare_text() { return pick({"x", "xy", "yx", "true", "False", "1", "\xE4\xB8\xAD"}); }
  std::string text() { return "'" + bare_text() + "'"; }
  std::string operand() {
    switch (choose(6)) {
      case 0:
        return number();
      case 1:
        return text();
      case 2:
        return pick({"true", "false", "null"});
      case 3:
        return "-" + name();
      default:
        return name();
    }
  }

  std::string_view seed_;
  std::size_t at_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    check(text.substr(0, end), text.substr(std::min(end + 1, text.size())));
    return 0;
  }
  Writer writer(text);
  const std::string expression = writer.condition(6);
  for (int i = 0; i < 4; ++i) check(expression, writer.properties());
  return 0;
}
