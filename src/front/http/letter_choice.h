#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "front/http/api_order.h"
#include "model/letter_filter.h"
#include "model/offsets.h"

// Which dead letters an order is about: docs/http-api.md, "Letters by what they are".
namespace oncemq::front {

struct ChosenLetter {
  std::string id;  // offset message id
  model::LogOffset letter;
};

// An order's members that choose letters. Thread rule: external.
class LetterChoice {
 public:
  // Letters of one order: each is read (4 MiB at most) and copied before the next.
  static constexpr std::size_t kLettersMax = 64;
  // Letters that one order looks at when they are chosen by what they are, on the thread that also
  // answers scrapes: 1,024 × 33 us of an expression that takes all it may are 34 ms.
  static constexpr std::size_t kLookedMax = 1'024;

  // Reads the members; what is wrong with them is told by body.finish().
  explicit LetterChoice(BodyFields& body);

  struct Chosen {
    std::vector<ChosenLetter> letters;
    std::optional<std::int64_t> next;  // `from` of the next order; nothing: there are no more
  };
  // Letters named by their offset ids alone are taken as they are, marked or not; otherwise those
  // of the group that have no mark and are selected, oldest first. kTopicNotFound: the group has no
  // dead letters. kMessageNotFound: only ids were given, and no letter has one. kNotReady: marks
  // are still read.
  Result<Chosen> choose(const ApiContext& context, const std::string& group) const;

 private:
  bool only_ids_ = false;
  std::vector<ChosenLetter> named_;  // only ids, and all of them offset ids
  model::LetterFilter filter_;
  std::optional<std::int64_t> from_;
  std::size_t limit_ = kLettersMax;
};

}  // namespace oncemq::front
