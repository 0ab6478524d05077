#include "front/http/order_guard.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/address.h"

namespace oncemq::front {
namespace {

std::string_view without_port(std::string_view host) {
  if (host.starts_with('['))
    return host.find(']') == std::string_view::npos ? "" : host.substr(1, host.find(']') - 1);
  return host.substr(0, host.rfind(':'));
}

bool is_ip(std::string_view host) {
  const std::string text = host.find(':') != std::string_view::npos
                               ? "[" + std::string(host) + "]:1"
                               : std::string(host) + ":1";
  return Address::parse(text).has_value();
}

// "application/json", whatever parameters follow.
bool is_json(std::string_view type) {
  constexpr std::string_view kJson = "application/json";
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return std::ranges::equal(type, kJson, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
  });
}

}  // namespace

bool is_address_or_localhost(std::string_view host) {
  host = without_port(host);
  return host == "localhost" || is_ip(host);
}

std::optional<HttpResponse> refuse_order(const HttpRequest& request, bool remote) {
  if (!remote && !request.peer.is_loopback())
    return HttpResponse::error(403, "not_allowed", "orders are taken from this machine only",
                               "set httpAdminRemote=true to take them from others too");
  // A name that an attacker's page was loaded from may point here. Whoever opens the port to other
  // machines may serve it under a name, but not to browsers, which say where they come from.
  const bool named_host = !is_address_or_localhost(request.host);
  if (named_host && (!remote || !request.origin.empty()))
    return HttpResponse::error(421, "misdirected",
                               "the Host field names neither an address nor localhost");
  if (!request.origin.empty() && request.origin != "http://" + request.host)
    return HttpResponse::error(403, "foreign_origin",
                               "orders are not taken from pages of other origins");
  // What a page can send without being asked for leave (a form, a beacon) is never JSON.
  if (!is_json(request.content_type))
    return HttpResponse::error(415, "not_json", "an order says 'Content-Type: application/json'",
                               "curl -H 'Content-Type: application/json' ...");
  return std::nullopt;
}

}  // namespace oncemq::front
