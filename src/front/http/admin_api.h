#pragma once

#include "front/http/api_question.h"
#include "front/http/request.h"
#include "front/http/response.h"

namespace oncemq::front {

// The JSON under /api/v1, read only (docs/http-api.md). Thread rule: confined to the http loop.
class AdminApi {
 public:
  AdminApi(const HttpParts& parts, const os::Clock& clock, const model::LiveSettings& settings)
      : context_{parts, clock, settings} {}

  HttpResponse answer(const HttpRequest& request) const;

 private:
  const ApiContext context_;
};

}  // namespace oncemq::front
