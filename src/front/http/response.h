#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace oncemq::front {

// An answer with its body. Thread rule: external.
struct HttpResponse {
  int status = 200;
  std::string_view type = "text/plain; charset=utf-8";
  std::string body;
  std::string allow;  // methods, with 405

  static HttpResponse text(int status, std::string body) {
    return {.status = status, .body = std::move(body)};
  }
  static HttpResponse json(const Json& value, int status = 200);
  // {"error": {"code": ..., "message": ..., "hint": ...}}; `hint` says what to do, may be empty.
  static HttpResponse error(int status, std::string_view code, std::string_view message,
                            std::string_view hint = {});
};

std::string_view http_reason(int status);  // "Not Found"

// Status line and header fields. `close`: the connection ends with this answer.
std::string encode_head(const HttpResponse& response, bool close);

}  // namespace oncemq::front
