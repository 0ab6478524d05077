#include "model/sql_lexer.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace oncemq::model {
namespace {

constexpr std::array<std::pair<std::string_view, SqlWord>, 12> kKeywords{{
    {"not", SqlWord::kNot},
    {"and", SqlWord::kAnd},
    {"or", SqlWord::kOr},
    {"between", SqlWord::kBetween},
    {"in", SqlWord::kIn},
    {"true", SqlWord::kTrue},
    {"false", SqlWord::kFalse},
    {"null", SqlWord::kNull},
    {"is", SqlWord::kIs},
    {"contains", SqlWord::kContains},
    {"startswith", SqlWord::kStartsWith},
    {"endswith", SqlWord::kEndsWith},
}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool begins_name(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || c == '$';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

}  // namespace

tl::unexpected<Error> sql_refusal(std::string_view expression, std::size_t at,
                                  std::string_view reason) {
  const std::string_view before = expression.substr(0, at);
  const auto characters = std::count_if(before.begin(), before.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  });
  std::string message = "at character " + std::to_string(characters + 1);
  message.append(" of the SQL92 expression: ").append(reason);
  return fail(Errc::kSubscriptionBroken, std::move(message));
}

Status SqlLexer::skip_blanks() {
  for (;;) {
    while (at_ < all_.size() && is_blank(all_[at_])) ++at_;
    const std::string_view rest = all_.substr(at_);
    if (rest.starts_with("--")) {
      at_ = std::min(all_.find_first_of("\r\n", at_), all_.size());
    } else if (rest.starts_with("/*")) {
      const std::size_t end = all_.find("*/", at_ + 2);
      if (end == std::string_view::npos) return sql_refusal(all_, at_, "the comment has no end");
      at_ = end + 2;
    } else {
      return {};
    }
  }
}

SqlToken SqlLexer::take(SqlWord word, std::size_t size) {
  const SqlToken token{word, all_.substr(at_, size), at_};
  at_ += size;
  return token;
}

Result<SqlToken> SqlLexer::text() {
  std::size_t end = at_ + 1;
  for (;;) {
    end = all_.find('\'', end);
    if (end == std::string_view::npos) return sql_refusal(all_, at_, "the string has no end");
    if (end + 1 == all_.size() || all_[end + 1] != '\'') break;
    end += 2;
  }
  return take(SqlWord::kText, end + 1 - at_);
}

Result<SqlToken> SqlLexer::number() {
  std::size_t end = at_;
  const auto digits = [&] {
    const std::size_t begin = end;
    while (end < all_.size() && is_digit(all_[end])) ++end;
    return end - begin;
  };
  const std::size_t whole = digits();
  bool decimal = false;
  if (end < all_.size() && all_[end] == '.') {
    decimal = true;
    ++end;
    (void)digits();
  }
  if (end < all_.size() && lower(all_[end]) == 'e') {
    std::size_t sign = end + 1;
    if (sign < all_.size() && (all_[sign] == '+' || all_[sign] == '-')) ++sign;
    if (sign < all_.size() && is_digit(all_[sign])) {
      decimal = true;
      end = sign;
      (void)digits();
    }
  }
  if (!decimal && whole > 1 && all_[at_] == '0')
    return sql_refusal(all_, at_, "a whole number does not begin with 0");
  const SqlToken token = take(decimal ? SqlWord::kDecimal : SqlWord::kInteger, end - at_);
  if (!decimal && at_ < all_.size() && lower(all_[at_]) == 'l') ++at_;
  if (at_ < all_.size() && (begins_name(all_[at_]) || is_digit(all_[at_]) || all_[at_] == '.'))
    return sql_refusal(all_, at_, "the number does not end here");
  return token;
}

SqlToken SqlLexer::name() {
  std::size_t end = at_ + 1;
  while (end < all_.size() && (begins_name(all_[end]) || is_digit(all_[end]))) ++end;
  SqlToken token = take(SqlWord::kName, end - at_);
  for (const auto& [keyword, word] : kKeywords) {
    if (token.text.size() == keyword.size() &&
        std::equal(keyword.begin(), keyword.end(), token.text.begin(),
                   [](char a, char b) { return a == lower(b); }))
      token.word = word;
  }
  return token;
}

Result<SqlToken> SqlLexer::next() {
  ONCE_TRY(skip_blanks());
  if (at_ == all_.size()) return take(SqlWord::kEnd, 0);
  const char c = all_[at_];
  const char following = at_ + 1 < all_.size() ? all_[at_ + 1] : '\0';
  if (begins_name(c)) return name();
  if (is_digit(c) || (c == '.' && is_digit(following))) return number();
  switch (c) {
    case '\'':
      return text();
    case '=':
      return take(SqlWord::kEqual, 1);
    case '<':
      if (following == '>') return take(SqlWord::kNotEqual, 2);
      return following == '=' ? take(SqlWord::kLessEqual, 2) : take(SqlWord::kLess, 1);
    case '>':
      return following == '=' ? take(SqlWord::kGreaterEqual, 2) : take(SqlWord::kGreater, 1);
    case '(':
      return take(SqlWord::kOpen, 1);
    case ')':
      return take(SqlWord::kClose, 1);
    case ',':
      return take(SqlWord::kComma, 1);
    case '+':
      return take(SqlWord::kPlus, 1);
    case '-':
      return take(SqlWord::kMinus, 1);
    case '!':
      return sql_refusal(all_, at_, "'!' is not known: write <> or NOT");
    case '"':
      return sql_refusal(all_, at_, "strings stand between single quotes");
    default:
      return sql_refusal(all_, at_, "this character is not known");
  }
}

}  // namespace oncemq::model
