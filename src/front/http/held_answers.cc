#include "front/http/held_answers.h"

#include <algorithm>
#include <utility>

namespace oncemq::front {

void HeldAnswers::hold(const store::MessageStore& store, std::int64_t end, HttpReply reply,
                       HttpResponse response) {
  store_ = &store;
  held_.push_back({end, reply, std::move(response)});
}

void HeldAnswers::committed(store::CommittedOffset mark) {
  if (next_.load() <= mark.value) loop_.wake();
}

// Announces what is waited for, then looks at the mark again, so that none is missed.
void HeldAnswers::on_tick_end() {
  while (!held_.empty()) {
    const auto first = std::ranges::min_element(held_, {}, &Held::end);
    next_.store(first->end);
    if (first->end > store_->marks().committed().value) return;
    const Held ready = std::move(*first);
    held_.erase(first);
    // It may bring the next question of its connection at once.
    ready.reply.send(ready.response);
  }
  next_.store(INT64_MAX);
}

}  // namespace oncemq::front
