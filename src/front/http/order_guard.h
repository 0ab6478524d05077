#pragma once

#include <optional>

#include "front/http/request.h"
#include "front/http/response.h"

namespace oncemq::front {

// Whether a POST, PUT or DELETE may be looked at at all (docs/http.md, "Who may ask"): it must come
// from this machine unless `remote` (httpAdminRemote), and must not be what a web page in a browser
// on this machine can send. Nothing: it may.
std::optional<HttpResponse> refuse_order(const HttpRequest& request, bool remote);

// The Host field, or an origin's host, without its port and brackets: an address or localhost?
bool is_address_or_localhost(std::string_view host);

}  // namespace oncemq::front
