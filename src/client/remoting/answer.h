#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/command.h"
#include "wire/remoting/schema.h"

namespace oncemq::client {

// An answer with the bytes that its views point into. Thread rule: external.
class Answer {
 public:
  // `frame` is one whole frame, which is copied. kBadBytes.
  static Result<Answer> copy_of(Bytes frame);

  std::int32_t code() const { return command_.code; }
  std::string_view remark() const { return command_.remark; }
  Bytes body() const { return command_.body; }
  const wire::Command& command() const { return command_; }

  // OK for code 0; otherwise the refusal as an error: the remark with the code in front.
  Status status() const;
  // The answer's fields; an error also when the code is not 0.
  template <class Request>
  Result<typename Request::Reply> fields() const {
    ONCE_TRY(status());
    return wire::decode_reply<Request>(command_);
  }

 private:
  std::unique_ptr<std::byte[]> frame_;
  wire::Command command_;
};

// What a refusal with that number means in our words.
Errc errc_of(std::int32_t response_code);

}  // namespace oncemq::client
