#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "front/http/api_order.h"
#include "front/http/api_question.h"
#include "front/http/held_answers.h"
#include "front/http/request.h"
#include "front/http/response.h"

namespace oncemq::front {

// The JSON under /api/v1 (docs/http-api.md): questions are answered at once, orders when what they
// changed is on disk or committed. Thread rule: confined to the http loop.
class AdminApi {
 public:
  // `held` is the loop's.
  AdminApi(const HttpParts& parts, const os::Clock& clock, const model::LiveSettings& settings,
           net::EventLoop& loop, HeldAnswers& held)
      : context_{parts, clock, settings}, loop_(loop), held_(held) {}

  void serve(const HttpRequest& request, HttpReply reply);

 private:
  HttpResponse ask(const HttpRequest& request, std::vector<std::string> path) const;
  Result<ApiDone> carry_out(const HttpRequest& request, std::vector<std::string> path) const;
  void order(const HttpRequest& request, std::vector<std::string> path, HttpReply reply);

  const ApiContext context_;
  net::EventLoop& loop_;
  HeldAnswers& held_;
  log::Limited refused_{10'000};
};

}  // namespace oncemq::front
